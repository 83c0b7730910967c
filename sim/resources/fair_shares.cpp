#include "sim/resources/fair_shares.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::resources {

namespace {

constexpr uint64_t kRateLimit = uint64_t{1} << 62;
constexpr uint64_t kUnlimited = kRateLimit;  // more than any link has
constexpr LinkId kNoLink = UINT32_MAX;

uint64_t hash_of_path(std::span<const LinkId> links, uint32_t weight, uint64_t cap) {
  uint64_t hash = mix(weight, cap);
  for (const LinkId link : links) hash = mix(hash, link);
  return hash;
}

}  // namespace

LinkId FairShares::add_link(uint64_t bytes_per_s) {
  TIERCAST_CHECK(bytes_per_s > 0 && bytes_per_s < kRateLimit, "a link cannot have {} B/s",
                 bytes_per_s);
  links_.emplace_back().capacity = bytes_per_s;
  return static_cast<LinkId>(links_.size() - 1);
}

uint32_t FairShares::group_of(LinkId link, LinkId narrowest) {
  const auto fresh = static_cast<uint32_t>(groups_.size());
  const uint32_t found = group_table_.find_or_keep(
      mix(link, narrowest), fresh,
      [&](uint32_t id) { return groups_[id].link == link && groups_[id].narrowest == narrowest; },
      [&](uint32_t id) { return mix(groups_[id].link, groups_[id].narrowest); });
  if (found == fresh) {
    const uint64_t limit = narrowest == kNoLink ? kUnlimited : links_[narrowest].capacity;
    groups_.push_back(Group{.link = link, .narrowest = narrowest, .limit = limit});
  }
  return found;
}

PathId FairShares::add_path(std::span<const LinkId> links, uint32_t weight,
                            uint64_t cap_bytes_per_s) {
  TIERCAST_CHECK(weight > 0, "a path has a weight above 0");
  TIERCAST_CHECK(cap_bytes_per_s < kRateLimit, "a cap of {} B/s is out of range", cap_bytes_per_s);
  TIERCAST_CHECK(!links.empty() || cap_bytes_per_s > 0, "a path without links needs a cap");
  const auto fresh = static_cast<PathId>(bundles_.size());
  const auto first = static_cast<uint32_t>(path_links_.size());
  path_links_.insert(path_links_.end(), links.begin(), links.end());
  std::sort(path_links_.begin() + first, path_links_.end());
  const std::span<const LinkId> sorted{path_links_.data() + first, links.size()};
  for (size_t i = 0; i < sorted.size(); ++i) {
    TIERCAST_CHECK(sorted[i] < links_.size(), "a path over an unknown link {}", sorted[i]);
    TIERCAST_CHECK(i == 0 || sorted[i] != sorted[i - 1], "a path uses link {} twice", sorted[i]);
  }
  if (merge_equal_) {
    const PathId found = path_table_.find_or_keep(
        hash_of_path(sorted, weight, cap_bytes_per_s), fresh,
        [&](PathId id) {
          const Bundle& bundle = bundles_[id];
          return bundle.weight == weight && bundle.cap == cap_bytes_per_s &&
                 std::ranges::equal(this->links(id), sorted);
        },
        [&](PathId id) {
          return hash_of_path(this->links(id), bundles_[id].weight, bundles_[id].cap);
        });
    if (found != fresh) {
      path_links_.resize(first);
      return found;
    }
  }
  for (const LinkId link : sorted) {
    const auto wider = [&](LinkId a, LinkId b) {
      return links_[a].capacity != links_[b].capacity ? links_[a].capacity > links_[b].capacity
                                                      : a > b;
    };
    LinkId narrowest = link;
    for (const LinkId other : sorted) {
      if (wider(narrowest, other)) narrowest = other;
    }
    slots_.push_back(Slot{group_of(link, narrowest == link ? kNoLink : narrowest), 0});
  }
  Bundle& bundle = bundles_.emplace_back();
  bundle.first = first;
  bundle.size = static_cast<uint32_t>(links.size());
  bundle.weight = weight;
  bundle.cap = cap_bytes_per_s;
  return fresh;
}

void FairShares::add_flow(PathId path) {
  Bundle& bundle = bundles_[path];
  ++bundle.flows;
  if (!bundle.dirty) dirty_.push_back(path);
  bundle.dirty = true;
}

void FairShares::remove_flow(PathId path) {
  Bundle& bundle = bundles_[path];
  TIERCAST_CHECK(bundle.flows > 0, "path {} has no flow to remove", path);
  --bundle.flows;
  if (!bundle.dirty) dirty_.push_back(path);
  bundle.dirty = true;
}

void FairShares::join_links(PathId path) {
  const Bundle& bundle = bundles_[path];
  for (uint32_t slot = bundle.first; slot < bundle.first + bundle.size; ++slot) {
    std::vector<Member>& members = links_[path_links_[slot]].members;
    slots_[slot].position = static_cast<uint32_t>(members.size());
    members.push_back({path, slot});
  }
}

void FairShares::leave_links(PathId path) {
  const Bundle& bundle = bundles_[path];
  for (uint32_t slot = bundle.first; slot < bundle.first + bundle.size; ++slot) {
    std::vector<Member>& members = links_[path_links_[slot]].members;
    members[slots_[slot].position] = members.back();
    slots_[members.back().slot].position = slots_[slot].position;
    members.pop_back();
  }
}

void FairShares::change_demand(PathId path) {
  const Bundle& bundle = bundles_[path];
  // Modulo 2^64 a difference is right for either sign.
  const uint64_t more = bundle.flows - bundle.settled_flows;
  for (uint32_t slot = bundle.first; slot < bundle.first + bundle.size; ++slot) {
    Group& group = groups_[slots_[slot].group];
    if (bundle.cap == 0) {
      group.uncapped += more;
    } else {
      group.caps += static_cast<Int128>(static_cast<int64_t>(more)) * bundle.cap;
    }
    const Int128 limit = group.limit;
    const Int128 demand = group.uncapped > 0 ? limit : std::min(limit, group.caps);
    Link& link = links_[group.link];
    link.weight += more * bundle.weight;
    link.demand += demand - group.demand;
    group.demand = demand;
    if (link.touched != epoch_) touched_.push_back(group.link);
    link.touched = epoch_;
  }
}

void FairShares::open_link(LinkId id) {
  Link& link = links_[id];
  if (link.opened == epoch_) return;
  link.opened = epoch_;
  link.height = Height{};  // for good, should it have nothing to fill any more
  open_links_.push_back(id);
}

// Takes flows added and removed into the demand on links, and opens the links they touch.
void FairShares::take_changes() {
  open_links_.clear();
  touched_.clear();
  for (const PathId path : dirty_) {
    Bundle& bundle = bundles_[path];
    if (bundle.flows == bundle.settled_flows) continue;
    if (bundle.settled_flows == 0) join_links(path);
    if (bundle.flows == 0) leave_links(path);
    change_demand(path);
  }
  // A link that has just ceased to couple no longer holds its bundles back: they are solved again.
  for (const LinkId id : touched_) {
    Link& link = links_[id];
    const bool coupled = link.couples;
    link.couples = link.demand > static_cast<Int128>(link.capacity);
    if (coupled || link.couples) open_link(id);
  }
}

void FairShares::commit(PathId path) {
  Bundle& bundle = bundles_[path];
  bundle.rate = bundle.next_rate;
  bundle.height = bundle.next_height;
  bundle.settled_flows = bundle.flows;
  const uint64_t used = bundle.rate * bundle.flows;
  for (const LinkId id : links(path)) links_[id].used += used - bundle.used;
  bundle.used = used;
}

std::span<const PathId> FairShares::settle() {
  ++epoch_;
  widened_ = 0;
  take_changes();
  settled_.clear();
  gather();
  if (!gathered_.empty()) {
    ++counters_.solves;
    for (fill(); widen(); fill()) gather();
  }
  for (const PathId path : gathered_) {
    if (!moved(bundles_[path])) continue;
    commit(path);
    if (!bundles_[path].dirty) settled_.push_back(path);
  }
  for (const PathId path : dirty_) {
    Bundle& bundle = bundles_[path];
    bundle.dirty = false;
    settled_.push_back(path);
    if (bundle.flows > 0) continue;
    bundle.next_rate = 0;
    bundle.next_height = Height{};
    commit(path);
  }
  dirty_.clear();
  return settled_;
}

}  // namespace tiercast::resources
