#include "models/serving/checked_router.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "models/policy/tape_format.hpp"
#include "models/tiering/call_mark.hpp"
#include "models/tiering/checked_cache.hpp"

namespace tiercast::serving {

using policy::code_text;
using tiering::CallMark;

void CheckedRouter::Destroy::operator()(tp_router* policy) const {
  const CallMark mark(name, "destroy");
  destroy(policy);
}

CheckedRouter::CheckedRouter(const tp_router_table& table, tp_router* policy,
                             tiering::PolicyChecks checks)
    : table_(table),
      name_(table.info()->name),
      policy_(policy, Destroy{name_, table.destroy}),
      capabilities_(table.info()->capabilities),
      checks_(checks) {}

std::optional<CheckedRouter> CheckedRouter::create(const tp_router_table& given,
                                                   std::string_view config, uint64_t seed,
                                                   std::string& error,
                                                   tiering::PolicyChecks checks) {
  tp_router_table table{};
  std::memcpy(&table, &given, std::min<std::size_t>(given.size, sizeof table));
  if (given.size < TP_ROUTER_TABLE_SIZE_MIN || table.info == nullptr || table.create == nullptr ||
      table.destroy == nullptr || table.route == nullptr) {
    error = "the router lacks info, create, destroy or route, or is of another version";
    return std::nullopt;
  }
  const tp_info& info = *table.info();
  if (info.abi_major != TP_ABI_MAJOR) {
    error = "router '" + std::string(info.name) + "' speaks version " +
            std::to_string(info.abi_major) + " of the contract, not " +
            std::to_string(TP_ABI_MAJOR);
    return std::nullopt;
  }
  tp_router* policy = nullptr;
  std::array<char, 512> message{};
  const int code = [&] {
    const CallMark mark(info.name, "create");
    return table.create(std::string(config).c_str(), seed, &policy, message.data(), message.size());
  }();
  message.back() = '\0';
  if (code != TP_OK || policy == nullptr) {
    error = "router '" + std::string(info.name) +
            "': " + (message[0] != '\0' ? std::string(message.data()) : "create failed");
    return std::nullopt;
  }
  return CheckedRouter(table, policy, checks);
}

void CheckedRouter::fail(const char* call, int64_t now_ns, const std::string& answer) const {
  throw tiering::PolicyFault(name_, call, now_ns, answer);
}

uint32_t CheckedRouter::ask(const Question& question, double* costs) {
  uint32_t chosen = UINT32_MAX;
  const CallMark mark(name_, "route", question.now_ns);
  const int code = table_.route(policy_.get(), question.now_ns, question.request, question.prompt,
                                question.workers.data(), question.workers.size(), &chosen, costs);
  if (code != TP_OK) fail("route", question.now_ns, code_text(code));
  if (chosen >= question.workers.size()) {
    fail("route", question.now_ns,
         "worker " + std::to_string(chosen) + " of " + std::to_string(question.workers.size()));
  }
  return chosen;
}

uint32_t CheckedRouter::ask_for_costs(const Question& question) {
  costs_.assign(question.workers.size(), 0);  // of a router that has none
  const uint32_t chosen = ask(question, costs_.data());
  const auto wrong =
      std::find_if(costs_.begin(), costs_.end(), [](double cost) { return std::isnan(cost); });
  if (wrong != costs_.end()) {
    fail("route", question.now_ns,
         "the cost of worker " + std::to_string(wrong - costs_.begin()) + " is no number");
  }
  return chosen;
}

uint32_t CheckedRouter::route(int64_t now_ns, const tp_request* request, const tp_prompt& prompt,
                              std::span<const tp_worker> workers) {
  const Question question{now_ns, request, &prompt, workers};
  if (checks_ == tiering::PolicyChecks::answers) return ask(question, nullptr);
  const bool saves = table_.save != nullptr && table_.restore != nullptr;
  const uint64_t routed = routes_++;
  if (saves && (routed < tiering::kRehearsedSelects || routed % tiering::kRehearsedSelects == 0)) {
    rehearse(question);
  }
  return ask_for_costs(question);
}

/// Asks without costs, and with, and takes both back.
void CheckedRouter::rehearse(const Question& question) {
  const std::vector<std::byte> before = saved(question.now_ns);
  const auto take_back = [&] {
    const CallMark mark(name_, "restore", question.now_ns);
    const int code = table_.restore(policy_.get(), before.data(), before.size());
    if (code != TP_OK) fail("restore", question.now_ns, code_text(code));
  };
  const uint64_t hash_before = hash_state();
  const uint32_t without = ask(question, nullptr);
  const uint64_t hash_behind = hash_state();
  take_back();
  if (const uint64_t restored = hash_state(); restored != hash_before) {
    fail("restore", question.now_ns,
         "hash_state is " + std::to_string(restored) + " where it was " +
             std::to_string(hash_before) + " when it was saved");
  }
  const uint32_t with = ask_for_costs(question);
  if (with != without || hash_state() != hash_behind) {
    fail("route", question.now_ns,
         "worker " + std::to_string(with) +
             " with costs asked for, where restored to the same "
             "state it was worker " +
             std::to_string(without) + " without, or hash_state differs");
  }
  take_back();
}

std::vector<std::byte> CheckedRouter::saved(int64_t now_ns) const {
  const CallMark mark(name_, "save", now_ns);
  size_t size = 0;
  int code = table_.save(policy_.get(), nullptr, 0, &size);
  if (code != TP_OK) fail("save", now_ns, code_text(code));
  std::vector<std::byte> bytes(size);
  code = table_.save(policy_.get(), bytes.data(), bytes.size(), &size);
  if (code != TP_OK) fail("save", now_ns, code_text(code));
  return bytes;
}

uint64_t CheckedRouter::hash_state() const {
  const CallMark mark(name_, "hash_state");
  return table_.hash_state != nullptr ? table_.hash_state(policy_.get()) : 0;
}

}  // namespace tiercast::serving
