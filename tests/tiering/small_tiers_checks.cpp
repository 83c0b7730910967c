// What TierHost looks up and holds its hierarchy to.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/tiering/small_tiers.hpp"

namespace tiercast::tests {

using kvstore::NodeId;
using tiering::BlockPool;
using tiering::TierPool;

NodeId TierHost::probe(const Ids& ids) { return store_.enter({ids, 1}, next_serial_++); }

std::string TierHost::blocks(uint32_t tier, uint32_t pool, const Ids& ids) {
  const TierPool& in = tiers_.pools(tier)[pool];
  const NodeId leaf = probe(ids);
  std::string text;
  bool disjoint = true;
  for (uint32_t d = 0; d < ids.size(); ++d) {
    const bool ready = store_.run_from(leaf, in.ready(), d, d + 1) != 0;
    const bool arriving = store_.run_from(leaf, in.arriving(), d, d + 1) != 0;
    disjoint = disjoint && !(ready && arriving);
    text += ready ? 'x' : arriving ? 'o' : '.';
  }
  store_.leave(leaf);
  REQUIRE(disjoint);
  return text;
}

// Indices hear of what happened as somebody looks.
void TierHost::catch_up(int64_t now_ns) {
  const NodeId leaf = probe({1});
  for (uint32_t e = 0; e < hbm_.size(); ++e) tiers_.find(now_ns, e, leaf, 0, 1);
  store_.leave(leaf);
}

std::string TierHost::known(int64_t now_ns, uint32_t tier, uint32_t pool, const Ids& ids) {
  catch_up(now_ns);
  const NodeId leaf = probe(ids);
  std::string text;
  for (uint32_t d = 0; d < ids.size(); ++d) {
    text += store_.run_from(leaf, tiers_.pools(tier)[pool].known(), d, d + 1) != 0 ? 'x' : '.';
  }
  store_.leave(leaf);
  return text;
}

uint32_t TierHost::hit(uint32_t engine, const Ids& ids) {
  const NodeId leaf = probe(ids);
  const uint32_t blocks = hbm_[engine].hit_blocks(leaf);
  store_.leave(leaf);
  return blocks;
}

// An id names its block and all before it, so distinct ids are distinct blocks.
void TierHost::check_invariants(const std::vector<Ids>& paths) {
  for (uint32_t t = 0; t < tiers_.spec().tiers.size(); ++t) {
    const tiering::TierCounts& counts = tiers_.counts(t);
    REQUIRE(counts.read_bytes <= counts.asked_read_bytes);
    REQUIRE(counts.written_bytes <= counts.asked_written_bytes);
    for (uint32_t p = 0; p < tiers_.pools(t).size(); ++p) {
      std::map<uint64_t, char> seen;
      bool same = true;  // wherever a block is looked up from
      for (const Ids& ids : paths) {
        const std::string text = blocks(t, p, ids);
        for (size_t d = 0; d < ids.size(); ++d) {
          same = same && seen.emplace(ids[d], text[d]).first->second == text[d];
        }
      }
      REQUIRE(same);
      const auto count = [&](char state) {
        return static_cast<uint64_t>(std::count_if(
            seen.begin(), seen.end(), [&](const auto& block) { return block.second == state; }));
      };
      const TierPool& pool = tiers_.pools(t)[p];
      const tiering::TierPoolCounts& sums = pool.counts();
      const uint64_t ready = count('x');
      const uint64_t arriving = count('o');
      if (pool.used_blocks() <= pool.capacity_blocks() && pool.present_blocks() == ready &&
          pool.used_blocks() == ready + arriving && sums.reserved == sums.arrived + arriving &&
          sums.arrived == sums.evicted + ready) {
        continue;
      }
      FAIL("tier " << t << " pool " << p << ": " << ready << " ready and " << arriving
                   << " arriving, counted as " << pool.present_blocks() << " of "
                   << pool.used_blocks() << " used; reserved " << sums.reserved << ", arrived "
                   << sums.arrived << ", evicted " << sums.evicted);
    }
  }
}

// What devices moved has crossed their links, and sums to what their tier moved.
void TierHost::check_devices(uint32_t t) {
  const std::vector<tiering::DeviceCounts>& devices = tiers_.devices(t);
  if (devices.empty() || tiers_.transfers().started() == 0) return;  // nothing moves without time
  const resources::LinkNetwork& network = tiers_.transfers().network();
  tiering::DeviceCounts sums;
  size_t number = 0;
  for (const tiering::TierPoolSpec& pool : tiers_.spec().tiers[t].pools) {
    for (const tiering::TwoWay& links : pool.devices) {
      const tiering::DeviceCounts& device = devices[number++];
      REQUIRE(network.carried_bytes(links.up[0]) == device.read_bytes);
      REQUIRE(network.carried_bytes(links.down[0]) == device.written_bytes);
      sums.read_bytes += device.read_bytes;
      sums.written_bytes += device.written_bytes;
    }
  }
  REQUIRE(number == devices.size());
  REQUIRE(sums.read_bytes == tiers_.counts(t).read_bytes);
  REQUIRE(sums.written_bytes == tiers_.counts(t).written_bytes);
}

void TierHost::check_rest_and_empty(const std::vector<Ids>& paths) {
  REQUIRE(tiers_.transfers().live() == 0);
  REQUIRE(write_backs_ == 0);
  for (const uint32_t stores : stores_under_way_) REQUIRE(stores == 0);
  for (const Request& request : requests_) REQUIRE(request.over);
  check_invariants(paths);
  for (uint32_t t = 0; t < tiers_.spec().tiers.size(); ++t) {
    REQUIRE(tiers_.counts(t).read_bytes == tiers_.counts(t).asked_read_bytes);
    REQUIRE(tiers_.counts(t).written_bytes == tiers_.counts(t).asked_written_bytes);
    for (const TierPool& pool : tiers_.pools(t)) {
      REQUIRE(pool.used_blocks() == pool.present_blocks());
    }
    check_devices(t);
  }
  for (const BlockPool& pool : hbm_) REQUIRE(pool.busy_blocks() == 0);
  catch_up(INT64_MAX / 2);
  for (const Ids& ids : paths) {
    const NodeId leaf = probe(ids);
    const auto end = static_cast<uint32_t>(ids.size());
    for (uint32_t pool = 0; pool < store_.pools(); ++pool) {
      std::vector<tp_span> frames;
      for (uint32_t d = 0; d < end; ++d) {
        if (store_.run_from(leaf, pool, d, d + 1) != 0) store_.frames_of(leaf, pool, d, 1, frames);
      }
      for (const tp_span& span : frames) store_.evict(pool, span);
    }
    store_.leave(leaf);
  }
  REQUIRE(store_.nodes_alive() == 1);
  REQUIRE(store_.records_alive() == 0);
}

}  // namespace tiercast::tests
