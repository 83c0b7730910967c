// The calls of a placement policy that runs in a child process.
#include <algorithm>

#include "models/tiering/isolated_calls.hpp"

namespace tiercast::tiering {

// An entry that this file does not know would be missing where a plug-in is isolated.
static_assert(sizeof(tp_placement_table) == 8 + 16 * sizeof(void*));

namespace {

const tp_fetch* copy_fetch(ChildProcess& child, const tp_fetch* fetch) {
  tp_fetch* copied = child.copy(fetch);
  if (copied != nullptr) copied->runs = child.copy(fetch->runs, fetch->run_count);
  return copied;
}

/// Where the child puts up to `capacity` answers, and what the host then gets.
template <class Item>
struct Answers {
  Answers(ChildProcess& child, size_t room, const size_t* count)
      : capacity(room), items(child.room<Item>(room)), told(child.copy(count)) {}

  int hand_over(int code, Item* out, size_t* out_count) const {
    *out_count = *told;
    if (code == TP_OK) std::copy_n(items, std::min(*told, capacity), out);
    return code;
  }

  size_t capacity;
  Item* items;
  size_t* told;
};

}  // namespace

struct IsolatedTables::PlacementCalls
    : Calls<tp_placement, tp_placement_table, &IsolatedTables::placement_info_,
            &IsolatedTables::placement_there_> {
  static int place(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t phase,
                   uint32_t first, uint32_t block_count, const tp_block* blocks,
                   const tp_tier* tiers, size_t tier_count, tp_placed* out, size_t out_capacity,
                   size_t* out_count) {
    return call(
        self, "place", now_ns, [&](ChildProcess& child, const auto& there, tp_placement* instance) {
          const Answers<tp_placed> answers(child, out_capacity, out_count);
          const int code = ask(child, [entry = there.place, instance, now_ns,
                                       asked_by = copy_request(child, request), phase, first,
                                       block_count, views = child.copy(blocks, block_count),
                                       seen = child.copy(tiers, tier_count), tier_count, answers] {
            return entry(instance, now_ns, asked_by, phase, first, block_count, views, seen,
                         tier_count, answers.items, answers.capacity, answers.told);
          });
          return answers.hand_over(code, out, out_count);
        });
  }

  static int demote(tp_placement* self, int64_t now_ns, uint32_t from, uint32_t block_count,
                    const tp_tier* tiers, size_t tier_count, uint32_t* to) {
    return call(self, "demote", now_ns,
                [&](ChildProcess& child, const auto& there, tp_placement* instance) {
                  uint32_t* taker = child.copy(to);
                  const int code =
                      ask(child, [entry = there.demote, instance, now_ns, from, block_count,
                                  seen = child.copy(tiers, tier_count), tier_count, taker] {
                        return entry(instance, now_ns, from, block_count, seen, tier_count, taker);
                      });
                  *to = *taker;
                  return code;
                });
  }

  /// plan_fetch and prefetch differ in nothing that matters here.
  static int segments(const char* name,
                      decltype(tp_placement_table::plan_fetch) tp_placement_table::*entry_there,
                      tp_placement* self, int64_t now_ns, const tp_request* request,
                      const tp_fetch* fetch, const tp_tier* tiers, size_t tier_count,
                      tp_segment* out, size_t out_capacity, size_t* out_count) {
    return call(
        self, name, now_ns, [&](ChildProcess& child, const auto& there, tp_placement* instance) {
          const Answers<tp_segment> answers(child, out_capacity, out_count);
          const int code = ask(
              child, [entry = there.*entry_there, instance, now_ns,
                      asked_by = copy_request(child, request), wanted = copy_fetch(child, fetch),
                      seen = child.copy(tiers, tier_count), tier_count, answers] {
                return entry(instance, now_ns, asked_by, wanted, seen, tier_count, answers.items,
                             answers.capacity, answers.told);
              });
          return answers.hand_over(code, out, out_count);
        });
  }

  static int plan_fetch(tp_placement* self, int64_t now_ns, const tp_request* request,
                        const tp_fetch* fetch, const tp_tier* tiers, size_t tier_count,
                        tp_segment* out, size_t out_capacity, size_t* out_count) {
    return segments("plan_fetch", &tp_placement_table::plan_fetch, self, now_ns, request, fetch,
                    tiers, tier_count, out, out_capacity, out_count);
  }

  static int prefetch(tp_placement* self, int64_t now_ns, const tp_request* request,
                      const tp_fetch* fetch, const tp_tier* tiers, size_t tier_count,
                      tp_segment* out, size_t out_capacity, size_t* out_count) {
    return segments("prefetch", &tp_placement_table::prefetch, self, now_ns, request, fetch, tiers,
                    tier_count, out, out_capacity, out_count);
  }

  static uint32_t capabilities(const tp_placement* self) {
    return call(self, "capabilities", kNoTime,
                [](ChildProcess& child, const auto& there, tp_placement* instance) {
                  return ask(child,
                             [entry = there.capabilities, instance] { return entry(instance); });
                });
  }

  static int admit(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t from,
                   uint32_t to, const tp_block* blocks, size_t block_count, const tp_tier* tiers,
                   size_t tier_count, uint8_t* verdicts) {
    return call(
        self, "admit", now_ns, [&](ChildProcess& child, const auto& there, tp_placement* instance) {
          uint8_t* said = child.copy(verdicts, block_count);
          const int code = ask(child, [entry = there.admit, instance, now_ns,
                                       asked_by = copy_request(child, request), from, to,
                                       views = child.copy(blocks, block_count), block_count,
                                       seen = child.copy(tiers, tier_count), tier_count, said] {
            return entry(instance, now_ns, asked_by, from, to, views, block_count, seen, tier_count,
                         said);
          });
          if (code == TP_OK) std::copy_n(said, block_count, verdicts);
          return code;
        });
  }

  static int on_request(tp_placement* self, int64_t now_ns, const tp_request* request,
                        uint32_t phase) {
    return call(self, "on_request", now_ns,
                [&](ChildProcess& child, const auto& there, tp_placement* instance) {
                  return ask(child, [entry = there.on_request, instance, now_ns,
                                     told = copy_request(child, request),
                                     phase] { return entry(instance, now_ns, told, phase); });
                });
  }

  static int on_transfer(tp_placement* self, int64_t now_ns, const tp_transfer* transfer) {
    return call(self, "on_transfer", now_ns,
                [&](ChildProcess& child, const auto& there, tp_placement* instance) {
                  return ask(child, [entry = there.on_transfer, instance, now_ns,
                                     told = child.copy(transfer)] {
                    return entry(instance, now_ns, told);
                  });
                });
  }

  static int on_tick(tp_placement* self, int64_t now_ns) {
    return call(self, "on_tick", now_ns,
                [&](ChildProcess& child, const auto& there, tp_placement* instance) {
                  return ask(child, [entry = there.on_tick, instance, now_ns] {
                    return entry(instance, now_ns);
                  });
                });
  }

  static int64_t next_wakeup(const tp_placement* self, int64_t now_ns) {
    return call(self, "next_wakeup", now_ns,
                [&](ChildProcess& child, const auto& there, tp_placement* instance) {
                  return ask(child, [entry = there.next_wakeup, instance, now_ns] {
                    return entry(instance, now_ns);
                  });
                });
  }
};

int IsolatedTables::create_placement(const char* config, uint64_t seed, tp_placement** out,
                                     char* error, size_t error_size) {
  return PlacementCalls::create(
      *this, config, out, error, error_size,
      [&](ChildProcess& child, const char* text, tp_placement** instance, char* said) {
        return ask(child, [entry = placement_there_.create, text, seed, instance, said,
                           error_size] { return entry(text, seed, instance, said, error_size); });
      });
}

void IsolatedTables::make_placement_table() {
  placement_.size = placement_there_.size;
  const auto take = [&](auto tp_placement_table::*entry, auto ours) {
    if (placement_there_.*entry != nullptr) placement_.*entry = ours;
  };
  take(&tp_placement_table::destroy, PlacementCalls::destroy);
  take(&tp_placement_table::save, PlacementCalls::save);
  take(&tp_placement_table::restore, PlacementCalls::restore);
  take(&tp_placement_table::hash_state, PlacementCalls::hash_state);
  take(&tp_placement_table::place, PlacementCalls::place);
  take(&tp_placement_table::demote, PlacementCalls::demote);
  take(&tp_placement_table::plan_fetch, PlacementCalls::plan_fetch);
  take(&tp_placement_table::prefetch, PlacementCalls::prefetch);
  take(&tp_placement_table::capabilities, PlacementCalls::capabilities);
  take(&tp_placement_table::admit, PlacementCalls::admit);
  take(&tp_placement_table::on_request, PlacementCalls::on_request);
  take(&tp_placement_table::on_transfer, PlacementCalls::on_transfer);
  take(&tp_placement_table::on_tick, PlacementCalls::on_tick);
  take(&tp_placement_table::next_wakeup, PlacementCalls::next_wakeup);
}

}  // namespace tiercast::tiering
