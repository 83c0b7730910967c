#include "tests/workload/trace_text.hpp"

#include <utility>

#include <catch2/catch.hpp>
#include <zlib.h>
#include <zstd.h>

#include "models/workload/byte_stream.hpp"
#include "models/workload/trace_source.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::workload::tests {

std::vector<std::string> ReadTrace::problems() const {
  std::vector<std::string> out;
  for (const BadLine& bad : report.listed)
    out.push_back(std::to_string(bad.line) + ": " + bad.reason);
  return out;
}

ReadTrace read_trace(std::string_view text, const TraceSpec& spec, std::uint64_t seed) {
  TraceSource source(spec, seed, open_bytes(text));
  ReadTrace out;
  Request request;
  std::int64_t peeked_ns = 0;
  while (source.peek(peeked_ns)) {
    REQUIRE(source.next(request));
    REQUIRE(request.arrival_ns == peeked_ns);
    out.requests.push_back(request);
  }
  CHECK_FALSE(source.next(request));
  CHECK(source.ended());
  out.report = source.report();
  return out;
}

ReadTrace read_skipping(std::string_view text, TraceSpec spec) {
  spec.on_bad_line = OnBadLine::skip;
  return read_trace(text, spec);
}

std::string sole_problem(std::string_view text, const TraceSpec& spec) {
  const ReadTrace trace = read_trace(text, spec);
  CHECK(trace.report.failed);
  REQUIRE(trace.problems().size() == 1);
  return trace.problems().front();
}

std::string gzip(std::string_view text) {
  z_stream state{};
  constexpr int kGzip = 16;
  REQUIRE(deflateInit2(&state, 6, Z_DEFLATED, MAX_WBITS + kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string input(text);
  std::string out(deflateBound(&state, text.size()) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef*>(input.data());
  state.avail_in = static_cast<uInt>(input.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&state, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - state.avail_out);
  deflateEnd(&state);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* state = ZSTD_createCCtx();
  REQUIRE(state != nullptr);
  ZSTD_CCtx_setParameter(state, ZSTD_c_checksumFlag, 1);
  const std::size_t size = ZSTD_compress2(state, out.data(), out.size(), text.data(), text.size());
  ZSTD_freeCCtx(state);
  REQUIRE(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

std::string shared_file(const std::string& name) {
  const auto path = tiercast::tests::shared_dir() / name;
  if (std::filesystem::exists(path)) return path.string();
  WARN("skipped: there is no " << path.string());
  return {};
}

}  // namespace tiercast::workload::tests
