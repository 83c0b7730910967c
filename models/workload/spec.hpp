// What a scenario says about demand: `workload: {trace: ...}`, `{open: ...}` or `{closed: ...}`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/workload/law.hpp"
#include "sim/base/units.hpp"

namespace tiercast {
template <class E>
struct Choice;
}

namespace tiercast::workload {

enum class TraceFormat { automatic, mooncake, azure, csv };
std::vector<Choice<TraceFormat>> choices(TraceFormat);
enum class OnBadLine { fail, skip };
std::vector<Choice<OnBadLine>> choices(OnBadLine);
enum class ArrivalProcess { poisson, gamma, constant };
std::vector<Choice<ArrivalProcess>> choices(ArrivalProcess);

/// Replay of a recorded trace. Steps apply in this order: window (start, end), smooth, limit,
/// time_scale.
struct TraceSpec {
  std::string file;
  TraceFormat format = TraceFormat::automatic;
  std::uint32_t block_tokens = 512;  ///< tokens of one id of `hash_ids`
  OnBadLine on_bad_line = OnBadLine::fail;
  Nanoseconds start;               ///< earlier requests are left out; becomes time 0
  std::optional<Nanoseconds> end;  ///< requests from here on are left out
  /// Clock tick of the trace: requests with one time stamp are spread evenly at random over the
  /// tick that follows it (never past the next stamp). 0: none.
  Nanoseconds smooth;
  std::optional<std::uint64_t> limit;
  double time_scale = 1;  ///< 2 doubles every gap: half the rate

  static const FieldTable<TraceSpec>& fields();
};

struct ArrivalSpec {
  ArrivalProcess process = ArrivalProcess::poisson;
  PerSecond rate;
  std::optional<double> cv;  ///< gamma: coefficient of variation of the gaps

  static const FieldTable<ArrivalSpec>& fields();
};

/// Prompts that start alike: each request (session, in a closed loop) belongs to one of `groups`,
/// whose tokens come in front of its own input.
struct SharedPrefixSpec {
  std::uint32_t groups = 1;
  Law<Tokens> tokens;  ///< length, drawn once a group
  double zipf = 1;     ///< popularity of the k-th group is proportional to k^-zipf
  double share = 1;    ///< fraction of requests (sessions) that have a prefix at all

  static const FieldTable<SharedPrefixSpec>& fields();
};

/// Whom requests (sessions, in a closed loop) belong to.
struct TenantsSpec {
  std::uint32_t count = 1;
  double zipf = 0;  ///< the k-th tenant's share is proportional to k^-zipf
  /// Of the k-th tenant's requests; those behind the list's end tell none.
  std::optional<std::vector<std::int64_t>> priorities;
  std::optional<Nanoseconds> retain;  ///< blocks keep it for so long from a request's arrival on

  static const FieldTable<TenantsSpec>& fields();
};

/// Requests that come whatever the system does.
struct OpenSpec {
  ArrivalSpec arrivals;
  Law<Tokens> input_tokens;  ///< beyond the shared prefix
  Law<Tokens> output_tokens;
  std::optional<SharedPrefixSpec> shared_prefix;
  std::optional<TenantsSpec> tenants;
  std::optional<std::uint32_t> id_tokens;
  std::optional<Nanoseconds> duration;    ///< no arrival at or after
  std::optional<std::uint64_t> requests;  ///< no more than these

  static const FieldTable<OpenSpec>& fields();
};

/// A fixed number of sessions at a time. A turn's input is all of the previous turn (input and
/// output) and new tokens; the next turn comes a think time after the previous one completes.
struct ClosedSpec {
  std::uint32_t sessions = 1;
  /// So many sessions are the agents of one workflow, who take turns round and round: when one has
  /// its answer, the next one's turn comes a think time later.
  std::uint32_t workflow_agents = 1;
  Law<std::int64_t> turns;  ///< of one session
  Law<Nanoseconds> think;
  Law<Tokens> input_tokens;                       ///< new in each turn
  std::optional<Law<Tokens>> first_input_tokens;  ///< the first turn's, beyond the shared prefix
  Law<Tokens> output_tokens;
  std::optional<SharedPrefixSpec> shared_prefix;
  std::optional<TenantsSpec> tenants;
  /// A session ends before a turn whose input and output would exceed this; a first turn is cut
  /// to fit.
  std::optional<Tokens> context_limit;
  Nanoseconds ramp;    ///< first arrivals are spread evenly over this time
  bool repeat = true;  ///< a session that ends is followed by a new one, after a think time
  std::optional<std::uint32_t> id_tokens;
  std::optional<Nanoseconds> duration;
  std::optional<std::uint64_t> requests;

  static const FieldTable<ClosedSpec>& fields();
};

using WorkloadSpec = std::variant<TraceSpec, OpenSpec, ClosedSpec>;

}  // namespace tiercast::workload
