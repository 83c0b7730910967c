#include "tests/serving/random_scenario.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "sim/base/random.hpp"
#include "tests/serving/test_demand.hpp"

namespace tiercast::tests {

namespace {

using serving::ClusterSpec;
using serving::EngineSpec;
using workload::Request;

constexpr uint64_t kSeed = 20'240'229;
constexpr Purpose kEngine{"test.scenario.engine"};
constexpr Purpose kTable{"test.scenario.table"};
constexpr Purpose kDemand{"test.scenario.demand"};
constexpr Purpose kTenants{"test.scenario.tenants"};
constexpr Purpose kIndex{"test.scenario.index"};

class Draw {
 public:
  Draw(Purpose purpose, uint64_t number) : stream_(kSeed, purpose, number) {}
  bool one_in(uint64_t n) { return stream_.below(n) == 0; }
  uint32_t between(int64_t first, int64_t last) {
    return static_cast<uint32_t>(stream_.between(first, last));
  }
  int64_t up_to(int64_t last) { return stream_.between(0, last); }
  template <class T, size_t n>
  T pick(const std::array<T, n>& values) {
    return values[stream_.below(n)];
  }

 private:
  Stream stream_;
};

// Many sequences in a pool that one of them could fill: preemption and eviction all the time.
void press(Draw& draw, EngineSpec& engine) {
  engine.block_tokens = draw.between(1, 6);
  engine.max_model_tokens = draw.between(30, 150);
  engine.max_sequences = draw.between(4, 12);
  engine.max_batched_tokens = 12 + draw.between(0, 150);
  if (!engine.chunked_prefill) engine.max_batched_tokens += engine.max_model_tokens;
  engine.kv_blocks = engine.max_model_tokens / engine.block_tokens + draw.between(1, 4);
  engine.watermark_blocks = draw.one_in(2) ? 0 : 1;
}

EngineSpec random_engine(Draw& draw) {
  EngineSpec engine;
  engine.block_tokens = draw.pick(std::array{1u, 2u, 3u, 4u, 4u, 8u, 16u, 32u});
  if (draw.one_in(4)) engine.block_tokens = draw.between(1, 32);
  engine.max_model_tokens = draw.between(2, draw.one_in(3) ? 20 : 150);
  engine.max_sequences = draw.between(1, draw.one_in(3) ? 3 : 12);
  engine.chunked_prefill = !draw.one_in(4);
  engine.max_batched_tokens = engine.max_sequences + draw.between(0, draw.one_in(2) ? 10 : 100);
  if (!engine.chunked_prefill) {
    engine.max_batched_tokens = std::max(engine.max_batched_tokens, engine.max_model_tokens);
  }
  const uint32_t one_request =
      (engine.max_model_tokens + engine.block_tokens - 1) / engine.block_tokens;
  engine.kv_blocks = std::max(1u, one_request + draw.between(0, 2 * one_request) - 1);
  if (draw.one_in(8)) engine.kv_blocks *= 8;
  if (draw.one_in(8)) engine.kv_blocks = std::max(1u, engine.kv_blocks / 4);
  engine.watermark_blocks = draw.one_in(2) ? 0 : draw.between(1, 3);
  if (draw.one_in(3)) press(draw, engine);
  engine.prefix_caching = !draw.one_in(6);
  engine.over_length = draw.one_in(2) ? serving::OverLength::reject : serving::OverLength::truncate;
  return engine;
}

std::vector<int64_t> rising(Draw& draw, uint32_t last, int64_t unit) {
  std::vector<int64_t> values{0};
  int64_t value = draw.one_in(2) ? draw.up_to(20 * unit) : 0;
  for (uint32_t i = 1; i <= last; ++i) {
    value += draw.one_in(3) ? 0 : draw.up_to(unit);
    values.push_back(value);
  }
  values.back() += 1;  // no step is free
  for (uint32_t i = 1; i <= last; ++i) values[i] = std::max<int64_t>(values[i], 1);
  return values;
}

std::vector<llm::Int128> energy_below(Draw& draw, const std::vector<int64_t>& ticks,
                                      int64_t power_mw) {
  const int64_t own_mw = draw.up_to(power_mw);
  std::vector<llm::Int128> energy;
  for (const int64_t t : ticks) energy.push_back(llm::Int128{t} * own_mw);
  return energy;
}

llm::AttentionGroup random_group(Draw& draw, int64_t unit, int64_t power_mw) {
  llm::AttentionGroup group;
  group.layers = 1;
  group.window_tokens = draw.one_in(2) ? 0 : draw.between(1, 60);
  llm::Piece piece{0, 0, draw.up_to(unit)};
  int64_t least_slope = piece.slope;
  group.decode_time.push_back(piece);
  for (int64_t knots = draw.up_to(3); knots > 0; --knots) {
    const int64_t run = 1 + draw.up_to(120);
    piece = {piece.x_from + run, piece.cost_at + piece.slope * run, draw.up_to(unit)};
    least_slope = std::min(least_slope, piece.slope);
    group.decode_time.push_back(piece);
  }
  const int64_t most_mw = least_slope == 0 ? 0 : std::min(power_mw, INT64_MAX / least_slope);
  group.energy_per_kv_token = least_slope * draw.up_to(most_mw);
  group.row_tile = draw.pick(std::array{1u, 1u, 4u, 16u});
  group.prefill_time = {draw.up_to(unit), draw.up_to(unit), draw.up_to(unit / 8 + 1),
                        draw.up_to(unit)};
  const llm::ChunkCost<int64_t>& time = group.prefill_time;
  group.prefill_energy.per_pair = llm::Int128{time.per_pair} * draw.up_to(power_mw);
  group.prefill_energy.per_token = llm::Int128{time.per_token} * draw.up_to(power_mw);
  return group;
}

llm::StepTable random_table(Draw& draw, const EngineSpec& engine, int64_t unit) {
  llm::StepTable table;
  table.max_tokens = engine.max_batched_tokens;
  table.max_sequences = engine.max_sequences;
  table.dynamic_power_max_mw = 700'000;
  const int64_t power = table.dynamic_power_max_mw;
  table.token_ticks = rising(draw, table.max_tokens, unit);
  table.sample_ticks = rising(draw, table.max_sequences, unit);
  table.engine_ticks = rising(draw, table.max_sequences, unit);
  table.token_energy = energy_below(draw, table.token_ticks, power);
  table.sample_energy = energy_below(draw, table.sample_ticks, power);
  table.engine_energy = energy_below(draw, table.engine_ticks, power);
  for (int64_t groups = 1 + draw.up_to(2); groups > 0; --groups) {
    table.groups.push_back(random_group(draw, unit, power));
  }
  return table;
}

uint32_t random_id_tokens(Draw& draw, uint32_t block) {
  if (draw.one_in(5)) return 0;
  if (draw.one_in(2)) return block * draw.between(1, 4);
  uint32_t divisor = draw.between(1, block);
  while (block % divisor != 0) --divisor;
  return divisor;
}

// Steps from a small part of a nanosecond to seconds.
int64_t random_unit(Draw& draw) { return int64_t{1} << draw.between(8, 46); }

// A step is worth some tens of units.
int64_t step_ns(int64_t unit) { return std::max<int64_t>(1, 20 * unit / llm::kTicksPerNs); }

struct DemandShape {
  const ClusterSpec* spec;
  int64_t unit;
  bool long_output = false;
  std::vector<Request> earlier;  // for prefixes to share
  uint64_t next_id = 1;
  Draw tenants;
};

// Ids in front of the request's tokens: an earlier request's first ones, then fresh ones.
void add_ids(Draw& draw, DemandShape& shape, Request& request, const Request* parent) {
  const uint32_t t = shape.spec->id_tokens;
  if (t == 0 || draw.one_in(10)) return;
  request.id_tokens = t;
  uint32_t covered = request.input_tokens;
  if (draw.one_in(4)) covered += request.output_tokens;
  if (draw.one_in(4)) covered = draw.between(1, covered);
  if (draw.one_in(3)) covered = covered / t * t;
  if (covered == 0) return;
  const size_t count = (covered + t - 1) / t;
  if (parent != nullptr) {
    const size_t shared =
        std::min(parent->ids.size(),
                 draw.one_in(3) ? count : size_t{draw.between(0, static_cast<int64_t>(count))});
    request.ids.assign(parent->ids.begin(),
                       parent->ids.begin() + static_cast<std::ptrdiff_t>(shared));
  }
  while (request.ids.size() < count) request.ids.push_back(shape.next_id++);
  request.last_id_tokens = covered - static_cast<uint32_t>(count - 1) * t;
}

Request random_request(Draw& draw, DemandShape& shape, const Request* parent) {
  const int64_t limit = shape.spec->engine.max_model_tokens;
  Request request;
  request.input_tokens = draw.between(1, draw.one_in(6) ? limit + 3 : (limit + 1) / 2);
  request.output_tokens = draw.between(1, shape.long_output ? limit / 2 + 1 : limit / 5 + 1);
  if (draw.one_in(5)) request.output_tokens = 1;
  if (parent != nullptr && draw.one_in(4)) {
    request.input_tokens = parent->input_tokens;  // the same prompt again, perhaps
  }
  add_ids(draw, shape, request, parent);
  request.tenant = shape.tenants.between(0, 2);
  shape.earlier.push_back(request);
  return request;
}

const Request* random_parent(Draw& draw, const DemandShape& shape) {
  if (shape.earlier.empty() || draw.one_in(4)) return nullptr;
  return &shape.earlier[draw.between(0, static_cast<int64_t>(shape.earlier.size()) - 1)];
}

std::unique_ptr<workload::DemandSource> open_demand(Draw& draw, DemandShape& shape, int64_t gap) {
  const uint32_t count = draw.between(1, draw.one_in(3) ? 60 : 25);
  std::vector<Request> requests;
  int64_t now_ns = draw.one_in(2) ? 0 : draw.up_to(gap);
  for (uint32_t i = 0; i < count; ++i) {
    Request copy = {};
    if (const Request* parent = random_parent(draw, shape)) copy = *parent;
    requests.push_back(random_request(draw, shape, copy.input_tokens > 0 ? &copy : nullptr));
    requests.back().arrival_ns = now_ns;
    requests.back().session = i;
    if (!draw.one_in(3)) now_ns += draw.up_to(gap);
  }
  const bool held = draw.one_in(4);
  return std::make_unique<ListSource>(std::move(requests), held ? draw.between(1, 5) : UINT32_MAX);
}

std::unique_ptr<workload::DemandSource> closed_demand(Draw& draw, DemandShape& shape, int64_t gap) {
  std::vector<std::vector<LoopSource::Turn>> sessions(draw.between(1, 8));
  const bool thinks = !draw.one_in(3);
  const Request system = random_request(draw, shape, nullptr);
  for (auto& session : sessions) {
    Request previous = system;
    for (uint32_t turns = draw.between(1, 5); turns > 0; --turns) {
      Request request = random_request(draw, shape, &previous);
      previous = request;
      session.push_back({std::move(request), thinks ? draw.up_to(gap) : draw.up_to(1)});
    }
  }
  return std::make_unique<LoopSource>(std::move(sessions));
}

}  // namespace

std::unique_ptr<workload::DemandSource> RandomScenario::demand() const {
  Draw table_draw(kTable, number);
  Draw draw(kDemand, number);
  DemandShape shape{&spec, random_unit(table_draw), draw.one_in(2), {}, 1, Draw(kTenants, number)};
  const int64_t gap_ns = step_ns(shape.unit) * draw.pick(std::array<int64_t, 5>{1, 3, 10, 40, 200});
  return draw.one_in(3) ? closed_demand(draw, shape, gap_ns) : open_demand(draw, shape, gap_ns);
}

std::string RandomScenario::describe() const {
  const EngineSpec& e = spec.engine;
  const auto text = [](const char* name, auto value) {
    return std::string(" ") + name + "=" + std::to_string(value);
  };
  return "scenario " + std::to_string(number) + ":" + text("instances", spec.instances) +
         " router=" + spec.router->info()->name + text("delay", spec.router_index_delay_ns) +
         " policy=" + spec.eviction->info()->name + text("id_tokens", spec.id_tokens) +
         text("block", e.block_tokens) + text("kv_blocks", e.kv_blocks) +
         text("batched", e.max_batched_tokens) + text("sequences", e.max_sequences) +
         text("model", e.max_model_tokens) + text("watermark", e.watermark_blocks) +
         text("chunked", e.chunked_prefill) + text("caching", e.prefix_caching) +
         text("isolation", static_cast<int>(e.isolation)) + text("groups", table.groups.size());
}

RandomScenario make_random_scenario(uint64_t number) {
  RandomScenario scenario;
  scenario.number = number;
  Draw draw(kEngine, number);
  Draw table_draw(kTable, number);
  ClusterSpec& spec = scenario.spec;
  spec.engine = random_engine(draw);
  spec.instances = draw.one_in(2) ? 1 : draw.between(2, 4);
  spec.router = tp_builtin_router(draw.up_to(2));
  spec.eviction =
      tp_find_builtin_cache(draw.pick(std::array{"lru", "lru", "fifo", "s3fifo", "s3fifo"}));
  spec.block_bytes = 1024;
  spec.id_tokens = random_id_tokens(draw, spec.engine.block_tokens);
  spec.seed = number;
  const int64_t unit = random_unit(table_draw);
  scenario.table = random_table(table_draw, spec.engine, unit);
  if (Draw(kTenants, number).one_in(3)) spec.engine.isolation = serving::Isolation::tenant;
  Draw index_draw(kIndex, number);
  if (index_draw.one_in(2)) {
    spec.router_index_delay_ns = 1 + step_ns(unit) * index_draw.pick(std::array{0, 1, 7, 60, 500});
  }
  if (draw.one_in(8)) spec.duration_ns = 1 + step_ns(unit) * draw.up_to(300);
  return scenario;
}

}  // namespace tiercast::tests
