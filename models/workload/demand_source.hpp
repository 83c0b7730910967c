// Where requests come from: traces, open loops, closed loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/workload/request.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::workload {

struct BadLine {
  std::uint64_t line = 0;  ///< from 1; 0: the file as a whole
  std::string reason;      ///< one clause, without the place
};

/// Lines `first` to `last`.
struct LineRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
inline constexpr std::size_t kBadRangesMax = 1000;

/// What a source has to say about its input.
struct SourceReport {
  std::string file;  ///< empty for generators
  std::uint64_t delivered = 0;
  std::uint64_t bad_lines = 0;
  std::vector<BadLine> listed;        ///< the first of the bad lines, with reasons
  std::vector<LineRange> bad_ranges;  ///< all bad lines by number, as far as kBadRangesMax go
  /// The input is no good (bad lines under `on_bad_line: fail`, a damaged file): what was
  /// delivered is no basis for a result.
  bool failed = false;
  bool damaged = false;  ///< failed, and leaving bad lines out would not help
};

/// Adds the listed bad lines to `found`: as errors when the source failed, else as warnings.
/// Further ones are named by number in one message. Where skipping bad lines would help, the last
/// one says so.
void explain(const SourceReport& report, Diagnostics& found);

/// A stream of requests in order of arrival. Memory follows read-ahead and live sessions, never
/// the length of the stream.
///
///     while (source.peek(at)) { run_until(at); source.next(request); admit(request); }
///
/// A closed loop learns of progress through `completed`; then a `peek` that found nothing may find
/// something.
class DemandSource {
 public:
  virtual ~DemandSource() = default;

  /// The next arrival known now, never before an earlier one. False: none until some request
  /// completes, or none ever (`ended` tells which).
  virtual bool peek(std::int64_t& arrival_ns) = 0;
  /// Takes that arrival. Keeps the capacity of `request.ids`.
  virtual bool next(Request& request) = 0;
  /// Request `id` left the system at now_ns, served or not. now_ns is not before the last arrival
  /// taken. Open sources ignore it.
  virtual void completed(std::uint64_t id, std::int64_t now_ns);
  /// What the completion that came last says of when sessions run again; empty where the demand
  /// has no workflows. Valid until the next completion.
  virtual std::span<const StepsToRun> steps_to_run() const { return {}; }
  /// True when no arrival will ever come again, whatever completes.
  virtual bool ended() = 0;

  const SourceReport& report() const { return report_; }

 protected:
  SourceReport report_;
};

struct DemandOptions {
  std::uint64_t seed = 1;
  /// Tokens of one content id where a generator's spec names no other: the engine's block size.
  std::uint32_t id_tokens = 16;
};

/// The source that a checked spec describes; null after reporting to `found` (a file that cannot
/// be read, or is in no known format).
std::unique_ptr<DemandSource> make_source(const WorkloadSpec& spec, const DemandOptions& options,
                                          Diagnostics& found);

/// Reads a whole trace and reports every bad line (`validate`). True when a run would take it.
bool check_trace(const TraceSpec& spec, Diagnostics& found);

}  // namespace tiercast::workload
