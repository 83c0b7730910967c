#include "tests/serving/naive_cluster.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/serving/naive_instance.hpp"

namespace tiercast::tests {

namespace {

using serving::ClusterSpec;
using serving::RequestRecord;

// Numbers for blocks: equal where content and everything before it are equal.
class Contents {
 public:
  explicit Contents(const ClusterSpec& spec)
      : block_tokens_(spec.engine.block_tokens),
        id_tokens_(spec.id_tokens),
        isolated_(spec.engine.isolation == serving::Isolation::tenant) {}

  NaivePath path(const workload::Request& request, size_t ids, const RequestRecord& record) {
    NaivePath path;
    const uint32_t tokens = record.input_tokens + record.output_tokens;
    const bool whole = ids < request.ids.size() || request.last_id_tokens == id_tokens_;
    for (uint64_t start = 0; ids > 0; start += block_tokens_) {
      const uint64_t id = (start + block_tokens_ - 1) / id_tokens_;  // of the block's last token
      if (id >= ids) break;
      const bool partial = id + 1 == ids && !whole;
      if (partial) {
        const uint64_t end = id * id_tokens_ + request.last_id_tokens;
        if (id_tokens_ < block_tokens_ || start + block_tokens_ > end) break;
      }
      add(path, {0, request.ids[id], partial ? request.last_id_tokens : 0, start % id_tokens_,
                 isolated_ ? request.tenant : 0});
    }
    while (path.size() * block_tokens_ < tokens) add(path, {1, request.id, 0, 0, 0});
    return path;
  }

 private:
  // Private or not, id or owner, length of a partial id, place within the id, tenant where it
  // counts.
  using Name = std::array<uint64_t, 5>;
  void add(NaivePath& path, const Name& name) {
    const uint64_t before = path.empty() ? 0 : path.back();
    const auto number = static_cast<uint64_t>(numbers_.size()) + 1;
    path.push_back(numbers_.emplace(std::pair(before, name), number).first->second);
  }

  uint64_t block_tokens_;
  uint64_t id_tokens_;
  bool isolated_;
  std::map<std::pair<uint64_t, Name>, uint64_t> numbers_;
};

class NaiveCluster {
 public:
  NaiveCluster(const ClusterSpec& spec, const llm::StepTable& table, workload::DemandSource& source,
               NaiveVictims victims)
      : spec_(spec), source_(&source), contents_(spec) {
    tp_pool pool{};
    pool.size = sizeof(tp_pool);
    pool.capacity_blocks = spec.engine.kv_blocks;
    pool.block_tokens = spec.engine.block_tokens;
    pool.block_bytes = spec.block_bytes;
    for (uint32_t i = 0; i < spec.instances; ++i) {
      std::unique_ptr<NaiveEviction> eviction;
      if (victims == NaiveVictims::list_lru) {
        eviction = std::make_unique<ListLru>();
      } else {
        eviction =
            std::make_unique<TableEviction>(*spec.eviction, spec.eviction_config, pool, spec.seed);
      }
      instances_.push_back(std::make_unique<NaiveInstance>(
          spec.engine, table, NaivePool(spec.engine.kv_blocks, std::move(eviction)), out_.log));
    }
  }

  serving::Outcome run() {
    for (;;) {
      NaiveInstance* next = nullptr;
      for (const auto& instance : instances_) {
        if (instance->boundary_ns() < 0) continue;
        if (next == nullptr || instance->boundary_ns() < next->boundary_ns()) {
          next = instance.get();
        }
      }
      int64_t arrival_ns = 0;
      const bool arrives = source_->peek(arrival_ns) && arrival_ns < spec_.duration_ns;
      arrival_ns = std::max(arrival_ns + spec_.engine.request_ns, not_before_ns_);
      if (arrives && (next == nullptr || arrival_ns <= next->boundary_ns())) {
        pass_time(arrival_ns);
        arrival();
        not_before_ns_ = now_ns_;
      } else if (next != nullptr) {
        pass_time(next->boundary_ns());
        boundary(*next);
      } else {
        return collect();
      }
    }
  }

 private:
  void pass_time(int64_t now_ns) {
    now_ns_ = now_ns;
    for (const auto& instance : instances_) instance->pass_time(now_ns);
  }

  // 1; what is cut off loses its ids, an id that would be cut its whole length.
  bool accept(RequestRecord& record, size_t& ids, const workload::Request& request) {
    const serving::EngineSpec& engine = spec_.engine;
    const uint64_t limit = engine.max_model_tokens;
    if (uint64_t{record.input_tokens} + record.output_tokens > limit) {
      if (engine.over_length == serving::OverLength::reject) {
        ++out_.rejected_too_long;
        return false;
      }
      uint64_t named = limit;
      if (record.input_tokens > limit - 1) {
        record.input_tokens = static_cast<uint32_t>(limit - 1);
        named = record.input_tokens;
      }
      record.output_tokens =
          std::min(record.output_tokens, static_cast<uint32_t>(limit - record.input_tokens));
      named = std::min<uint64_t>(named, record.input_tokens + record.output_tokens);
      while (ids > 0 && end_of_id(request, ids - 1) > named) --ids;
      record.truncated = true;
      ++out_.truncated;
    }
    uint64_t blocks = 0;
    while (blocks * engine.block_tokens < record.input_tokens + record.output_tokens - 1) ++blocks;
    if (blocks <= engine.kv_blocks) return true;
    ++out_.rejected_too_large;
    return false;
  }

  static uint64_t end_of_id(const workload::Request& request, size_t id) {
    const bool last = id + 1 == request.ids.size();
    return id * request.id_tokens + (last ? request.last_id_tokens : request.id_tokens);
  }

  void arrival() {
    workload::Request request;
    source_->next(request);
    RequestRecord record;
    record.id = request.id;
    record.session = request.session;
    record.ends_session = request.ends_session;
    record.arrival_ns = request.arrival_ns;
    record.input_tokens = request.input_tokens;
    record.output_tokens = request.output_tokens;
    size_t ids = request.ids.size();
    const bool accepted = accept(record, ids, request);
    if (!accepted) record.state = serving::RequestState::rejected;
    NaivePath path = accepted ? contents_.path(request, ids, record) : NaivePath{};
    if (accepted) record.instance = route(record, path);
    out_.log.push_back(record);
    if (accepted) {
      instances_[record.instance]->arrive(now_ns_, out_.log.size() - 1, std::move(path));
    } else {
      source_->completed(record.id, now_ns_ + 1'000'000'000);  // 1
    }
  }

  bool routes_by(std::string_view name) const { return spec_.router->info()->name == name; }

  uint32_t route(const RequestRecord& record, const NaivePath& path) {
    if (routes_by("round-robin")) {
      return static_cast<uint32_t>(routed_++ % instances_.size());
    }
    std::vector<uint32_t> held;
    for (const auto& instance : instances_) held.push_back(instance->pool().hit(path));
    const uint32_t informed = cheapest(record, held);
    if (spec_.router_index_delay_ns == 0 || !routes_by("prefix") || instances_.size() == 1) {
      return informed;
    }
    std::vector<uint32_t> believed;
    for (const auto& instance : instances_) {
      believed.push_back(instance->pool().hit_before(path, now_ns_ - spec_.router_index_delay_ns));
    }
    const uint32_t chosen = cheapest(record, believed);
    count(record, {held[informed], held[chosen], believed[chosen]}, chosen != informed);
    return chosen;
  }

  uint32_t cheapest(const RequestRecord& record, const std::vector<uint32_t>& hits) const {
    using Cost = std::array<uint64_t, 2>;
    std::vector<Cost> costs;
    for (const auto& instance : instances_) {
      if (routes_by("least-loaded")) {
        costs.push_back({instance->requests(), instance->input_tokens()});
        continue;
      }
      const uint64_t matched = std::min<uint64_t>(
          record.input_tokens, uint64_t{hits[costs.size()]} * spec_.engine.block_tokens);
      costs.push_back({record.input_tokens - matched + instance->queued_input_tokens() +
                           instance->input_tokens(),
                       0});
    }
    return static_cast<uint32_t>(std::min_element(costs.begin(), costs.end()) - costs.begin());
  }

  // Blocks: held where it would have gone, held where it goes, believed there.
  void count(const RequestRecord& record, std::array<int64_t, 3> blocks, bool misrouted) {
    for (int64_t& number : blocks) {
      while (number > 0 && number * spec_.engine.block_tokens >= record.input_tokens) --number;
    }
    ++out_.router.requests;
    out_.router.misrouted += misrouted ? 1 : 0;
    out_.router.missed_blocks += static_cast<uint64_t>(std::max<int64_t>(0, blocks[0] - blocks[1]));
    out_.router.stale_hit_blocks +=
        static_cast<uint64_t>(std::max<int64_t>(0, blocks[2] - blocks[1]));
  }

  // 2: what a completion at t causes acts from the next ns on.
  void boundary(NaiveInstance& instance) {
    std::vector<size_t> completed;
    instance.boundary(completed);
    for (const size_t record : completed) source_->completed(out_.log[record].id, now_ns_);
    if (!completed.empty()) not_before_ns_ = now_ns_ + 1;
  }

  serving::Outcome collect() {
    std::vector<uint64_t> pool_digests;
    for (const auto& instance : instances_) {
      const NaivePool& pool = instance->pool();
      out_.instances.push_back(
          {instance->counts(), pool.counts(), spec_.engine.kv_blocks, pool.present()});
      out_.itl_ns.merge(instance->itl_ns());
      out_.itl_ticks += instance->itl_ticks();
      pool_digests.push_back(pool.digest());
    }
    out_.end_ns = now_ns_;
    out_.digest = serving::digest_of(out_, pool_digests);
    return std::move(out_);
  }

  ClusterSpec spec_;
  workload::DemandSource* source_;
  Contents contents_;
  std::vector<std::unique_ptr<NaiveInstance>> instances_;
  serving::Outcome out_;
  int64_t now_ns_ = 0;
  int64_t not_before_ns_ = 0;
  uint64_t routed_ = 0;
};

}  // namespace

serving::Outcome run_naive(const ClusterSpec& spec, const llm::StepTable& table,
                           workload::DemandSource& source, NaiveVictims victims) {
  return NaiveCluster(spec, table, source, victims).run();
}

}  // namespace tiercast::tests
