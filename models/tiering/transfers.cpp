#include "models/tiering/transfers.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "sim/resources/latency.hpp"

namespace tiercast::tiering {

namespace {
constexpr int64_t kNsPerS = 1'000'000'000;
constexpr uint64_t kOne = (uint64_t{1} << 32) - 1;  // in fixed point; its square fits
constexpr Purpose kTail{"tiering.transfer.tail"};
constexpr int64_t kWaitParts = 9;  // the longest wait over that at half load

// Probability, in units of kOne, that a transfer is spared by slow devices. It is as late as the
// slowest of its operations: (1 - p)^n, by squaring.
uint64_t spared(const TransferCost& cost, uint64_t bytes) {
  const uint64_t operations = (bytes - 1) / cost.operation_bytes + 1;
  uint64_t spared = kOne;
  uint64_t factor = kOne - std::min(kOne, (uint64_t{cost.tail_ppm} << 32) / 1'000'000);
  for (uint64_t n = operations; n > 0; n /= 2) {
    if (n % 2 == 1) spared = spared * factor >> 32;
    factor = factor * factor >> 32;
  }
  return spared;
}

bool flows(const TransferPlan& plan) {
  return plan.bytes > 0 && (!plan.links.empty() || plan.cost.rate_cap > 0);
}

// A flow takes 1 ns by itself.
int64_t before_ns(const TransferPlan& plan) {
  return std::max<int64_t>(flows(plan) ? 0 : 1, plan.cost.before_ns);
}
}  // namespace

Transfers::Transfers(const std::vector<TierLinkSpec>& links,
                     const std::vector<StationSpec>& stations, uint64_t seed)
    : stations_(stations), station_free_ns_(stations.size(), 0), seed_(seed) {
  for (const TierLinkSpec& link : links) {
    network_.add_link(link.bytes_per_s,
                      link.fifo ? resources::Discipline::fifo : resources::Discipline::fair);
  }
}

TransferId Transfers::add(int64_t now_ns) {
  TransferId id;
  if (free_.empty()) {
    id = static_cast<TransferId>(transfers_.size());
    transfers_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  transfers_[id] = Transfer{};
  transfers_[id].started_ns = now_ns;
  ++live_;
  return id;
}

void Transfers::set_timer(int64_t time_ns, TransferId id) {
  timers_.push_back({time_ns, id});
  std::push_heap(timers_.begin(), timers_.end(), later);
}

TransferId Transfers::start(int64_t now_ns, const TransferPlan& plan) {
  const TransferId id = add(now_ns);
  ++started_;
  Transfer& transfer = transfers_[id];
  if (flows(plan)) {
    transfer.path = network_.add_path(plan.links, 1, plan.cost.rate_cap);
    transfer.bytes = plan.bytes;
  }
  transfer.after_ns = plan.cost.after_ns;
  const int64_t before = before_ns(plan) + tail_ns(plan) +
                         wait_ns(now_ns, plan.devices, plan.cost.device_wait_ns) +
                         wait_ns(now_ns, plan.cables, plan.cost.switch_wait_ns);
  if (before > 0) {
    set_timer(now_ns + before, id);
  } else {
    next_phase(now_ns, id);
  }
  return id;
}

// Transfers are numbered as they start, so two policies under one seed meet tails alike as long as
// they move alike.
int64_t Transfers::tail_ns(const TransferPlan& plan) const {
  const TransferCost& cost = plan.cost;
  if (cost.tail_ns == 0 || cost.tail_ppm == 0 || plan.bytes == 0) return 0;
  Stream stream(seed_, kTail, started_);
  return stream.bits32() >= spared(cost, plan.bytes) ? cost.tail_ns : 0;
}

int64_t Transfers::wait_ns(int64_t now_ns, std::span<const uint32_t> links, int64_t longest_ns) {
  if (longest_ns == 0) return 0;
  uint32_t most_ppm = 0;
  for (const uint32_t link : links) {
    most_ppm = std::max(most_ppm, network_.utilisation_ppm(now_ns, link));
  }
  return resources::LatencyLaw{0, longest_ns / kWaitParts, longest_ns}.typical_ns(most_ppm);
}

int64_t Transfers::service_ns(uint32_t station, uint32_t operations) const {
  const StationSpec& server = stations_[station];
  const int64_t rounds = (int64_t{operations} + server.servers - 1) / server.servers;
  return rounds * server.operation_ns;
}

TransferId Transfers::look_up(int64_t now_ns, uint32_t station, uint32_t operations,
                              int64_t round_trip_ns) {
  const TransferId id = add(now_ns);
  lookups_ += operations;
  int64_t& free_ns = station_free_ns_[station];
  free_ns = std::max(free_ns, now_ns) + service_ns(station, operations);
  set_timer(std::max(now_ns + 1, free_ns + round_trip_ns), id);
  return id;
}

bool Transfers::next_phase(int64_t now_ns, TransferId id) {
  Transfer& transfer = transfers_[id];
  if (transfer.phase == Phase::before) {
    transfer.phase = Phase::flow;
    if (transfer.bytes > 0) {
      network_.start(now_ns, transfer.path, transfer.bytes, id);
      return false;
    }
  }
  if (transfer.phase == Phase::flow) {
    transfer.phase = Phase::after;
    if (transfer.after_ns > 0) {
      set_timer(now_ns + transfer.after_ns, id);
      return false;
    }
  }
  return true;
}

int64_t Transfers::next_end_ns() {
  const int64_t timer = timers_.empty() ? resources::kNever : timers_.front().time_ns;
  return std::min(timer, network_.next_end_ns());
}

void Transfers::advance(int64_t now_ns, std::vector<TransferId>& ended) {
  const size_t before = ended.size();
  if (network_.next_end_ns() == now_ns) {
    flows_ended_.clear();
    network_.advance(now_ns, flows_ended_);
    for (const uint64_t tag : flows_ended_) {
      const auto id = static_cast<TransferId>(tag);
      if (next_phase(now_ns, id)) ended.push_back(id);
    }
  }
  while (!timers_.empty() && timers_.front().time_ns == now_ns) {
    const TransferId id = timers_.front().id;
    std::pop_heap(timers_.begin(), timers_.end(), later);
    timers_.pop_back();
    if (next_phase(now_ns, id)) ended.push_back(id);
  }
  std::sort(ended.begin() + static_cast<std::ptrdiff_t>(before), ended.end());
}

void Transfers::release(TransferId id) {
  free_.push_back(id);
  --live_;
}

int64_t Transfers::flow_ns(uint64_t bytes, uint64_t rate) {
  const auto nanobytes = Int128{bytes} * kNsPerS;
  return static_cast<int64_t>((nanobytes + rate - 1) / rate);
}

double Transfers::tail_probability(const TransferCost& cost, uint64_t bytes) {
  if (cost.tail_ns == 0 || cost.tail_ppm == 0 || bytes == 0) return 0;
  return 1 - static_cast<double>(spared(cost, bytes)) / static_cast<double>(kOne);
}

uint64_t Transfers::rate(const TransferPlan& plan) const {
  uint64_t rate = plan.cost.rate_cap > 0 ? plan.cost.rate_cap : UINT64_MAX;
  for (const uint32_t link : plan.links) rate = std::min(rate, network_.capacity(link));
  return rate;
}

int64_t Transfers::unloaded_ns(const TransferPlan& plan) const {
  const int64_t flow = flows(plan) ? flow_ns(plan.bytes, rate(plan)) : 0;
  return before_ns(plan) + flow + plan.cost.after_ns;
}

int64_t Transfers::unloaded_lookup_ns(uint32_t station, uint32_t operations,
                                      int64_t round_trip_ns) const {
  return std::max<int64_t>(1, service_ns(station, operations) + round_trip_ns);
}

}  // namespace tiercast::tiering
