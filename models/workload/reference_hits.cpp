#include "models/workload/reference_hits.hpp"

#include <cstddef>

#include <boost/unordered/unordered_flat_set.hpp>

#include "models/workload/tenants.hpp"

namespace tiercast::workload {
namespace {

double ratio_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// How many of the ids are prompt blocks.
std::size_t prompt_blocks(const Request& request) {
  if (request.ids.empty()) return 0;
  if (id_covered_tokens(request) <= request.input_tokens) return request.ids.size();
  return request.input_tokens / request.id_tokens;
}

class Counter {
 public:
  void add(const Request& request) {
    const std::size_t blocks = prompt_blocks(request);
    std::size_t hit = 0;
    while (hit < blocks && known_.contains(request.ids[hit])) ++hit;
    for (std::size_t k = hit; k < blocks; ++k) known_.insert(request.ids[k]);

    ++hits_.requests;
    hits_.input_tokens += request.input_tokens;
    hits_.blocks += blocks;
    hits_.hit_blocks += hit;
    const bool partial_hit =
        hit > 0 && hit == request.ids.size() && request.last_id_tokens < request.id_tokens;
    const std::uint64_t full = hit - (partial_hit ? 1 : 0);
    hits_.full_hit_tokens += full * request.id_tokens;
    hits_.hit_tokens += full * request.id_tokens + (partial_hit ? request.last_id_tokens : 0);
  }

  ReferenceHits result() const {
    ReferenceHits hits = hits_;
    hits.distinct_blocks = known_.size();
    return hits;
  }

 private:
  ReferenceHits hits_;
  boost::unordered_flat_set<std::uint64_t> known_;
};

}  // namespace

double ReferenceHits::block_hit_ratio() const { return ratio_of(hit_blocks, blocks); }
double ReferenceHits::token_hit_ratio() const { return ratio_of(hit_tokens, input_tokens); }
double ReferenceHits::full_block_token_hit_ratio() const {
  return ratio_of(full_hit_tokens, input_tokens);
}

ReferenceHits reference_hits(DemandSource& source, std::uint64_t requests_max, std::int64_t end_ns,
                             bool isolated) {
  Counter counter;
  Request request;
  std::int64_t arrival_ns = 0;
  for (std::uint64_t i = 0; i < requests_max; ++i) {
    if (!source.peek(arrival_ns) || arrival_ns >= end_ns || !source.next(request)) break;
    if (isolated) isolate(request);
    counter.add(request);
    source.completed(request.id, request.arrival_ns);
  }
  return counter.result();
}

}  // namespace tiercast::workload
