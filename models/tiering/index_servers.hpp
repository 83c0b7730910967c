// Servers that tiers' indices run on, and the jobs that wait for them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "models/tiering/run_fault.hpp"
#include "models/tiering/tier_spec.hpp"
#include "sim/base/histogram.hpp"  // Int128
#include "sim/base/time_heap.hpp"
#include "sim/resources/stations.hpp"

namespace tiercast::tiering {

/// An index was asked for more than time can hold.
class IndexTooSlow : public RunFault {
 public:
  explicit IndexTooSlow(const std::string& station);
};

/// Stations that serve operations on indices: k servers, first come first served or taking turns
/// among all jobs (StationSpec::turns). A job of m operations is served by min(m, servers) at once,
/// so alone it takes service_ns(). Tags are the caller's.
class IndexServers {
 public:
  explicit IndexServers(const std::vector<StationSpec>& stations);

  /// operations >= 1.
  void arrive(int64_t now_ns, const StationVisit& visit, uint64_t tag);
  int64_t next_end_ns() const { return ends_.empty() ? resources::kNever : ends_.first_ns(); }
  /// Appends the tags of all jobs that end at `now_ns` == next_end_ns().
  void advance(int64_t now_ns, std::vector<uint64_t>& ended);

  /// ceil(operations x operation_ns / min(operations, servers)).
  int64_t service_ns(const StationVisit& visit) const;
  /// What one station did.
  struct Counts {
    uint64_t operations = 0;  ///< asked for
    uint64_t jobs = 0;        ///< that came
    uint64_t ended = 0;
    Int128 alone_ns = 0;  ///< what they would have taken with nobody beside them
    Int128 there_ns = 0;  ///< time that all spent there: jobs x ns, up to the last change
  };
  const Counts& counts(uint32_t station) const { return stations_[station].counts; }

 private:
  using Servers = std::variant<resources::ServerPool, resources::ProcessorSharing>;
  struct Station {
    StationSpec spec;
    Servers servers;
    Counts counts;
    int64_t changed_ns = 0;
  };
  void move(int64_t now_ns, Station& station);
  void set_end(uint32_t station);

  std::vector<Station> stations_;
  TimeHeap ends_;  // by station
};

}  // namespace tiercast::tiering
