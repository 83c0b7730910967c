// Where jobs wait for service that is not a link: metadata servers, cores. Times are
// whole ns from 0 and never go back; a station must be advanced at each of its ends, and one that
// ends in the instant of an arrival may be advanced over before or after it. Ends are after
// arrivals by 1 ns at least. Tags are the caller's.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/resources/link_network.hpp"
#include "sim/resources/station_counts.hpp"

namespace tiercast::resources {

/// What a ServerPool does for one job.
struct PoolJob {
  uint64_t operations = 1;   ///< >= 1
  int64_t operation_ns = 1;  ///< service time of each on one server, >= 1
};

/// `servers` that serve jobs of many operations at once, first come first served.
///
/// A job of m operations of s ns takes w = min(m, servers) servers and holds them for
/// max(s, ceil(m s / w)) ns: operations follow each other without gaps, and the last one is not
/// waited for by jobs behind. It starts when it is first in line, w servers are free and fewer than
/// `depth` jobs are in service. With m = 1 and depth >= servers this is the queue G/G/servers; with
/// one server Lindley's recursion, a job ending at max(arrival, end of the one before) + service.
///
/// With an operations_per_s, operations pass a gate of that rate in the order of starts, and no job
/// ends before its last operation has passed: end = max(start + service, gate), where the gate
/// moves on to max(gate, start) + m / rate. It is kept exactly, in ns x rate.
class ServerPool {
 public:
  /// operations_per_s 0: no ceiling.
  ServerPool(uint32_t servers, uint32_t depth, uint64_t operations_per_s = 0);

  void arrive(int64_t now_ns, const PoolJob& job, uint64_t tag);
  int64_t next_end_ns() const { return in_service_.empty() ? kNever : in_service_.front().end_ns; }
  /// Ends the jobs due at `now_ns`, which must be next_end_ns(), appends their tags in increasing
  /// order and starts those whose turn it is.
  void advance(int64_t now_ns, std::vector<uint64_t>& ended);
  uint64_t present() const { return in_service_.size() + waiting_.size(); }
  uint64_t waiting() const { return waiting_.size(); }
  const StationCounts& counts() const { return counts_; }

 private:
  struct Waiting {
    PoolJob job;
    uint64_t tag;
  };
  struct InService {
    int64_t end_ns;
    uint64_t tag;
    uint32_t servers;
  };
  static bool later(const InService& a, const InService& b) {
    return a.end_ns != b.end_ns ? a.end_ns > b.end_ns : a.tag > b.tag;
  }
  void move(int64_t now_ns);
  void start_waiting();

  uint32_t servers_;
  uint32_t depth_;
  uint64_t operations_per_s_;
  uint32_t free_;
  Int128 gate_ = 0;  // ns x operations_per_s_
  std::deque<Waiting> waiting_;
  std::vector<InService> in_service_;  // heap, first end first
  StationCounts counts_;
};

/// One server shared equally by all jobs present: a link whose bytes are the units of work. With n
/// jobs each gets floor(work_per_s / n), or less where a job cannot use it: what it leaves, others
/// get. Of n > 0 jobs, n - 1 count as waiting.
class ProcessorSharing {
 public:
  explicit ProcessorSharing(uint64_t work_per_s);
  /// work >= 1. most_per_s: what the job can use of the server; 0: all of it.
  void arrive(int64_t now_ns, uint64_t work, uint64_t tag, uint64_t most_per_s = 0);
  int64_t next_end_ns() { return server_.next_end_ns(); }
  void advance(int64_t now_ns, std::vector<uint64_t>& ended);
  uint64_t present() const { return server_.flows_live(); }
  const StationCounts& counts() const { return counts_; }

 private:
  void move(int64_t now_ns);

  LinkNetwork server_;
  uint32_t link_;
  StationCounts counts_;
};

}  // namespace tiercast::resources
