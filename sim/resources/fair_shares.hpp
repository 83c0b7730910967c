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
  uint64_t rounds = 0;          ///< fillings they took
  uint64_t bundles_solved = 0;  ///< summed over rounds
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
/// two links never excuse each other.
///
/// Solving again. Rates are the only ones for which each link's level is the first one, upwards, at
/// which left / weight is no more than it, given the levels of its bundles, and each bundle's level
/// is the lowest of its links and its cap. (From the lowest level up, what is settled below one
/// decides what settles at it.) So after a change the links it touches are filled anew with all
/// others taken as they are; where that moves a bundle on another link which is full, or may be
/// now, that link is taken in and the filling repeated. What the change does not reach is never
/// looked at.
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
  // How far something can be filled, for a weight of 1: whole + rest / weight B/s.
  struct Height {
    Height() = default;  // endless
    Height(uint64_t left, uint64_t of_weight)
        : whole(left / of_weight), rest(left % of_weight), weight(of_weight) {}
    uint64_t whole = UINT64_MAX, rest = 0, weight = 1;
  };
  static bool higher(const Height& a, const Height& b);
  struct Member {  // a bundle that has flows
    PathId path;
    uint32_t slot;
  };
  struct Link {
    uint64_t capacity = 0;
    Int128 demand = 0;      // what its flows can put on it at most
    bool couples = false;   // demand > capacity
    uint64_t touched = 0;   // epoch in which its demand changed
    uint64_t opened = 0;    // epoch in which it was taken in to be filled anew
    uint64_t checked = 0;   // round in which `expected` was begun
    uint64_t used = 0;      // as last settled
    uint64_t expected = 0;  // the same with what this round moves
    Height height;          // its level; endless where it is not full
    uint64_t weight = 0;    // of all its flows
    uint64_t left = 0;      // while filling: capacity not given away ...
    uint64_t sharing = 0;   // ... and weight of the flows that share it
    std::vector<Member> members;
  };
  struct Bundle {
    uint32_t first = 0, size = 0;  // its slots
    uint32_t weight = 1;
    bool dirty = false;
    uint64_t cap = 0;
    uint64_t flows = 0;
    uint64_t settled_flows = 0;
    uint64_t rate = 0;
    Height height;
    uint64_t next_rate = 0;  // of the round; 0: not settled yet
    Height next_height;
    uint64_t used = 0;      // rate x flows, as last settled
    uint64_t gathered = 0;  // round
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
  // Where a link, or a bundle because of what stays as it is, stops to fill.
  struct Stop {
    Height height;
    uint32_t id;
    bool is_link;
  };
  static bool later(const Stop& a, const Stop& b) { return higher(a.height, b.height); }

  uint32_t group_of(LinkId link, LinkId narrowest);
  void change_demand(PathId path);
  void join_links(PathId path);
  void leave_links(PathId path);
  void take_changes();
  void open_link(LinkId link);
  void gather();
  void gather_bundle(PathId path);
  void fill();
  void collect_lowest();
  void fix(PathId path, const Height& height);
  bool moved(const Bundle& bundle) const;
  bool widen();
  void open_component();
  void commit(PathId path);

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
  std::vector<LinkId> open_links_;
  std::vector<LinkId> checked_;
  std::vector<PathId> gathered_;
  std::vector<PathId> settled_;
  std::vector<Stop> stops_;  // heap, lowest first; entries may lag behind their link
  std::vector<Stop> lowest_;
  uint64_t epoch_ = 0;  // settlings so far
  uint64_t round_ = 0;  // fillings so far
  int widened_ = 0;     // times that this settling took in more links
  ShareCounters counters_;
};

}  // namespace tiercast::resources
