#include <algorithm>

#include <catch2/catch.hpp>

#include "models/llm/step_table.hpp"

using namespace tiercast::llm;

namespace {

// Counts keys row by row: what the closed forms must equal.
struct Counted {
  int64_t pairs = 0;
  int64_t kv_tokens = 0;
};
Counted count_keys(int64_t rows, int64_t context, int64_t window) {
  Counted counted;
  int64_t first = context + rows;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t position = context + row;
    const int64_t from = window == 0 ? 0 : std::max<int64_t>(0, position + 1 - window);
    counted.pairs += position + 1 - from;
    first = std::min(first, from);
  }
  counted.kv_tokens = context + rows - first;
  return counted;
}

// Two groups, one with a window and a knot; every number small enough to work out by hand.
StepTable small_table() {
  StepTable table;
  table.max_tokens = 4;
  table.max_sequences = 2;
  table.token_ticks = {0, 10, 20, 30, 40};
  table.token_energy = {0, 50, 100, 150, 200};
  table.sample_ticks = {0, 5, 6};
  table.sample_energy = {0, 10, 10};
  table.engine_ticks = {0, 100, 101};
  table.engine_energy = {0, 0, 0};
  table.dynamic_power_max_mw = 7;
  AttentionGroup full;
  full.layers = 3;
  full.decode_time = {{0, 0, 2}, {10, 20, 4}};
  full.energy_per_kv_token = 5;
  full.row_tile = 4;
  full.prefill_time = {.per_chunk = 7, .per_token = 3, .per_pair = 2, .per_kv_token = 1};
  full.prefill_energy = {.per_chunk = 1, .per_token = 1, .per_pair = 1, .per_kv_token = 1};
  AttentionGroup sliding = full;
  sliding.window_tokens = 8;
  sliding.decode_time = {{0, 0, 1}};
  sliding.row_tile = 1;
  table.groups = {full, sliding};
  return table;
}

}  // namespace

TEST_CASE("closed forms of attention equal counting key by key") {
  for (int64_t window = 0; window <= 9; ++window) {
    for (int64_t context = 0; context <= 12; ++context) {
      for (int64_t rows = 1; rows <= 12; ++rows) {
        INFO("window " << window << " context " << context << " rows " << rows);
        const Counted counted = count_keys(rows, context, window);
        REQUIRE(attention_pairs(rows, context, window) == counted.pairs);
        REQUIRE(attention_kv_tokens(rows, context, window) == counted.kv_tokens);
      }
    }
  }
}

TEST_CASE("a decode step costs the sum of its terms") {
  const StepTable table = small_table();
  REQUIRE(table_violation(table).empty());
  const int64_t x[] = {12, 8};
  // 20 for two tokens, 6 for two samples, 101 for two sequences; 20 + 4 x 2 and 8 of attention.
  CHECK(table.decode_ticks(2, x) == 20 + 6 + 101 + 28 + 8);
  CHECK(table.decode_energy(2, x) == 100 + 10 + 0 + 5 * 12 + 5 * 8);
}

TEST_CASE("pieces meet at their knots and know the next one") {
  const AttentionGroup group = small_table().groups[0];
  CHECK(group.decode_ticks(0) == 0);
  CHECK(group.decode_ticks(9) == 18);
  CHECK(group.decode_ticks(10) == 20);
  CHECK(group.decode_ticks(11) == 24);
  CHECK(group.next_knot(0) == 10);
  CHECK(group.next_knot(9) == 10);
  CHECK(group.next_knot(10) == INT64_MAX);
  CHECK(small_table().groups[1].kv_tokens(7) == 7);
  CHECK(small_table().groups[1].kv_tokens(9) == 8);
}

TEST_CASE("a prefill chunk pays for padded rows, keys in reach and itself") {
  const StepTable table = small_table();
  // Full group: 3 rows pad to 4 after 5 cached: 6 + 7 + 8 + 9 pairs; 8 keys. Window 8 reaches all.
  const int64_t full = 7 + 3 * 3 + 2 * (6 + 7 + 8 + 9) + 8;
  const int64_t sliding = 7 + 3 * 3 + 2 * (6 + 7 + 8) + 8;
  CHECK(table.prefill_attention_ticks(3, 5) == full + sliding);
  CHECK(table.prefill_attention_energy(3, 5) == (1 + 3 + 30 + 8) + (1 + 3 + 21 + 8));
}

TEST_CASE("tables that break a law are told so") {
  const auto broken = [](auto&& change) {
    StepTable table = small_table();
    change(table);
    return table_violation(table);
  };
  CHECK(!broken([](StepTable& t) { t.token_ticks[2] = 5; }).empty());
  CHECK(!broken([](StepTable& t) { t.token_ticks[0] = 1; }).empty());
  CHECK(!broken([](StepTable& t) { t.sample_ticks.pop_back(); }).empty());
  CHECK(!broken([](StepTable& t) { t.engine_energy[1] = 701; }).empty());
  CHECK(!broken([](StepTable& t) { t.token_energy[4] = 140; }).empty());
  CHECK(!broken([](StepTable& t) { t.token_ticks.back() = kMaxTokenTicks + 1; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].decode_time[1].cost_at = 19; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].decode_time[1].slope = -1; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].decode_time[0].cost_at = 1; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].energy_per_kv_token = 15; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].prefill_time.per_pair = -1; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[0].prefill_energy.per_pair = 15; }).empty());
  CHECK(!broken([](StepTable& t) { t.groups[1].row_tile = 0; }).empty());
}
