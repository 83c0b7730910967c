// Weighted max-min fair rates of flows over links. Knows no time: counts of flows in, rates out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/histogram.hpp"  // Int128
#include "sim/resources/id_table.hpp"

namespace tiercast::resources {

using LinkId = uint32_t;
using PathId = uint32_t;

struct ShareCounters {
  uint64_t solves = 0;          ///< settlings that had something to solve
  uint64_t bundles_solved = 0;  ///< summed over them
  uint64_t links_solved = 0;
};

/// The rates of bundles. A bundle is all flows of one path: equal links, weight and cap, hence the
/// same rate, which is whole bytes per second.
///
/// Filling. The level of a link is left / weight: the capacity that settled bundles leave, over the
/// weights of all flows not settled yet; the level of a capped bundle is cap / weight. The bundles
/// of all links at the lowest level get floor(weight x level) for each of their flows, which is
/// subtracted from every link they use; repeat. Levels are compared as exact fractions and equal
/// ones settled at once, so the order of ids never shows. Rounding only ever leaves capacity over:
/// less than 1 B/s a flow. (Bertsekas, Gallager, "Data Networks", 2nd ed., section 6.5.2.)
///
/// The least rate is 1 B/s. It holds because a link may not have more weight on it than bytes per
/// second, which is checked.
///
/// Inert links. What flows can put on a link at most is the sum, over the narrowest other link of
/// each, of min(that link's capacity, the caps of its flows). A link that this cannot exceed never
/// binds and couples nobody; leaving it out changes no rate. Narrower means (capacity, id) less, so
/// two links never excuse each other. Only what hangs together by the other links with a change is
/// solved again.
class FairShares {
 public:
  /// Without `merge_equal` each add_path makes a bundle of its own, equal or not.
  explicit FairShares(bool merge_equal = true) : merge_equal_(merge_equal) {}

  /// Capacity in [1, 2^62) B/s.
  LinkId add_link(uint64_t bytes_per_s);
  /// Distinct links, in any order; weight > 0; cap below 2^62, 0 for none. A path without links
  /// needs a cap.
  PathId add_path(std::span<const LinkId> links, uint32_t weight, uint64_t cap_bytes_per_s);

  void add_flow(PathId path);
  void remove_flow(PathId path);
  /// Solves what flows added or removed since the last call have changed, and returns every bundle
  /// whose rate may have changed or whose flows did. The span holds until the next call.
  std::span<const PathId> settle();

  /// Of each flow, as last settled; 0 for a path that had no flows then.
  uint64_t rate(PathId path) const { return bundles_[path].rate; }
  /// As of now.
  uint64_t flows(PathId path) const { return bundles_[path].flows; }
  uint32_t weight(PathId path) const { return bundles_[path].weight; }
  uint64_t cap(PathId path) const { return bundles_[path].cap; }
  /// In ascending order.
  std::span<const LinkId> links(PathId path) const {
    return {path_links_.data() + bundles_[path].first, bundles_[path].size};
  }
  uint64_t capacity(LinkId link) const { return links_[link].capacity; }
  uint32_t link_count() const { return static_cast<uint32_t>(links_.size()); }
  uint32_t path_count() const { return static_cast<uint32_t>(bundles_.size()); }
  const ShareCounters& counters() const { return counters_; }

 private:
  struct Member {  // a bundle that has flows
    PathId path;
    uint32_t slot;
  };
  struct Link {
    uint64_t capacity;
    Int128 demand = 0;     // what its flows can put on it at most
    bool couples = false;  // demand > capacity
    uint64_t touched = 0;  // epoch in which its demand changed
    uint64_t reached = 0;  // epoch in which a component took it in
    uint64_t weight = 0;   // of all its flows
    uint64_t left = 0;     // while filling: capacity not given away ...
    uint64_t sharing = 0;  // ... and weight of the flows that share it
    std::vector<Member> members;
  };
  struct Bundle {
    uint32_t first, size;  // its slots
    uint32_t weight;
    bool dirty = false;
    uint64_t cap;
    uint64_t flows = 0;
    uint64_t settled_flows = 0;
    uint64_t rate = 0;
    uint64_t reached = 0;  // epoch
  };
  // A bundle on one of its links; path_links_ holds the link of the same index.
  struct Slot {
    uint32_t group;
    uint32_t position;  // in the link's members
  };
  // Flows of one link that have the same narrowest other link.
  struct Group {
    LinkId link;
    LinkId narrowest;
    uint64_t limit;  // its capacity, or kUnlimited
    Int128 caps = 0;
    uint64_t uncapped = 0;
    Int128 demand = 0;
  };
  // How far a link or a capped bundle can be filled, for a weight of 1: whole + rest / weight.
  struct Level {
    Level(uint64_t left, uint64_t of_weight, uint32_t of_id, bool of_link)
        : whole(left / of_weight),
          rest(left % of_weight),
          weight(of_weight),
          id(of_id),
          is_link(of_link) {}
    uint64_t whole, rest, weight;
    uint32_t id;
    bool is_link;
  };
  static bool higher(const Level& a, const Level& b);

  uint32_t group_of(LinkId link, LinkId narrowest);
  void change_demand(PathId path);
  void join_links(PathId path);
  void leave_links(PathId path);
  void reach_link(LinkId link);
  void reach_bundle(PathId path);
  void find_component();
  void fill();
  bool refresh(Level& level) const;
  void collect_lowest();
  void fix(PathId path, const Level& level);

  bool merge_equal_;
  std::vector<Link> links_;
  std::vector<Bundle> bundles_;
  std::vector<LinkId> path_links_;
  std::vector<Slot> slots_;
  std::vector<Group> groups_;
  IdTable path_table_;
  IdTable group_table_;
  std::vector<PathId> dirty_;
  std::vector<LinkId> touched_;
  std::vector<LinkId> component_links_;
  std::vector<PathId> component_;
  std::vector<PathId> settled_;
  std::vector<Level> levels_;  // heap, lowest first; entries may lag behind their link
  std::vector<Level> lowest_;
  uint64_t epoch_ = 0;
  ShareCounters counters_;
};

}  // namespace tiercast::resources
