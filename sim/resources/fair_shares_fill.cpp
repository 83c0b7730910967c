// The filling of one component: see the class comment for the rule.
#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/resources/fair_shares.hpp"

namespace tiercast::resources {

namespace {
__extension__ typedef unsigned __int128 Uint128;
}  // namespace

bool FairShares::higher(const Level& a, const Level& b) {
  if (a.whole != b.whole) return a.whole > b.whole;
  return Uint128{a.rest} * b.weight > Uint128{b.rest} * a.weight;
}

// Brings a level up to date; false where nobody is left to fill. Levels only ever rise, so one
// that is behind stands too early in the heap, never too late.
bool FairShares::refresh(Level& level) const {
  if (!level.is_link) return bundles_[level.id].rate == 0;
  const Link& link = links_[level.id];
  if (link.sharing == 0) return false;
  level = Level(link.left, link.sharing, level.id, true);
  return true;
}

void FairShares::fix(PathId path, const Level& level) {
  Bundle& bundle = bundles_[path];
  if (bundle.rate != 0) return;
  bundle.rate = level.whole;
  if (bundle.weight > 1) {
    bundle.rate = bundle.weight * level.whole +
                  static_cast<uint64_t>(Uint128{bundle.weight} * level.rest / level.weight);
  }
  for (const LinkId id : links(path)) {
    Link& link = links_[id];
    if (!link.couples) continue;
    link.left -= bundle.flows * bundle.rate;
    link.sharing -= bundle.flows * bundle.weight;
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
    if (bundle.cap > 0) levels_.emplace_back(bundle.cap, bundle.weight, path, false);
  }
  for (const LinkId id : component_links_) {
    Link& link = links_[id];
    if (!link.couples) continue;
    TIERCAST_CHECK(link.weight <= link.capacity,
                   "link {} of {} B/s cannot give 1 B/s to each of its flows, of weight {} in all",
                   id, link.capacity, link.weight);
    link.left = link.capacity;
    link.sharing = link.weight;
    levels_.emplace_back(link.left, link.sharing, id, true);
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
      for (const Member& member : links_[low.id].members) fix(member.path, level);
    }
  }
  ++counters_.solves;
  counters_.bundles_solved += component_.size();
}

}  // namespace tiercast::resources
