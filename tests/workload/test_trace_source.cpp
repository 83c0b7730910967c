#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/byte_stream.hpp"
#include "models/workload/trace_source.hpp"
#include "tests/workload/trace_text.hpp"

using namespace tiercast;
using namespace tiercast::workload;
using tests::read_trace;
using tests::ReadTrace;

namespace {

// One request a second, with its number as input length.
std::string second_by_second(int count) {
  std::string text = "arrived_at,input_tokens,output_tokens\n";
  for (int i = 0; i < count; ++i) {
    text += std::to_string(i) + "," + std::to_string(i + 1) + ",1\n";
  }
  return text;
}

// `ticks` batches of `size` requests, one batch every 3 s.
std::string batched(int ticks, int size) {
  std::string text = "arrived_at,input_tokens,output_tokens\n";
  for (int i = 0; i < ticks * size; ++i) {
    text += std::to_string(3 * (i / size)) + "," + std::to_string(i + 1) + ",1\n";
  }
  return text;
}

std::vector<std::int64_t> arrivals(const ReadTrace& trace) {
  std::vector<std::int64_t> out;
  for (const Request& request : trace.requests) out.push_back(request.arrival_ns);
  return out;
}

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("A window keeps [start, end) and begins at time 0", "[trace]") {
  TraceSpec spec;
  spec.start = whole_seconds(3);
  spec.end = whole_seconds(6);
  const ReadTrace trace = read_trace(second_by_second(10), spec);
  CHECK(arrivals(trace) == std::vector<std::int64_t>{0, kSecond, 2 * kSecond});
  CHECK(trace.requests[0].input_tokens == 4);
  CHECK(trace.requests[0].id == 0);
  CHECK_FALSE(trace.report.failed);
  // Bad lines behind the window are not read.
  CHECK_FALSE(read_trace(second_by_second(10) + "oops\n", spec).report.failed);
}

TEST_CASE("A limit counts requests of the window", "[trace]") {
  TraceSpec spec;
  spec.start = whole_seconds(3);
  spec.limit = 2;
  CHECK(arrivals(read_trace(second_by_second(10), spec)) == std::vector<std::int64_t>{0, kSecond});
}

TEST_CASE("A time scale stretches what the window left", "[trace]") {
  TraceSpec spec;
  spec.start = whole_seconds(1);
  spec.time_scale = 0.1;
  // 0.1 is a little above one tenth; to the nearest ns that does not show.
  CHECK(arrivals(read_trace(second_by_second(4), spec)) ==
        std::vector<std::int64_t>{0, kSecond / 10, kSecond / 5});
}

TEST_CASE("Smoothing spreads each batch over its tick, in file order", "[trace]") {
  TraceSpec spec;
  spec.smooth = whole_seconds(3);
  const ReadTrace trace = read_trace(batched(200, 20), spec);
  REQUIRE(trace.requests.size() == 4000);
  double sum_s = 0;
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    REQUIRE(trace.requests[i].input_tokens == i + 1);
    REQUIRE(trace.requests[i].id == i);
    const std::int64_t tick_ns = 3 * kSecond * static_cast<std::int64_t>(i / 20);
    REQUIRE(trace.requests[i].arrival_ns >= tick_ns);
    REQUIRE(trace.requests[i].arrival_ns < tick_ns + 3 * kSecond);
    if (i > 0) REQUIRE(trace.requests[i].arrival_ns >= trace.requests[i - 1].arrival_ns);
    sum_s += static_cast<double>(trace.requests[i].arrival_ns - tick_ns) / 1e9;
  }
  // Mean of 4000 uniform variates on [0, 3): 1.5, standard error 0.0137.
  CHECK(sum_s / 4000 == Approx(1.5).margin(0.05));
  CHECK(arrivals(read_trace(batched(200, 20), spec)) == arrivals(trace));
  CHECK(arrivals(read_trace(batched(200, 20), spec, 2)) != arrivals(trace));
}

TEST_CASE("Smoothing never passes the next stamp and survives the largest times", "[trace]") {
  TraceSpec spec;
  spec.smooth = whole_seconds(1000);
  const ReadTrace trace = read_trace(batched(5, 4), spec);
  for (std::size_t i = 0; i < 16; ++i) {
    REQUIRE(trace.requests[i].arrival_ns < 3 * kSecond * static_cast<std::int64_t>(i / 4 + 1));
  }
  const std::string late =
      "arrival_ns,input_tokens,output_tokens\n0,1,1\n4611686018427387904,1,1\n";
  const ReadTrace latest = read_trace(late, spec);
  CHECK(latest.requests.at(1).arrival_ns == 4'611'686'018'427'387'904);
}

TEST_CASE("A failure while smoothing gives no request of the batch it met", "[trace][hostile]") {
  TraceSpec spec;
  spec.smooth = whole_seconds(3);
  const ReadTrace trace = read_trace(batched(2, 4) + "oops\n", spec);
  CHECK(trace.report.failed);
  CHECK(trace.requests.size() == 4);
}

TEST_CASE("next keeps the capacity of ids", "[trace]") {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "{\"timestamp\":0,\"input_length\":20,\"output_length\":1,\"hash_ids\":[1,2,3,4,5]}\n";
  }
  TraceSpec spec;
  spec.block_tokens = 4;
  TraceSource source(spec, 1, open_bytes(text));
  Request request;
  REQUIRE(source.next(request));
  REQUIRE(source.next(request));
  const std::uint64_t* first = request.ids.data();
  REQUIRE(source.next(request));
  const std::uint64_t* second = request.ids.data();
  for (int i = 0; i < 97; ++i) {
    REQUIRE(source.next(request));
    REQUIRE((request.ids.data() == first || request.ids.data() == second));
  }
}

TEST_CASE("make_source and check_trace say what is wrong with a file", "[trace][hostile]") {
  TraceSpec spec;
  spec.file = "/nonexistent/trace.csv";
  Diagnostics found;
  CHECK(make_source(spec, {}, found) == nullptr);
  CHECK_FALSE(check_trace(spec, found));
  REQUIRE(found.error_count() == 2);
  CHECK(found.sorted().front().message == "cannot read the trace: No such file or directory");
  CHECK(found.sorted().front().place.file == "/nonexistent/trace.csv");
}
