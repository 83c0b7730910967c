// The boxes that a run occupies, used or not, and the switches between them.
#pragma once

#include <cstdint>
#include <optional>

#include "models/hardware/fabric_specs.hpp"
#include "models/hardware/specs.hpp"
#include "sim/base/units.hpp"

namespace tiercast::ledger {

/// What stands there and is paid for. Each box is said once: a DPU's figures hold the NIC that it
/// contains and a service's its drives, so whoever lists such a NIC among `nics` as well, or adds a
/// service's drives to the node, has it counted twice.
struct Provision {
  hardware::NodeSpec node;
  uint32_t nodes = 0;
  uint32_t pods = 1;  ///< into which the nodes fall evenly
  std::optional<hardware::FabricSpec> fabric;
  uint32_t switches = 0;  ///< of `fabric`; see switches_needed()
  std::optional<hardware::StorageUnits> context;
  std::optional<hardware::StorageUnits> external;
};

/// Ports of switches that end points use, of the two networks that never share a switch.
struct PortsUsed {
  uint64_t east_west = 0;
  uint64_t storage = 0;  ///< north-south: nodes' cards and DPUs, enclosures, services
};

/// Whether nodes have a port of their own to the storage network; else storage hangs on the
/// east-west one, with their other cards.
bool has_storage_network(const hardware::NodeSpec& node);

/// Cables may split a port or join several, so each network uses
/// ceil(bandwidth of its end points / port_bandwidth). A service's ports carry its reads or its
/// writes, whichever is more. A network that joins fewer than two boxes has no switch.
PortsUsed ports_used(const Provision& provision, BytesPerSecond port_bandwidth);

/// Switches of one network.
struct FabricSize {
  uint32_t leaves = 0;
  uint32_t spines = 0;
  uint32_t uplinks = 0;  ///< of each leaf, over all spines
};

/// The least that joins `ports` end points, P, over switches of p ports with oversubscription s, so
/// that no leaf serves two of `pods`, Q. One pod and P <= p: one leaf. Else, leaf-spine, with d
/// ports down and the rest up on each leaf:
///
///     d = floor(p s / (1 + s)), leaves L = Q ceil(ceil(P / Q) / d), uplinks of a leaf u =
///     ceil(ceil(P / L) / s), spines S = the least with L ceil(u / S) <= p: every leaf has a link
///     to every spine.
///
/// (Two-level folded Clos: Leiserson, "Fat-trees", IEEE Transactions on Computers C-34, 1985.)
/// A flat fabric is one leaf whatever the pods. Absent where the shape cannot join so many: flat
/// with P > p, leaf-spine with L > p.
std::optional<FabricSize> fabric_size(const hardware::FabricSpec& fabric, uint64_t ports,
                                      uint32_t pods = 1);

/// Leaves and spines of both networks; absent where one of them cannot be built.
std::optional<uint32_t> switches_needed(const hardware::FabricSpec& fabric, const PortsUsed& used,
                                        uint32_t pods = 1);

}  // namespace tiercast::ledger
