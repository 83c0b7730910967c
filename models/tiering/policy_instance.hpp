#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "models/policy/tierpolicy.h"
#include "models/policy/tierpolicy_tape.h"

namespace tiercast::tiering {

/// Owns an instance of a cache policy. Its table has NULL for the entries that its library does not
/// know.
class PolicyInstance {
 public:
  /// As CheckedCache::create.
  static std::optional<PolicyInstance> create(const tp_cache_table& given, const tp_pool& pool,
                                              std::string_view config, uint64_t seed,
                                              const tp_tape* tape, std::string& error);

  PolicyInstance(PolicyInstance&& other) noexcept;
  PolicyInstance& operator=(PolicyInstance&& other) noexcept;
  ~PolicyInstance();

  const tp_cache_table& table() const { return table_; }
  tp_cache* get() const { return policy_; }

 private:
  PolicyInstance(const tp_cache_table& table, tp_cache* policy) : table_(table), policy_(policy) {}

  /// From now on every call goes to the tape too. Answers what is wrong, or nothing.
  std::string record(const tp_pool& pool, const std::string& config, uint64_t seed,
                     const tp_tape& tape);

  tp_cache_table table_;
  tp_cache* policy_;
};

}  // namespace tiercast::tiering
