#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/workload/trace_text.hpp"

using namespace tiercast;
using namespace tiercast::workload;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using tests::read_skipping;
using tests::read_trace;
using tests::ReadTrace;
using tests::sole_problem;

namespace {

TraceSpec blocks_of(std::uint32_t block_tokens) {
  TraceSpec spec;
  spec.block_tokens = block_tokens;
  return spec;
}

TraceSpec in_format(TraceFormat format) {
  TraceSpec spec;
  spec.format = format;
  return spec;
}

constexpr const char* kGoodLine = R"({"timestamp": 5, "input_length": 3, "output_length": 4})";

// The problem of one JSON line that is not the first.
std::string json_problem(const std::string& line) {
  return sole_problem(std::string(kGoodLine) + "\n" + line + "\n" + kGoodLine + "\n");
}

// The problem of one row of a plain CSV.
std::string csv_problem(const std::string& row) {
  return sole_problem("arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,1,2\n" + row +
                      "\n9,1,2\n");
}

}  // namespace

TEST_CASE("Mooncake lines become requests with ids of the input's blocks", "[mooncake]") {
  const ReadTrace trace = read_trace(
      "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 5, \"hash_ids\": [7, 8, 9]}\n"
      "{\"hash_ids\":[7,18446744073709551615],\"output_length\":1,\"input_length\":8,"
      "\"timestamp\":27.25}\n"
      "{\"created_time\": 3000, \"input_tokens\": 1, \"output_tokens\": 2, \"user\": {\"a\":[1]}}",
      blocks_of(4));
  CHECK(trace.problems().empty());
  REQUIRE(trace.requests.size() == 3);
  const Request& first = trace.requests[0];
  CHECK(first.id == 0);
  CHECK(first.arrival_ns == 0);
  CHECK(first.input_tokens == 10);
  CHECK(first.output_tokens == 5);
  CHECK(first.ids == std::vector<std::uint64_t>{7, 8, 9});
  CHECK(first.id_tokens == 4);
  CHECK(first.last_id_tokens == 2);
  CHECK(id_covered_tokens(first) == 10);
  const Request& second = trace.requests[1];
  CHECK(second.arrival_ns == 27'250'000);
  CHECK(second.ids == std::vector<std::uint64_t>{7, ~std::uint64_t{0}});
  CHECK(second.last_id_tokens == 4);
  CHECK(second.session == 1);
  const Request& third = trace.requests[2];
  CHECK(third.arrival_ns == 3'000'000'000);
  CHECK(third.input_tokens == 1);
  CHECK(third.output_tokens == 2);
  CHECK(third.ids.empty());
  CHECK(third.id_tokens == 0);
  CHECK(third.last_id_tokens == 0);
}

TEST_CASE("Each way a Mooncake line can be bad has its own clause", "[mooncake][hostile]") {
  const auto with = [](const std::string& time, const std::string& input, const std::string& output,
                       const std::string& more = "") {
    return json_problem("{\"timestamp\": " + time + ", \"input_length\": " + input +
                        ", \"output_length\": " + output + more + "}");
  };
  CHECK(with("-1", "3", "4") == "2: timestamp `-1` is negative");
  CHECK(with("1e20", "3", "4") == "2: timestamp `1e20` is over the limit of 146 years");
  CHECK(with("\"0\"", "3", "4") == "2: timestamp is not a number");
  CHECK(with("null", "3", "4") == "2: timestamp is not a number");
  CHECK(with("4", "3", "4") == "2: time runs backwards: 0.001 s before an earlier line");
  CHECK(with("5", "0", "4") == "2: input_length is 0, but a request has at least 1 token each way");
  CHECK(with("5", "3", "0") ==
        "2: output_length is 0, but a request has at least 1 token each way");
  CHECK(with("5", "-3", "4") == "2: input_length `-3` is negative");
  CHECK(with("5", "3.5", "4") == "2: input_length `3.5` is not a whole number");
  CHECK(with("5", "99999999999", "4") ==
        "2: input_length `99999999999` is over the limit of a billion tokens");
  CHECK(with("5", "[3]", "4") == "2: input_length is not a number");
  CHECK(with("5", "true", "4") == "2: input_length is not a number");
  CHECK_THAT(with("5", "NaN", "4"), StartsWith("2: "));
  CHECK(with("5", "3", "4", ", \"hash_ids\": [1, 2]") ==
        "2: hash_ids has 2 ids, but 3 input tokens make 1 blocks of 512 (block_tokens)");
  CHECK(with("5", "3", "4", ", \"hash_ids\": []") ==
        "2: hash_ids has 0 ids, but 3 input tokens make 1 blocks of 512 (block_tokens)");
  CHECK(with("5", "3", "4", ", \"hash_ids\": 7") == "2: hash_ids is not a list");
  CHECK(with("5", "3", "4", ", \"tenant\": [1]") == "2: tenant is neither a text nor a number");
  CHECK(with("5", "3", "4", ", \"tenant\": 1, \"cache_salt\": 1") ==
        "2: `tenant` and `cache_salt` say the same twice");
  CHECK(with("5", "3", "4", ", \"hash_ids\": [-7]") ==
        "2: hash_ids[0] is not an integer from 0 to 2^64 - 1");
  CHECK(with("5", "3", "4", ", \"hash_ids\": [18446744073709551616]") ==
        "2: hash_ids[0] is not an integer from 0 to 2^64 - 1");
  CHECK(with("5", "3", "4", ", \"hash_ids\": [1.5]") ==
        "2: hash_ids[0] is not an integer from 0 to 2^64 - 1");
  CHECK(with("5", "3", "4", ", \"input_tokens\": 3") ==
        "2: `input_length` and `input_tokens` say the same twice");
  CHECK(with("5", "3", "4", "} {") == "2: something follows the JSON object");
}

TEST_CASE("Missing fields and broken JSON are named", "[mooncake][hostile]") {
  CHECK(json_problem(R"({"timestamp": 5, "input_length": 3})") ==
        "2: the field `output_length` is missing");
  CHECK(json_problem(R"({"timestamp": 5, "input_lenght": 3, "output_length": 4})") ==
        "2: the field `input_length` is missing (is `input_lenght` meant?)");
  CHECK(json_problem("{}") == "2: the field `timestamp` is missing");
  CHECK(json_problem("[1,2,3]") == "2: the line is not a JSON object");
  CHECK(json_problem("7") == "2: the line is not a JSON object");
  for (const std::string line :
       {R"({"timestamp": 5, "input_length": 3, "output_length": 4)", R"({"timestamp": 5,,})",
        R"({"timestamp" 5})", R"({"timestamp": 5, "input_length": 3, "output_len)", "{",
        "{\"timestamp\": 5, \"\xFF\": 3}", "\"", "nonsense", "{]"}) {
    CHECK_THAT(json_problem(line), StartsWith("2: the line is not "));
  }
}

TEST_CASE("A line of another JSON format ends the reading at once", "[mooncake][hostile]") {
  const std::string session = R"({"id": "s", "requests": [{"t": 0}]})";
  CHECK_THAT(sole_problem(session + "\n" + session + "\n"),
             StartsWith("1: this is not the mooncake format: the field `requests` belongs to"));
  const ReadTrace trace = read_skipping(
      R"({"session_id": "s", "timestamp": 0, "input_length": 1, "output_length": 1})");
  CHECK(trace.report.failed);
  CHECK_THAT(trace.problems().front(), Contains("hold increments"));
}

TEST_CASE("Azure rows count nanoseconds from the first row", "[azure]") {
  const std::string text =
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 23:59:59.9999999,374,44\r\n"
      "2023-11-17 00:00:00.0000001,396,109\r\n";
  for (const TraceFormat format : {TraceFormat::automatic, TraceFormat::azure, TraceFormat::csv}) {
    const ReadTrace trace = read_trace(text, in_format(format));
    CHECK(trace.problems().empty());
    REQUIRE(trace.requests.size() == 2);
    CHECK(trace.requests[0].arrival_ns == 0);
    CHECK(trace.requests[1].arrival_ns == 200);
    CHECK(trace.requests[1].input_tokens == 396);
    CHECK(trace.requests[1].output_tokens == 109);
  }
  CHECK(sole_problem("arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n",
                     in_format(TraceFormat::azure)) ==
        "1: the header is not `TIMESTAMP,ContextTokens,GeneratedTokens`");
  CHECK(sole_problem(text + "2023-11-17 00:00:61.0,1,1\n") ==
        "4: timestamp `2023-11-17 00:00:61.0` is not a date and time (YYYY-MM-DD "
        "hh:mm:ss.fraction)");
}

TEST_CASE("CSV columns are found by name, in any order, among others", "[csv]") {
  const std::vector<std::string> texts{
      "arrived_at,num_prefill_tokens,num_decode_tokens\n0.25,3,4\n1.5,5,6\n",
      "num_decode_tokens,note,arrival_s,input_tokens\n4,x,0.25,3\n6,,1.5,5",
      "\xEF\xBB\xBFTimestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "0.25,m,3,4,7,a\n1.5,m,5,6,11,b\n",
      "\"arrival_ms\",\"prompt_tokens\",\"completion_tokens\"\n\"250\",\"3\",\"4\"\n1500,5.0,6\n",
      "arrival_time_ns,input_toks,output_toks\n250000000,3,4\n\n1500000000,5,6\n",
      "request_id,text,arrival_timestamp,prompt_size,token_size\n"
      "0,\"a, \"\"quoted\"\" one\",0.25,3,4\n1,\"\",1.5,5,6\n"};
  for (const std::string& text : texts) {
    CAPTURE(text);
    const ReadTrace trace = read_trace(text);
    CHECK(trace.problems().empty());
    REQUIRE(trace.requests.size() == 2);
    CHECK(trace.requests[0].arrival_ns == 250'000'000);
    CHECK(trace.requests[0].input_tokens == 3);
    CHECK(trace.requests[0].output_tokens == 4);
    CHECK(trace.requests[1].arrival_ns == 1'500'000'000);
    CHECK(trace.requests[1].input_tokens == 5);
    CHECK(trace.requests[1].output_tokens == 6);
  }
}

TEST_CASE("Numeric dates count from the first row, other times from zero", "[csv]") {
  const std::string header = "timestamp,input_tokens,output_tokens\n";
  CHECK(read_trace(header + "7.5,1,1\n").requests.at(0).arrival_ns == 7'500'000'000);
  const ReadTrace epoch = read_trace(header + "1700000000.5,1,1\n1700000002,1,1\n");
  CHECK(epoch.requests.at(0).arrival_ns == 0);
  CHECK(epoch.requests.at(1).arrival_ns == 1'500'000'000);
}

TEST_CASE("Each way a CSV row can be bad has its own clause", "[csv][hostile]") {
  CHECK(csv_problem("1,2") == "3: the line has 2 columns, the header 3");
  CHECK(csv_problem("1,2,3,4") == "3: the line has 4 columns, the header 3");
  CHECK(csv_problem("1,2,3,") == "3: the line has 4 columns, the header 3");
  CHECK(csv_problem("1,\"2,3") == "3: a quote is not closed");
  CHECK(csv_problem("x,2,3") == "3: arrived_at `x` is not a number");
  CHECK(csv_problem(",2,3") == "3: arrived_at is empty");
  CHECK(csv_problem("nan,2,3") == "3: arrived_at `nan` is not a number");
  CHECK(csv_problem("inf,2,3") == "3: arrived_at `inf` is not a number");
  CHECK(csv_problem("-1,2,3") == "3: arrived_at `-1` is negative");
  CHECK(csv_problem("0.25,2,3") == "3: time runs backwards: 0.25 s before an earlier line");
  CHECK(csv_problem("1e11,2,3") == "3: arrived_at `1e11` is over the limit of 146 years");
  CHECK(csv_problem("1,,3") == "3: num_prefill_tokens is empty");
  CHECK(csv_problem("1,2.5,3") == "3: num_prefill_tokens `2.5` is not a whole number");
  CHECK(csv_problem("1,2,0") ==
        "3: num_decode_tokens is 0, but a request has at least 1 token each way");
  CHECK(csv_problem("1,2,-3") == "3: num_decode_tokens `-3` is negative");
  CHECK(csv_problem(std::string("1,2\0,3", 6)) == "3: num_prefill_tokens `2?` is not a number");
}

TEST_CASE("A header without a needed column says which, and what may be meant", "[csv][hostile]") {
  CHECK(sole_problem("arived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n") ==
        "1: the header names no column for the arrival time: is `arived_at` meant to be "
        "`arrived_at`?");
  CHECK_THAT(sole_problem("num_prefill_tokens,num_decode_tokens\n1,1\n"),
             StartsWith("1: the header names no column for the arrival time (one of arrived_at, "));
  CHECK_THAT(sole_problem("0.0,374,44\n1.0,1,1\n"),
             StartsWith("1: the header names no column for the arrival time (one of "));
  CHECK(sole_problem("arrived_at,timestamp,input_tokens,output_tokens\n0,0,1,1\n") ==
        "1: the columns `arrived_at` and `timestamp` both give the arrival time");
}

TEST_CASE("Content in no known format is refused once", "[hostile]") {
  CHECK(sole_problem("hello\nworld\n") ==
        "1: the format is unknown: the first line is neither a JSON object nor a CSV header");
  CHECK(sole_problem("0,1\n", in_format(TraceFormat::mooncake)) ==
        "1: the first line is not a JSON object, as the format mooncake wants");
  CHECK(sole_problem("") == "0: the trace holds no request");
  CHECK(sole_problem("\n  \n\r\n") == "0: the trace holds no request");
  CHECK(sole_problem("arrived_at,input_tokens,output_tokens\n") == "0: the trace holds no request");
  const ReadTrace bad = read_skipping("arrived_at,input_tokens,output_tokens\nx,y,z\n");
  CHECK(bad.report.failed);
  CHECK(bad.problems().back() == "0: the trace holds no good line");
}

TEST_CASE("Under fail every bad line is listed, and none but the first ones' requests are given",
          "[hostile]") {
  std::string text = "arrived_at,input_tokens,output_tokens\n0,1,1\n1,1,1\n2,x,1\n3,1,1\n4,1,0\n";
  const ReadTrace trace = read_trace(text);
  CHECK(trace.report.failed);
  CHECK(trace.requests.size() == 2);
  CHECK(trace.problems() ==
        std::vector<std::string>{
            "4: input_tokens `x` is not a number",
            "6: output_tokens is 0, but a request has at least 1 token each way"});
  for (int i = 0; i < 1000; ++i) text += "oops\n";
  const ReadTrace many = read_trace(text);
  CHECK(many.report.listed.size() == 20);
  CHECK(many.report.bad_lines == 1002);
  CHECK(many.report.failed);
}

TEST_CASE("Under skip bad lines are left out, counted and listed", "[hostile]") {
  std::string text = "arrived_at,input_tokens,output_tokens\n0,1,1\n5,1,1\n4,1,1\nx,1,1\n6,2,2\n";
  const ReadTrace trace = read_skipping(text);
  CHECK_FALSE(trace.report.failed);
  CHECK(trace.report.bad_lines == 2);
  CHECK(trace.report.delivered == 3);
  REQUIRE(trace.requests.size() == 3);
  CHECK(trace.requests[2].id == 2);
  CHECK(trace.requests[2].arrival_ns == 6'000'000'000);
  CHECK(trace.problems() ==
        std::vector<std::string>{"4: time runs backwards: 1 s before an earlier line",
                                 "5: arrived_at `x` is not a number"});
  for (int i = 0; i < 1000; ++i) text += "oops\n";
  const ReadTrace many = read_skipping(text);
  CHECK(many.report.bad_lines == 1002);
  CHECK(many.report.listed.size() == 20);

  Diagnostics found;
  explain(many.report, found);
  CHECK(found.error_count() == 0);
  CHECK(found.warning_count() == 21);
  CHECK_THAT(found.render(), Contains("1002 bad lines: 4-5, 7-1006; the first 20"));
}

TEST_CASE("More stretches of bad lines than are kept are not kept silent", "[hostile]") {
  std::string text = "arrived_at,input_tokens,output_tokens\n";
  for (int i = 0; i < 3000; ++i) text += i % 2 == 0 ? "5,1,1\n" : "oops\n";
  const ReadTrace many = read_skipping(text);
  CHECK(many.report.bad_lines == 1500);
  CHECK(many.report.bad_ranges.size() == kBadRangesMax);
  Diagnostics found;
  explain(many.report, found);
  CHECK_THAT(found.render(), Contains("2001 and further ones"));
}

TEST_CASE("Errors that skipping would cure say so, others do not", "[hostile]") {
  const auto hints_of = [](const std::string& text) {
    Diagnostics found;
    explain(read_trace(text).report, found);
    CHECK(found.has_errors());
    return found.sorted().back().hints;
  };
  const std::string header = "arrived_at,input_tokens,output_tokens\n";
  CHECK(hints_of(header + "x,1,1\n0,1,1\n0,y,1\n") ==
        std::vector<std::string>{"`on_bad_line: skip` leaves bad lines out and counts them"});
  CHECK(hints_of("hello\n").empty());
  CHECK(hints_of(header + "0,1,1\n" + tests::gzip(header)).size() == 1);
  CHECK(hints_of(tests::gzip(header + "0,1,1\n").substr(0, 30)).empty());
}

TEST_CASE("A header may hold braces and a record may be indented", "[csv][mooncake]") {
  CHECK(read_trace("{note,arrived_at,input_tokens,output_tokens\n0,0,1,1\n",
                   in_format(TraceFormat::csv))
            .requests.size() == 1);
  CHECK(read_trace(" \t" + std::string(kGoodLine) + "\n").requests.size() == 1);
}

TEST_CASE("A cut compressed trace fails with the line reached, even under skip", "[hostile]") {
  std::string text = "arrived_at,input_tokens,output_tokens\n";
  for (int i = 0; i < 40'000; ++i) {
    text += std::to_string(i) + "," + std::to_string(1 + i * 7919 % 1000) + ",5\n";
  }
  for (const std::string& packed : {tests::gzip(text), tests::zstd(text)}) {
    CHECK(read_trace(packed).requests.size() == 40'000);
    const ReadTrace trace = read_skipping(packed.substr(0, packed.size() * 3 / 4));
    CHECK(trace.report.failed);
    REQUIRE(trace.problems().size() == 1);
    CHECK_THAT(trace.problems().front(), Contains("cannot read on: the ") && Contains("cut off"));
    // The header is line 1; the line that breaks off follows the last request.
    CHECK(trace.report.listed.front().line == trace.report.delivered + 2);
  }
}
