// Filling the open links, and which links to open: see the class comment for the rules.
#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/resources/fair_shares.hpp"

namespace tiercast::resources {

namespace {

__extension__ typedef unsigned __int128 Uint128;

// Where changes still spread after so many rounds, all that hangs together is filled at once.
constexpr int kRoundsBeforeAll = 8;

}  // namespace

bool FairShares::higher(const Height& a, const Height& b) {
  if (a.whole != b.whole) return a.whole > b.whole;
  return Uint128{a.rest} * b.weight > Uint128{b.rest} * a.weight;
}

bool FairShares::moved(const Bundle& bundle) const {
  return bundle.next_rate != bundle.rate || bundle.flows != bundle.settled_flows ||
         higher(bundle.next_height, bundle.height) || higher(bundle.height, bundle.next_height);
}

void FairShares::gather_bundle(PathId path) {
  Bundle& bundle = bundles_[path];
  if (bundle.gathered == round_) return;
  bundle.gathered = round_;
  bundle.next_rate = 0;
  gathered_.push_back(path);
}

// All bundles on open links, and those with other flows.
void FairShares::gather() {
  ++round_;
  gathered_.clear();
  for (const LinkId id : open_links_) {
    for (const Member& member : links_[id].members) gather_bundle(member.path);
  }
  for (const PathId path : dirty_) {
    const Bundle& bundle = bundles_[path];
    if (bundle.flows > 0 && bundle.flows != bundle.settled_flows) gather_bundle(path);
  }
}

void FairShares::fix(PathId path, const Height& height) {
  Bundle& bundle = bundles_[path];
  if (bundle.next_rate != 0) return;
  bundle.next_height = height;
  bundle.next_rate = height.whole;
  if (bundle.weight > 1) {
    bundle.next_rate = bundle.weight * height.whole +
                       static_cast<uint64_t>(Uint128{bundle.weight} * height.rest / height.weight);
  }
  for (const LinkId id : links(path)) {
    Link& link = links_[id];
    if (link.opened != epoch_ || !link.couples) continue;
    link.left -= bundle.flows * bundle.next_rate;
    link.sharing -= bundle.flows * bundle.weight;
  }
}

// Moves every stop at the lowest height from the heap to lowest_. Heights of links only ever rise
// while filling, so one that lags behind stands too early in the heap, never too late.
void FairShares::collect_lowest() {
  lowest_.clear();
  while (!stops_.empty() &&
         (lowest_.empty() || !higher(stops_.front().height, lowest_.front().height))) {
    std::pop_heap(stops_.begin(), stops_.end(), later);
    Stop stop = stops_.back();
    stops_.pop_back();
    if (!stop.is_link) {
      if (bundles_[stop.id].next_rate == 0) lowest_.push_back(stop);
      continue;
    }
    const Link& link = links_[stop.id];
    if (link.sharing == 0) continue;
    const Height now(link.left, link.sharing);
    if (higher(now, stop.height)) {
      stop.height = now;
      stops_.push_back(stop);
      std::push_heap(stops_.begin(), stops_.end(), later);
    } else {
      lowest_.push_back(stop);
    }
  }
}

void FairShares::fill() {
  stops_.clear();
  for (const LinkId id : open_links_) {
    Link& link = links_[id];
    link.height = Height{};
    if (!link.couples) continue;
    TIERCAST_CHECK(link.weight <= link.capacity,
                   "link {} of {} B/s cannot give 1 B/s to each of its flows, of weight {} in all",
                   id, link.capacity, link.weight);
    link.left = link.capacity;
    link.sharing = link.weight;
    stops_.push_back({Height(link.left, link.sharing), id, true});
  }
  const Height endless;
  for (const PathId path : gathered_) {
    const Bundle& bundle = bundles_[path];
    Height lowest = bundle.cap > 0 ? Height(bundle.cap, bundle.weight) : endless;
    for (const LinkId id : links(path)) {
      const Link& link = links_[id];
      if (link.opened != epoch_ && higher(lowest, link.height)) lowest = link.height;
    }
    if (higher(endless, lowest)) stops_.push_back({lowest, path, false});
  }
  std::make_heap(stops_.begin(), stops_.end(), later);
  for (collect_lowest(); !lowest_.empty(); collect_lowest()) {
    const Height height = lowest_.front().height;
    for (const Stop& stop : lowest_) {
      if (!stop.is_link) {
        fix(stop.id, height);
        continue;
      }
      links_[stop.id].height = height;
      for (const Member& member : links_[stop.id].members) fix(member.path, height);
    }
  }
  ++counters_.rounds;
  counters_.links_solved += open_links_.size();
  counters_.bundles_solved += gathered_.size();
}

// Opens the links outside on which the round has changed something that matters there; false where
// there are none.
bool FairShares::widen() {
  const size_t before = open_links_.size();
  checked_.clear();
  for (const PathId path : gathered_) {
    const Bundle& bundle = bundles_[path];
    if (!moved(bundle)) continue;
    for (const LinkId id : links(path)) {
      Link& link = links_[id];
      if (!link.couples || link.opened == epoch_) continue;
      // Full where it was not touched, or all that can hold a bundle that nothing held.
      if (higher(Height{}, link.height) || bundle.next_rate == 0) {
        open_link(id);
        continue;
      }
      if (link.checked != round_) {
        link.checked = round_;
        link.expected = link.used;
        checked_.push_back(id);
      }
      link.expected += (bundle.next_rate - bundle.rate) * bundle.flows;
    }
  }
  // With capacity left for 1 B/s a flow more, a link is full at no height of its bundles.
  for (const LinkId id : checked_) {
    const Link& link = links_[id];
    if (link.expected > link.capacity || link.capacity - link.expected < link.weight) open_link(id);
  }
  if (open_links_.size() == before) return false;
  if (++widened_ == kRoundsBeforeAll) open_component();
  return true;
}

void FairShares::open_component() {
  for (size_t i = 0; i < open_links_.size(); ++i) {
    for (const Member& member : links_[open_links_[i]].members) {
      for (const LinkId id : links(member.path)) {
        if (links_[id].couples) open_link(id);
      }
    }
  }
}

}  // namespace tiercast::resources
