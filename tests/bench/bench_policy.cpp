// What policy calls cost, in processor time of one core, against the limits of the contract:
// at 10 M resident blocks list touch <= 50 ns a block in random single-block batches, flag touch
// <= 25, contiguous spans <= 5, insert <= 80, select + commit <= 350 a victim, state <= 48 bytes a
// block, save and restore >= 1 GB/s. And the replay of a real trace, whose figures stand beside
// those of libCacheSim (C, one thread): LRU 153, FIFO 147, S3-FIFO 470 ns an access.
//
// The limits are meant with huge pages, which glibc's allocator uses on request:
//
//     GLIBC_TUNABLES=glibc.malloc.hugetlb=1 build/bench/bench_policy
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <time.h>
#include <vector>

#include <benchmark/benchmark.h>

#include "models/policy/registry.hpp"
#include "models/tiering/cache_replay.hpp"
#include "models/workload/block_accesses.hpp"
#include "sim/base/diagnostics.hpp"

namespace {

using namespace tiercast;

constexpr uint32_t capacity = 10'000'000;
constexpr uint32_t batch_blocks = 32;
constexpr uint32_t batches = 512;  // timed together

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Draw {
  uint64_t state = 88172645463325252u;
  uint32_t below(uint32_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint32_t>((state >> 32) * bound >> 32);
  }
};

/// A full pool of evictable blocks, put down one by one in random order.
class FullPool {
 public:
  explicit FullPool(const tp_cache_table& policy) : table(policy), views(batch_blocks) {
    const tp_pool pool{sizeof(tp_pool), capacity, 16, 4096, 0, 0};
    if (table.create("", &pool, 1, &cache, nullptr, 0) != TP_OK) std::abort();
    for (tp_block& view : views) {
      view.size = sizeof view;
      view.parent_slot = UINT32_MAX;
      view.expires_ns = INT64_MAX;
    }
    std::vector<uint32_t> order(capacity);
    std::iota(order.begin(), order.end(), 0u);
    for (uint32_t i = capacity; i > 1; --i) std::swap(order[i - 1], order[draw.below(i)]);
    std::vector<tp_span> spans(batch_blocks);
    for (uint32_t begin = 0; begin < capacity; begin += batch_blocks) {
      for (uint32_t i = 0; i < batch_blocks; ++i) spans[i] = {order[begin + i], 1};
      insert(spans);
      release(spans);
    }
  }
  FullPool(const FullPool&) = delete;
  FullPool& operator=(const FullPool&) = delete;
  ~FullPool() { table.destroy(cache); }

  void insert(const std::vector<tp_span>& spans) {
    for (tp_block& view : views) view.key.lo = ++next_key;
    expect(table.on_insert(cache, 0, nullptr, spans.data(), spans.size(), views.data()));
  }
  void release(const std::vector<tp_span>& spans) {
    expect(table.on_evictable(cache, 0, 1, spans.data(), spans.size()));
  }
  static void expect(int code) {
    if (code != TP_OK) std::abort();
  }

  const tp_cache_table& table;
  tp_cache* cache = nullptr;
  std::vector<tp_block> views;
  uint64_t next_key = 0;
  Draw draw;
};

/// What a policy's calls cost, by "policy/what": the table at the end.
std::map<std::string, double> measured;
std::string current;  // what is being measured

/// Time of each iteration, and the median of what a block takes: on a shared machine the mean
/// measures the neighbours.
class Meter {
 public:
  explicit Meter(benchmark::State& state) : state_(state) {}
  void add(double seconds, uint64_t blocks) {
    state_.SetIterationTime(seconds);
    ns_per_block_.push_back(1e9 * seconds / static_cast<double>(blocks));
  }
  ~Meter() {
    if (ns_per_block_.empty()) return;
    const auto middle =
        ns_per_block_.begin() + static_cast<std::ptrdiff_t>(ns_per_block_.size() / 2);
    std::nth_element(ns_per_block_.begin(), middle, ns_per_block_.end());
    state_.counters["ns_per_block"] = *middle;
    measured[current] = *middle;
  }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

 private:
  benchmark::State& state_;
  std::vector<double> ns_per_block_;
};

void touch_random(benchmark::State& state, const tp_cache_table* table) {
  FullPool pool(*table);
  Meter meter(state);
  std::vector<tp_span> spans(batches * batch_blocks);
  for (auto _ : state) {
    for (tp_span& span : spans) span = {pool.draw.below(capacity), 1};
    const double begin = cpu_seconds();
    for (uint32_t i = 0; i < batches; ++i) {
      FullPool::expect(
          pool.table.on_touch(pool.cache, 0, nullptr, &spans[i * batch_blocks], batch_blocks));
    }
    meter.add(cpu_seconds() - begin, spans.size());
  }
}

/// A request's blocks in 64 spans of 64: taken into use, touched, put down again.
void use_spans(benchmark::State& state, const tp_cache_table* table) {
  constexpr uint32_t span_blocks = 64;
  FullPool pool(*table);
  Meter meter(state);
  std::vector<tp_span> spans(64);
  const auto use = [&] {
    FullPool::expect(pool.table.on_touch(pool.cache, 0, nullptr, spans.data(), spans.size()));
    FullPool::expect(pool.table.on_evictable(pool.cache, 0, 0, spans.data(), spans.size()));
    FullPool::expect(pool.table.on_evictable(pool.cache, 0, 1, spans.data(), spans.size()));
  };
  const auto choose = [&](uint32_t first) {
    for (uint32_t i = 0; i < spans.size(); ++i) {
      spans[i] = {(first + i * 997) % (capacity / span_blocks) * span_blocks, span_blocks};
    }
  };
  // Every span has been put down whole once before the clock starts.
  for (uint32_t first = 0; first < capacity / span_blocks; ++first) {
    const tp_span whole{first * span_blocks, span_blocks};
    FullPool::expect(pool.table.on_evictable(pool.cache, 0, 0, &whole, 1));
    FullPool::expect(pool.table.on_evictable(pool.cache, 0, 1, &whole, 1));
  }
  for (auto _ : state) {
    choose(pool.draw.below(capacity / span_blocks));
    const double begin = cpu_seconds();
    use();
    meter.add(cpu_seconds() - begin, 3 * spans.size() * span_blocks);
  }
}

/// Evicts and refills the pool in random order; times one half of the work.
void turn_over(benchmark::State& state, const tp_cache_table* table, bool time_inserts) {
  FullPool pool(*table);
  Meter meter(state);
  std::vector<std::vector<tp_span>> freed(batches);
  for (auto _ : state) {
    double begin = cpu_seconds();
    for (std::vector<tp_span>& spans : freed) {
      spans.resize(batch_blocks);
      tp_victims victims{};
      FullPool::expect(
          pool.table.select(pool.cache, 0, batch_blocks, spans.data(), spans.size(), &victims));
      FullPool::expect(pool.table.commit(pool.cache, 0, victims.token, nullptr));
      spans.resize(victims.span_count);
    }
    const double evicted = cpu_seconds() - begin;
    for (const std::vector<tp_span>& spans : freed) {
      FullPool::expect(
          pool.table.on_remove(pool.cache, 0, TP_REMOVED_EVICTED, spans.data(), spans.size()));
    }
    begin = cpu_seconds();
    for (const std::vector<tp_span>& spans : freed) pool.insert(spans);
    const double inserted = cpu_seconds() - begin;
    for (const std::vector<tp_span>& spans : freed) pool.release(spans);
    meter.add(time_inserts ? inserted : evicted, batches * batch_blocks);
  }
}

void save_restore(benchmark::State& state, const tp_cache_table* table) {
  FullPool pool(*table);
  std::size_t size = 0;
  FullPool::expect(pool.table.save(pool.cache, nullptr, 0, &size));
  std::vector<char> saved(size);
  double save_seconds = 0;
  double restore_seconds = 0;
  for (auto _ : state) {
    const double begin = cpu_seconds();
    FullPool::expect(pool.table.save(pool.cache, saved.data(), size, &size));
    const double middle = cpu_seconds();
    FullPool::expect(pool.table.restore(pool.cache, saved.data(), size));
    save_seconds += middle - begin;
    restore_seconds += cpu_seconds() - middle;
    state.SetIterationTime(cpu_seconds() - begin);
  }
  const double bytes = static_cast<double>(size) * static_cast<double>(state.iterations());
  state.counters["save_GB_per_s"] = 1e-9 * bytes / save_seconds;
  state.counters["restore_GB_per_s"] = 1e-9 * bytes / restore_seconds;
  state.counters["bytes_per_block"] = static_cast<double>(size) / capacity;
  measured[current + "_bytes"] = static_cast<double>(size) / capacity;
  measured[current] = 1e-9 * bytes / std::max(save_seconds, restore_seconds);
}

/// The conversation trace 20 times over with shifted ids, as libCacheSim was timed.
const workload::BlockAccesses& repeated_trace() {
  static const workload::BlockAccesses repeated = [] {
    const char* shared = std::getenv("TIERCAST_SHARED");
    const std::filesystem::path folder =
        shared != nullptr ? shared : TIERCAST_SOURCE_DIR "/../shared";
    workload::TraceSpec spec;
    spec.file = (folder / "traces/mooncake_conversation.jsonl.gz").string();
    Diagnostics found;
    workload::BlockAccesses all =
        workload::read_block_accesses(spec, 1, found).value_or(workload::BlockAccesses());
    const std::size_t once = all.blocks.size();
    for (uint32_t turn = 1; turn < 20; ++turn) {
      for (std::size_t i = 0; i < once; ++i) {
        all.blocks.push_back(all.blocks[i] + turn * all.distinct);
      }
    }
    all.distinct *= 20;
    return all;
  }();
  return repeated;
}

void replay(benchmark::State& state, const policy::CacheEntry* entry) {
  const workload::BlockAccesses& accesses = repeated_trace();
  if (accesses.blocks.empty()) {
    state.SkipWithError("the trace is not at hand");
    return;
  }
  const tiering::ReplayTrace trace{accesses.blocks, {}, {}, accesses.distinct};
  const std::vector<uint32_t> next = tiering::next_uses(trace);
  Meter meter(state);
  for (auto _ : state) {
    std::string error;
    const double begin = cpu_seconds();
    const auto result = tiering::replay_cache({entry->table, entry->future}, 18279, trace, next,
                                              tiering::HitRule::block, error);
    meter.add(cpu_seconds() - begin, accesses.blocks.size());
    if (!result) state.SkipWithError(error.c_str());
  }
}

void register_all() {
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    const std::string name(entry.name);
    const tp_cache_table* table = entry.table;
    const auto add = [&](const std::string& what, auto run, int64_t iterations) {
      const std::string full = name + "/" + what;
      const auto named = [=](benchmark::State& state) {
        current = full;
        run(state);
      };
      benchmark::RegisterBenchmark(full.c_str(), named)
          ->UseManualTime()
          ->Iterations(iterations)
          ->Unit(benchmark::kMillisecond);
    };
    add(
        "touch_random", [=](auto& state) { touch_random(state, table); }, 100);
    add(
        "use_spans", [=](auto& state) { use_spans(state, table); }, 1000);
    add(
        "select_commit", [=](auto& state) { turn_over(state, table, false); }, 200);
    add(
        "insert", [=](auto& state) { turn_over(state, table, true); }, 200);
    add(
        "save_restore", [=](auto& state) { save_restore(state, table); }, 5);
    add(
        "replay", [&entry](auto& state) { replay(state, &entry); }, 3);
  }
}

/// The limits of the contract; of a replay, what libCacheSim (C, one thread) takes for the same.
struct Column {
  const char* what;
  const char* title;
  double limit;
  bool at_least;
};
constexpr std::array columns{Column{"touch_random", "touch", 50, false},
                             Column{"use_spans", "span", 5, false},
                             Column{"insert", "insert", 80, false},
                             Column{"select_commit", "victim", 350, false},
                             Column{"save_restore_bytes", "bytes", 48, false},
                             Column{"save_restore", "GB/s", 1, true}};

double replay_limit(const std::string& policy) {
  static const std::map<std::string, double> others{
      {"lru", 153},  {"fifo", 147},   {"clock", 161}, {"sieve", 154},   {"lfu", 165},
      {"slru", 166}, {"arc", 196},    {"lhd", 260},   {"belady", 246},  {"lecar", 322},
      {"2q", 409},   {"s3fifo", 470}, {"lirs", 669},  {"wtinylfu", 485}};
  const auto found = others.find(policy);
  constexpr double reader = 12;  // of their trace, in each figure
  return found != others.end() ? found->second - reader : 0;
}

void print_cell(const std::string& key, double limit, bool at_least) {
  const auto found = measured.find(key);
  if (found == measured.end()) return static_cast<void>(std::printf(" %9s", "-"));
  const bool within = limit == 0 || (at_least ? found->second >= limit : found->second <= limit);
  std::printf(" %8.1f%c", found->second, within ? ' ' : '!');
}

/// ns a block but for bytes a block and GB/s; `!` marks what misses its limit. Spans bind policies
/// that take them whole.
void print_table() {
  std::printf("\n%-14s", "policy");
  for (const Column& column : columns) std::printf(" %9s", column.title);
  std::printf(" %9s %9s\n%-14s", "replay", "theirs", "limit");
  for (const Column& column : columns) std::printf(" %8.0f ", column.limit);
  std::printf("\n");
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    const std::string name(entry.name);
    const bool spans = (entry.table->info()->capabilities & TP_CAP_SPANS) != 0;
    std::printf("%-14s", name.c_str());
    for (const Column& column : columns) {
      const bool binds = spans || std::string_view(column.what) != "use_spans";
      print_cell(name + "/" + column.what, binds ? column.limit : 0, column.at_least);
    }
    print_cell(name + "/replay", replay_limit(name), false);
    std::printf(" %9.0f\n", replay_limit(name));
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  print_table();
  return 0;
}
