#include "reports/roles.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "models/llm/step_table.hpp"
#include "reports/figures.hpp"

namespace tiercast::reports {

namespace {

using llm::Int128;

constexpr double kNsPerMs = 1e6;
constexpr std::string_view kBlocks = "kv_blocks";

std::string_view resource_of(serving::WaitCause cause) {
  switch (cause) {
    case serving::WaitCause::step:
      return "step";
    case serving::WaitCause::sequences:
      return "max_sequences";
    case serving::WaitCause::tokens:
      return "max_batched_tokens";
    case serving::WaitCause::blocks:
      return kBlocks;
  }
  return "";
}

}  // namespace

RoleUse use_of(std::span<const serving::InstanceOutcome> instances, uint64_t requests,
               int64_t span_ns) {
  RoleUse use;
  use.instances = instances.size();
  Int128 busy_ticks = 0;
  Int128 all_ns = 0;
  for (const serving::InstanceOutcome& instance : instances) {
    busy_ticks += instance.counts.busy_ticks;
    all_ns += instance.counts.waiting_area_of_all_ns();
  }
  const Int128 whole = Int128{span_ns} * static_cast<int64_t>(instances.size()) * llm::kTicksPerNs;
  if (whole != 0) use.gpu_busy = static_cast<double>(busy_ticks) / static_cast<double>(whole);
  const auto mean_ms = [&](Int128 sum_ns) -> std::optional<double> {
    if (requests == 0) return std::nullopt;
    return static_cast<double>(sum_ns) / kNsPerMs / static_cast<double>(requests);
  };
  use.queue_ms = mean_ms(all_ns);
  for (size_t cause = 0; cause < serving::kWaitCauses; ++cause) {
    Int128 waiting_ns = 0;
    for (const serving::InstanceOutcome& instance : instances) {
      waiting_ns += instance.counts.waiting_area_ns[cause];
    }
    use.waits_ms.emplace_back(resource_of(static_cast<serving::WaitCause>(cause)),
                              mean_ms(waiting_ns));
  }
  return use;
}

std::vector<RoleUse> role_uses(const serving::Outcome& outcome, uint32_t prefill_instances,
                               uint64_t requests, int64_t span_ns) {
  const std::span<const serving::InstanceOutcome> all(outcome.instances);
  if (prefill_instances == 0 || prefill_instances >= all.size()) return {};
  std::vector<RoleUse> roles = {use_of(all.first(prefill_instances), requests, span_ns),
                                use_of(all.subspan(prefill_instances), requests, span_ns)};
  roles[0].role = "prefill";
  roles[1].role = "decode";
  return roles;
}

std::string role_caveat(const std::vector<RoleUse>& roles, double e2e_ms) {
  constexpr double kWorthAWord = 0.05;
  double all_ms = 0;
  for (const RoleUse& role : roles) all_ms += role.queue_ms.value_or(0);
  for (const RoleUse& role : roles) {
    const auto blocks = std::find_if(role.waits_ms.begin(), role.waits_ms.end(),
                                     [](const auto& wait) { return wait.first == kBlocks; });
    if (blocks == role.waits_ms.end()) continue;
    const double blocks_ms = blocks->second.value_or(0);
    if (blocks_ms <= all_ms / 2 || blocks_ms <= kWorthAWord * e2e_ms) continue;
    return fmt::format(
        "requests wait for KV blocks of the {} instances, {} of {} in queues: more of those, or "
        "more memory for their KV, is what helps",
        role.role, show_ms(blocks_ms), show_ms(all_ms));
  }
  return "";
}

}  // namespace tiercast::reports
