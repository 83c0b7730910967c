#include "models/serving/router.hpp"

#include <algorithm>
#include <tuple>

namespace tiercast::serving {

namespace {

class RoundRobin : public Router {
 public:
  uint32_t route(uint32_t, std::span<const InstanceLoad> loads) override {
    const auto chosen = static_cast<uint32_t>(next_ % loads.size());
    ++next_;
    return chosen;
  }

 private:
  uint64_t next_ = 0;
};

template <class Cost>
uint32_t cheapest(std::span<const InstanceLoad> loads, Cost cost) {
  uint32_t best = 0;
  auto least = cost(loads[0]);
  for (uint32_t i = 1; i < loads.size(); ++i) {
    const auto costs = cost(loads[i]);
    if (!(costs < least)) continue;
    best = i;
    least = costs;
  }
  return best;
}

class LeastLoaded : public Router {
 public:
  uint32_t route(uint32_t, std::span<const InstanceLoad> loads) override {
    return cheapest(loads, [](const InstanceLoad& load) {
      return std::tuple(load.outstanding_requests, load.outstanding_input_tokens);
    });
  }
};

class PrefixAware : public Router {
 public:
  uint32_t route(uint32_t input_tokens, std::span<const InstanceLoad> loads) override {
    return cheapest(loads, [input_tokens](const InstanceLoad& load) {
      const uint32_t matched = std::min(load.matched_tokens, input_tokens);
      return (input_tokens - matched) + load.queued_input_tokens + load.outstanding_input_tokens;
    });
  }
  bool wants_matches() const override { return true; }
};

}  // namespace

std::unique_ptr<Router> make_router(RouterKind kind) {
  switch (kind) {
    case RouterKind::round_robin:
      return std::make_unique<RoundRobin>();
    case RouterKind::least_loaded:
      return std::make_unique<LeastLoaded>();
    case RouterKind::prefix:
      return std::make_unique<PrefixAware>();
  }
  return nullptr;
}

}  // namespace tiercast::serving
