#include "models/serving/checked_router.hpp"

#include <array>

#include "models/tiering/checked_cache.hpp"

namespace tiercast::serving {

CheckedRouter::CheckedRouter(const tp_router_table& table, tp_router* policy)
    : table_(&table),
      policy_(policy, Destroy{table.destroy}),
      capabilities_(table.info()->capabilities) {}

std::optional<CheckedRouter> CheckedRouter::create(const tp_router_table& table,
                                                   std::string_view config, uint64_t seed,
                                                   std::string& error) {
  if (table.size < sizeof(tp_router_table) || table.info == nullptr || table.create == nullptr ||
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
  const int code =
      table.create(std::string(config).c_str(), seed, &policy, message.data(), message.size());
  if (code != TP_OK || policy == nullptr) {
    error = "router '" + std::string(info.name) +
            "': " + (message[0] != '\0' ? std::string(message.data()) : "create failed");
    return std::nullopt;
  }
  return CheckedRouter(table, policy);
}

uint32_t CheckedRouter::route(int64_t now_ns, const tp_request* request, const tp_prompt& prompt,
                              std::span<const tp_worker> workers) {
  uint32_t chosen = UINT32_MAX;
  const int code = table_->route(policy_.get(), now_ns, request, &prompt, workers.data(),
                                 workers.size(), &chosen, nullptr);
  const char* const name = table_->info()->name;
  if (code != TP_OK) {
    throw tiering::PolicyFault(name, "route", now_ns, "code " + std::to_string(code));
  }
  if (chosen >= workers.size()) {
    throw tiering::PolicyFault(
        name, "route", now_ns,
        "worker " + std::to_string(chosen) + " of " + std::to_string(workers.size()));
  }
  return chosen;
}

}  // namespace tiercast::serving
