#include "models/workload/demand_source.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "models/workload/byte_stream.hpp"
#include "models/workload/closed_source.hpp"
#include "models/workload/open_source.hpp"
#include "models/workload/trace_source.hpp"

namespace tiercast::workload {
namespace {

Place place_of(const SourceReport& report, std::uint64_t line) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  return {report.file, static_cast<int>(std::min(line, kMost)), 0};
}

std::unique_ptr<TraceSource> open_trace(const TraceSpec& spec, std::uint64_t seed,
                                        Diagnostics& found) {
  std::unique_ptr<ByteStream> bytes = open_file(spec.file);
  if (!bytes->error().empty()) {
    found.error({spec.file, 0, 0}, "cannot read the trace: " + bytes->error(),
                "a scenario names files from its own folder, a command line from the current one");
    return nullptr;
  }
  return std::make_unique<TraceSource>(spec, seed, std::move(bytes));
}

struct MakeSource {
  const DemandOptions& options;
  Diagnostics& found;

  std::unique_ptr<DemandSource> operator()(const TraceSpec& spec) const {
    std::unique_ptr<TraceSource> source = open_trace(spec, options.seed, found);
    if (source == nullptr) return nullptr;
    source->ended();  // reads the first request, so that an unknown format shows now
    if (!source->report().failed) return source;
    explain(source->report(), found);
    return nullptr;
  }
  std::unique_ptr<DemandSource> operator()(const OpenSpec& spec) const {
    return std::make_unique<OpenSource>(spec, options);
  }
  std::unique_ptr<DemandSource> operator()(const ClosedSpec& spec) const {
    return std::make_unique<ClosedSource>(spec, options);
  }
};

// `2, 5-9, 12`.
std::string numbers_of(const std::vector<LineRange>& ranges) {
  std::string text;
  for (const LineRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last > range.first) text += "-" + std::to_string(range.last);
  }
  return ranges.size() < kBadRangesMax ? text : text + " and further ones";
}

}  // namespace

void DemandSource::completed(std::uint64_t /*id*/, std::int64_t /*now_ns*/) {}

void explain(const SourceReport& report, Diagnostics& found) {
  const Severity severity = report.failed ? Severity::error : Severity::warning;
  for (const BadLine& bad : report.listed) {
    const bool last = &bad == &report.listed.back();
    std::string hint;
    if (last && report.failed && !report.damaged) {
      hint = "`on_bad_line: skip` leaves bad lines out and counts them";
    }
    found.add({severity, place_of(report, bad.line), bad.reason,
               hint.empty() ? std::vector<std::string>{} : std::vector<std::string>{hint}});
  }
  if (report.bad_lines > report.listed.size()) {
    found.add({severity,
               place_of(report, 0),
               std::to_string(report.bad_lines) + " bad lines: " + numbers_of(report.bad_ranges) +
                   "; the first " + std::to_string(report.listed.size()) + " with their reasons:",
               {}});
  }
}

std::unique_ptr<DemandSource> make_source(const WorkloadSpec& spec, const DemandOptions& options,
                                          Diagnostics& found) {
  return std::visit(MakeSource{options, found}, spec);
}

bool check_trace(const TraceSpec& spec, Diagnostics& found) {
  const std::unique_ptr<TraceSource> source = open_trace(spec, 0, found);
  if (source == nullptr) return false;
  Request request;
  while (source->next(request)) {
  }
  explain(source->report(), found);
  return !source->report().failed;
}

}  // namespace tiercast::workload
