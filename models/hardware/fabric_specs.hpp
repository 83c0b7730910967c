// How a cluster's switches are wired, and how many units of storage hang on them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/hardware/storage_specs.hpp"
#include "sim/base/field_type.hpp"

namespace tiercast::hardware {

/// Shape of the network between nodes and storage.
enum class FabricKind { leaf_spine, flat };
std::vector<Choice<FabricKind>> choices(FabricKind);

/// How a flow finds its path among equals.
enum class Routing { shortest, ecmp, adaptive };
std::vector<Choice<Routing>> choices(Routing);

/// Switches, all alike, and how they are wired.
struct FabricSpec {
  FabricKind kind = FabricKind::leaf_spine;
  SwitchSpec switches;          ///< written `switch`
  double oversubscription = 1;  ///< bandwidth to end points over bandwidth to spines, of a leaf
  Routing routing = Routing::adaptive;

  static const FieldTable<FabricSpec>& fields();
};

/// Units of one kind of storage on the fabric: exactly one of `enclosure` and `service`.
struct StorageUnits {
  std::optional<EnclosureSpec> enclosure;
  std::optional<StorageServiceSpec> service;
  uint32_t count = 1;

  static const FieldTable<StorageUnits>& fields();
};

}  // namespace tiercast::hardware
