#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <zstd.h>

#include "models/workload/byte_stream.hpp"
#include "models/workload/line_reader.hpp"
#include "sim/base/hash.hpp"
#include "tests/workload/trace_text.hpp"

using namespace tiercast::workload;
using tests::gzip;
using tests::zstd;

namespace {

struct Drained {
  std::string bytes;
  std::string error;
};

Drained drain(ByteStream& stream, std::size_t chunk) {
  Drained out;
  std::string buffer(chunk, '\0');
  while (const std::size_t got = stream.read(buffer.data(), chunk))
    out.bytes.append(buffer, 0, got);
  CHECK(stream.read(buffer.data(), chunk) == 0);
  out.error = stream.error();
  return out;
}

Drained drain(const std::string& bytes, std::size_t chunk = 4096) {
  return drain(*open_bytes(bytes), chunk);
}

// Bytes that do not compress to nothing, longer than one chunk of any stream.
std::string long_text() {
  std::string text;
  for (std::uint64_t i = 0; text.size() < 300'000; ++i) {
    text += std::to_string(tiercast::mix(i));
    text += i % 7 == 0 ? '\n' : ',';
  }
  return text;
}

std::vector<std::string> lines_of(const std::string& bytes, std::string& end,
                                  std::size_t line_bytes_max = kLineBytesMax) {
  LineReader reader(open_bytes(bytes), line_bytes_max);
  std::vector<std::string> out;
  for (;;) {
    std::string_view line;
    switch (reader.next(line)) {
      case LineReader::Status::line:
        out.emplace_back(line);
        break;
      case LineReader::Status::too_long:
        out.push_back("<" + std::to_string(reader.line_number()) + " too long>");
        break;
      case LineReader::Status::end:
        end = "end";
        return out;
      case LineReader::Status::failed:
        end = std::to_string(reader.line_number()) + ": " + reader.error();
        return out;
    }
  }
}

}  // namespace

TEST_CASE("Plain, gzip and zstd bytes read back whole, whatever the chunk", "[bytes]") {
  for (const std::string& text : {std::string(), std::string("x"), long_text()}) {
    for (const std::string& packed : {text, gzip(text), zstd(text)}) {
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 17}) {
        const Drained out = drain(packed, chunk);
        REQUIRE(out.error.empty());
        REQUIRE((out.bytes == text));
      }
    }
  }
}

TEST_CASE("Gzip members and zstd frames in a row are one stream", "[bytes]") {
  CHECK(drain(gzip("one,") + gzip("") + gzip("two")).bytes == "one,two");
  CHECK(drain(zstd("one,") + zstd("") + zstd("two")).bytes == "one,two");
}

TEST_CASE("A cut compressed file gives what it holds and then says so", "[bytes][hostile]") {
  const std::string text = long_text();
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    for (std::size_t cut = 4; cut < packed.size(); cut += packed.size() / 50) {
      const Drained out = drain(packed.substr(0, cut));
      REQUIRE((text.substr(0, out.bytes.size()) == out.bytes));
      REQUIRE(out.error.find("cut off") != std::string::npos);
    }
    // The last byte matters too.
    CHECK_FALSE(drain(packed.substr(0, packed.size() - 1)).error.empty());
  }
}

TEST_CASE("A damaged compressed file says so and never crashes", "[bytes][hostile]") {
  const std::string text = long_text().substr(0, 20'000);
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    int noticed = 0;
    int tries = 0;
    for (std::size_t at = 10; at < packed.size(); at += 97, ++tries) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      const Drained out = drain(damaged);
      if (!out.error.empty()) ++noticed;
    }
    CHECK(noticed == tries);  // both have a checksum
  }
  // A wrong checksum is noticed at the end.
  std::string wrong_sum = gzip(text);
  wrong_sum[wrong_sum.size() - 8] = static_cast<char>(wrong_sum[wrong_sum.size() - 8] ^ 1);
  const Drained out = drain(wrong_sum);
  CHECK((out.bytes == text));
  CHECK(out.error.find("damaged") != std::string::npos);
  CHECK(drain(gzip("a") + "garbage").error == "bytes that are not gzip follow the gzip data");
}

TEST_CASE("A zstd window beyond the limit is refused", "[bytes][hostile]") {
  const std::string text = long_text();
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* state = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, 18);
  ZSTD_CCtx_setParameter(state, ZSTD_c_contentSizeFlag, 0);
  ZSTD_inBuffer input{text.data(), text.size(), 0};
  ZSTD_outBuffer output{packed.data(), packed.size(), 0};
  REQUIRE(ZSTD_compressStream2(state, &output, &input, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(state);
  packed.resize(output.pos);
  CHECK((drain(*open_bytes(packed, 18), 4096).bytes == text));
  CHECK_FALSE(drain(*open_bytes(packed, 17), 4096).error.empty());
}

TEST_CASE("A file that cannot be opened is a stream with an error", "[bytes]") {
  const auto missing = open_file("/nonexistent/trace.csv");
  CHECK(drain(*missing, 10).error == "No such file or directory");
  CHECK_FALSE(drain(*open_file("/"), 10).error.empty());
}

TEST_CASE("Lines end in LF or CR LF, the last perhaps in neither", "[lines]") {
  std::string end;
  CHECK(lines_of("a\nb\r\n\nc", end) == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(end == "end");
  CHECK(lines_of("a\n", end) == std::vector<std::string>{"a"});
  CHECK(lines_of("", end).empty());
  CHECK(lines_of("\xEF\xBB\xBF"
                 "a\n\xEF\xBB\xBF"
                 "b",
                 end) == std::vector<std::string>{"a",
                                                  "\xEF\xBB\xBF"
                                                  "b"});
  const std::string with_nul("a\0b\nc", 5);
  CHECK(lines_of(with_nul, end) == std::vector<std::string>{std::string("a\0b", 3), "c"});
}

TEST_CASE("Lines are the same whether they fit the buffer or not", "[lines]") {
  std::vector<std::string> expected;
  std::string text;
  for (std::uint64_t i = 0; i < 60; ++i) {
    expected.emplace_back(tiercast::mix(i) % (i % 10 == 9 ? 700'000 : 5'000),
                          static_cast<char>('a' + i % 26));
    text += expected.back() + "\n";
  }
  std::string end;
  CHECK((lines_of(text, end) == expected));
  CHECK((lines_of(zstd(text), end) == expected));
}

TEST_CASE("A line over the limit is reported and skipped, up to the byte", "[lines][hostile]") {
  std::string end;
  const std::string fits(100, 'x');
  const std::string too_long(101, 'y');
  CHECK(lines_of(fits + "\n" + too_long + "\nz\n", end, 100) ==
        std::vector<std::string>{fits, "<2 too long>", "z"});
  CHECK(lines_of(too_long, end, 100) == std::vector<std::string>{"<1 too long>"});
  CHECK(lines_of(fits + "\r\n", end, 100) == std::vector<std::string>{fits});
  const std::string huge(3'000'000, 'y');
  CHECK(lines_of("a\n" + huge + "\nb", end, 100) ==
        std::vector<std::string>{"a", "<2 too long>", "b"});
  CHECK(lines_of("a\n" + huge, end, 100) == std::vector<std::string>{"a", "<2 too long>"});
}

TEST_CASE("A damaged file gives its whole lines and the number of the line it breaks in",
          "[lines][hostile]") {
  const std::string text = long_text();
  const std::string packed = gzip(text);
  std::string end;
  const std::vector<std::string> lines = lines_of(packed.substr(0, packed.size() / 2), end);
  REQUIRE(lines.size() > 10);
  CHECK(end == std::to_string(lines.size() + 1) + ": the gzip data is cut off");
  std::string whole_end;
  const std::vector<std::string> whole = lines_of(text, whole_end);
  for (std::size_t i = 0; i < lines.size(); ++i) REQUIRE(lines[i] == whole[i]);
}
