// Drives told apart, and the cards they sit behind.
#include <algorithm>
#include <cmath>
#include <utility>

#include "models/scenario/tier_builder.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

namespace {
// A long transfer is a flow for each of them.
constexpr size_t kDevicesMax = 1024;

constexpr double kCardMemoryShare = 0.8;  // of DPUs' memory, where a scenario names no capacity
}  // namespace

// Whether the drives of each pool are told apart, as the scenario asks and as it can be.
bool TierBuilder::stripe(size_t i, const TierSection& section, size_t devices,
                         tiering::TierSpec& tier) {
  if (!section.striping) return false;
  const StripingSection& striping = *section.striping;
  const std::string at = path(i) + ".striping";
  const std::string drives = std::to_string(devices) + " drive" + (devices == 1 ? "" : "s");
  if (devices > kDevicesMax) {
    problems_.add(at, "a pool of " + drives + " is too large to tell them apart",
                  "up to " + std::to_string(kDevicesMax) +
                      " can be; leave it out to spread every transfer over all of them");
    return false;
  }
  if (striping.width > devices) {
    problems_.add(at + ".width",
                  "a block cannot lie on " + std::to_string(striping.width) +
                      " drives of a pool that has " + drives,
                  "lower it, or add drives");
    return false;
  }
  const auto block = int64_t{tier.block_bytes};
  if (striping.width > 1 && striping.unit && striping.unit->value() >= block) {
    problems_.warn(at + ".unit",
                   "holds a whole block of " + format_rounded(to_quantity(bytes(block))) +
                       ", so none lies on more than one drive",
                   "lower it, or leave it out to cut blocks in `width` equal parts");
  }
  tier.striping.width = striping.width;
  if (striping.unit) tier.striping.unit_bytes = static_cast<uint64_t>(striping.unit->value());
  return true;
}

tiering::TwoWay TierBuilder::device_links(const std::string& name, const hardware::DriveSpec& drive,
                                          const TierSection& section) {
  DriveSums one;
  one.add(drive, operation(*section.stack), 1);
  return drive_links(name, one, section);
}

tiering::TwoWay TierBuilder::card_links(const std::string& name, const hardware::DpuSpec& dpu,
                                        double count, const TierSection& section) {
  const hardware::StackSpec& stack = *section.stack;
  const uint32_t cores =
      add_link(set_.links, name + ".cores", dpu.served(operation(stack)).value() * count);
  const double port =
      std::min(dpu.network.value.value() * stack.efficiency.value, dpu.pcie.value.value()) * count;
  tiering::TwoWay way{{cores, add_link(set_.links, name + ".port.up", port)},
                      {cores, add_link(set_.links, name + ".port.down", port)}};
  if (section.cache) {
    // A byte crosses it once: out of the cache, or into it on its way.
    const uint32_t memory =
        add_link(set_.links, name + ".dram", dpu.dram_bandwidth.value.value() * count);
    append(way.up, {memory});
    append(way.down, {memory});
  }
  return way;
}

// Of the blocks of a pool, whose DPUs have so much memory. A read that it answers alone does not
// meet the drives: `latency` is what it meets.
void TierBuilder::set_cache(size_t i, const TierSection& section, double installed,
                            Nanoseconds latency, tiering::TierSpec& tier) {
  if (!section.cache || tier.simulated_blocks == 0) return;
  const std::optional<Bytes>& capacity = section.cache->capacity;
  const double wanted =
      capacity ? static_cast<double>(capacity->value()) : installed * kCardMemoryShare;
  const auto text = [](double amount) {
    return format_rounded(to_quantity(bytes(static_cast<int64_t>(amount))));
  };
  const std::string at = path(i) + ".cache" + (capacity ? ".capacity" : "");
  if (wanted > installed) {
    problems_.add(at, "exceeds the memory of a pool's DPUs, " + text(installed),
                  "lower it, or say cache: {} to get 80% of that");
    return;
  }
  const double blocks = std::floor(wanted / tier.block_bytes);
  if (blocks < 1) {
    problems_.add(at, "memory of " + text(wanted) + " holds no block of " + text(tier.block_bytes),
                  "raise it, or lower engine.block_tokens");
    return;
  }
  // Only blocks of the pool lie there.
  tier.cache_blocks =
      static_cast<uint32_t>(std::min(blocks, static_cast<double>(tier.simulated_blocks)));
  tiering::TierSpec cached;
  set_costs(cached, *section.stack, latency, latency);
  tier.cached_load = cached.load;
  tier.cached_to_nearer = cached.to_nearer;
}

// Drive d sits behind card d modulo cards, each with cores and a port of its own.
void TierBuilder::add_cards(const std::string& name, const hardware::EnclosureSpec& box,
                            double boxes, const TierSection& section, tiering::TierPoolSpec& pool) {
  std::vector<tiering::TwoWay> cards(static_cast<size_t>(std::lround(box.dpus.count * boxes)));
  for (size_t c = 0; c < cards.size(); ++c) {
    cards[c] = card_links(name + "." + std::to_string(c), box.dpus, 1, section);
  }
  const auto drives = static_cast<size_t>(std::lround(box.drives.count * boxes));
  DriveSums one;
  one.add(box.drives, box.dpus.piece(operation(*section.stack)), 1);
  for (size_t d = 0; d < drives; ++d) {
    tiering::TwoWay way = drive_links(name + ".drives." + std::to_string(d), one, section);
    append(way.up, cards[d % cards.size()].up);
    append(way.down, cards[d % cards.size()].down);
    pool.devices.push_back(std::move(way));
    if (section.cache) pool.cached.push_back(cards[d % cards.size()]);
  }
}

}  // namespace tiercast::scenario
