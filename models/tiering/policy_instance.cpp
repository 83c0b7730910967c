#include "models/tiering/policy_instance.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/policy/tape_format.hpp"
#include "models/tiering/call_mark.hpp"

namespace tiercast::tiering {
namespace {

std::string missing_entry(const tp_cache_table& table) {
  const std::array required{
      std::pair{"info", table.info == nullptr},
      std::pair{"create", table.create == nullptr},
      std::pair{"destroy", table.destroy == nullptr},
      std::pair{"on_remove", table.on_remove == nullptr},
      std::pair{"on_evictable", table.on_evictable == nullptr},
      std::pair{"select", table.select == nullptr},
      std::pair{"commit", table.commit == nullptr},
      std::pair{"abort", table.abort == nullptr},
  };
  for (const auto& [name, missing] : required) {
    if (missing) return std::string("the policy lacks ") + name;
  }
  return {};
}

/// Why no instance can be made of a table; empty where one may.
std::string unfit(const tp_cache_table& table, uint32_t size) {
  if (size < TP_CACHE_TABLE_SIZE_MIN) return "the policy lacks a whole table";
  std::string missing = missing_entry(table);
  if (!missing.empty()) return missing;
  const tp_info* info = table.info();
  if (info == nullptr || info->name == nullptr) return "the policy's info lacks a name";
  if (info->abi_major == TP_ABI_MAJOR) return {};
  return "policy '" + std::string(info->name) + "' speaks version " +
         std::to_string(info->abi_major) + " of the contract, not " + std::to_string(TP_ABI_MAJOR);
}

using Message = std::array<char, 512>;

}  // namespace

PolicyInstance::PolicyInstance(PolicyInstance&& other) noexcept
    : table_(other.table_), policy_(std::exchange(other.policy_, nullptr)) {}

PolicyInstance& PolicyInstance::operator=(PolicyInstance&& other) noexcept {
  std::swap(table_, other.table_);
  std::swap(policy_, other.policy_);
  return *this;
}

PolicyInstance::~PolicyInstance() {
  if (policy_ == nullptr) return;
  const CallMark mark(table_.info()->name, "destroy");
  table_.destroy(policy_);
}

std::optional<PolicyInstance> PolicyInstance::create(const tp_cache_table& given,
                                                     const tp_pool& pool, std::string_view config,
                                                     uint64_t seed, const tp_tape* tape,
                                                     std::string& error) {
  tp_cache_table table{};
  std::memcpy(&table, &given, std::min<std::size_t>(given.size, sizeof table));
  error = unfit(table, given.size);
  if (!error.empty()) return std::nullopt;
  const char* name = table.info()->name;
  const std::string lines(config);
  tp_cache* policy = nullptr;
  Message message{};
  const int code = [&] {
    const CallMark mark(name, "create");
    return table.create(lines.c_str(), &pool, seed, &policy, message.data(), message.size());
  }();
  if (code == TP_OK && policy != nullptr) {
    PolicyInstance made(table, policy);
    if (tape != nullptr) error = made.record(pool, lines, seed, *tape);
    if (!error.empty()) return std::nullopt;
    return made;
  }
  message.back() = '\0';
  error = "policy '" + std::string(name) + "': ";
  if (message[0] != '\0') {
    error += message.data();
  } else {
    error += "create answers " + policy::code_text(code) + (code == TP_OK ? " and no instance" : "");
  }
  return std::nullopt;
}

std::string PolicyInstance::record(const tp_pool& pool, const std::string& config, uint64_t seed,
                                   const tp_tape& tape) {
  tp_cache_table recording{};
  recording.size = sizeof recording;
  tp_cache* recorder = nullptr;
  Message message{};
  const int code = tp_record_cache(&table_, policy_, config.c_str(), &pool, seed, &tape, &recording,
                                   &recorder, message.data(), message.size());
  if (code != TP_OK) return "no tape: " + std::string(message.data());
  table_ = recording;
  policy_ = recorder;
  return {};
}

}  // namespace tiercast::tiering
