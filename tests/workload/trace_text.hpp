// Traces written in a test's own lines, read back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/workload/demand_source.hpp"

namespace tiercast::workload::tests {

struct ReadTrace {
  std::vector<Request> requests;
  SourceReport report;

  /// "line: reason" of each listed bad line.
  std::vector<std::string> problems() const;
};

ReadTrace read_trace(std::string_view text, const TraceSpec& spec = {}, std::uint64_t seed = 1);
/// The same, but bad lines are left out.
ReadTrace read_skipping(std::string_view text, TraceSpec spec = {});

/// The only problem of a trace, after checking that it is the only one.
std::string sole_problem(std::string_view text, const TraceSpec& spec = {});

std::string gzip(std::string_view text);
std::string zstd(std::string_view text);

/// A file of the shared data folder; empty, with a warning, where there is none.
std::string shared_file(const std::string& name);

}  // namespace tiercast::workload::tests
