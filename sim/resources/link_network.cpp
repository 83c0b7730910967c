#include "sim/resources/link_network.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace tiercast::resources {

namespace {
constexpr int64_t kNanobytesPerByte = 1'000'000'000;
}  // namespace

bool LinkNetwork::later(const Member& a, const Member& b) {
  return a.target != b.target ? a.target > b.target : a.tag > b.tag;
}

LinkId LinkNetwork::add_link(uint64_t bytes_per_s, Discipline discipline) {
  const LinkId link = shares_.add_link(bytes_per_s);
  meters_.emplace_back();
  if (discipline == Discipline::fifo) meters_.back().gate = gates_.add_gate();
  return link;
}

PathId LinkNetwork::add_path(std::span<const LinkId> links, uint32_t weight,
                             uint64_t cap_bytes_per_s) {
  const PathId path = shares_.add_path(links, weight, cap_bytes_per_s);
  if (path < bundles_.size()) return path;
  bundles_.emplace_back();
  std::vector<uint32_t> gates;
  for (const LinkId link : shares_.links(path)) {
    if (meters_[link].gate != UINT32_MAX) gates.push_back(meters_[link].gate);
  }
  gates_.add_path(gates);
  return path;
}

void LinkNetwork::move_clock(int64_t now_ns) {
  TIERCAST_CHECK(now_ns >= now_ns_, "links cannot go back from {} ns to {} ns", now_ns_, now_ns);
  if (now_ns == now_ns_) return;
  if (dirty_) settle();
  TIERCAST_CHECK(ends_.empty() || ends_.first_ns() >= now_ns,
                 "a flow ended at {} ns and was not advanced over before {} ns", ends_.first_ns(),
                 now_ns);
  now_ns_ = now_ns;
}

void LinkNetwork::start(int64_t now_ns, PathId path, uint64_t bytes, uint64_t tag) {
  TIERCAST_CHECK(bytes > 0, "a flow has at least one byte");
  move_clock(now_ns);
  for (const LinkId link : shares_.links(path)) meters_[link].started += bytes;
  ++flows_started_;
  ++flows_live_;
  dirty_ = true;
  if (gates_.gated(path)) {
    gates_.arrive({path, bytes, tag});
  } else {
    join(path, bytes, tag);
  }
}

void LinkNetwork::catch_up(Bundle& bundle) const {
  bundle.service += static_cast<Int128>(bundle.rate) * (now_ns_ - bundle.anchor_ns);
  bundle.anchor_ns = now_ns_;
}

void LinkNetwork::join(PathId path, uint64_t bytes, uint64_t tag) {
  Bundle& bundle = bundles_[path];
  catch_up(bundle);
  bundle.members.push_back(
      Member{bundle.service + static_cast<Int128>(bytes) * kNanobytesPerByte, tag});
  std::push_heap(bundle.members.begin(), bundle.members.end(), later);
  shares_.add_flow(path);
}

int64_t LinkNetwork::next_end_ns() {
  // What ends in this very instant ends whatever else happens in it.
  if (dirty_ && (ends_.empty() || ends_.first_ns() > now_ns_)) settle();
  return ends_.empty() ? kNever : ends_.first_ns();
}

void LinkNetwork::settle() {
  released_.clear();
  gates_.release(released_);
  for (const FifoGates::Flow& flow : released_) join(flow.path, flow.bytes, flow.tag);
  for (const PathId path : shares_.settle()) apply(path);
  dirty_ = false;
}

// Takes over a bundle's rate and sets its next end.
void LinkNetwork::apply(PathId path) {
  Bundle& bundle = bundles_[path];
  const uint64_t rate = shares_.rate(path);
  const uint64_t used = rate * shares_.flows(path);
  if (used != bundle.used) {
    for (const LinkId link : shares_.links(path)) {
      Meter& meter = meters_[link];
      if (meter.anchor_ns != now_ns_) meter.used_before = meter.used;
      meter.carried += static_cast<Int128>(meter.used) * (now_ns_ - meter.anchor_ns);
      meter.anchor_ns = now_ns_;
      meter.used += used - bundle.used;  // modulo 2^64, right for either sign
    }
    bundle.used = used;
  }
  if (rate != bundle.rate) {
    catch_up(bundle);
    bundle.rate = rate;
  }
  if (bundle.members.empty()) return;
  const Int128 left = bundle.members.front().target - bundle.service;
  const Int128 end_ns = bundle.anchor_ns + (left + (rate - 1)) / rate;
  ends_.set(path, static_cast<int64_t>(std::min(end_ns, static_cast<Int128>(kNever))));
}

void LinkNetwork::advance(int64_t now_ns, std::vector<uint64_t>& ended) {
  TIERCAST_CHECK(now_ns == next_end_ns(), "links advance to {} ns but the next end is at {} ns",
                 now_ns, next_end_ns());
  now_ns_ = now_ns;
  const size_t before = ended.size();
  while (!ends_.empty() && ends_.first_ns() == now_ns) {
    const PathId path = ends_.first_id();
    ends_.remove(path);
    end_due(path, ended);
  }
  std::sort(ended.begin() + static_cast<std::ptrdiff_t>(before), ended.end());
  flows_live_ -= ended.size() - before;
  dirty_ = true;
}

void LinkNetwork::end_due(PathId path, std::vector<uint64_t>& ended) {
  Bundle& bundle = bundles_[path];
  catch_up(bundle);
  Int128 beyond = 0;  // nano-bytes that the rounding up of ends would count too much
  while (!bundle.members.empty() && bundle.members.front().target <= bundle.service) {
    beyond += bundle.service - bundle.members.front().target;
    ended.push_back(bundle.members.front().tag);
    std::pop_heap(bundle.members.begin(), bundle.members.end(), later);
    bundle.members.pop_back();
    shares_.remove_flow(path);
    if (gates_.gated(path)) gates_.leave(path);
  }
  for (const LinkId link : shares_.links(path)) meters_[link].carried -= beyond;
}

uint32_t LinkNetwork::utilisation_ppm(int64_t now_ns, LinkId link) {
  move_clock(now_ns);
  const Meter& meter = meters_[link];
  const uint64_t used = meter.anchor_ns == now_ns ? meter.used_before : meter.used;
  return static_cast<uint32_t>(static_cast<Int128>(used) * 1'000'000 / capacity(link));
}

Int128 LinkNetwork::carried_nanobytes(LinkId link) const {
  const Meter& meter = meters_[link];
  return meter.carried + static_cast<Int128>(meter.used) * (now_ns_ - meter.anchor_ns);
}

uint64_t LinkNetwork::carried_bytes(LinkId link) const {
  const auto whole = static_cast<uint64_t>(carried_nanobytes(link) / kNanobytesPerByte);
  return std::min(whole, meters_[link].started);
}

}  // namespace tiercast::resources
