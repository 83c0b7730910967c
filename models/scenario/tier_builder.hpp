#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "models/hardware/transfer_time.hpp"
#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"
#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_links.hpp"
#include "models/scenario/tier_objects.hpp"
#include "models/scenario/world.hpp"
#include "models/tiering/tier_spec.hpp"

namespace tiercast::scenario {

/// Compiles the tiers of one scenario, in order; see tier_world.hpp for what the parts become.
class TierBuilder {
 public:
  TierBuilder(const ScenarioSpec& spec, const World& world, Problems& problems);

  tiering::TierSetSpec build();

 private:
  /// Drives of one pool together, for operations of so many bytes.
  struct DriveSums {
    double capacity = 0;  ///< bytes
    double read = 0;      ///< bytes/s
    double write = 0;
    double both = 0;
    double writes_a_day = 0;  ///< bytes, as rated
    Nanoseconds read_latency{};
    Nanoseconds write_latency{};

    void add(const hardware::DriveSpec& drive, Bytes operation, double count);
  };

  /// Of host cores, by one tier.
  struct CoreDemand {
    size_t tier = 0;
    double core_s_a_byte = 0;
    std::vector<double> cores;  ///< by node, at full rate
  };

  uint32_t engines() const { return world_.cluster.instances; }
  uint32_t ranks() const { return world_.gpus_per_instance; }
  static std::string path(size_t i) { return "tiers." + std::to_string(i); }
  /// What one operation at a device carries, for all GPUs of an engine alike.
  Bytes operation(const hardware::StackSpec& stack) const {
    return hardware::operation_bytes(stack, objects_.layout);
  }

  // tier_builder.cpp
  NodeLinks::Shares shares() const;
  void add_tier(size_t i);
  void check_links();
  void add_handoff();
  tiering::TransferCost cost(const hardware::StackSpec& stack, const hardware::TransferPath& path,
                             uint32_t objects = 1) const;
  void set_costs(tiering::TierSpec& tier, const hardware::StackSpec& stack,
                 Nanoseconds read_latency, Nanoseconds write_latency);
  void set_capacity(size_t i, tiering::TierSpec& tier, const TierSection& section, double available,
                    const std::string& of_what);
  void pool_by_scope(tiering::TierSpec& tier, TierScope scope);
  void set_rated_writes(double bytes_per_day, tiering::TierSpec& tier) const;
  void add_conversion(tiering::TierSpec& tier);
  void add_replicas(tiering::TierSpec& tier);
  tiering::TwoWay first_rank(const std::string& name, const tiering::TwoWay& all);
  tiering::TwoWay drive_links(const std::string& name, const DriveSums& sums,
                              const TierSection& section);

  // tier_cores.cpp: host cores that copies need
  double core_time(const hardware::StackSpec& stack) const;
  std::vector<double> full_rates(const tiering::TierSpec& tier) const;
  void want_cores(const hardware::StackSpec& stack, const tiering::TierSpec& tier);
  void share_cores();

  // tier_devices.cpp: drives one by one
  bool stripe(size_t i, const TierSection& section, size_t devices, tiering::TierSpec& tier);
  tiering::TwoWay device_links(const std::string& name, const hardware::DriveSpec& drive,
                               const TierSection& section);
  tiering::TwoWay card_links(const std::string& name, const hardware::DpuSpec& dpu, double count,
                             const TierSection& section);
  void set_cache(size_t i, const TierSection& section, double installed, Nanoseconds latency,
                 tiering::TierSpec& tier);
  void add_cards(const std::string& name, const hardware::EnclosureSpec& box, double boxes,
                 const TierSection& section, tiering::TierPoolSpec& pool);

  // tier_index.cpp: where indices live
  struct IndexStations {
    uint32_t first = 0;
    IndexAt by{};  // service: one for all; node: one a node; dpu: one a pool

    uint32_t of(uint32_t node, uint32_t pool) const;
  };
  void add_index(size_t i, const TierSection& section, tiering::TierSpec& tier);
  IndexStations add_stations(TierName kind, const IndexSection& index,
                             const tiering::TierSpec& tier);

  // tier_local.cpp: on a node, or on its neighbours
  void add_dram(size_t i, const TierSection& section, tiering::TierSpec& tier);
  void add_peer(const TierSection& section, tiering::TierSpec& tier);
  void add_nvme(size_t i, const TierSection& section, tiering::TierSpec& tier);
  void reach_locally(const hardware::StackSpec& stack, tiering::TierSpec& tier);

  // tier_network.cpp: over the network
  void add_context(size_t i, const TierSection& section, tiering::TierSpec& tier);
  void add_external(size_t i, const TierSection& section, tiering::TierSpec& tier);
  void add_metadata_servers(const hardware::StorageUnits& units, tiering::TierSpec& tier);
  void add_clients(double client_bandwidth, tiering::TierSpec& tier);
  Nanoseconds initiator_latency() const;
  double initiator_bandwidth() const;
  void reach_over_network(const hardware::StackSpec& stack, tiering::TierSpec& tier);

  const ScenarioSpec& spec_;
  const World& world_;
  Problems& problems_;
  tiering::TierSetSpec set_;
  NodeLinks links_;
  Switches switches_;
  TierObjects objects_;                    // of the tier that is being compiled
  std::vector<uint32_t> host_converters_;  // by engine, of host memory's objects
  // By engine, once some KV is replicated: the first rank's part of copies, and of the bus.
  std::vector<tiering::TwoWay> first_copies_;
  std::vector<tiering::TwoWay> first_buses_;
  std::vector<uint32_t> broadcasts_;  // by engine, once a tier needs them
  std::vector<CoreDemand> core_demands_;
  std::vector<uint32_t> dpu_links_;  // by node, once a tier over the network needs them
};

/// Bytes that may be written to one drive each day so that it lasts as long as it is rated:
/// capacity x writes a day x rated_amplification / write_amplification.
double rated_bytes_per_day(const hardware::DriveSpec& drive);

/// The way of one operation on one GPU, before links that transfers share.
hardware::TransferPath engine_path(const ScenarioSpec& spec, Nanoseconds device_latency);
/// What adds to the latency of some reads: slow ones, and others' on their way. Of drives of
/// several kinds a read meets a slow one as often as their mean by number, for the longest of their
/// tails, and waits for the longest of their queues.
void set_delays(tiering::TierSpec& tier, const std::vector<hardware::DriveSpec>& drives);
void set_delays(tiering::TierSpec& tier, const hardware::DriveSpec& drive);

}  // namespace tiercast::scenario
