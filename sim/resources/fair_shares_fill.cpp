// The filling of one component: see the class comment for the rule.
#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/resources/fair_shares.hpp"

namespace tiercast::resources {

namespace {
__extension__ typedef unsigned __int128 Uint128;
}  // namespace

bool FairShares::higher(const Level& a, const Level& b) {
  return Uint128{a.left} * b.weight > Uint128{b.left} * a.weight;
}

// Brings a level up to date; false where nobody is left to fill. Levels only ever rise, so one
// that is behind stands too early in the heap, never too late.
bool FairShares::refresh(Level& level) const {
  if (!level.is_link) return bundles_[level.id].rate == 0;
  const Link& link = links_[level.id];
  level.left = link.left;
  level.weight = link.weight;
  return link.weight > 0;
}

void FairShares::fix(PathId path, const Level& level) {
  Bundle& bundle = bundles_[path];
  if (bundle.rate != 0) return;
  bundle.rate = static_cast<uint64_t>(Uint128{bundle.weight} * level.left / level.weight);
  for (const LinkId id : links(path)) {
    Link& link = links_[id];
    if (!link.couples) continue;
    link.left -= bundle.flows * bundle.rate;
    link.weight -= bundle.flows * bundle.weight;
  }
}

// Moves every entry at the lowest level from the heap to lowest_.
void FairShares::collect_lowest() {
  lowest_.clear();
  while (!levels_.empty() && (lowest_.empty() || !higher(levels_.front(), lowest_.front()))) {
    std::pop_heap(levels_.begin(), levels_.end(), higher);
    Level level = levels_.back();
    levels_.pop_back();
    const Level before = level;
    if (!refresh(level)) continue;
    if (higher(level, before)) {
      levels_.push_back(level);
      std::push_heap(levels_.begin(), levels_.end(), higher);
    } else {
      lowest_.push_back(level);
    }
  }
}

void FairShares::fill() {
  levels_.clear();
  for (const PathId path : component_) {
    Bundle& bundle = bundles_[path];
    bundle.rate = 0;  // not settled
    if (bundle.cap > 0) levels_.push_back(Level{bundle.cap, bundle.weight, path, false});
  }
  for (const LinkId id : component_links_) {
    Link& link = links_[id];
    if (!link.couples) continue;
    link.left = link.capacity;
    link.weight = 0;
    for (const uint32_t slot : link.members) {
      const Bundle& bundle = bundles_[slots_[slot].path];
      link.weight += bundle.flows * bundle.weight;
    }
    TIERCAST_CHECK(link.weight <= link.capacity,
                   "link {} of {} B/s cannot give 1 B/s to each of its flows, of weight {} in all",
                   id, link.capacity, link.weight);
    levels_.push_back(Level{link.left, link.weight, id, true});
    ++counters_.links_solved;
  }
  std::make_heap(levels_.begin(), levels_.end(), higher);
  for (collect_lowest(); !lowest_.empty(); collect_lowest()) {
    const Level level = lowest_.front();
    for (const Level& low : lowest_) {
      if (!low.is_link) {
        fix(low.id, level);
        continue;
      }
      for (const uint32_t slot : links_[low.id].members) fix(slots_[slot].path, level);
    }
  }
  ++counters_.solves;
  counters_.bundles_solved += component_.size();
}

}  // namespace tiercast::resources
