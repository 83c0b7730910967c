// The policy of lowest_slot.c as a class: the adapter brings checks, slot states, save and restore.
//
//     c++ -std=c++20 -shared -fPIC lowest_slot.cpp -o lowest_slot.so -I PREFIX/include/tierpolicy
#include "models/policy/bit_index.hpp"
#include "models/policy/plugin.hpp"

using namespace tiercast::policy;

// Unnamed, so that no other plug-in's class of that name is taken for this one.
namespace {

struct LowestSlot {
  static constexpr std::string_view name = "lowest-slot";
  static constexpr uint32_t capabilities = 0;
  static constexpr uint32_t capacity_blocks_max = 1u << 31;
  static constexpr VictimOrder victim_order = VictimOrder::upwards;
  static std::span<const Parameter> parameters() { return {}; }

  LowestSlot(const tp_pool& pool, const ParameterValues&, uint64_t) : evictable(pool.slot_count) {}

  void prefetch(uint32_t) const {}
  void prefetch(uint32_t, const tp_block*) const {}
  void insert(const Notice&, uint32_t, const tp_block*) {}
  void touch(const Notice&, uint32_t) {}
  void remove(const Notice&, uint32_t, uint32_t slot) { evictable.clear(slot); }
  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) return evictable.set(slot);
    evictable.clear(slot);
  }
  void select(uint32_t need, auto& victims) const {
    evictable.for_members(0, BitIndex::none, [&](uint32_t slot) {
      victims.take(slot);
      return --need != 0;
    });
  }
  void commit(uint32_t need, auto& verdicts) {
    evictable.for_members(0, BitIndex::none, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) evictable.clear(slot);
      return --need != 0;
    });
  }
  void hash(StateHash&) const {}  // slot states say it all
  static void archive(auto& self, auto& archive) { BitIndex::archive(self.evictable, archive); }

  BitIndex evictable;
};

}  // namespace

extern "C" const tp_plugin* tp_plugin_entry(uint32_t major, uint32_t minor) {
  return cache_plugin<LowestSlot>(major, minor);
}
