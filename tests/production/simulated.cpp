#include "tests/production/simulated.hpp"

#include <algorithm>
#include <list>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/tiering/small_tiers.hpp"

namespace tiercast::tests {

namespace {

constexpr uint32_t kBlockBytes = 4096;

tiering::TierSetSpec tiers_of(const TwoTiers& shape) {
  tiering::TierSetSpec spec;
  spec.block_tokens = 16;
  spec.block_bytes = kBlockBytes;
  spec.node_of = {0};
  spec.links = {{"reads", 1'000'000'000'000, true}, {"writes", 1'000'000, true}};
  const tiering::TwoWay bus{{0}, {1}};
  spec.engine_fabric = {bus};
  spec.engine_local = {bus};
  tiering::TierSpec& file = spec.tiers.emplace_back();
  file.name = "file";
  file.kind = tiering::TierKind::nvme;
  file.block_bytes = kBlockBytes;
  file.capacity_blocks = shape.file_blocks;
  file.simulated_blocks = shape.file_blocks;
  file.eviction = tp_find_builtin_cache(shape.file_policy.c_str());
  file.pools = {tiering::TierPoolSpec{0, {}}};
  file.pool_of = {0};
  file.to_engine = {bus};
  file.to_node = {tiering::TwoWay{}};
  spec.placement = tp_find_builtin_placement(shape.placement.c_str());
  spec.writes_back = shape.placement == "back";
  return spec;
}

class TapesInMemory : public tiering::Tapes {
 public:
  const tp_tape& open(const std::string& pool, const void*) override {
    Tape& tape = tapes_.emplace_back();
    if (pool == "placement") {
      tape.name = pool;
    } else {
      tape.name = pool.starts_with("engine") ? "memory" : "file";
    }
    tape.sink = {sizeof(tp_tape),
                 1000,
                 tape.name.c_str(),
                 &tape.bytes,
                 [](void* host, const void* bytes, size_t size) {
                   auto& to = *static_cast<std::vector<uint8_t>*>(host);
                   const auto* first = static_cast<const uint8_t*>(bytes);
                   to.insert(to.end(), first, first + size);
                   return 0;
                 },
                 nullptr};
    return tape.sink;
  }
  void move_to(std::map<std::string, std::vector<uint8_t>>& out) {
    for (Tape& tape : tapes_) {
      if (tape.name != "placement")
        out[tape.name] = std::move(tape.bytes);  // that manager has none
    }
  }

 private:
  struct Tape {
    std::string name;
    std::vector<uint8_t> bytes;
    tp_tape sink;
  };
  std::list<Tape> tapes_;
};

}  // namespace

Simulated simulate(const TwoTiers& shape, const Trace& trace) {
  Simulated simulated;
  TapesInMemory tapes;
  {
    const tiering::TierSetSpec spec = tiers_of(shape);
    TierHost host(spec, shape.memory_blocks, shape.memory_policy.c_str(), &tapes);
    int64_t now_ns = 0;
    for (const Ids& ids : trace) {
      Hits hits;
      hits.memory = std::min(host.hit(0, ids), static_cast<uint32_t>(ids.size()));
      const uint32_t number = host.request(now_ns, 0, ids);
      now_ns = std::max(now_ns, host.rest()) + 1;
      REQUIRE(host.over(number));
      hits.file = host.loaded_blocks(number);
      simulated.hits.push_back(hits);
    }
  }
  tapes.move_to(simulated.tapes);
  return simulated;
}

}  // namespace tiercast::tests
