// Any bytes as a trace: decompressors, line reader, format detection, parsers, replay options.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "models/workload/byte_stream.hpp"
#include "models/workload/numbers.hpp"
#include "models/workload/trace_reader.hpp"
#include "models/workload/trace_source.hpp"
#include "sim/base/check.hpp"

namespace {

using namespace tiercast::workload;

// Ends a stream early, so that a few bytes cannot unpack to minutes of work.
class CappedStream : public ByteStream {
 public:
  explicit CappedStream(std::unique_ptr<ByteStream> below) : below_(std::move(below)) {}

  std::size_t read(char* out, std::size_t size) override {
    const std::size_t got = below_->read(out, std::min(size, left_));
    left_ -= got;
    error_ = below_->error();
    return got;
  }

 private:
  std::unique_ptr<ByteStream> below_;
  std::size_t left_ = std::size_t{1} << 20;
};

std::unique_ptr<ByteStream> stream_of(std::string_view bytes) {
  constexpr int kSmallWindowLog = 17;
  return std::make_unique<CappedStream>(open_bytes(bytes, kSmallWindowLog));
}

void check_request(const Request& request) {
  TIERCAST_CHECK(request.input_tokens >= 1 && request.output_tokens >= 1, "empty request");
  TIERCAST_CHECK(request.arrival_ns >= 0 && request.arrival_ns <= kArrivalNsMax, "no such time");
  if (request.ids.empty()) {
    TIERCAST_CHECK(request.id_tokens == 0 && request.last_id_tokens == 0, "tokens without ids");
  } else {
    TIERCAST_CHECK(request.last_id_tokens >= 1 && request.last_id_tokens <= request.id_tokens,
                   "a last id of no size");
    TIERCAST_CHECK(id_covered_tokens(request) == request.input_tokens, "ids do not end the input");
  }
}

void read_records(std::string_view bytes, const TraceReaderOptions& options) {
  SourceReport report;
  TraceReader reader(stream_of(bytes), options, report);
  Request request;
  std::int64_t latest_ns = 0;
  while (reader.next(request)) {
    TIERCAST_CHECK(!report.failed, "a failed trace goes on");
    check_request(request);
    TIERCAST_CHECK(request.arrival_ns >= latest_ns, "time runs backwards");
    latest_ns = request.arrival_ns;
  }
  const bool must_fail = options.on_bad_line == OnBadLine::fail && report.bad_lines > 0;
  TIERCAST_CHECK(report.failed || !must_fail, "a bad line was let through");
  TIERCAST_CHECK(report.listed.size() <= options.listed_max + 1, "too many bad lines kept");
  for (const BadLine& bad : report.listed) TIERCAST_CHECK(!bad.reason.empty(), "no reason");
}

void replay(std::string_view bytes, const TraceSpec& spec) {
  TraceSource source(spec, 1, stream_of(bytes));
  Request request;
  std::int64_t peeked_ns = 0;
  std::int64_t latest_ns = 0;
  std::uint64_t count = 0;
  while (source.peek(peeked_ns)) {
    TIERCAST_CHECK(source.next(request), "peek promised a request");
    check_request(request);
    TIERCAST_CHECK(request.arrival_ns == peeked_ns && peeked_ns >= latest_ns, "wrong arrival");
    TIERCAST_CHECK(request.id == count++, "ids are dense");
    latest_ns = peeked_ns;
  }
  TIERCAST_CHECK(source.ended() && !source.next(request), "ended and yet not");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  TraceReaderOptions options;
  options.format = static_cast<TraceFormat>(choice & 3);
  options.on_bad_line = (choice & 4) != 0 ? OnBadLine::skip : OnBadLine::fail;
  options.block_tokens = (choice & 8) != 0 ? 4 : 512;
  options.line_bytes_max = 300;
  options.listed_max = 5;
  read_records(bytes, options);

  TraceSpec spec;
  spec.format = options.format;
  spec.on_bad_line = options.on_bad_line;
  spec.block_tokens = options.block_tokens;
  spec.smooth = tiercast::milliseconds((choice & 16) != 0 ? 3000 : 0);
  spec.time_scale = (choice & 32) != 0 ? 1.0 / 3 : 1;
  spec.start = tiercast::milliseconds((choice & 64) != 0 ? 1000 : 0);
  if ((choice & 128) != 0) spec.limit = 3;
  replay(bytes, spec);
  return 0;
}
