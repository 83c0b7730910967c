// Requests out of a trace file, in file order, with every bad line reported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/workload/demand_source.hpp"
#include "models/workload/line_reader.hpp"
#include "models/workload/record_parser.hpp"

namespace tiercast::workload {

struct TraceReaderOptions {
  TraceFormat format = TraceFormat::automatic;
  std::uint32_t block_tokens = 512;
  OnBadLine on_bad_line = OnBadLine::fail;
  std::size_t line_bytes_max = kLineBytesMax;
  std::size_t listed_max = 20;  ///< bad lines kept with their reasons
};

/// One pass. Times count from the trace's own zero; a first time stamp of more than three years is
/// a date, and then they count from it. A line whose time lies before an earlier line's is bad.
///
/// Under `fail` the first bad line ends the requests; what follows is read to the end only to name
/// further bad lines. A damaged file, an unknown header, a line of another format and a trace without any
/// request fail always.
class TraceReader {
 public:
  /// `report` outlives the reader and is filled by it.
  TraceReader(std::unique_ptr<ByteStream> bytes, const TraceReaderOptions& options,
              SourceReport& report);

  /// The next request: arrival, lengths and ids are set, nothing else. False at the end.
  bool next(Request& out);

 private:
  bool take_line(std::string_view line, Request& out);
  bool choose_parser(std::string_view first_line);
  bool check_time(Request& out, std::string& reason);
  void note_bad(std::uint64_t line, std::string reason);
  void fail(std::uint64_t line, std::string reason);

  enum class FirstLine { header, record };

  LineReader lines_;
  TraceReaderOptions options_;
  SourceReport& report_;
  std::unique_ptr<RecordParser> parser_;
  FirstLine first_line_ = FirstLine::header;
  std::string reason_;
  std::int64_t origin_ns_ = -1;  // -1: no request yet
  std::int64_t latest_ns_ = 0;
  bool done_ = false;
};

}  // namespace tiercast::workload
