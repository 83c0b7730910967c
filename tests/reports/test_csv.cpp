#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "reports/csv.hpp"
#include "sim/base/random.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kMs;
using tests::kSecond;

using Row = std::map<std::string, std::string>;

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found(1);
  for (const char c : line) {
    if (c == ',') {
      found.emplace_back();
    } else {
      found.back().push_back(c);
    }
  }
  return found;
}

// A second reading of the format: rows by the names of the header.
std::vector<Row> read(const std::string& csv) {
  std::istringstream lines(csv);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = cells(line);
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> values = cells(line);
    REQUIRE(values.size() == names.size());
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < names.size(); ++i) row[names[i]] = values[i];
    REQUIRE(row.size() == names.size());
  }
  return rows;
}

int64_t number(const Row& row, const std::string& name) { return std::stoll(row.at(name)); }

TEST_CASE("requests.csv holds the log") {
  serving::Outcome outcome;
  serving::RequestRecord& record = add(outcome, {.arrival_ns = 5,
                                                 .queue_ns = 10,
                                                 .prefill_ns = 200,
                                                 .decode_ns = 3000,
                                                 .input_tokens = 100,
                                                 .output_tokens = 10,
                                                 .cached_tokens = 32});
  record.session = 77;
  record.tenant = 5;
  record.instance = 3;
  record.preemptions = 2;
  record.truncated = true;
  record.e2e.decode_ns -= 1500;
  record.e2e.interference_ns += 1000;
  record.e2e.engine_ns += 500;
  record.loaded_tokens = 16;
  const auto loads = [](serving::TimeParts& parts, int64_t& of_ns) {
    parts.metadata_ns = 1;
    parts.load_wait_ns = 2;
    parts.load_move_ns = 3;
    parts.handoff_ns = 4;
    of_ns -= 10;
  };
  loads(record.ttft, record.ttft.prefill_ns);
  loads(record.e2e, record.e2e.prefill_ns);
  tests::add_rejected(outcome, 6);
  const std::vector<Row> rows = read(requests_csv(outcome.log));
  REQUIRE(rows.size() == 2);
  const std::map<std::string, std::string> expected = {{"id", "0"},
                                                       {"session", "77"},
                                                       {"tenant", "5"},
                                                       {"instance", "3"},
                                                       {"state", "completed"},
                                                       {"truncated", "1"},
                                                       {"preemptions", "2"},
                                                       {"input_tokens", "100"},
                                                       {"output_tokens", "10"},
                                                       {"cached_tokens", "32"},
                                                       {"loaded_tokens", "16"},
                                                       {"computed_tokens", "68"},
                                                       {"arrival_ns", "5"},
                                                       {"admitted_ns", "15"},
                                                       {"first_token_ns", "215"},
                                                       {"finished_ns", "3215"},
                                                       {"ttft_ns", "210"},
                                                       {"ttft_route_ns", "0"},
                                                       {"ttft_queue_ns", "10"},
                                                       {"ttft_metadata_ns", "1"},
                                                       {"ttft_load_wait_ns", "2"},
                                                       {"ttft_load_move_ns", "3"},
                                                       {"ttft_prefill_ns", "190"},
                                                       {"ttft_handoff_ns", "4"},
                                                       {"ttft_interference_ns", "0"},
                                                       {"ttft_decode_ns", "0"},
                                                       {"ttft_engine_ns", "0"},
                                                       {"e2e_ns", "3210"},
                                                       {"e2e_route_ns", "0"},
                                                       {"e2e_queue_ns", "10"},
                                                       {"e2e_metadata_ns", "1"},
                                                       {"e2e_load_wait_ns", "2"},
                                                       {"e2e_load_move_ns", "3"},
                                                       {"e2e_prefill_ns", "190"},
                                                       {"e2e_handoff_ns", "4"},
                                                       {"e2e_interference_ns", "1000"},
                                                       {"e2e_decode_ns", "1500"},
                                                       {"e2e_engine_ns", "500"}};
  CHECK(rows[0] == expected);
  CHECK(rows[1].at("state") == "rejected");
  CHECK(rows[1].at("input_tokens") == "1000000");
  for (const char* name : {"instance", "admitted_ns", "finished_ns", "ttft_ns", "e2e_engine_ns"}) {
    CHECK(rows[1].at(name).empty());
  }
}

// What the docstring says, counted by brute force for one row.
void check_point(const serving::RequestLog& log, const Row& row, int64_t step_ns) {
  const int64_t time_ns = number(row, "time_ns");
  const auto within = [&](int64_t stamp_ns) {
    return stamp_ns <= time_ns && (stamp_ns > time_ns - step_ns || time_ns == step_ns);
  };
  std::map<std::string, int64_t> sums;
  for (const serving::RequestRecord& record : log) {
    sums["arrivals"] += within(record.arrival_ns) ? 1 : 0;
    if (record.state == serving::RequestState::rejected) continue;
    sums["input_tokens"] += within(record.arrival_ns) ? record.input_tokens : 0;
    sums["completions"] += within(record.finished_ns) ? 1 : 0;
    sums["output_tokens"] += within(record.finished_ns) ? record.output_tokens : 0;
    const bool arrived = record.arrival_ns <= time_ns;
    const bool admitted = record.admitted_ns <= time_ns;
    sums["waiting"] += arrived && !admitted ? 1 : 0;
    sums["running"] += admitted && record.finished_ns > time_ns ? 1 : 0;
  }
  for (const auto& [name, sum] : sums) {
    INFO(name << " at " << time_ns);
    CHECK(number(row, name) == sum);
  }
}

TEST_CASE("timeseries.csv is a pure function of the log") {
  Stream stream(11, Purpose("series"));
  serving::Outcome outcome;
  int64_t arrival_ns = 0;
  for (int i = 0; i < 300; ++i) {
    arrival_ns += stream.between(0, 20) * kMs;
    if (i % 17 == 0) {
      tests::add_rejected(outcome, arrival_ns);
    } else {
      add(outcome, {.arrival_ns = arrival_ns,
                    .queue_ns = stream.between(0, 30) * kMs,
                    .prefill_ns = stream.between(1, 50) * kMs,
                    .decode_ns = stream.between(0, 500) * kMs,
                    .output_tokens = static_cast<uint32_t>(stream.between(1, 99))});
    }
  }
  const std::vector<Row> rows = read(timeseries_csv(outcome.log));
  REQUIRE(rows.size() >= 80);
  REQUIRE(rows.size() <= 200);
  const int64_t step_ns = number(rows[0], "time_ns");
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(number(rows[i], "time_ns") == static_cast<int64_t>(i + 1) * step_ns);
    check_point(outcome.log, rows[i], step_ns);
  }
  CHECK(number(rows.back(), "time_ns") >= outcome.end_ns);
  CHECK(number(rows.back(), "time_ns") - step_ns < outcome.end_ns);
  CHECK(number(rows.back(), "running") == 0);
}

TEST_CASE("tables count from the start of the window") {
  // The same requests an hour later, with an hour of warm-up before them.
  const int64_t hour_ns = 3600 * kSecond;
  serving::Outcome early;
  serving::Outcome late;
  Stream stream(12, Purpose("window"));
  for (int i = 0; i < 50; ++i) {
    const int64_t queue_ns = stream.between(0, kSecond);
    const int64_t decode_ns = stream.between(0, kSecond);
    for (serving::Outcome* outcome : {&early, &late}) {
      const int64_t from_ns = outcome == &late ? hour_ns : 0;
      add(*outcome,
          {.arrival_ns = from_ns + i * 100 * kMs, .queue_ns = queue_ns, .decode_ns = decode_ns});
    }
  }
  tests::add_rejected(early, 6 * kSecond);
  tests::add_rejected(late, hour_ns + 6 * kSecond);
  CHECK(requests_csv(late.log, hour_ns) == requests_csv(early.log));
  CHECK(timeseries_csv(late.log, hour_ns) == timeseries_csv(early.log));
  CHECK(requests_csv(late.log) != requests_csv(early.log));
}

TEST_CASE("the grid step is round and just fine enough") {
  const auto step_for = [](int64_t end_ns) {
    serving::Outcome outcome;
    add(outcome, {.arrival_ns = 0, .decode_ns = end_ns});
    return number(read(timeseries_csv(outcome.log)).at(0), "time_ns");
  };
  CHECK(step_for(0) == 1);
  CHECK(step_for(200) == 1);
  CHECK(step_for(201) == 2);
  CHECK(step_for(200 * kSecond) == kSecond);
  CHECK(step_for(200 * kSecond + 1) == 2 * kSecond);
  CHECK(step_for(400 * kSecond + 1) == 5 * kSecond);
  CHECK(step_for(1000 * kSecond + 1) == 10 * kSecond);
}

TEST_CASE("a run without requests has headers only, and one empty point") {
  CHECK(read(requests_csv({})).empty());
  const std::vector<Row> rows = read(timeseries_csv({}));
  REQUIRE(rows.size() == 1);
  CHECK(number(rows[0], "arrivals") == 0);
}

}  // namespace
}  // namespace tiercast::reports
