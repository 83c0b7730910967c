#include "tests/resources/naive_network.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::tests {

using resources::Discipline;
using resources::kNever;

void NaiveNetwork::add_link(uint64_t bytes_per_s, Discipline discipline) {
  links_.push_back({bytes_per_s, discipline});
}

uint32_t NaiveNetwork::add_path(std::span<const uint32_t> links, uint32_t weight, uint64_t cap) {
  paths_.push_back(Flow{{links.begin(), links.end()}, weight, cap, 0, 0, 0});
  return static_cast<uint32_t>(paths_.size() - 1);
}

void NaiveNetwork::move_clock(int64_t now_ns) {
  for (Flow& flow : flows_) flow.left -= static_cast<Int128>(flow.rate) * (now_ns - now_ns_);
  now_ns_ = now_ns;
}

void NaiveNetwork::start(int64_t now_ns, uint32_t path, uint64_t bytes, uint64_t tag) {
  move_clock(now_ns);
  Flow flow = paths_[path];
  flow.start_ns = now_ns;
  flow.tag = tag;
  flow.left = static_cast<Int128>(bytes) * 1'000'000'000;
  flows_.push_back(flow);
}

bool NaiveNetwork::uses(const Flow& flow, uint32_t link) const {
  return std::find(flow.links.begin(), flow.links.end(), link) != flow.links.end();
}

bool NaiveNetwork::may_go(const Flow& flow) const {
  for (const uint32_t link : flow.links) {
    if (links_[link].discipline == Discipline::fair) continue;
    for (const Flow& other : flows_) {
      if (uses(other, link) &&
          std::pair{other.start_ns, other.tag} < std::pair{flow.start_ns, flow.tag}) {
        return false;
      }
    }
  }
  return true;
}

void NaiveNetwork::solve() {
  std::vector<Flow*> open;
  for (Flow& flow : flows_) {
    flow.rate = 0;
    if (may_go(flow)) open.push_back(&flow);
  }
  std::vector<uint64_t> left;
  for (const Link& link : links_) left.push_back(link.capacity);
  struct Level {
    uint64_t left, weight;
    bool operator<(const Level& other) const {
      return static_cast<Int128>(left) * other.weight < static_cast<Int128>(other.left) * weight;
    }
  };
  while (!open.empty()) {
    std::vector<Level> levels(links_.size());
    const Level none{UINT64_MAX >> 2, 1};
    Level lowest = none;
    for (uint32_t link = 0; link < links_.size(); ++link) {
      levels[link] = {left[link], 0};
      for (const Flow* flow : open) levels[link].weight += uses(*flow, link) ? flow->weight : 0;
      if (levels[link].weight == 0) levels[link] = none;
      lowest = std::min(lowest, levels[link]);
    }
    const auto own_level = [](const Flow& flow) { return Level{flow.cap, flow.weight}; };
    for (const Flow* flow : open) {
      if (flow->cap > 0) lowest = std::min(lowest, own_level(*flow));
    }
    std::vector<Flow*> still_open;
    for (Flow* flow : open) {
      bool settled = flow->cap > 0 && !(lowest < own_level(*flow));
      for (const uint32_t link : flow->links) settled |= !(lowest < levels[link]);
      if (!settled) {
        still_open.push_back(flow);
        continue;
      }
      flow->rate =
          static_cast<uint64_t>(static_cast<Int128>(flow->weight) * lowest.left / lowest.weight);
      for (const uint32_t link : flow->links) left[link] -= flow->rate;
    }
    open = still_open;
  }
}

int64_t NaiveNetwork::next_end_ns() {
  solve();
  int64_t next = kNever;
  for (const Flow& flow : flows_) {
    if (flow.rate == 0) continue;
    // A flow that is through in this instant ends in it, whatever its rate is from now on.
    const Int128 left = std::max<Int128>(flow.left, 0);
    next = std::min(next, now_ns_ + static_cast<int64_t>((left + flow.rate - 1) / flow.rate));
  }
  return next;
}

void NaiveNetwork::advance(int64_t now_ns, std::vector<uint64_t>& ended) {
  move_clock(now_ns);
  const size_t before = ended.size();
  for (const Flow& flow : flows_) {
    if (flow.left <= 0) ended.push_back(flow.tag);
  }
  std::erase_if(flows_, [](const Flow& flow) { return flow.left <= 0; });
  std::sort(ended.begin() + static_cast<std::ptrdiff_t>(before), ended.end());
}

}  // namespace tiercast::tests
