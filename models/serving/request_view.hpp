#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "models/policy/tierpolicy.h"
#include "models/serving/engine_spec.hpp"
#include "models/serving/request_log.hpp"

namespace tiercast::serving {

/// A request as policies are told of it, without hints. Sessions and tenants are numbered from 1,
/// as 0 means unknown; a request of no session is one of its own. The deadline is that of its first
/// token. Nothing here knows of agents: 0.
tp_request request_view(const RequestRecord& record, const EngineSpec& spec);

/// As policies are told of it.
constexpr uint64_t session_number(uint64_t session) { return session + 1; }

using HintRoom = std::array<tp_hint, 2>;

/// What is expected of the request's session now that it has its answer: that it ends, or else when
/// its next turn comes, as far as its client could know: means and quantiles of its habits, never
/// what will come to pass. Nothing where the demand has no sessions. Steps to run are for the
/// cluster to tell, since they change as other sessions run; no workload knows of siblings to join.
std::span<const tp_hint> session_hints(const RequestRecord& record, HintRoom& room);

}  // namespace tiercast::serving
