// What instances do by role, where prefill and decode have instances of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/serving/outcome.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// How busy these instances were over `span_ns`, and what waiting in their queues adds to the mean
/// of so many requests; without a request it adds nothing that exists.
RoleUse use_of(std::span<const serving::InstanceOutcome> instances, uint64_t requests,
               int64_t span_ns);

/// Prefill, then decode: the first `prefill_instances` are the one, the others the other. Empty
/// where all instances do both (0).
std::vector<RoleUse> role_uses(const serving::Outcome& outcome, uint32_t prefill_instances,
                               uint64_t requests, int64_t span_ns);

/// Which role's KV memory most of the waiting is for, in a whole sentence, where that is a part of
/// the mean request (`e2e_ms`) worth a word; else an empty string.
std::string role_caveat(const std::vector<RoleUse>& roles, double e2e_ms);

}  // namespace tiercast::reports
