#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/tiering/index_servers.hpp"
#include "models/tiering/tier_spec.hpp"
#include "sim/resources/link_network.hpp"

namespace tiercast::tiering {

using TransferId = uint32_t;

/// The bytes of a transfer that cross links of a device at either end, beside those that all cross.
struct TransferPart {
  std::span<const uint32_t> from;
  std::span<const uint32_t> to;
  uint64_t bytes = 0;
};

/// Bytes on their way: visits to stations, all at once; a fixed time, then a flow over links, then
/// another fixed time. With parts there is one flow for each, and the next time begins as the last
/// of them ends. The first time is longer beside others:
///
///     wait = min(longest x u / (9 (1 - u)), longest)
///
/// at devices (those that parts come from, too) and in switches, with the utilisation u just before
/// the start: M/M/1 that comes to the longest wait, as measured at full rate, at nine tenths of it
/// (resources::LatencyLaw).
struct TransferPlan {
  std::span<const uint32_t> links;
  uint64_t bytes = 0;
  TransferCost cost;
  std::span<const uint32_t> devices = {};    ///< links whose use delays its first operation at the
                                             ///< device; of `links` or not
  std::span<const uint32_t> cables = {};     ///< the same in switches
  std::span<const TransferPart> parts = {};  ///< empty, or in all `bytes`
  std::span<const StationVisit> visits = {};
  resources::PathId path = kNone;  ///< of a plan that was prepared
  uint64_t rate = 0;               ///< the same: what rate() answers
};

/// Transfers in flight over the links of a hierarchy, and questions to its indices. Ends come in
/// the order (time, id); an end lies at least 1 ns behind its start.
class Transfers {
 public:
  /// `seed`: of the tails of latencies; transfer number n draws from a stream of its own. `split`:
  /// plans may have parts. All transfers weigh the same on a link then too: parts share kWeight and
  /// the stack's bound by their bytes, to 1 / kWeight.
  Transfers(const std::vector<TierLinkSpec>& links, const std::vector<StationSpec>& stations,
            uint64_t seed, bool split = false);
  static constexpr uint32_t kWeight = 256;

  TransferId start(int64_t now_ns, const TransferPlan& plan);
  /// Looks up once what starts of plans like this one need, whatever their bytes; without parts.
  void prepare(TransferPlan& plan);
  /// The answer is there a round trip after the station has served it.
  TransferId look_up(int64_t now_ns, const StationVisit& visit, int64_t round_trip_ns);

  int64_t next_end_ns();
  /// Everything that ends at `now_ns` == next_end_ns(). Its ids stay taken until release().
  void advance(int64_t now_ns, std::vector<TransferId>& ended);
  void release(TransferId id);

  /// What the transfer would take with nothing beside it: of several parts, until the fullest link
  /// or the part that its share of the bound holds back most is done; they may take 1 / kWeight of
  /// it more.
  int64_t unloaded_ns(const TransferPlan& plan) const;
  /// The same for bytes that flow at `rate` bytes/s.
  static int64_t flow_ns(uint64_t bytes, uint64_t rate);
  /// What the visits would take with nobody beside them.
  int64_t unloaded_visits_ns(std::span<const StationVisit> visits) const;
  /// Probability that a transfer of so many bytes is late by cost.tail_ns.
  static double tail_probability(const TransferCost& cost, uint64_t bytes);
  /// The first link of the least capacity on the way, each divided by its share of the bytes.
  struct Narrowest {
    uint32_t link = kNone;
    uint64_t bytes_per_s = UINT64_MAX;
  };
  Narrowest narrowest(const TransferPlan& plan) const;
  /// What it lets through, or the cap where that is less.
  uint64_t rate(const TransferPlan& plan) const;

  const resources::LinkNetwork& network() const { return network_; }
  uint64_t started() const { return started_; }
  uint32_t live() const { return live_; }
  /// How long the bytes of a transfer that has ended flowed; until release().
  int64_t flowed_ns(TransferId id) const { return transfers_[id].flowed_ns; }
  const IndexServers& servers() const { return servers_; }

 private:
  enum class Phase : uint8_t { visits, before, flow, after };
  struct Transfer {
    resources::PathId path = 0;
    uint64_t bytes = 0;  // 0: no flow, or those of `flows_`
    uint32_t visits_left = 0;
    uint32_t flows_left = 0;
    int64_t before_ns = 0;
    int64_t after_ns = 0;
    int64_t flowed_ns = 0;  // while bytes flow: less the time until then
    Phase phase = Phase::visits;
  };
  struct Flow {
    resources::PathId path;
    uint64_t bytes;
  };
  struct Crossing {
    uint32_t link;
    uint64_t bytes;
  };
  struct Timer {
    int64_t time_ns;
    TransferId id;
  };
  static bool later(const Timer& a, const Timer& b) {
    return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.id > b.id;
  }

  TransferId add();
  // The links beside the plan's own that some part crosses, with the bytes of all that do.
  std::span<const Crossing> crossings(const TransferPlan& plan) const;
  void split(const TransferPlan& plan, TransferId id);
  void start_flows(int64_t now_ns, TransferId id);
  int64_t tail_ns(const TransferPlan& plan) const;
  // Behind the operations of others, as used as the most used of those links is.
  int64_t wait_ns(int64_t now_ns, std::span<const uint32_t> links, int64_t longest_ns);
  void set_timer(int64_t time_ns, TransferId id);
  void arrive(int64_t now_ns, std::span<const StationVisit> visits, TransferId id);
  // The phase is over at now_ns; true when that was the last.
  bool next_phase(int64_t now_ns, TransferId id);

  resources::LinkNetwork network_;
  IndexServers servers_;
  std::vector<Transfer> transfers_;
  std::vector<TransferId> free_;
  std::vector<Timer> timers_;                // heap
  std::vector<std::vector<Flow>> flows_;     // by TransferId, of those with parts
  std::vector<uint64_t> tags_ended_;         // scratch
  mutable std::vector<Crossing> crossings_;  // scratch
  std::vector<uint32_t> links_;              // scratch
  uint64_t started_ = 0;
  uint32_t live_ = 0;
  uint32_t weight_;
  uint64_t seed_;
};

}  // namespace tiercast::tiering
