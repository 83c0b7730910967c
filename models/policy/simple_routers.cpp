// Routers that a line says all about.
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>

#include "models/policy/router_adapter.hpp"

namespace tiercast::policy {
namespace {

class RoundRobin {
 public:
  static constexpr std::string_view name = "round-robin";
  static constexpr uint32_t capabilities = 0;
  static std::span<const Parameter> parameters() { return {}; }

  RoundRobin(const ParameterValues&, uint64_t) {}

  uint32_t route(int64_t, const tp_prompt&, const Workers& workers, double*) {
    return static_cast<uint32_t>(routed_++ % workers.size());
  }
  void hash(StateHash& hash) const { hash.add(routed_); }
  static void archive(auto& self, auto& archive) { archive.value(self.routed_); }

 private:
  uint64_t routed_ = 0;
};

class LeastLoaded {
 public:
  static constexpr std::string_view name = "least-loaded";
  static constexpr uint32_t capabilities = 0;
  static std::span<const Parameter> parameters() { return {}; }

  LeastLoaded(const ParameterValues&, uint64_t) {}

  uint32_t route(int64_t, const tp_prompt&, const Workers& workers, double* costs) const {
    for (uint32_t i = 0; i < workers.size() && costs != nullptr; ++i) {
      costs[i] = workers[i].outstanding_requests;
    }
    return cheapest(workers, [](const tp_worker& worker) {
      return std::tuple(worker.outstanding_requests, worker.outstanding_tokens);
    });
  }
  void hash(StateHash&) const {}
  static void archive(auto&, auto&) {}
};

class Prefix {
 public:
  static constexpr std::string_view name = "prefix";
  static constexpr uint32_t capabilities = TP_CAP_READS_MATCHES;
  static std::span<const Parameter> parameters() { return {}; }

  Prefix(const ParameterValues&, uint64_t) {}

  uint32_t route(int64_t, const tp_prompt& prompt, const Workers& workers, double* costs) const {
    for (uint32_t i = 0; i < workers.size() && costs != nullptr; ++i) {
      costs[i] = static_cast<double>(prefill_and_load(prompt, workers[i]));
    }
    return cheapest(workers,
                    [&](const tp_worker& worker) { return prefill_and_load(prompt, worker); });
  }
  void hash(StateHash&) const {}
  static void archive(auto&, auto&) {}
};

}  // namespace

RouterEntry round_robin_entry() {
  return router_entry<RoundRobin>("Each in turn.", "vLLM production stack; Dynamo --router-mode");
}

RouterEntry least_loaded_entry() {
  return router_entry<LeastLoaded>("Fewest outstanding requests, then fewest tokens of theirs.",
                                   "least outstanding requests, as load balancers have it");
}

RouterEntry prefix_entry() {
  return router_entry<Prefix>(
      "Least of prefill left after the prefix in GPU memory, prefill that waits there, and context "
      "of all its requests, in tokens.",
      "NVIDIA Dynamo's KV router with its default weights; loads counted from prompts, so that it "
      "needs no engine state");
}

}  // namespace tiercast::policy
