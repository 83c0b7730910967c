#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/tiering/policy_checks.hpp"

namespace tiercast::serving {

/// Owns one router behind its table and checks every answer; a wrong one throws
/// tiering::PolicyFault. Where asking is rehearsed, costs are asked for too and must be numbers,
/// and a router that can save is asked twice, restored in between: it must answer the same again,
/// whether or not costs are asked for.
class CheckedRouter {
 public:
  /// On failure answers nothing and puts one sentence in `error`.
  static std::optional<CheckedRouter> create(
      const tp_router_table& given, std::string_view config, uint64_t seed, std::string& error,
      tiering::PolicyChecks checks = tiering::PolicyChecks::answers);

  /// Whether it looks at what workers hold in GPU memory, in lower tiers, and at prompts' keys.
  bool wants_matches() const { return (capabilities_ & TP_CAP_READS_MATCHES) != 0; }
  bool wants_tiers() const { return (capabilities_ & TP_CAP_READS_TIERS) != 0; }
  bool wants_keys() const { return (capabilities_ & TP_CAP_READS_KEYS) != 0; }

  /// The worker that gets the request; request may be null.
  uint32_t route(int64_t now_ns, const tp_request* request, const tp_prompt& prompt,
                 std::span<const tp_worker> workers);

 private:
  struct Destroy {
    const char* name;
    void (*destroy)(tp_router*);
    void operator()(tp_router* policy) const;
  };
  /// What a call is about.
  struct Question {
    int64_t now_ns;
    const tp_request* request;
    const tp_prompt* prompt;
    std::span<const tp_worker> workers;
  };

  CheckedRouter(const tp_router_table& table, tp_router* policy, tiering::PolicyChecks checks);

  uint32_t ask(const Question& question, double* costs);
  uint32_t ask_for_costs(const Question& question);
  void rehearse(const Question& question);
  std::vector<std::byte> saved(int64_t now_ns) const;
  uint64_t hash_state() const;
  [[noreturn]] void fail(const char* call, int64_t now_ns, const std::string& answer) const;

  tp_router_table table_;  // NULL where the given one ends before
  const char* name_;       // as its info says
  std::unique_ptr<tp_router, Destroy> policy_;
  uint32_t capabilities_;
  tiering::PolicyChecks checks_;
  uint64_t routes_ = 0;
  std::vector<double> costs_;  // scratch
};

}  // namespace tiercast::serving
