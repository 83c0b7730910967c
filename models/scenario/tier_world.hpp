// From what a scenario says of tiers, nodes and storage to links, pools and routes.
#pragma once

#include <optional>

#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"
#include "models/scenario/world.hpp"
#include "models/tiering/tier_spec.hpp"

namespace tiercast::scenario {

/// The tiers below GPU memory, compiled for the instances of `world`; nothing where there are none,
/// or after reporting what cannot work. `spec` has passed check_tiers.
///
/// Every engine sits on one node (instances fill nodes in order); one larger than a node sits on
/// its first. Each physical part is a link with the bandwidth it sustains for this KV layout: the
/// drives of a pool (read, write, both together; never more than their operations per second
/// carry; with `striping` each drive by itself, drive d behind card d modulo the cards), DPU cores
/// (operations / second x bytes of one), memory of DPUs where it is a cache, PCIe of the engine's
/// GPUs, what copies between them and their node make of it (x the efficiency of the best stack of
/// dram and nvme; both ways together by the best duplex), host memory, NICs by fabric, a storage
/// service and what one client gets of it, cables between switches (tier_fabric.hpp), and each
/// tier's part of a node's cores where copies of all need more than serving leaves. What
/// operations of one transfer cost, and latencies, are the stack's (hardware/transfer_time), and
/// the switches'.
std::optional<tiering::TierSetSpec> build_tiers(const ScenarioSpec& spec, const World& world,
                                                Problems& problems);

}  // namespace tiercast::scenario
