// The catalogue's storage: every entry reads strictly and agrees with itself and with its parts.
#include <string>

#include <catch2/catch.hpp>

#include "models/hardware/fabric_specs.hpp"
#include "models/hardware/specs.hpp"
#include "models/hardware/storage_specs.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::hardware;
using Catch::Contains;
using tiercast::tests::Catalogue;

namespace {

constexpr double kSmallOperation = 4096;

template <class S>
struct Reading {
  explicit Reading(const std::string& text) {
    const auto document = config::parse_document(text, "a.yaml", Origin::scenario, found);
    REQUIRE(document);
    Node resolved;
    good = Reader(found, catalogue.lookup(found)).read(*document, spec, resolved);
  }

  Catalogue catalogue;
  Diagnostics found;
  S spec;
  bool good = false;
};

/// What is said against a document, and the line it is said of.
template <class S>
std::string refusal(const std::string& text) {
  const Reading<S> reading(text);
  INFO(text);
  REQUIRE_FALSE(reading.good);
  REQUIRE(reading.found.error_count() == 1);
  const Diagnostic first = reading.found.sorted().front();
  return std::to_string(first.place.line) + ": " + first.message;
}

}  // namespace

TEST_CASE("every drive of the catalogue agrees with itself") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("drives")) {
    INFO(name);
    const auto drive = catalogue.load<DriveSpec>("drives", name);
    CHECK(drive.count == 1);
    // Small operations move no more than large ones.
    CHECK(drive.read_iops.value.value() * kSmallOperation <= drive.read.value.value());
    CHECK(drive.write_iops.value.value() * kSmallOperation <= drive.write.value.value());
    // A day is long enough to write what the rating allows a day.
    const double rated_rate = drive.drive_writes_per_day.value *
                              static_cast<double>(drive.capacity.value.value()) / 86'400;
    CHECK(rated_rate < drive.write.value.value());
  }
}

TEST_CASE("every DPU of the catalogue holds the NIC that it contains") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("dpus")) {
    INFO(name);
    const auto dpu = catalogue.load<DpuSpec>("dpus", name);
    REQUIRE_FALSE(dpu.contained_nic.empty());
    const auto nic = catalogue.load<NicSpec>("nics", dpu.contained_nic);
    CHECK(dpu.network.value == nic.bandwidth.value);
    CHECK(dpu.pcie.value >= dpu.network.value);
    CHECK(dpu.idle_power.value > nic.idle_power.value);
    CHECK(dpu.active_power.value > nic.active_power.value);
  }
}

TEST_CASE("no node of the catalogue lists a NIC beside the DPU that contains it") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("nodes")) {
    INFO(name);
    const auto node = catalogue.load<NodeSpec>("nodes", name);
    for (const DpuSpec& dpu : node.dpus) {
      for (const NicSpec& nic : node.nics) {
        if (nic.fabric == Fabric::north_south) CHECK(nic.use != dpu.contained_nic);
      }
    }
  }
}

TEST_CASE("no switch of the catalogue blocks") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("switches")) {
    INFO(name);
    const auto one = catalogue.load<SwitchSpec>("switches", name);
    CHECK(one.bandwidth.value.value() == Approx(one.ports * one.port_bandwidth.value.value()));
  }
}

TEST_CASE("every enclosure of the catalogue is bound by its network when it reads") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("enclosures")) {
    INFO(name);
    const auto box = catalogue.load<EnclosureSpec>("enclosures", name);
    CHECK(box.drives.read.value * box.drives.count > box.read_bandwidth());
    CHECK(box.read_bandwidth() == box.dpus.network.value * box.dpus.count);
  }
  const auto cmx = catalogue.load<EnclosureSpec>("enclosures", "cmx-bf4");
  // As reported: 600 TB, and four ports of 800 Gb/s.
  CHECK(static_cast<double>(cmx.capacity().value()) == Approx(600e12).epsilon(0.001));
  CHECK(cmx.read_bandwidth().value() == Approx(4 * 800e9 / 8));
}

TEST_CASE("every service of the catalogue fits into its own drives") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("services")) {
    INFO(name);
    const auto service = catalogue.load<StorageServiceSpec>("services", name);
    REQUIRE(service.drives);
    const DriveSpec& drives = *service.drives;
    const double raw = static_cast<double>(drives.capacity.value.value()) * drives.count;
    const double stored = static_cast<double>(service.capacity.value.value());
    CHECK(stored * service.write_copies.value <= raw);
    CHECK(service.read.value <= drives.read.value * drives.count);
    CHECK(service.write.value * service.write_copies.value <= drives.write.value * drives.count);
    CHECK(service.client_bandwidth.value <= service.read.value);
    // The unit's figures hold its drives'.
    CHECK(service.idle_power.value > drives.idle_power.value * drives.count);
    CHECK(service.price.value > drives.price.value * drives.count);
  }
}

TEST_CASE("RDMA changes how a store of the catalogue is spoken to, not what it is") {
  Catalogue catalogue;
  for (const std::string store : {"file-store", "object-store"}) {
    INFO(store);
    const auto tcp = catalogue.load<StorageServiceSpec>("services", store + "-tcp");
    const auto rdma = catalogue.load<StorageServiceSpec>("services", store + "-rdma");
    CHECK(rdma.capacity.value == tcp.capacity.value);
    CHECK(rdma.write_copies.value == tcp.write_copies.value);
    CHECK(rdma.price.value == tcp.price.value);
    CHECK(rdma.read_latency.value < tcp.read_latency.value);
    CHECK(rdma.server_copies.value < tcp.server_copies.value);
  }
}

TEST_CASE("too many drives are refused with both numbers where they are written") {
  CHECK_THAT(refusal<NodeSpec>("use: dgx-h100\ndrives: [{use: micron-9550-max, count: 9}]\n"),
             Contains("1: ") && Contains("9 drives, 8 slots"));
  CHECK(Reading<NodeSpec>("use: dgx-h100\ndrives: [{use: micron-9550-max, count: 8}]\n").good);
  CHECK(Reading<NodeSpec>("use: x86-h100\ndrives: [{use: micron-9550-max, count: 64}]\n").good);
  CHECK_THAT(
      refusal<StorageUnits>("count: 2\nenclosure:\n  use: jbof-bf3\n  drives: {count: 25}\n"),
      Contains("3: ") && Contains("enclosure") && Contains("25 drives, 24 slots"));
}

TEST_CASE("figures at odds are refused") {
  CHECK_THAT(refusal<DriveSpec>("use: micron-9550-max\nmixed: 13GB/s\n"), Contains("mixed must"));
  CHECK_THAT(refusal<DriveSpec>("use: micron-9550-max\nmixed: 25GB/s\n"), Contains("mixed must"));
  CHECK_THAT(refusal<DriveSpec>("use: micron-9550-max\ntail_latency: 50us\n"),
             Contains("tail_latency must"));
  CHECK_THAT(refusal<DriveSpec>("use: micron-9550-max\nidle_power: 20W\n"),
             Contains("idle_power must"));
  CHECK_THAT(refusal<DpuSpec>("use: bluefield-4\nactive_power: 50W\n"),
             Contains("idle_power must"));
  CHECK_THAT(refusal<DpuSpec>("use: bluefield-4\nnetwork: 0B/s\n"), Contains("2: network"));
  CHECK_THAT(refusal<SwitchSpec>("use: sn5600\nports: 32\n"), Contains("bandwidth must"));
  CHECK_THAT(refusal<EnclosureSpec>("use: jbof-bf3\nusable: 120%\n"), Contains("2: usable"));
  CHECK_THAT(refusal<StorageServiceSpec>("use: file-store-tcp\nprotocol: smb\n"),
             Contains("2: protocol"));
  CHECK_THAT(refusal<StorageServiceSpec>("use: file-store-tcp\nwrite_copies: 0.5\n"),
             Contains("2: write_copies"));
}

TEST_CASE("a fabric is its switch unless said otherwise") {
  const Reading<FabricSpec> reading("switch: sn5600\n");
  INFO(reading.found.render());
  REQUIRE(reading.good);
  CHECK(reading.spec.kind == FabricKind::leaf_spine);
  CHECK(reading.spec.routing == Routing::adaptive);
  CHECK(reading.spec.oversubscription == 1);
  CHECK(reading.spec.switches.ports == 64);
  CHECK_THAT(refusal<FabricSpec>("switch: sn5600\noversubscription: 0.5\n"),
             Contains("2: oversubscription"));
  CHECK_THAT(refusal<FabricSpec>("switch: sn5600\nrouting: ecpm\n"), Contains("2: routing"));
}

TEST_CASE("units of storage are of exactly one kind") {
  const Reading<StorageUnits> reading("enclosure: cmx-bf4\ncount: 16\n");
  INFO(reading.found.render());
  REQUIRE(reading.good);
  CHECK(reading.spec.count == 16);
  REQUIRE(reading.spec.enclosure);
  CHECK_FALSE(reading.spec.service);
  CHECK_THAT(refusal<StorageUnits>("enclosure: cmx-bf4\nservice: file-store-tcp\n"),
             Contains("exactly one of"));
  CHECK_THAT(refusal<StorageUnits>("count: 2\n"), Contains("exactly one of"));
}
