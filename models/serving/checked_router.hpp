#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "models/policy/tierpolicy.h"

namespace tiercast::serving {

/// Owns one router behind its table and checks every answer; a wrong one throws
/// tiering::PolicyFault.
class CheckedRouter {
 public:
  /// On failure answers nothing and puts one sentence in `error`.
  static std::optional<CheckedRouter> create(const tp_router_table& table, std::string_view config,
                                             uint64_t seed, std::string& error);

  /// Whether it looks at what workers hold in GPU memory, in lower tiers, and at prompts' keys.
  bool wants_matches() const { return (capabilities_ & TP_CAP_READS_MATCHES) != 0; }
  bool wants_tiers() const { return (capabilities_ & TP_CAP_READS_TIERS) != 0; }
  bool wants_keys() const { return (capabilities_ & TP_CAP_READS_KEYS) != 0; }

  /// The worker that gets the request; request may be null.
  uint32_t route(int64_t now_ns, const tp_request* request, const tp_prompt& prompt,
                 std::span<const tp_worker> workers);

 private:
  struct Destroy {
    void (*destroy)(tp_router*);
    void operator()(tp_router* policy) const { destroy(policy); }
  };

  CheckedRouter(const tp_router_table& table, tp_router* policy);

  const tp_router_table* table_;
  std::unique_ptr<tp_router, Destroy> policy_;
  uint32_t capabilities_;
};

}  // namespace tiercast::serving
