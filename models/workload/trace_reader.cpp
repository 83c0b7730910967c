#include "models/workload/trace_reader.hpp"

#include <utility>

#include "models/workload/numbers.hpp"

namespace tiercast::workload {
namespace {

// A first time stamp from here on (3.2 years) is a date.
constexpr std::int64_t kDateNsMin = 100'000'000'000'000'000;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// Seconds with all nine decimals' worth that matter.
std::string seconds_text(std::int64_t ns) {
  constexpr std::int64_t kNsPerSecond = 1'000'000'000;
  std::string fraction = std::to_string(ns % kNsPerSecond);
  fraction.insert(0, 9 - fraction.size(), '0');
  while (fraction.ends_with('0')) fraction.pop_back();
  return std::to_string(ns / kNsPerSecond) + (fraction.empty() ? "" : "." + fraction) + " s";
}

}  // namespace

TraceReader::TraceReader(std::unique_ptr<ByteStream> bytes, const TraceReaderOptions& options,
                         SourceReport& report)
    : lines_(std::move(bytes), options.line_bytes_max), options_(options), report_(report) {}

bool TraceReader::next(Request& out) {
  while (!done_) {
    std::string_view line;
    switch (lines_.next(line)) {
      case LineReader::Status::line:
        if (!is_blank(line) && take_line(line, out)) return true;
        break;
      case LineReader::Status::too_long:
        note_bad(lines_.line_number(),
                 "the line is longer than " + std::to_string(options_.line_bytes_max) + " bytes");
        break;
      case LineReader::Status::failed:
        fail(lines_.line_number(), "cannot read on: " + lines_.error());
        break;
      case LineReader::Status::end:
        done_ = true;
        if (origin_ns_ < 0 && !report_.failed) {
          fail(0, report_.bad_lines == 0 ? "the trace holds no request"
                                         : "the trace holds no good line");
        }
        break;
    }
  }
  return false;
}

// True when `out` is a request to hand on.
bool TraceReader::take_line(std::string_view line, Request& out) {
  if (parser_ == nullptr) {
    if (!choose_parser(line)) {
      fail(lines_.line_number(), reason_);
      return false;
    }
    if (first_line_ == FirstLine::header) return false;
  }
  const Parsed parsed = parser_->parse(line, out, reason_);
  if (parsed == Parsed::request && check_time(out, reason_)) return !report_.failed;
  if (parsed == Parsed::other_format) {
    fail(lines_.line_number(), reason_);
  } else {
    note_bad(lines_.line_number(), reason_);
  }
  return false;
}

bool TraceReader::choose_parser(std::string_view first_line) {
  TraceFormat format = options_.format;
  const bool object = first_line[first_line.find_first_not_of(" \t")] == '{';
  if (format == TraceFormat::automatic) {
    if (!object && first_line.find(',') == std::string_view::npos) {
      reason_ = "the format is unknown: the first line is neither a JSON object nor a CSV header";
      return false;
    }
    format = object ? TraceFormat::mooncake : TraceFormat::csv;
  }
  if (format == TraceFormat::mooncake) {
    if (!object) {
      reason_ = "the first line is not a JSON object, as the format mooncake wants";
      return false;
    }
    first_line_ = FirstLine::record;
    parser_ = make_mooncake_parser(options_.block_tokens);
  } else {
    parser_ = make_csv_parser(first_line, format == TraceFormat::azure, reason_);
  }
  return parser_ != nullptr;
}

bool TraceReader::check_time(Request& out, std::string& reason) {
  if (origin_ns_ < 0) origin_ns_ = out.arrival_ns >= kDateNsMin ? out.arrival_ns : 0;
  if (out.arrival_ns < latest_ns_) {
    reason = "time runs backwards: " + seconds_text(latest_ns_ - out.arrival_ns) +
             " before an earlier line";
    return false;
  }
  latest_ns_ = out.arrival_ns;
  out.arrival_ns -= origin_ns_;
  return true;
}

void TraceReader::note_bad(std::uint64_t line, std::string reason) {
  ++report_.bad_lines;
  if (report_.listed.size() < options_.listed_max) {
    report_.listed.push_back({line, std::move(reason)});
  }
  std::vector<LineRange>& ranges = report_.bad_ranges;
  if (!ranges.empty() && ranges.back().last + 1 == line) {
    ranges.back().last = line;
  } else if (ranges.size() < kBadRangesMax) {
    ranges.push_back({line, line});
  }
  if (options_.on_bad_line == OnBadLine::fail) report_.failed = true;
}

void TraceReader::fail(std::uint64_t line, std::string reason) {
  ++report_.bad_lines;
  report_.listed.push_back({line, std::move(reason)});
  report_.failed = true;
  report_.damaged = true;
  done_ = true;
}

}  // namespace tiercast::workload
