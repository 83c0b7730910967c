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

constexpr uint32_t kPartBits = 32;  // of a flow's tag; the transfer is above them

// The weights of a plan's parts, in order.
class PartShares {
 public:
  explicit PartShares(const TransferPlan& plan) : of_(plan.bytes) {}

  uint32_t next(const TransferPart& part) {
    done_ += part.bytes;
    const auto up_to = static_cast<uint32_t>(Int128{done_} * Transfers::kWeight / of_);
    const uint32_t weight = up_to - given_;
    given_ = up_to;
    return std::max(1u, weight);
  }

 private:
  uint64_t of_;
  uint64_t done_ = 0;
  uint32_t given_ = 0;
};

// What such a part gets of the bound of all; 0: there is none.
uint64_t cap_of(uint64_t rate_cap, uint32_t weight) {
  if (rate_cap == 0) return 0;
  return std::max<uint64_t>(1,
                            static_cast<uint64_t>(Int128{rate_cap} * weight / Transfers::kWeight));
}

// Whether anything bounds the rate of its bytes.
bool flows(const TransferPlan& plan) {
  const auto crosses = [](const TransferPart& part) {
    return !part.from.empty() || !part.to.empty();
  };
  return plan.bytes > 0 && (!plan.links.empty() || plan.cost.rate_cap > 0 ||
                            std::any_of(plan.parts.begin(), plan.parts.end(), crosses));
}

// A flow takes 1 ns by itself.
int64_t before_ns(const TransferPlan& plan) {
  return std::max<int64_t>(flows(plan) ? 0 : 1, plan.cost.before_ns);
}
}  // namespace

Transfers::Transfers(const std::vector<TierLinkSpec>& links,
                     const std::vector<StationSpec>& stations, uint64_t seed, bool split)
    : servers_(stations), weight_(split ? kWeight : 1), seed_(seed) {
  for (const TierLinkSpec& link : links) {
    network_.add_link(link.bytes_per_s,
                      link.fifo ? resources::Discipline::fifo : resources::Discipline::fair);
  }
}

TransferId Transfers::add() {
  TransferId id;
  if (free_.empty()) {
    id = static_cast<TransferId>(transfers_.size());
    transfers_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  transfers_[id] = Transfer{};
  ++live_;
  return id;
}

void Transfers::set_timer(int64_t time_ns, TransferId id) {
  timers_.push_back({time_ns, id});
  std::push_heap(timers_.begin(), timers_.end(), later);
}

void Transfers::prepare(TransferPlan& plan) {
  plan.rate = rate(plan);
  if (plan.links.empty() && plan.cost.rate_cap == 0) return;  // nothing flows
  plan.path = network_.add_path(plan.links, weight_, plan.cost.rate_cap);
}

TransferId Transfers::start(int64_t now_ns, const TransferPlan& plan) {
  const TransferId id = add();
  ++started_;
  Transfer& transfer = transfers_[id];
  if (!plan.parts.empty()) {
    split(plan, id);
  } else if (flows(plan)) {
    transfer.path =
        plan.path != kNone ? plan.path : network_.add_path(plan.links, weight_, plan.cost.rate_cap);
    transfer.bytes = plan.bytes;
    transfer.flows_left = 1;
  }
  transfer.after_ns = plan.cost.after_ns;
  int64_t device_wait = wait_ns(now_ns, plan.devices, plan.cost.device_wait_ns);
  for (const TransferPart& part : plan.parts) {
    device_wait = std::max(device_wait, wait_ns(now_ns, part.from, plan.cost.device_wait_ns));
  }
  transfer.before_ns = before_ns(plan) + tail_ns(plan) + device_wait +
                       wait_ns(now_ns, plan.cables, plan.cost.switch_wait_ns);
  arrive(now_ns, plan.visits, id);
  return id;
}

// What visits nobody, and has nothing before its flow, flows at once.
void Transfers::arrive(int64_t now_ns, std::span<const StationVisit> visits, TransferId id) {
  transfers_[id].visits_left = static_cast<uint32_t>(visits.size());
  for (const StationVisit& visit : visits) servers_.arrive(now_ns, visit, id);
  if (visits.empty()) next_phase(now_ns, id);
}

// Weights come from running sums: whatever rounding does to one part, in all they are kWeight. They
// are few, and so are the paths that the network has to tell apart.
void Transfers::split(const TransferPlan& plan, TransferId id) {
  TIERCAST_CHECK(weight_ == kWeight, "a transfer in parts among transfers that have none");
  if (flows_.size() < transfers_.size()) flows_.resize(transfers_.size());
  std::vector<Flow>& flows = flows_[id];
  flows.clear();
  const uint64_t cap = plan.cost.rate_cap;
  PartShares shares(plan);
  for (const TransferPart& part : plan.parts) {
    const uint32_t weight = shares.next(part);
    links_.assign(plan.links.begin(), plan.links.end());
    links_.insert(links_.end(), part.from.begin(), part.from.end());
    links_.insert(links_.end(), part.to.begin(), part.to.end());
    if (links_.empty() && cap == 0) continue;
    flows.push_back({network_.add_path(links_, weight, cap_of(cap, weight)), part.bytes});
  }
  transfers_[id].flows_left = static_cast<uint32_t>(flows.size());
}

void Transfers::start_flows(int64_t now_ns, TransferId id) {
  const Transfer& transfer = transfers_[id];
  if (transfer.bytes > 0) {
    network_.start(now_ns, transfer.path, transfer.bytes, uint64_t{id} << kPartBits);
    return;
  }
  const std::vector<Flow>& flows = flows_[id];
  for (uint32_t n = 0; n < transfer.flows_left; ++n) {
    network_.start(now_ns, flows[n].path, flows[n].bytes, uint64_t{id} << kPartBits | n);
  }
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
  return resources::LatencyLaw{longest_ns / kWaitParts, longest_ns}.wait_ns(most_ppm);
}

TransferId Transfers::look_up(int64_t now_ns, const StationVisit& visit, int64_t round_trip_ns) {
  const TransferId id = add();
  transfers_[id].before_ns = round_trip_ns;
  arrive(now_ns, {&visit, 1}, id);
  return id;
}

bool Transfers::next_phase(int64_t now_ns, TransferId id) {
  Transfer& transfer = transfers_[id];
  if (transfer.phase == Phase::visits) {
    transfer.phase = Phase::before;
    if (transfer.before_ns > 0) {
      set_timer(now_ns + transfer.before_ns, id);
      return false;
    }
  }
  if (transfer.phase == Phase::before) {
    transfer.phase = Phase::flow;
    transfer.flowed_ns = -now_ns;
    if (transfer.flows_left > 0) {
      start_flows(now_ns, id);
      return false;
    }
  }
  if (transfer.phase == Phase::flow) {
    transfer.phase = Phase::after;
    transfer.flowed_ns += now_ns;
    if (transfer.after_ns > 0) {
      set_timer(now_ns + transfer.after_ns, id);
      return false;
    }
  }
  return true;
}

int64_t Transfers::next_end_ns() {
  const int64_t timer = timers_.empty() ? resources::kNever : timers_.front().time_ns;
  return std::min({timer, network_.next_end_ns(), servers_.next_end_ns()});
}

void Transfers::advance(int64_t now_ns, std::vector<TransferId>& ended) {
  const size_t before = ended.size();
  if (network_.next_end_ns() == now_ns) {
    tags_ended_.clear();
    network_.advance(now_ns, tags_ended_);
    for (const uint64_t tag : tags_ended_) {
      const auto id = static_cast<TransferId>(tag >> kPartBits);
      if (--transfers_[id].flows_left > 0) continue;
      if (next_phase(now_ns, id)) ended.push_back(id);
    }
  }
  if (servers_.next_end_ns() == now_ns) {
    tags_ended_.clear();
    servers_.advance(now_ns, tags_ended_);
    for (const uint64_t tag : tags_ended_) {
      const auto id = static_cast<TransferId>(tag);
      if (--transfers_[id].visits_left > 0) continue;
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

std::span<const Transfers::Crossing> Transfers::crossings(const TransferPlan& plan) const {
  crossings_.clear();
  for (const TransferPart& part : plan.parts) {
    for (const std::span<const uint32_t> links : {part.from, part.to}) {
      for (const uint32_t link : links) crossings_.push_back({link, part.bytes});
    }
  }
  std::sort(crossings_.begin(), crossings_.end(),
            [](const Crossing& a, const Crossing& b) { return a.link < b.link; });
  size_t kept = 0;
  for (const Crossing& crossing : crossings_) {
    if (kept > 0 && crossings_[kept - 1].link == crossing.link) {
      crossings_[kept - 1].bytes += crossing.bytes;
    } else {
      crossings_[kept++] = crossing;
    }
  }
  crossings_.resize(kept);
  return crossings_;
}

Transfers::Narrowest Transfers::narrowest(const TransferPlan& plan) const {
  Narrowest narrowest;
  const auto see = [&](uint32_t link, Int128 bytes_per_s) {
    if (bytes_per_s < narrowest.bytes_per_s) {
      narrowest = {link, static_cast<uint64_t>(bytes_per_s)};
    }
  };
  for (const uint32_t link : plan.links) see(link, network_.capacity(link));
  for (const Crossing& crossing : crossings(plan)) {
    see(crossing.link, Int128{network_.capacity(crossing.link)} * plan.bytes / crossing.bytes);
  }
  return narrowest;
}

uint64_t Transfers::rate(const TransferPlan& plan) const {
  const uint64_t rate = narrowest(plan).bytes_per_s;
  return plan.cost.rate_cap > 0 ? std::min(rate, plan.cost.rate_cap) : rate;
}

int64_t Transfers::unloaded_ns(const TransferPlan& plan) const {
  const auto own_rate = [&] {
    if (plan.path != kNone) return plan.rate;
    return rate({.links = plan.links, .bytes = plan.bytes, .cost = plan.cost});
  };
  int64_t flow = flows(plan) ? flow_ns(plan.bytes, own_rate()) : 0;
  for (const Crossing& crossing : crossings(plan)) {
    flow = std::max(flow, flow_ns(crossing.bytes, network_.capacity(crossing.link)));
  }
  if (plan.cost.rate_cap > 0) {
    PartShares shares(plan);
    for (const TransferPart& part : plan.parts) {
      flow = std::max(flow, flow_ns(part.bytes, cap_of(plan.cost.rate_cap, shares.next(part))));
    }
  }
  return unloaded_visits_ns(plan.visits) + before_ns(plan) + flow + plan.cost.after_ns;
}

int64_t Transfers::unloaded_visits_ns(std::span<const StationVisit> visits) const {
  int64_t longest = 0;
  for (const StationVisit& visit : visits) longest = std::max(longest, servers_.service_ns(visit));
  return longest;
}

}  // namespace tiercast::tiering
