#include "models/serving/warmed_loads.hpp"

#include <algorithm>

namespace tiercast::serving {

void WarmedLoads::begin(uint32_t instance, uint32_t input_tokens, int64_t end_ns) {
  ++loads_[instance].outstanding_requests;
  loads_[instance].outstanding_tokens += input_tokens;
  running_.push_back({end_ns, instance, input_tokens});
  std::push_heap(running_.begin(), running_.end(), later);
}

void WarmedLoads::end_before(int64_t now_ns) {
  while (!running_.empty() && running_.front().end_ns <= now_ns) {
    tp_worker& load = loads_[running_.front().instance];
    --load.outstanding_requests;
    load.outstanding_tokens -= running_.front().input_tokens;
    std::pop_heap(running_.begin(), running_.end(), later);
    running_.pop_back();
  }
}

}  // namespace tiercast::serving
