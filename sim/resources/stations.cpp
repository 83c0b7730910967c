#include "sim/resources/stations.hpp"

#include <algorithm>
#include <array>

#include "sim/base/check.hpp"

namespace tiercast::resources {

namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

void check_time(int64_t now_ns, const StationCounts& counts, int64_t next_end_ns) {
  TIERCAST_CHECK(now_ns >= counts.now_ns, "a station cannot go back from {} ns to {} ns",
                 counts.now_ns, now_ns);
  TIERCAST_CHECK(now_ns <= next_end_ns, "a job ended at {} ns and was not advanced over by {} ns",
                 next_end_ns, now_ns);
}

}  // namespace

ServerPool::ServerPool(uint32_t servers, uint32_t depth, uint64_t operations_per_s)
    : servers_(servers), depth_(depth), operations_per_s_(operations_per_s), free_(servers) {
  TIERCAST_CHECK(servers > 0 && depth > 0, "a pool has servers and a depth");
}

void ServerPool::move(int64_t now_ns) {
  check_time(now_ns, counts_, next_end_ns());
  counts_.move(now_ns, servers_ - free_, waiting_.size());
}

void ServerPool::arrive(int64_t now_ns, const PoolJob& job, uint64_t tag) {
  TIERCAST_CHECK(job.operations >= 1 && job.operation_ns >= 1,
                 "a job has operations that take time");
  move(now_ns);
  waiting_.push_back({job, tag});
  ++counts_.arrived;
  // What ends in this instant frees its servers first.
  if (next_end_ns() > now_ns) start_waiting();
}

void ServerPool::start_waiting() {
  while (!waiting_.empty() && in_service_.size() < depth_) {
    const auto& [job, tag] = waiting_.front();
    const auto width = static_cast<uint32_t>(std::min<uint64_t>(job.operations, servers_));
    if (width > free_) return;
    const Int128 work_ns = static_cast<Int128>(job.operations) * job.operation_ns;
    const auto service_ns =
        std::max(static_cast<Int128>(job.operation_ns), (work_ns + (width - 1)) / width);
    Int128 end_ns = counts_.now_ns + service_ns;
    if (operations_per_s_ > 0) {
      gate_ = std::max(gate_, static_cast<Int128>(counts_.now_ns) * operations_per_s_) +
              static_cast<Int128>(job.operations) * kNsPerSecond;
      end_ns = std::max(end_ns, (gate_ + (operations_per_s_ - 1)) / operations_per_s_);
    }
    free_ -= width;
    in_service_.push_back({static_cast<int64_t>(end_ns), tag, width});
    std::push_heap(in_service_.begin(), in_service_.end(), later);
    waiting_.pop_front();
  }
}

void ServerPool::advance(int64_t now_ns, std::vector<uint64_t>& ended) {
  TIERCAST_CHECK(now_ns == next_end_ns(), "no job ends at {} ns", now_ns);
  move(now_ns);
  while (next_end_ns() == now_ns) {
    free_ += in_service_.front().servers;
    ended.push_back(in_service_.front().tag);
    std::pop_heap(in_service_.begin(), in_service_.end(), later);
    in_service_.pop_back();
    ++counts_.ended;
  }
  start_waiting();
}

ProcessorSharing::ProcessorSharing(uint64_t work_per_s) : link_(server_.add_link(work_per_s)) {}

void ProcessorSharing::move(int64_t now_ns) {
  const uint64_t busy = present() > 0 ? 1 : 0;
  counts_.move(now_ns, busy, present() - busy);
}

void ProcessorSharing::arrive(int64_t now_ns, uint64_t work, uint64_t tag, uint64_t most_per_s) {
  move(now_ns);
  server_.start(now_ns, server_.add_path(std::array{link_}, 1, most_per_s), work, tag);
  ++counts_.arrived;
}

void ProcessorSharing::advance(int64_t now_ns, std::vector<uint64_t>& ended) {
  move(now_ns);
  const size_t before = ended.size();
  server_.advance(now_ns, ended);
  counts_.ended += ended.size() - before;
}

}  // namespace tiercast::resources
