#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/portable_exp.hpp"
#include "models/policy/router_adapter.hpp"

namespace tiercast::policy {
namespace {

/// Of each worker, in blocks,
///
///     cost = prefill_scale * max(0, (queued + prompt) / block - credit)
///            + active blocks + request_weight * requests
///     credit = overlap_credit * decay * device + host_weight * host + disk_weight * disk
///              + shared_weight * shared
///     decay = 1 / (1 + credit_decay * (queued - least queued of all) / prompt)
///
/// At temperature 0 the least cost wins, the lowest index among equals (Dynamo's map has no order).
/// Else worker i is drawn with a probability in proportion to
/// exp(-(cost_i - least) / ((most - least) * temperature)).
///
/// Departs from its source: active blocks are counted as the host counts them, of prompts in the
/// simulator, and a request's own blocks are left out, which shifts all costs alike.
class DynamoCost {
 public:
  static constexpr std::string_view name = "dynamo-cost";
  static constexpr uint32_t capabilities = uint32_t{TP_CAP_READS_MATCHES} | TP_CAP_READS_TIERS;

  static std::span<const Parameter> parameters() {
    using enum ParameterKind;
    static constexpr std::array declared{
        Parameter{"overlap_credit", "", real, 1, 0, 1, "credit for a block in GPU memory"},
        Parameter{"credit_decay", "", real, 0, 0, 1e3,
                  "how fast that falls with prefill waiting beyond the least loaded worker's"},
        Parameter{"host_weight", "", real, 0.75, 0, 1, "credit for a block in host memory"},
        Parameter{"disk_weight", "", real, 0.25, 0, 1, "credit for a block on the node's drives"},
        Parameter{"shared_weight", "", real, 0, 0, 1, "credit for a block in shared storage"},
        Parameter{"prefill_scale", "", real, 1, 0, 1e3, "weight of prefill"},
        Parameter{"request_weight", "blocks", real, 0, 0, 1e6, "cost of each request it has"},
        Parameter{"temperature", "", real, 0, 0, 1e3,
                  "0 takes the cheapest; the higher, the more evenly workers are drawn"}};
    return declared;
  }

  DynamoCost(const ParameterValues& values, uint64_t seed)
      : overlap_credit_(values.real("overlap_credit")),
        credit_decay_(values.real("credit_decay")),
        host_weight_(values.real("host_weight")),
        disk_weight_(values.real("disk_weight")),
        shared_weight_(values.real("shared_weight")),
        prefill_scale_(values.real("prefill_scale")),
        request_weight_(values.real("request_weight")),
        temperature_(values.real("temperature")),
        seed_(seed) {}

  uint32_t route(int64_t, const tp_prompt& prompt, const Workers& workers, double* costs) {
    uint64_t least_queued = UINT64_MAX;
    for (uint32_t i = 0; i < workers.size(); ++i) {
      least_queued = std::min(least_queued, workers[i].queued_tokens);
    }
    double least = 0;
    double most = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < workers.size(); ++i) {
      const double cost = cost_of(prompt, workers[i], least_queued);
      if (costs != nullptr) costs[i] = cost;
      if (i == 0 || cost > most) most = cost;
      if (i != 0 && !(cost < least)) continue;
      least = cost;
      best = i;
    }
    if (temperature_ == 0) return best;
    const double scale = most > least ? -1 / ((most - least) * temperature_) : 0;
    if (std::isinf(scale)) return best;  // any other is too improbable for a number
    const auto weight = [&](uint32_t i) {
      return exp_of_negative((cost_of(prompt, workers[i], least_queued) - least) * scale);
    };
    double sum = 0;
    for (uint32_t i = 0; i < workers.size(); ++i) sum += weight(i);
    double left = draw() * sum;
    for (uint32_t i = 0; i + 1 < workers.size(); ++i) {
      left -= weight(i);
      if (left <= 0) return i;
    }
    return workers.size() - 1;
  }

  void hash(StateHash& hash) const { hash.add(drawn_); }
  static void archive(auto& self, auto& archive) { archive.value(self.drawn_); }

 private:
  double cost_of(const tp_prompt& prompt, const tp_worker& worker, uint64_t least_queued) const {
    const auto blocks = [&](uint64_t tokens) {
      return static_cast<double>(tokens) / prompt.block_tokens;
    };
    const double excess = blocks(worker.queued_tokens - least_queued);
    const double decay = 1 / (1 + credit_decay_ * excess / std::max(1.0, blocks(prompt.tokens)));
    const double credit = overlap_credit_ * decay * blocks(worker.device_tokens) +
                          host_weight_ * blocks(worker.host_tokens) +
                          disk_weight_ * blocks(worker.disk_tokens) +
                          shared_weight_ * blocks(worker.shared_tokens);
    const double prefill = blocks(worker.queued_tokens + prompt.tokens);
    return prefill_scale_ * std::max(0.0, prefill - credit) +
           static_cast<double>(worker.active_blocks) +
           request_weight_ * worker.outstanding_requests;
  }

  // In (0, 1], by number: the same for the same seed however often it was asked for others.
  double draw() {
    StateHash hash;
    hash.add(seed_);
    hash.add(++drawn_);
    return (static_cast<double>(hash.value() >> 11) + 1) * 0x1p-53;
  }

  double overlap_credit_;
  double credit_decay_;
  double host_weight_;
  double disk_weight_;
  double shared_weight_;
  double prefill_scale_;
  double request_weight_;
  double temperature_;
  uint64_t seed_;
  uint64_t drawn_ = 0;
};

}  // namespace

RouterEntry dynamo_cost_entry() {
  return router_entry<DynamoCost>(
      "Prefill blocks left after weighted hits in each tier, blocks in use and requests; the "
      "cheapest worker, or one drawn by a softmax over costs.",
      "NVIDIA Dynamo: lib/kv-router/src/scheduling/selector.rs and config.rs (host 0.75, disk "
      "0.25); defaults of credit_decay, shared_weight and request_weight: assumption");
}

}  // namespace tiercast::policy
