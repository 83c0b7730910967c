// Any sequence of calls through a router's table, right and wrong ones.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/policy/router.hpp"
#include "sim/base/check.hpp"
#include "tests/fuzz/fuzz_calls.hpp"

using namespace tiercast;
using fuzz::check;
using fuzz::Input;

namespace {

using Instance = std::unique_ptr<tp_router, void (*)(tp_router*)>;

/// The same calls to two instances of a router, of which only one is asked for costs and the other
/// is told of workers by a host of a later version: they must agree.
class Host {
 public:
  Host(const policy::RouterEntry& entry, Input input)
      : table_(*entry.table),
        input_(input),
        config_(fuzz::config_from(entry.parameters, input_)),
        instances_{make(), make()} {}

  void run() {
    while (!input_.empty()) step();
    check(hash(0) == hash(1), "with costs asked for it goes on otherwise than without");
  }

 private:
  Instance make() const {
    tp_router* router = nullptr;
    check(table_.create(config_.c_str(), 7, &router, nullptr, 0) == TP_OK, "create");
    return {router, table_.destroy};
  }
  std::uint64_t hash(std::size_t i) const { return table_.hash_state(instances_[i].get()); }

  void step() {
    now_ns_ += static_cast<std::int64_t>(input_.scaled(40));
    const std::uint32_t what = input_.below(12);
    fill_question();
    if (what == 0) return save_and_restore();
    if (what == 1) return wrong_call();
    route();
  }

  void fill_question() {
    prompt_ = {};
    prompt_.size = sizeof prompt_;
    prompt_.tokens = 1 + static_cast<std::uint32_t>(input_.scaled(20));
    prompt_.block_tokens = 1 + input_.below(64);
    prompt_.key_tokens = 1 + input_.below(64);
    keys_.resize(input_.below(4));
    for (tp_key& key : keys_) key = {input_.byte() % 3, input_.below(16)};
    prompt_.key_count = static_cast<std::uint32_t>(keys_.size());
    prompt_.keys = keys_.empty() ? nullptr : keys_.data();
    workers_.resize(1 + input_.below(6));
    for (tp_worker& worker : workers_) {
      worker = {};
      worker.size = sizeof worker;
      worker.outstanding_requests = input_.byte();
      worker.outstanding_tokens = input_.scaled(40);
      worker.queued_tokens = input_.scaled(40);
      worker.active_blocks = input_.byte();
      for (std::uint32_t* const matched : {&worker.device_tokens, &worker.host_tokens,
                                           &worker.disk_tokens, &worker.shared_tokens}) {
        *matched = static_cast<std::uint32_t>(input_.scaled(20));
      }
    }
  }

  int ask(std::size_t i, const tp_worker* workers, std::uint32_t& chosen, double* costs) {
    return table_.route(instances_[i].get(), now_ns_, nullptr, &prompt_, workers, workers_.size(),
                        &chosen, costs);
  }

  void route() {
    std::array<std::uint32_t, 2> chosen{UINT32_MAX, UINT32_MAX};
    std::vector<double> costs(workers_.size());
    check(ask(0, workers_.data(), chosen[0], costs.data()) == TP_OK, "route with costs");
    const fuzz::WideViews<tp_worker> wide(workers_);
    check(ask(1, wide.data(), chosen[1], nullptr) == TP_OK, "route");
    check(chosen[0] < workers_.size(), "a worker that is not there");
    check(chosen[0] == chosen[1], "costs asked for change the answer");
    routed_ns_ = now_ns_;
    for (const double cost : costs) check(!std::isnan(cost), "a cost that is no number");
  }

  /// Both go on in new instances, each from the other's state, which may have been damaged first.
  void save_and_restore() {
    const std::uint64_t before = hash(1);
    const std::vector<char> state = fuzz::saved(table_, instances_[0].get());
    const std::vector<char> wrong = fuzz::damaged(state, input_);
    check(table_.restore(instances_[1].get(), wrong.data(), wrong.size()) == TP_EINVAL,
          "damage passes");
    check(table_.restore(instances_[1].get(), state.data(), state.size() - 1) == TP_EINVAL,
          "a part passes");
    check(hash(1) == before, "a damaged state changed something");
    for (Instance& instance : instances_) {
      instance = make();
      check(table_.restore(instance.get(), state.data(), state.size()) == TP_OK, "restore");
    }
    check(hash(0) == before, "a restored state is another");
  }

  /// Each must be refused and change nothing.
  void wrong_call() {
    const std::uint64_t before = hash(0);
    const auto refused = [&](std::int64_t now_ns, const tp_prompt* prompt, const tp_worker* workers,
                             std::size_t count) {
      std::uint32_t chosen = 0;
      check(table_.route(instances_[0].get(), now_ns, nullptr, prompt, workers, count, &chosen,
                         nullptr) == TP_EINVAL,
            "a wrong call passes");
    };
    const std::size_t count = workers_.size();
    refused(routed_ns_ - 1, &prompt_, workers_.data(), count);
    refused(now_ns_, nullptr, workers_.data(), count);
    refused(now_ns_, &prompt_, nullptr, count);
    refused(now_ns_, &prompt_, workers_.data(), 0);
    for (const auto spoil : {+[](tp_prompt& prompt) { prompt.size /= 2; },
                             +[](tp_prompt& prompt) { prompt.block_tokens = 0; },
                             +[](tp_prompt& prompt) {
                               prompt.key_count = 1;
                               prompt.keys = nullptr;
                             }}) {
      tp_prompt wrong = prompt_;
      spoil(wrong);
      refused(now_ns_, &wrong, workers_.data(), count);
    }
    --workers_.front().size;
    refused(now_ns_, &prompt_, workers_.data(), count);
    check(hash(0) == before, "a refusal changed something");
  }

  const tp_router_table& table_;
  Input input_;
  std::string config_;
  std::int64_t now_ns_ = 0;
  std::int64_t routed_ns_ = 0;  // when it was asked last
  tp_prompt prompt_{};
  std::vector<tp_key> keys_;
  std::vector<tp_worker> workers_;
  std::array<Instance, 2> instances_;
};

}  // namespace

/// The first byte is a policy's place among those fuzzed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto policies = fuzz::fuzzed(policy::router_policies());
  if (size == 0 || data[0] >= policies.size()) return 0;
  Host(*policies[data[0]], Input(data + 1, size - 1)).run();
  return 0;
}
