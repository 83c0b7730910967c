#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "models/ledger/provision.hpp"
#include "sim/base/random.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::ledger {
namespace {

using hardware::FabricSpec;
using tests::round_fabric;
using tests::round_provision;

FabricSpec leaf_spine(uint32_t ports, double oversubscription) {
  FabricSpec fabric = round_fabric();
  fabric.switches.ports = ports;
  fabric.oversubscription = oversubscription;
  return fabric;
}

// Wires a fabric cable by cable: end points dealt to leaves in turn, then the uplinks of each leaf
// to spines in turn. False where a switch runs out of ports, a leaf has less uplink bandwidth than
// its end points may ask for, or a spine has no link to a leaf.
bool can_be_wired(const FabricSpec& fabric, uint32_t leaves, uint32_t spines, uint64_t ports) {
  std::vector<uint64_t> below(leaves);
  for (uint64_t i = 0; i < ports; ++i) ++below[i % leaves];
  uint64_t most_below = 0;
  for (const uint64_t count : below) most_below = std::max(most_below, count);
  uint64_t up = 0;
  while (static_cast<double>(up) * fabric.oversubscription < static_cast<double>(most_below)) ++up;
  if (most_below + up > fabric.switches.ports || up < spines) return false;
  std::vector<uint64_t> used(spines);
  for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
    for (uint64_t link = 0; link < up; ++link) ++used[link % spines];
  }
  for (const uint64_t count : used) {
    if (count > fabric.switches.ports) return false;
  }
  return true;
}

TEST_CASE("a fabric is the least that can be wired") {
  Stream stream(1, Purpose{"test.ledger.fabric"});
  for (int i = 0; i < 2000; ++i) {
    const auto each = static_cast<uint32_t>(stream.between(2, 64));
    const double oversubscription = static_cast<double>(stream.between(4, 16)) / 4;
    const auto ports = static_cast<uint64_t>(stream.between(each + 1, each * each / 2 + 2));
    const FabricSpec fabric = leaf_spine(each, oversubscription);
    INFO(ports << " on switches of " << each << ", " << oversubscription << " to 1");
    const std::optional<FabricSize> size = fabric_size(fabric, ports);
    if (!size) {
      // As many leaves as a spine has ports, and as many spines as a leaf has, do not do either.
      bool any = false;
      for (uint32_t spines = 1; spines < each; ++spines) {
        any |= can_be_wired(fabric, each, spines, ports);
      }
      CHECK_FALSE(any);
      continue;
    }
    CHECK(can_be_wired(fabric, size->leaves, size->spines, ports));
    for (uint32_t spines = 1; spines < size->spines; ++spines) {
      CHECK_FALSE(can_be_wired(fabric, size->leaves, spines, ports));
    }
    for (uint32_t spines = 1; spines < each; ++spines) {
      CHECK_FALSE(can_be_wired(fabric, size->leaves - 1, spines, ports));
    }
  }
}

TEST_CASE("few end points share one switch, and a flat fabric has no other") {
  FabricSpec fabric = round_fabric();
  CHECK(fabric_size(fabric, 0)->leaves == 0);
  CHECK(fabric_size(fabric, 64)->leaves == 1);
  CHECK(fabric_size(fabric, 64)->spines == 0);
  // Three leaves of 32 down and 32 up: 96 uplinks over two spines, 16 links to each.
  CHECK(fabric_size(fabric, 65)->leaves == 3);
  CHECK(fabric_size(fabric, 65)->spines == 2);
  fabric.kind = hardware::FabricKind::flat;
  CHECK(fabric_size(fabric, 64)->leaves == 1);
  CHECK_FALSE(fabric_size(fabric, 65).has_value());
  CHECK_FALSE(switches_needed(fabric, {1, 65}).has_value());
  CHECK_FALSE(switches_needed(fabric, {65, 1}).has_value());
  CHECK(switches_needed(fabric, {1, 64}) == 2U);
}

TEST_CASE("no leaf serves two pods, and each pod has as few as its ports need") {
  Stream stream(2, Purpose{"test.ledger.fabric"});
  for (int i = 0; i < 500; ++i) {
    const auto each = static_cast<uint32_t>(stream.between(8, 64));
    const FabricSpec fabric = leaf_spine(each, static_cast<double>(stream.between(4, 16)) / 4);
    const auto pods = static_cast<uint32_t>(stream.between(2, 6));
    const auto of_pod = static_cast<uint64_t>(stream.between(1, each));
    INFO(pods << " pods of " << of_pod << " ports on switches of " << each);
    const std::optional<FabricSize> size = fabric_size(fabric, pods * of_pod, pods);
    if (!size) continue;
    REQUIRE(size->leaves % pods == 0);
    const uint32_t leaves = size->leaves / pods;
    CHECK(can_be_wired(fabric, size->leaves, size->spines, pods * of_pod));
    // A switch with all ports but its uplinks below it: the pod's leaves do, one less does not.
    const auto down =
        static_cast<uint64_t>(each * fabric.oversubscription / (1 + fabric.oversubscription));
    CHECK(leaves * down >= of_pod);
    CHECK((leaves - 1) * down < of_pod);
    CHECK(size->uplinks >= size->spines);
  }
  FabricSpec flat = round_fabric();
  flat.kind = hardware::FabricKind::flat;
  CHECK(fabric_size(flat, 64, 4)->leaves == 1);
}

TEST_CASE("storage hangs on the network that nodes have ports to") {
  Provision boxes = round_provision();
  CHECK(has_storage_network(boxes.node));
  boxes.node.dpus.clear();
  CHECK_FALSE(has_storage_network(boxes.node));
  const PortsUsed bare = ports_used(boxes, gigabytes_per_second(100));
  CHECK(bare.storage == 0);
  boxes.context.reset();
  boxes.external.reset();
  // Two enclosures of 200 GB/s and a service that reads 40 GB/s.
  CHECK(bare.east_west == ports_used(boxes, gigabytes_per_second(100)).east_west + 5);
}

TEST_CASE("end points use the ports that their bandwidth fills, on the network that is theirs") {
  Provision boxes = round_provision();
  hardware::NicSpec storage_card = boxes.node.nics[0];  // two of 50 GB/s
  storage_card.fabric = hardware::Fabric::north_south;
  storage_card.count = 1;
  boxes.node.nics.push_back(storage_card);
  PortsUsed used = ports_used(boxes, gigabytes_per_second(100));
  CHECK(used.east_west == 3);
  // Nodes: 50 + 100 GB/s each; two enclosures of 200 GB/s; a service that reads 40 GB/s: 890 GB/s.
  CHECK(used.storage == 9);

  boxes.context.reset();
  boxes.external.reset();
  boxes.nodes = 1;
  used = ports_used(boxes, gigabytes_per_second(100));
  CHECK(used.east_west == 0);
  CHECK(used.storage == 0);
}

}  // namespace
}  // namespace tiercast::ledger
