#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/block_accesses.hpp"
#include "models/workload/id_numbers.hpp"
#include "tests/support/paths.hpp"

namespace {

using namespace tiercast;
using workload::BlockAccesses;
using Numbers = std::vector<std::uint32_t>;
using Ends = std::vector<std::uint64_t>;

/// What is read of a file with this text.
std::optional<BlockAccesses> read(const std::string& text, std::uint32_t concurrent,
                                  Diagnostics& found, bool skip = false) {
  const auto file = std::filesystem::temp_directory_path() / "tiercast_block_accesses.jsonl";
  std::ofstream(file) << text;
  workload::TraceSpec spec;
  spec.file = file.string();
  if (skip) spec.on_bad_line = workload::OnBadLine::skip;
  auto accesses = workload::read_block_accesses(spec, concurrent, found);
  std::filesystem::remove(file);
  return accesses;
}

BlockAccesses good(const std::string& text, std::uint32_t concurrent = 1) {
  Diagnostics found;
  const auto accesses = read(text, concurrent, found);
  INFO(found.render());
  REQUIRE(accesses.has_value());
  return *accesses;
}

std::string call(const std::string& time, const std::string& ids,
                 const std::string& stop = "end_turn") {
  return "{\"t\": " + time + ", \"type\": \"s\", \"in\": 200, \"out\": 3, \"stop\": \"" + stop +
         "\", \"hash_ids\": [" + ids + "]}";
}

std::string session(const std::string& requests, const std::string& scope = "global") {
  return "{\"id\": \"a\", \"hash_id_scope\": \"" + scope + "\", \"requests\": [" + requests +
         "]}\n";
}

TEST_CASE("ids are numbered as they appear, each scope's apart") {
  workload::IdNumbers numbers;
  CHECK(numbers.number(0, 7) == 0);
  CHECK(numbers.number(1, 7) == 1);
  CHECK(numbers.number(0, 7) == 0);
  for (std::uint64_t id = 0; id < 5000; ++id) CHECK(numbers.number(2, id << 40) == 2 + id);
  for (std::uint64_t id = 0; id < 5000; ++id) CHECK(numbers.number(2, id << 40) == 2 + id);
  CHECK(numbers.size() == 5002);
}

TEST_CASE("requests give their blocks in file order") {
  const BlockAccesses accesses =
      good(R"({"timestamp": 0, "input_length": 1000, "output_length": 1, "hash_ids": [9, 4]})"
           "\n"
           R"({"timestamp": 5, "input_length": 1500, "output_length": 1, "hash_ids": [9, 8, 4]})"
           "\n");
  CHECK(accesses.blocks == Numbers{0, 1, 0, 2, 1});
  CHECK(accesses.request_ends == Ends{2, 5});
  CHECK(accesses.distinct == 3);
}

TEST_CASE("sessions one at a time come in file order, sub-agents where their marker stands") {
  const std::string marker =
      R"({"t": 1, "type": "subagent", "requests": [)" + call("50", "7, 8") + "]}";
  const BlockAccesses accesses =
      good(session(call("0", "1, 2") + "," + marker + "," + call("20", "1, 2, 3")) +
           session(call("0", "1, 9")));
  CHECK(accesses.blocks == Numbers{0, 1, 2, 3, 0, 1, 4, 0, 5});
  CHECK(accesses.request_ends == Ends{2, 4, 7, 9});
}

TEST_CASE("concurrent sessions come by time; a further one starts as another ends") {
  const std::string marker =
      R"({"t": 1, "type": "subagent", "requests": [)" + call("50", "7") + "]}";
  const std::string text = session(call("0", "1") + "," + marker + "," + call("20", "2")) +
                           session(call("0", "3") + "," + call("30.5", "4")) +
                           session(call("0", "5") + "," + call("20", "6"));
  // 0: 1 and 3; 20: 2; 30.5: 4, and the third session starts with 5; 50.5: 6; 51: 7.
  CHECK(good(text, 2).blocks == Numbers{0, 1, 2, 3, 4, 5, 6});
  const BlockAccesses accesses = good(text, 2);
  CHECK(accesses.request_ends.size() == 7);
  // Three at once: 1, 3, 5; 20: 2 and 6, and the fourth, which starts as the third ends; 30.5: 4;
  // 51: 7.
  const BlockAccesses all = good(text + session(call("0", "7, 4, 6, 2")), 3);
  CHECK(all.blocks == Numbers{0, 1, 2, 3, 4, 5, 6, 4, 3, 6, 5});
}

TEST_CASE("calls tell their time, session, turn and whether they end in a tool call") {
  const std::string marker = R"({"t": 1, "type": "subagent", "requests": [)" +
                             call("2", "7", "tool_use") + "," + call("4", "7") + "]}";
  const BlockAccesses accesses =
      good(session(call("0.5", "1", "tool_use") + "," + marker + "," + call("20", "2")) +
               session(call("0", "3")),
           2);
  // 0: the second session; 0.5 and 20: the first; 3 and 5: its sub-agent.
  using Told = std::tuple<std::int64_t, std::uint64_t, std::uint32_t, bool>;
  std::vector<Told> told;
  for (const auto& request : accesses.requests) {
    told.emplace_back(request.time_ns / 100'000'000, request.session, request.turn,
                      request.calls_tool);
  }
  CHECK(told == std::vector<Told>{{0, 3, 0, false},
                                  {5, 1, 0, true},
                                  {30, 2, 0, true},
                                  {50, 2, 1, false},
                                  {200, 1, 1, false}});
}

TEST_CASE("local ids are a session's own") {
  const BlockAccesses accesses =
      good(session(call("0", "1, 2"), "local") + session(call("0", "1, 2"), "local"));
  CHECK(accesses.blocks == Numbers{0, 1, 2, 3});
  CHECK(accesses.distinct == 4);
}

TEST_CASE("bad sessions are named by line, or left out on request") {
  const std::string fine = session(call("0", "1"));
  const auto [line, reason] = GENERATE(table<std::string, std::string>({
      {R"({"requests": [{"hash_ids": [1]}]})", "a call without a time `t`"},
      {R"({"requests": [{"t": -1, "hash_ids": [1]}]})", "not from 0 to 10^9 s"},
      {R"({"requests": [{"t": 1}]})", "a call without the list `hash_ids`"},
      {R"({"requests": [{"t": 1, "hash_ids": [1.5]}]})", "not an integer"},
      {R"({"requests": [{"t": 1, "hash_ids": [-1]}]})", "not an integer"},
      {R"({"requests": [3]})", "something that is no object"},
      {R"({"requests": 3})", "missing or no list"},
      {R"({"hash_id_scope": "mine", "requests": []})", "neither `global` nor `local`"},
      {R"({"requests": [{"t": 0, "type": "subagent"}]})", "a sub-agent without a list"},
      {R"([1])", "not a JSON object"},
      {R"({"requests": [)", "not valid JSON"},
  }));
  INFO(line);
  Diagnostics found;
  CHECK(!read(fine + line + "\n" + fine, 1, found).has_value());
  CHECK_THAT(found.render(), Catch::Contains(reason) && Catch::Contains(":2"));
  Diagnostics warned;
  const auto accesses = read(fine + line + "\n" + fine, 1, warned, true);
  REQUIRE(accesses.has_value());
  CHECK(accesses->blocks == Numbers{0, 0});
  CHECK(!warned.has_errors());
}

TEST_CASE("a trace without ids is refused") {
  Diagnostics found;
  CHECK(!read(session(""), 1, found).has_value());
  CHECK_THAT(found.render(), Catch::Contains("no request of the trace carries content ids"));
}

TEST_CASE("the recorded sessions have the figures of their own README") {
  const auto file = tests::shared_dir() / "traces/claude_code_globalhash_c.jsonl.zst";
  if (!std::filesystem::exists(file)) {
    WARN("no traces beside the repository: not compared");
    return;
  }
  workload::TraceSpec spec;
  spec.file = file.string();
  Diagnostics found;
  const auto accesses = workload::read_block_accesses(spec, 1, found);
  REQUIRE(accesses.has_value());
  CHECK(accesses->request_ends.size() == 9553 + 206);
  CHECK(accesses->blocks.size() == 13'894'108);
  CHECK(accesses->distinct == 311'151);
  const auto interleaved = workload::read_block_accesses(spec, 16, found);
  REQUIRE(interleaved.has_value());
  CHECK(interleaved->blocks.size() == accesses->blocks.size());
  CHECK(interleaved->distinct == accesses->distinct);
  CHECK(interleaved->blocks != accesses->blocks);
}

}  // namespace
