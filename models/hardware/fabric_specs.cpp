#include "models/hardware/fabric_specs.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::hardware {

using namespace table;

std::vector<Choice<FabricKind>> choices(FabricKind) {
  return {{"leaf-spine", FabricKind::leaf_spine, "end points on leaves, every leaf on every spine"},
          {"flat", FabricKind::flat, "all end points on one switch, which needs the ports"}};
}

std::vector<Choice<Routing>> choices(Routing) {
  return {{"shortest", Routing::shortest, "always the first of the shortest paths"},
          {"ecmp", Routing::ecmp, "a hash of the flow picks one of the shortest paths"},
          {"adaptive", Routing::adaptive, "packets are sprayed over all shortest paths"}};
}

const FieldTable<FabricSpec>& FabricSpec::fields() {
  static const auto table =
      FieldTable<FabricSpec>(
          "fabric", "Switches between nodes and storage.",
          {
              field("kind", &FabricSpec::kind, by_default("leaf-spine"), "How switches are wired."),
              field("switch", &FabricSpec::switches, required, "The switches, all alike."),
              field("oversubscription", &FabricSpec::oversubscription, by_default("1"),
                    between(1, 64),
                    "A leaf's bandwidth to end points over its bandwidth to spines."),
              field("routing", &FabricSpec::routing, by_default("adaptive"),
                    "How a flow picks among equal paths."),
          })
          .must("a flat fabric has no spines: oversubscription must be 1",
                [](const FabricSpec& fabric) {
                  return fabric.kind != FabricKind::flat || fabric.oversubscription == 1;
                });
  return table;
}

const FieldTable<StorageUnits>& StorageUnits::fields() {
  static const auto table =
      FieldTable<StorageUnits>(
          "storage_units", "Units of one kind of storage on the fabric.",
          {
              field("enclosure", &StorageUnits::enclosure, absent_means("not of this kind"),
                    "Flash behind DPUs."),
              field("service", &StorageUnits::service, absent_means("not of this kind"),
                    "A file or object store."),
              field("count", &StorageUnits::count, by_default("1"), between(1, 100'000), "Units."),
          })
          .exactly_one({"enclosure", "service"});
  return table;
}

}  // namespace tiercast::hardware
