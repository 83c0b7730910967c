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
    // 8-bit tensor cores double the rate of 16-bit ones up to Blackwell; Rubin's do more than that.
    if (gpu.fp8 && name == "rubin") {
      CHECK(gpu.fp8->value.value() > 2 * gpu.bf16.value.value());
    } else if (gpu.fp8) {
      CHECK(gpu.fp8->value.value() == Approx(2 * gpu.bf16.value.value()).epsilon(0.015));
    }
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

TEST_CASE("nodes with every part at full load come near what their boxes are rated for") {
  Catalogue catalogue;
  struct Rated {
    const char* node;
    uint32_t boxes;  // of which the figure is
    double watts;
  };
  // Data sheets of DGX H100 and DGX B200; racks of GB200 and Vera Rubin (Max-Q), as reported.
  for (const Rated& rated :
       {Rated{"dgx-h100", 1, 10'200}, Rated{"hgx-b200", 1, 14'300},
        Rated{"gb200-nvl72-tray", 18, 132'000}, Rated{"vr-nvl72-tray", 18, 190'000}}) {
    INFO(rated.node);
    const auto node = catalogue.load<NodeSpec>("nodes", rated.node);
    double inside = node.gpus * node.gpu.power_limit.value.value() +
                    node.host.active_power.value.value() + node.switch_power.value.value() +
                    node.fan_power.value.value() + node.host.dram_idle_power.value.value();
    for (const NicSpec& nic : node.nics) inside += nic.count * nic.active_power.value.value();
    const double total = rated.boxes * inside * (1 + node.supply_loss.value);
    CHECK(total < rated.watts);
    CHECK(total > 0.75 * rated.watts);
  }
}

TEST_CASE("eighteen trays make up the rack of 72 GPUs that is published") {
  Catalogue catalogue;
  struct Rack {
    const char* tray;
    double hbm_tb, hbm_tb_s, nvlink_tb_s, c2c_tb_s;
  };
  // Memory as marketed; NVLink and C2C both ways together.
  for (const Rack& rack : {Rack{"gb200-nvl72-tray", 13.4, 576, 130, 36 * 0.9},
                           Rack{"gb300-nvl72-tray", 20.1, 576, 130, 36 * 0.9},
                           Rack{"vr-nvl72-tray", 20.7, 1580, 260, 36 * 1.8}}) {
    INFO(rack.tray);
    const auto node = catalogue.load<NodeSpec>("nodes", rack.tray);
    const double gpus = 18.0 * node.gpus;
    CHECK(gpus == 72);
    // NVML counts up to 7 % more than what is marketed: GiB against GB.
    const double hbm_tb = gpus * static_cast<double>(node.gpu.hbm.value.value()) / 1e12;
    CHECK(hbm_tb >= rack.hbm_tb);
    CHECK(hbm_tb <= 1.075 * rack.hbm_tb);
    CHECK(gpus * node.gpu.hbm_bandwidth.value.value() / 1e12 ==
          Approx(rack.hbm_tb_s).epsilon(0.01));
    CHECK(2 * gpus * node.gpu.nvlink->value.value() / 1e12 ==
          Approx(rack.nvlink_tb_s).epsilon(0.01));
    CHECK(2 * gpus * node.gpu.host_link.value.value() / 1e12 == Approx(rack.c2c_tb_s));
  }
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
