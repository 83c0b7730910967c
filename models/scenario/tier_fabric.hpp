// The switches between nodes and storage, from the scenario's `cluster.fabric`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/ledger/provision.hpp"
#include "models/scenario/spec.hpp"
#include "models/tiering/tier_spec.hpp"

namespace tiercast::scenario {

/// What hangs on the switches.
ledger::Provision boxes_of(const ClusterSection& cluster);

/// One network of `cluster.fabric` that tiers or hand-offs cross.
struct FabricNetwork {
  std::string name;  ///< `storage` or `fabric`, as in the names of its links
  uint64_t ports = 0;
  ledger::FabricSize size;
  bool storage = false;  ///< crossed by tiers of shared storage
  bool gpus = false;     ///< crossed between nodes' GPUs

  /// Whether traffic may meet an uplink at all.
  bool has_uplinks() const { return size.leaves > 1; }
};

/// Storage's comes first. None without `cluster.fabric`, or where nothing crosses it. `spec` has
/// passed check_tiers.
std::vector<FabricNetwork> fabric_networks(const ScenarioSpec& spec);

/// What `cluster.fabric` says and nothing can show, in a whole sentence; or an empty string.
std::string fabric_caveat(const ScenarioSpec& spec);

/// Makes the networks that tiers and hand-offs cross: one for storage and one between nodes' GPUs,
/// or one for both where nodes have one kind of port. Neither exists without `cluster.fabric`.
///
/// A network has the leaves, spines and uplinks that ledger::fabric_size pays for. Nodes hang on
/// its leaves in order, each with all its ports on one; so no leaf serves two pods. The boxes of a
/// context pool are spread over the leaves of its pod, units of a storage service over all. A
/// leaf's uplinks carry port_bandwidth each:
/// - adaptive: switches spray packets, so all uplinks of a leaf are one link each way,
///   `leaf<n>.<network>.up` and `.down`;
/// - ecmp, shortest: each is a link of its own, `leaf<n>.<network>.up<k>`, to spine k mod spines.
class Switches {
 public:
  /// `spec` has passed check_tiers; `links` and `fabrics` receive what is made.
  Switches(const ScenarioSpec& spec, std::vector<tiering::TierLinkSpec>& links,
           std::vector<tiering::SwitchedFabric>& fabrics);

  /// Index of the network, kNone where nothing crosses one.
  uint32_t storage() const { return storage_; }
  uint32_t gpus() const { return gpus_; }
  /// Where `boxes` of pool number `pool` hang, of so many pools that share the storage network.
  std::vector<uint32_t> leaves(uint32_t pool, uint32_t pools, uint32_t boxes) const;

 private:
  uint32_t storage_ = tiering::kNone;
  uint32_t gpus_ = tiering::kNone;
  uint32_t storage_leaves_ = 0;
};

}  // namespace tiercast::scenario
