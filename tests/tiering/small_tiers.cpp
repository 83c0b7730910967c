#include "tests/tiering/small_tiers.hpp"

#include <algorithm>
#include <optional>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"

namespace tiercast::tests {

using kvstore::NodeId;
using tiering::BlockPool;
using tiering::CheckedCache;
using tiering::TierEvent;
using tiering::TierManager;
using tiering::TierPoolSpec;
using tiering::TierSetSpec;
using tiering::TierSpec;
using tiering::TwoWay;

TierSetSpec small_tiers(const SmallTiers& options) {
  TierSetSpec spec;
  spec.block_tokens = 16;
  spec.block_bytes = 1000;
  spec.node_of = {0, 0, 1};
  const auto link = [&](const char* name, uint64_t up, uint64_t down) {
    const auto first = static_cast<uint32_t>(spec.links.size());
    spec.links.push_back({std::string(name) + " up", up, false});
    spec.links.push_back({std::string(name) + " down", down, false});
    return TwoWay{{first}, {first + 1}};
  };
  const auto join = [](const TwoWay& a, const TwoWay& b) {
    return TwoWay{{a.up[0], b.up[0]}, {a.down[0], b.down[0]}};
  };
  std::vector<TwoWay> bus, drives, nic;
  for (int e = 0; e < 3; ++e) bus.push_back(link("bus", 1'000'000'000, 1'000'000'000));
  for (int n = 0; n < 2; ++n) drives.push_back(link("drives", 500'000'000, 250'000'000));
  for (int n = 0; n < 2; ++n) nic.push_back(link("nic", 200'000'000, 200'000'000));
  const TwoWay storage = link("storage", 400'000'000, 400'000'000);
  for (int e = 0; e < 3; ++e)
    spec.engine_fabric.push_back(link("fabric", 500'000'000, 500'000'000));

  spec.engine_local = spec.engine_fabric;

  const std::vector<TwoWay> nothing(2);
  const std::vector<TwoWay> through_nic{join(nic[0], bus[0]), join(nic[0], bus[1]),
                                        join(nic[1], bus[2])};
  const auto tier = [&](const char* name, tiering::TierKind kind, uint32_t blocks) -> TierSpec& {
    TierSpec& made = spec.tiers.emplace_back();
    made.name = name;
    made.kind = kind;
    made.block_bytes = spec.block_bytes;
    made.capacity_blocks = blocks;
    made.simulated_blocks = blocks;
    made.eviction = tp_find_builtin_cache("lru");
    return made;
  };
  TierSpec& host = tier("host", tiering::TierKind::dram, options.host_blocks);
  host.pools = {TierPoolSpec{0, {}}, TierPoolSpec{1, {}}};
  host.pool_of = spec.node_of;
  host.to_engine = bus;
  host.to_node = nothing;
  TierSpec& peer = tier("peer", tiering::TierKind::peer, 0);
  peer.pool_of.assign(3, tiering::kNone);
  peer.to_engine = through_nic;
  peer.through_host = true;
  peer.to_node = nic;
  TierSpec& drive = tier("drives", tiering::TierKind::nvme, options.drive_blocks);
  drive.pools = {TierPoolSpec{0, drives[0]}, TierPoolSpec{1, drives[1]}};
  drive.pool_of = spec.node_of;
  drive.to_engine = bus;
  drive.to_node = nothing;
  TierSpec& remote = tier("storage", tiering::TierKind::external, options.storage_blocks);
  remote.pools = {TierPoolSpec{tiering::kNone, storage}};
  remote.pool_of = {0, 0, 0};
  remote.to_engine = through_nic;
  remote.to_node = nic;
  remote.through_host = options.through_host;
  spec.tiers[kPeer].index_delay_ns = remote.index_delay_ns = options.index_delay_ns;

  // The links of the first device are there already, and become its own.
  const auto tell_apart = [&](TierSpec& striped, uint32_t devices, uint64_t up, uint64_t down) {
    if (devices == 1 && striped.cache_blocks == 0) return;
    striped.striping.width = std::min(options.width, devices);
    for (TierPoolSpec& pool : striped.pools) {
      pool.devices = {pool.links};
      pool.links = {};
      while (pool.devices.size() < devices) pool.devices.push_back(link("device", up, down));
      pool.cached.resize(devices);
    }
  };
  spec.tiers[kStorage].cache_blocks = options.cache_blocks;
  tell_apart(spec.tiers[kDrives], options.drives, 500'000'000, 250'000'000);
  tell_apart(spec.tiers[kStorage], options.storage_devices, 400'000'000, 400'000'000);
  if (options.metadata) {
    spec.stations.push_back({"index", 100, 1});
    spec.tiers[kStorage].index = {
        .asked = {0, 0, 0}, .round_trip_ns = 1000, .blocks_per_object = 2};
  }
  spec.placement = std::string(options.placement) == "watched"
                       ? watched_placement()
                       : tp_find_builtin_placement(options.placement);
  spec.placement_config = options.config;
  spec.writes_back = std::string(options.placement) == "back";
  return spec;
}

TierHost::TierHost(const TierSetSpec& spec, uint32_t hbm_blocks, const char* eviction,
                   tiering::Tapes* tapes)
    : tiers_(spec, store_, 1, tapes),
      departed_(spec.node_of.size()),
      stores_under_way_(spec.node_of.size(), 0) {
  const tp_pool shape{sizeof(tp_pool),
                      hbm_blocks,
                      spec.block_tokens,
                      spec.block_bytes,
                      BlockPool::slots_for(hbm_blocks),
                      0};
  hbm_.reserve(spec.node_of.size());
  for (size_t e = 0; e < spec.node_of.size(); ++e) {
    std::string error;
    const tp_cache_table& policy = *tp_find_builtin_cache(eviction);
    const tp_tape* const tape =
        tapes == nullptr ? nullptr : &tapes->open("engine" + std::to_string(e), &policy);
    std::optional<CheckedCache> cache =
        CheckedCache::create(policy, shape, "", 1, error, tiering::PolicyChecks::answers, tape);
    REQUIRE(cache.has_value());
    hbm_.emplace_back(store_, std::move(*cache), spec.block_tokens, spec.block_bytes);
    if (spec.writes_back) hbm_.back().tell_departed(&departed_[e]);
    tiers_.add_engine(hbm_.back().id(), hbm_.back().slot_count());
  }
}

uint32_t TierHost::request(int64_t now_ns, uint32_t engine, const Ids& ids) {
  const auto number = static_cast<uint32_t>(requests_.size());
  Request& request = requests_.emplace_back();
  request.engine = engine;
  request.ids = ids;
  request.leaf = store_.enter({ids, 1}, next_serial_++);
  const auto blocks = static_cast<uint32_t>(ids.size());
  const uint32_t hit = std::min(hbm_[engine].hit_blocks(request.leaf), blocks);
  if (tiers_.spec().prefetches) {
    tiers_.find(now_ns, engine, request.leaf, hit, blocks, tiering::IndexView::checked);
    if (tiers_.prefetch(now_ns, engine, number, tp_request{}, request.leaf, hit, blocks)) {
      return number;
    }
  }
  ask_index(now_ns, number);
  return number;
}

void TierHost::ask_index(int64_t now_ns, uint32_t number) {
  const Request& request = requests_[number];
  const auto blocks = static_cast<uint32_t>(request.ids.size());
  const uint32_t hit = std::min(hbm_[request.engine].hit_blocks(request.leaf), blocks);
  if (tiers_.asks_index(request.engine) && hit < blocks) {
    tiers_.look_up(now_ns, request.engine, number, blocks - hit);
  } else {
    start(now_ns, number);
  }
}

void TierHost::start(int64_t now_ns, uint32_t number) {
  Request& request = requests_[number];
  BlockPool& hbm = hbm_[request.engine];
  const auto blocks = static_cast<uint32_t>(request.ids.size());
  const uint32_t hit = std::min(hbm.hit_blocks(request.leaf), blocks);
  TierManager::Plan plan{hit, 0, tiering::LoadMode::parked};
  const std::span<tp_run> runs =
      tiers_.find(now_ns, request.engine, request.leaf, hit, blocks,
                  request.misled ? tiering::IndexView::checked : tiering::IndexView::told);
  for (tp_run& run : runs) run.compute_ns = int64_t{run.count} * 100'000;
  if (!runs.empty()) plan = tiers_.plan(now_ns, request.engine, tp_request{}, hit, blocks);
  if (blocks - hit + hbm.unpinned_blocks(request.leaf, hit) > hbm.available_blocks()) {
    request.over = true;
    store_.leave(request.leaf);
    return;
  }
  if (!runs.empty() && plan.end > hit &&
      tiers_.read_in_vain(now_ns, request.engine, number, request.leaf)) {
    REQUIRE_FALSE(request.misled);
    request.misled = true;
    return;
  }
  tiers_.count_unseen(request.engine, request.leaf, plan.end, blocks);
  hbm.pin(now_ns, request.leaf, hit);
  request.end = plan.end;
  if (plan.end == hit) return compute(now_ns, number);
  request.loaded = plan.own_blocks;
  if (plan.own_blocks > 0) hbm.take(now_ns, plan.own_blocks, request.frames);
  tiers_.fetch(now_ns, request.engine, number, request.leaf, request.frames);
  write_back(now_ns, request.engine);
}

void TierHost::compute(int64_t now_ns, uint32_t number) {
  Request& request = requests_[number];
  BlockPool& hbm = hbm_[request.engine];
  const auto blocks = static_cast<uint32_t>(request.ids.size());
  const uint32_t there = std::min(hbm.hit_blocks(request.leaf), blocks);
  REQUIRE(there >= request.end);
  const uint32_t count = std::min(blocks - there, hbm.available_blocks());
  std::vector<tp_span> frames, duplicates;
  if (count > 0) hbm.take(now_ns, count, frames);
  hbm.place(now_ns, request.leaf, there, frames, duplicates);
  REQUIRE(duplicates.empty());
  hbm.announce(now_ns);
  write_back(now_ns, request.engine);
  const uint32_t complete = there + count;
  const uint32_t stores = complete == 0 ? 0
                                        : tiers_.store(now_ns, request.engine, tp_request{},
                                                       TP_STORE_PROMPT, request.leaf, 0, complete);
  for (uint32_t i = 0; i < stores; ++i) {
    hbm.pin(now_ns, request.leaf, 0);
    store_.hold(request.leaf);
  }
  stores_under_way_[request.engine] += stores;
  hbm.unpin(now_ns, request.leaf);
  store_.leave(request.leaf);
  request.over = true;
  request.ended_ns = now_ns;
}

void TierHost::loaded(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  Request& request = requests_[event.owner];
  BlockPool& hbm = hbm_[event.engine];
  std::vector<tp_span> duplicates;
  size_t span = 0;
  uint32_t used = 0;
  for (const tiering::BlockRange& range : tiers_.own(event.ticket)) {
    for (uint32_t done = 0; done < range.count; ++done) {  // a frame at a time
      const tp_span frame{request.frames[span].first_slot + used, 1};
      hbm.place(now_ns, request.leaf, range.first + done, {&frame, 1}, duplicates);
      if (++used < request.frames[span].count) continue;
      ++span;
      used = 0;
    }
  }
  REQUIRE(span == request.frames.size());
  hbm.announce(now_ns);
  hbm.give_back(duplicates);
  request.time = tiers_.time(now_ns, event.ticket);
  tiers_.close(now_ns, event.ticket, more);
  compute(now_ns, event.owner);
}

uint32_t TierHost::hand_off(int64_t now_ns, uint32_t from, uint32_t to, const Ids& ids) {
  const auto number = static_cast<uint32_t>(requests_.size());
  Request& request = requests_.emplace_back();
  request.engine = to;
  request.ids = ids;
  request.leaf = store_.enter({ids, 1}, next_serial_++);
  const auto blocks = static_cast<uint32_t>(ids.size());
  REQUIRE(hbm_[from].hit_blocks(request.leaf) >= blocks);
  const uint32_t hit = std::min(hbm_[to].hit_blocks(request.leaf), blocks);
  hbm_[to].pin(now_ns, request.leaf, hit);
  request.end = blocks;
  const uint32_t missing = tiers_.not_arriving(to, request.leaf, {hit, blocks - hit});
  request.loaded = missing;
  if (missing > 0) hbm_[to].take(now_ns, missing, request.frames);
  hbm_[from].pin(now_ns, request.leaf, blocks);
  store_.hold(request.leaf);
  ++stores_under_way_[from];
  tiers_.hand_off(now_ns, from, to, number, request.leaf, {hit, blocks - hit}, request.frames);
  return number;
}

void TierHost::write_back(int64_t now_ns, uint32_t engine) {
  if (departed_[engine].empty()) return;
  write_backs_ += tiers_.write_back(now_ns, engine, departed_[engine]);
  REQUIRE(departed_[engine].empty());
}

void TierHost::empty_hbm(int64_t now_ns, uint32_t engine) {
  std::vector<tp_span> frames;
  hbm_[engine].take(now_ns, hbm_[engine].available_blocks(), frames);
  hbm_[engine].give_back(frames);
  write_back(now_ns, engine);
}

void TierHost::handle(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  switch (event.kind) {
    case TierEvent::Kind::looked_up:
      requests_[event.owner].looked_up_ns = now_ns;
      tiers_.close(now_ns, event.ticket, more);
      start(now_ns, event.owner);
      break;
    case TierEvent::Kind::staged:
      tiers_.close(now_ns, event.ticket, more);
      ask_index(now_ns, event.owner);
      break;
    case TierEvent::Kind::loaded:
      loaded(now_ns, event, more);
      break;
    case TierEvent::Kind::stored:
      REQUIRE(stores_under_way_[event.engine]-- > 0);
      hbm_[event.engine].unpin(now_ns, event.node);
      store_.leave(event.node);
      break;
    case TierEvent::Kind::written_back:
      REQUIRE(write_backs_-- > 0);
      ++written_back_;
  }
}

void TierHost::advance(int64_t until_ns) {
  std::vector<TierEvent> events, more;
  while (tiers_.next_event_ns() <= until_ns) {
    const int64_t now_ns = tiers_.next_event_ns();
    tiers_.advance(now_ns, events);
    while (!events.empty()) {
      for (const TierEvent& event : events) handle(now_ns, event, more);
      events.swap(more);
      more.clear();
    }
  }
}

int64_t TierHost::rest() {
  int64_t last_ns = 0;
  while (tiers_.next_event_ns() != resources::kNever) {
    last_ns = tiers_.next_event_ns();
    advance(last_ns);
  }
  return last_ns;
}

namespace {
std::vector<tp_tier> seen_tiers;
}  // namespace

const std::vector<tp_tier>& watched_tiers() { return seen_tiers; }

const tp_placement_table* watched_placement() {
  static const tp_placement_table table = [] {
    tp_placement_table watched = *tp_find_builtin_placement("through");
    watched.place = [](tp_placement* self, int64_t now_ns, const tp_request* request,
                       uint32_t phase, uint32_t first, uint32_t count, const tp_block* blocks,
                       const tp_tier* tiers, size_t tier_count, tp_placed* out, size_t capacity,
                       size_t* out_count) {
      seen_tiers.assign(tiers, tiers + tier_count);
      return tp_find_builtin_placement("through")->place(self, now_ns, request, phase, first, count,
                                                         blocks, tiers, tier_count, out, capacity,
                                                         out_count);
    };
    return watched;
  }();
  return &table;
}

}  // namespace tiercast::tests
