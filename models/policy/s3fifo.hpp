#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_policy.hpp"
#include "models/policy/ghost_lists.hpp"
#include "models/policy/key_hash.hpp"

namespace tiercast::policy {

/// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): a small
/// queue filters newcomers, a main queue keeps what proved useful, ghosts remember the keys that
/// left the small queue for good.
///
/// A new block enters the small queue, or main where its key is a ghost (which then ends). A use
/// counts up to 3. To evict: from small while it holds its share or more, else from main. Small's
/// head moves to main, count cleared, where it was used `threshold` times, and the next head is
/// asked; else it is the victim. Main's head moves to main's back with one use less where it has
/// any, and the next is asked; else it is the victim. Blocks in use are passed over and keep their
/// place; where a queue has no others, the other queue gives. A victim from small becomes a ghost
/// as it leaves the pool.
class S3Fifo {
 public:
  static constexpr std::string_view name = "s3fifo";
  static constexpr uint32_t capabilities = TP_CAP_SPANS | TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::upwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"small", "share of capacity", ParameterKind::real, 0.1, 0.001, 0.999,
         "What the small queue holds before it, and no longer main, gives the victims."},
        {"ghost", "share of capacity", ParameterKind::real, 0.9, 0, 4,
         "How many keys are remembered of blocks that left the small queue."},
        {"threshold", "uses", ParameterKind::integer, 2, 1, uses_max,
         "Uses in the small queue that earn a block its move to main."}};
    return list;
  }

  S3Fifo(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : small_share_(std::max(1u, share(pool, values.real("small")))),
        threshold_(values.integer("threshold")),
        order_(pool.slot_count, pool.capacity_blocks),
        small_(ArrivalOrder::positions_for(pool.capacity_blocks)),
        main_(ArrivalOrder::positions_for(pool.capacity_blocks)),
        hashes_(pool.slot_count),
        ghosts_({share(pool, values.real("ghost"))}) {}

  void insert(const Notice&, Spans spans, Blocks blocks) {
    std::size_t batch = 0;
    for (const tp_span span : spans) batch += span.count;
    constexpr std::size_t asked_at_once = GhostLists<1>::most_at_once;
    uint64_t hashes[asked_at_once];
    uint64_t returning = 0;  // of the blocks asked about together
    std::size_t index = 0;
    const auto fetch = [&](uint32_t slot) {
      order_.prefetch(slot);
      hashes_.prefetch(slot);
    };
    for_spans(spans, fetch, [&](tp_span rest) {
      while (rest.count != 0) {
        const std::size_t at = index % asked_at_once;
        if (at == 0) {
          const std::size_t asked = std::min(asked_at_once, batch - index);
          for (std::size_t i = 0; i < asked; ++i) hashes[i] = key_hash(blocks[index + i]->key);
          returning = ghosts_.take({hashes, asked});
        }
        const bool returns = (returning >> at & 1) != 0;
        const int alike = std::countr_zero((returns ? ~returning : returning) >> at);
        const auto count = static_cast<uint32_t>(std::min(
            {std::size_t{rest.count}, asked_at_once - at, static_cast<std::size_t>(alike)}));
        std::copy_n(hashes + at, count, &hashes_[rest.first_slot]);
        if (!returns) small_blocks_ += count;
        Hands none;
        append(first_of(rest, count), returns ? main_tag : 0, none, [](tp_span) {});
        index += count;
        rest = behind(rest, count);
      }
    });
  }

  void touch(const Notice&, Spans spans) {
    for_spans(spans, [&](tp_span span) {
      for (uint32_t slot = span.first_slot; slot < span.first_slot + span.count; ++slot) {
        if (uses(slot) < uses_max) order_.set_tag(slot, order_.tag(slot) + 1);
      }
    });
  }

  void remove(const Notice& at, uint32_t /*reason*/, Spans spans) {
    for_rows(spans, [&](tp_span slots, tp_span positions) {
      queue_of(slots.first_slot).clear(positions);
      if (!in_main(slots.first_slot)) {
        for (uint32_t slot = slots.first_slot; slot < slots.first_slot + slots.count; ++slot) {
          if (at.slots.state(slot) == SlotState::leaving) {
            ghosts_.push(0, hashes_[slot]);
          } else {
            --small_blocks_;
          }
        }
      }
      order_.release_row(positions.first_slot, positions.count);
    });
  }

  void set_evictable(const Notice& at, bool on, Spans spans) {
    for_rows(spans, [&](tp_span slots, tp_span positions) {
      if (!on) return queue_of(slots.first_slot).clear(positions);
      queue_of(slots.first_slot).set(positions);
      if (in_main(slots.first_slot) || at.slots.all(slots, SlotSet::pinned)) return;
      for (uint32_t slot = slots.first_slot; slot < slots.first_slot + slots.count; ++slot) {
        if (at.slots.state(slot) == SlotState::leaving) ++small_blocks_;
      }
    });
  }

  /// commit() below is the algorithm. Here nothing moves, so main is emptied in rounds instead:
  /// blocks with r uses left in round r, and those that join from small behind all that main had.
  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    const auto take = [&](tp_span run) {
      victims.take(run);
      need -= run.count;
      return need != 0;
    };
    const auto take_from = [&](const BitIndex& queue, uint32_t from, uint32_t to, auto wanted) {
      for (uint32_t head = queue.find_at_or_after(from); head < to;) {
        const tp_span run = run_at(queue, head, std::min(need, to - head));
        if (wanted(run) && !take(run)) return false;
        head = queue.find_at_or_after(head + run.count);
      }
      return true;
    };
    const auto take_earned = [&](uint32_t from, uint32_t to) {
      return take_from(small_, from, to, [&](tp_span run) { return earned(run.first_slot); });
    };
    // Small, while it is over its share.
    uint32_t small_blocks = small_blocks_;
    uint32_t head = small_.find_at_or_after(0);
    for (bool filtering = false;
         head != BitIndex::none && (filtering || small_blocks >= small_share_);) {
      tp_span run = run_at(small_, head, need);
      filtering = earned(run.first_slot);
      if (!filtering) {
        run.count = std::min(run.count, surplus(small_blocks));
        if (!take(run)) return;
      }
      small_blocks -= run.count;
      head = small_.find_at_or_after(head + run.count);
    }
    // Main, with what has joined it.
    for (uint32_t left = 0; left <= uses_max; ++left) {
      const bool more = take_from(main_, 0, BitIndex::none,
                                  [&](tp_span run) { return uses(run.first_slot) == left; });
      if (!more || (left == 0 && !take_earned(0, head))) return;
    }
    // Small again, main being empty but for what joins it on the way to small's next victim.
    while (head != BitIndex::none) {
      const uint32_t from = head;
      while (head != BitIndex::none && earned(order_.slot_at(head))) {
        head = small_.find_at_or_after(head + 1);
      }
      uint32_t next = head;
      if (head != BitIndex::none) {
        const tp_span run = run_at(small_, head, head == from ? need : 1);
        if (!take(run)) return;
        next = small_.find_at_or_after(head + run.count);
      }
      if (!take_earned(from, head)) return;
      head = next;
    }
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    Hands hands;                             // refused victims stay behind them
    uint32_t planned_small = small_blocks_;  // as if no victim were refused, as select saw it
    bool filtering = false;                  // small is asked until it gives
    while (need != 0) {
      const uint32_t small = small_.find_at_or_after(hands.small);
      const uint32_t main = main_.find_at_or_after(hands.main);
      filtering = small != BitIndex::none &&
                  (filtering || planned_small >= small_share_ || main == BitIndex::none);
      tp_span run = filtering ? run_at(small_, small, need) : run_at(main_, main, need);
      if (filtering) {
        filtering = earned(run.first_slot);
        if (!filtering && main != BitIndex::none) {
          run.count = std::min(run.count, surplus(planned_small));
        }
        hands.small = small + run.count;
        planned_small -= run.count;
        if (filtering || verdicts.accepts(run)) {
          small_blocks_ -= run.count;
          small_.clear(tp_span{small, run.count});
        }
        if (filtering) {
          join_main(run, small, 0, hands);
          continue;
        }
      } else {
        hands.main = main + run.count;
        const uint32_t left = uses(run.first_slot);
        if (left != 0 || verdicts.accepts(run)) main_.clear(tp_span{main, run.count});
        if (left != 0) {
          join_main(run, main, left - 1, hands);
          continue;
        }
      }
      need -= run.count;
    }
  }

  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t slot) {
      hash.add(uint64_t{slot} << 32 | order_.tag(slot));
      if (in_main(slot)) return;  // its key will never be a ghost's
      hash.add(hashes_[slot]);
    });
    ghosts_.hash(hash);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    BitIndex::archive(self.small_, archive);
    BitIndex::archive(self.main_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    GhostLists<1>::archive(self.ghosts_, archive);
    archive.value(self.small_blocks_);
  }

 private:
  // A slot's tag: its uses, and whether it is in main.
  static constexpr uint32_t uses_max = 3;
  static constexpr uint32_t main_tag = 4;
  static_assert((main_tag | uses_max) <= ArrivalOrder::tag_max);

  /// Where commit() looks next in each queue.
  struct Hands {
    uint32_t small = 0;
    uint32_t main = 0;
  };

  static tp_span first_of(tp_span span, uint32_t count) { return {span.first_slot, count}; }
  static tp_span behind(tp_span span, uint32_t count) {
    return {span.first_slot + count, span.count - count};
  }

  static uint32_t share(const tp_pool& pool, double part) {
    return static_cast<uint32_t>(static_cast<double>(pool.capacity_blocks) * part);
  }

  uint32_t uses(uint32_t slot) const { return order_.tag(slot) & uses_max; }
  bool in_main(uint32_t slot) const { return (order_.tag(slot) & main_tag) != 0; }
  BitIndex& queue_of(uint32_t slot) { return in_main(slot) ? main_ : small_; }
  bool earned(uint32_t slot) const { return uses(slot) >= threshold_; }
  /// How many victims small gives, once asked, before main is.
  uint32_t surplus(uint32_t small_blocks) const {
    return small_blocks < small_share_ ? 1 : small_blocks - small_share_ + 1;
  }

  /// Evictable blocks alike, in neighbouring slots as they are in the queue.
  tp_span run_at(const BitIndex& queue, uint32_t head, uint32_t count_max) const {
    return order_.run_at(head, std::min(count_max, queue.run_length(head)));
  }

  /// Calls visit(span), having called fetch(slot) some spans earlier.
  template <class Fetch, class Visit>
  static void for_spans(Spans spans, Fetch fetch, Visit visit) {
    constexpr std::size_t ahead = 12;
    for (std::size_t i = 0; i < std::min(ahead, spans.size()); ++i) fetch(spans[i].first_slot);
    for (std::size_t i = 0; i < spans.size(); ++i) {
      if (i + ahead < spans.size()) fetch(spans[i + ahead].first_slot);
      visit(spans[i]);
    }
  }
  template <class Visit>
  void for_spans(Spans spans, Visit visit) const {
    for_spans(
        spans, [&](uint32_t slot) { order_.prefetch(slot); }, visit);
  }
  /// Calls visit(slots, positions) for those of one queue that are neighbours there as in the pool.
  template <class Visit>
  void for_rows(Spans spans, Visit visit) const {
    for_spans(spans, [&](tp_span rest) {
      while (rest.count != 0) {
        const uint32_t count = order_.row_length(rest, main_tag);
        visit(tp_span{rest.first_slot, count}, tp_span{order_.position(rest.first_slot), count});
        rest = behind(rest, count);
      }
    });
  }

  /// Moves evictable blocks to main's back.
  void join_main(tp_span run, uint32_t position, uint32_t uses_left, Hands& hands) {
    order_.release_row(position, run.count);
    append(run, main_tag | uses_left, hands, [&](tp_span positions) { main_.set(positions); });
  }

  /// Puts blocks at the back of the row; calls placed(positions), perhaps in parts.
  template <class Placed>
  void append(tp_span run, uint32_t tag, Hands& hands, Placed placed) {
    while (run.count != 0) {
      if (order_.full()) make_room(hands);
      const uint32_t count = std::min(run.count, order_.room());
      placed(tp_span{order_.append(first_of(run, count), tag), count});
      run = behind(run, count);
    }
  }

  void make_room(Hands& hands) {
    Hands moved;
    order_.compact([&](uint32_t from, uint32_t to) {
      small_.move(from, to);
      main_.move(from, to);
      if (from < hands.small) moved.small = to + 1;
      if (from < hands.main) moved.main = to + 1;
    });
    hands = moved;
  }

  uint32_t small_share_;
  uint32_t threshold_;
  uint32_t small_blocks_ = 0;  // in the small queue, without those leaving
  ArrivalOrder order_;         // both queues: small and main mark positions in one row
  BitIndex small_;             // positions of evictable blocks
  BitIndex main_;
  FlatArray<uint64_t> hashes_;  // by slot, of its key
  GhostLists<1> ghosts_;
};

}  // namespace tiercast::policy
