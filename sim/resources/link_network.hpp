#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/time_heap.hpp"
#include "sim/resources/fair_shares.hpp"
#include "sim/resources/fifo_gates.hpp"

namespace tiercast::resources {

inline constexpr int64_t kNever = INT64_MAX;

enum class Discipline : uint8_t {
  fair,  ///< flows share the link, weighted max-min
  fifo,  ///< one whole transfer at a time, in order of (start, tag); the others stand still
};

/// Bytes that flow over links and when they have arrived. Time is whole nanoseconds from 0 and
/// never goes back; rates are whole bytes per second, set by FairShares at each instant in which a
/// flow starts or ends, and constant in between.
///
/// Flows of one path are a bundle and progress alike, so a bundle has one virtual service S, in
/// nano-bytes (B/s x ns) that each of its flows would have received since the bundle was made. A
/// flow started at service S ends when the service reaches S + bytes x 10^9: its end is the first
/// whole nanosecond at or after that. A change of rate touches S, never a flow.
///
/// What happens in an instant is solved once, when next_end_ns() is asked or time moves on; the
/// order of calls within an instant does not show, apart from fifo links, where flows that start in
/// one instant queue by tag only if nothing was asked between their starts.
///
/// A transfer alone on a link of 10^9 B/s:
///
///     LinkNetwork network;
///     const std::array links{network.add_link(1'000'000'000)};
///     network.start(0, network.add_path(links), 500, tag);
///     network.next_end_ns();  // 500
class LinkNetwork {
 public:
  /// Without `bundle`, add_path gives equal paths ids of their own: for tests.
  explicit LinkNetwork(bool bundle = true) : shares_(bundle) {}

  /// 1 <= rate < 2^62 B/s. A link may at no time carry flows of more weight in all than it has
  /// bytes per second, so that each gets 1 B/s at least.
  LinkId add_link(uint64_t bytes_per_s, Discipline discipline = Discipline::fair);

  /// The id of the path over these distinct links (their order means nothing), made where there is
  /// none yet. Each of its flows weighs `weight` and gets `cap_bytes_per_s` at most, 0: no cap. A
  /// path without links needs a cap. Cheap enough to call for each flow.
  PathId add_path(std::span<const LinkId> links, uint32_t weight = 1, uint64_t cap_bytes_per_s = 0);

  /// A flow of `bytes` >= 1 starts. `tag` is the caller's own and unique among live flows. Ends
  /// before `now_ns` must have been advanced over; those of `now_ns` itself may be still to come.
  void start(int64_t now_ns, PathId path, uint64_t bytes, uint64_t tag);

  /// The earliest instant at which a flow ends, after the start of it; kNever when none does.
  int64_t next_end_ns();

  /// Ends every flow due at `now_ns`, which must be next_end_ns(), and appends their tags in
  /// increasing order.
  void advance(int64_t now_ns, std::vector<uint64_t>& ended);

  /// Nano-bytes (10^-9 B) that have crossed the link up to the latest instant given to start() or
  /// advance(): the integral of the rates of its flows, less what the rounding up of ends adds, so
  /// that an ended flow counts its bytes exactly. Over the capacity it is the time, in ns, for
  /// which the link was busy at full rate. Flows due at that instant but not advanced over yet may
  /// count up to 1 ns too long.
  Int128 carried_nanobytes(LinkId link) const;
  /// The same in whole bytes, rounded down, never above started_bytes(). With no flow left it
  /// equals the bytes started over paths with the link.
  uint64_t carried_bytes(LinkId link) const;
  /// Of all flows started over the link, waiting ones included.
  uint64_t started_bytes(LinkId link) const { return meters_[link].started; }
  /// started_bytes - carried_bytes: what is still to cross. O(1), for adaptive routing.
  uint64_t queued_bytes(LinkId link) const { return started_bytes(link) - carried_bytes(link); }
  /// B/s in use, as last solved.
  uint64_t used(LinkId link) const { return meters_[link].used; }
  uint64_t capacity(LinkId link) const { return shares_.capacity(link); }
  /// Share of the link in use up to `now_ns`, in millionths: what starts or ends in this very
  /// instant does not show, so all that start in it see the same. Ends before it must have been
  /// advanced over.
  uint32_t utilisation_ppm(int64_t now_ns, LinkId link);

  uint64_t flows_started() const { return flows_started_; }
  uint64_t flows_live() const { return flows_live_; }
  const ShareCounters& counters() const { return shares_.counters(); }
  /// The bundles and their rates as last solved. A flow that waits at a fifo link is in none.
  const FairShares& shares() const { return shares_; }

 private:
  struct Member {
    Int128 target;  // service at which it ends
    uint64_t tag;
  };
  struct Bundle {
    Int128 service = 0;  // nano-bytes, at anchor_ns
    int64_t anchor_ns = 0;
    uint64_t rate = 0;
    uint64_t used = 0;            // rate x flows as last solved
    std::vector<Member> members;  // heap, least target first
  };
  struct Meter {
    Int128 carried = 0;  // nano-bytes, at anchor_ns
    int64_t anchor_ns = 0;
    uint64_t used = 0;
    uint64_t used_before = 0;  // until anchor_ns
    uint64_t started = 0;
    uint32_t gate = UINT32_MAX;  // of a fifo link
  };
  static bool later(const Member& a, const Member& b);

  void move_clock(int64_t now_ns);
  void settle();
  void apply(PathId path);
  void catch_up(Bundle& bundle) const;
  void join(PathId path, uint64_t bytes, uint64_t tag);
  void end_due(PathId path, std::vector<uint64_t>& ended);

  FairShares shares_;
  FifoGates gates_;
  std::vector<Meter> meters_;    // by link
  std::vector<Bundle> bundles_;  // by path
  std::vector<FifoGates::Flow> released_;
  TimeHeap ends_;  // by path
  int64_t now_ns_ = 0;
  bool dirty_ = false;  // something started or ended at now_ns_ and is not solved
  uint64_t flows_started_ = 0;
  uint64_t flows_live_ = 0;
};

}  // namespace tiercast::resources
