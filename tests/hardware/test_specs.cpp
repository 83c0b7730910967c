#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "models/hardware/specs.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::hardware;
using tiercast::tests::Catalogue;

TEST_CASE("every GPU of the catalogue reads strictly and is plausible") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("gpus")) {
    INFO(name);
    const auto gpu = catalogue.load<GpuSpec>("gpus", name);
    CHECK(gpu.hbm.value > gigabytes(10));
    // 8-bit tensor cores double the rate of 16-bit ones on every generation so far.
    if (gpu.fp8) CHECK(gpu.fp8->value.value() == Approx(2 * gpu.bf16.value.value()).epsilon(0.01));
    CHECK(std::filesystem::exists(tests::source_dir() / "configs/calibration" /
                                  (gpu.kernels + ".yaml")));
  }
}

TEST_CASE("every node, NIC and facility of the catalogue reads strictly") {
  Catalogue catalogue;
  for (const std::string& name : Catalogue::names("nodes")) {
    INFO(name);
    const auto node = catalogue.load<NodeSpec>("nodes", name);
    CHECK(node.gpus >= 1);
    CHECK(node.idle_power().value() > node.gpu.idle_power.value.value() * node.gpus);
  }
  for (const std::string& name : Catalogue::names("nics")) catalogue.load<NicSpec>("nics", name);
  for (const std::string& name : Catalogue::names("facilities")) {
    CHECK(catalogue.load<FacilitySpec>("facilities", name).pue.value >= 1);
  }
}

TEST_CASE("a DGX H100 draws less than its rated 10.2 kW with every part at full load") {
  Catalogue catalogue;
  const auto node = catalogue.load<NodeSpec>("nodes", "dgx-h100");
  double inside = node.gpus * node.gpu.power_limit.value.value() +
                  node.host.active_power.value.value() + node.switch_power.value.value() +
                  node.fan_power.value.value() + node.host.dram_idle_power.value.value();
  for (const NicSpec& nic : node.nics) inside += nic.count * nic.active_power.value.value();
  const double total = inside * (1 + node.supply_loss.value);
  CHECK(total < 10'200);
  CHECK(total > 0.75 * 10'200);  // and is not far from it
}

TEST_CASE("idle power of a node is the sum of its parts and the supply's loss") {
  NodeSpec node;
  node.gpus = 2;
  node.gpu.idle_power.value = watts(50);
  node.host.idle_power.value = watts(100);
  node.host.dram_idle_power.value = watts(20);
  node.switch_power.value = watts(30);
  node.fan_power.value = watts(40);
  NicSpec nic;
  nic.count = 3;
  nic.idle_power.value = watts(10);
  node.nics = {nic};
  node.supply_loss.value = 0.1;
  CHECK(node.idle_power().value() == Approx((100 + 100 + 20 + 30 + 40 + 30) * 1.1));
}
