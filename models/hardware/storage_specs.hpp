// What the catalogue says about storage: drives, data processing units (DPUs), switches, enclosures
// of flash behind DPUs, and storage services. Bandwidths of links are each way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::hardware {

/// NVMe drives of one kind. Figures are one drive's.
struct DriveSpec {
  std::string use;
  std::string title;
  uint32_t count = 1;
  Figure<Bytes> capacity;
  Figure<BytesPerSecond> read;        ///< large sequential
  Figure<BytesPerSecond> write;       ///< large sequential, sustained
  Figure<BytesPerSecond> mixed;       ///< reads plus writes together, at most
  Figure<PerSecond> read_iops;        ///< random reads of 4 KiB at full depth
  Figure<PerSecond> write_iops;       ///< random writes of 4 KiB at full depth, sustained
  Figure<Nanoseconds> read_latency;   ///< of one small read of an idle drive
  Figure<Nanoseconds> write_latency;  ///< until the drive acknowledges: into its protected buffer
  Figure<double> tail_probability;    ///< share of reads that wait for a collection or an erase
  Figure<Nanoseconds> tail_latency;   ///< of such a read
  std::optional<Figure<Nanoseconds>> queue_latency;  ///< by which a small read of a busy drive is
                                                     ///< longer; absent: not at all
  Figure<double> drive_writes_per_day;
  Figure<double> rated_years;
  Figure<double> rated_amplification;  ///< flash writes per host write that the rating assumes
  Figure<double> write_amplification;  ///< flash writes per host write of this traffic
  Figure<Watts> idle_power;
  Figure<Watts> read_power;   ///< at full sequential rate
  Figure<Watts> write_power;  ///< at full sequential rate
  Figure<Usd> price;

  static const FieldTable<DriveSpec>& fields();

  /// Share of one drive's rated life that writing `host_bytes` to it uses up:
  /// bytes x write_amplification / (capacity x writes a day x days of life x rated_amplification).
  double wear(double host_bytes) const;
};

/// DPUs of one kind: network port, processor cores and memory on one card. Figures are one card's
/// and hold what it contains: a NIC within it is not metered again.
struct DpuSpec {
  std::string use;
  std::string title;
  uint32_t count = 1;
  Figure<BytesPerSecond> network;  ///< all its ports, each way
  Figure<BytesPerSecond> pcie;     ///< to drives or to the host, each way
  uint32_t cores = 1;
  Figure<Nanoseconds> operation_time;  ///< of one core for each I/O operation
  Figure<Bytes> max_operation;       ///< longer operations reach cores, and drives, in such pieces
  Figure<Nanoseconds> read_latency;  ///< that the card adds to one small read
  /// Of one core for each I/O operation, where the card checks who asks; absent: it does not.
  std::optional<Figure<Nanoseconds>> tenant_check;
  Figure<Bytes> dram;
  Figure<BytesPerSecond> dram_bandwidth;  ///< reads plus writes
  std::string contained_nic;              ///< entry of the catalogue `nics`, or empty
  Figure<Watts> idle_power;               ///< contained NIC included
  Figure<Watts> active_power;             ///< contained NIC included
  Figure<Usd> price;

  static const FieldTable<DpuSpec>& fields();

  /// Operations that all its cores serve: cores / (operation_time + tenant_check).
  PerSecond operations() const;
  /// What a core and the drives behind get of operations of so many bytes: at most max_operation.
  Bytes piece(Bytes operation) const;
  /// Bytes of such operations that all its cores serve.
  BytesPerSecond served(Bytes operation) const;
  /// What the card adds to one small read: read_latency + operation_time + tenant_check.
  Nanoseconds latency() const;
};

/// One Ethernet switch.
struct SwitchSpec {
  std::string use;
  std::string title;
  uint32_t ports = 1;
  Figure<BytesPerSecond> port_bandwidth;             ///< each way
  Figure<BytesPerSecond> bandwidth;                  ///< into (and out of) all ports together
  Figure<Nanoseconds> latency;                       ///< port to port, unloaded
  std::optional<Figure<Nanoseconds>> queue_latency;  ///< before a port at full rate; absent: none
  Figure<Watts> idle_power;
  Figure<Watts> active_power;  ///< all ports busy, optics included
  Figure<Usd> price;           ///< optics included

  static const FieldTable<SwitchSpec>& fields();
};

/// One box of flash behind DPUs. Its watts and price are what stands beside drives and DPUs.
struct EnclosureSpec {
  std::string use;
  std::string title;
  DriveSpec drives;  ///< all alike, spread evenly over the DPUs
  uint32_t drive_slots = 1;
  DpuSpec dpus;
  Figure<double> usable;       ///< share of the drives' capacity left by protection and spare space
  Figure<Watts> fan_power;     ///< fans, board and PCIe switches, drawn whether used or not
  Figure<double> supply_loss;  ///< of every watt delivered inside the box
  Figure<Usd> chassis_price;   ///< everything but drives and DPUs

  static const FieldTable<EnclosureSpec>& fields();

  /// What may be stored: drives x capacity x usable, rounded down.
  Bytes capacity() const;
  /// The most that all its parts together let through: drives, PCIe and network.
  BytesPerSecond read_bandwidth() const;
  BytesPerSecond write_bandwidth() const;
  /// Drawn with nothing running, supply loss included.
  Watts idle_power() const;
  Usd price() const;
};

/// How clients speak to a storage service.
enum class StorageProtocol { nfs_tcp, nfs_rdma, s3_tcp, s3_rdma };
std::vector<Choice<StorageProtocol>> choices(StorageProtocol);

/// Which servers of a storage service check who asks.
enum class TenantCheckAt {
  data,     ///< those that move bytes: each transfer waits for it
  metadata  ///< those that look up: it takes their time, once for each operation
};
std::vector<Choice<TenantCheckAt>> choices(TenantCheckAt);

/// One unit of external storage (file or object): servers and drives sold, and scaled, together.
struct StorageServiceSpec {
  std::string use;
  std::string title;
  StorageProtocol protocol = StorageProtocol::nfs_tcp;
  Figure<BytesPerSecond> read;              ///< that clients get of the whole unit, copies included
  Figure<BytesPerSecond> write;             ///< the same, protection included too
  Figure<BytesPerSecond> client_bandwidth;  ///< that one client node gets at most
  Figure<Nanoseconds> read_latency;   ///< of one small read, from the request's arrival to the
                                      ///< first byte's departure; the network is the stack's
  Figure<Nanoseconds> write_latency;  ///< from arrival until the data is durable and acknowledged
  Figure<PerSecond> read_iops;
  Figure<PerSecond> write_iops;
  uint32_t metadata_servers = 1;
  Figure<Nanoseconds> metadata_time;   ///< of one metadata server for each operation
  Figure<double> metadata_operations;  ///< round trips for each object opened
  Figure<Bytes> min_operation;         ///< smaller transfers cost as much as this many bytes
  Figure<double> write_copies;         ///< bytes written to drives for each byte stored; 1 is none
  Figure<Nanoseconds> tenant_check;    ///< who asks, may they: for each request, on a server
  TenantCheckAt tenant_check_at = TenantCheckAt::data;
  Figure<double> server_copies;  ///< passes through server memory beside the first
  /// Of all its servers, reads plus writes; absent: never the limit.
  std::optional<Figure<BytesPerSecond>> memory_bandwidth;
  Figure<Bytes> capacity;      ///< usable
  Figure<Watts> idle_power;    ///< of the whole unit, drives included
  Figure<Watts> active_power;  ///< of the whole unit at full rate, drives included
  Figure<Usd> price;           ///< of the whole unit, drives included
  /// What it stores on. Watts and price of these drives are in the unit's own.
  std::optional<DriveSpec> drives;

  static const FieldTable<StorageServiceSpec>& fields();

  /// The least of `capacity` and what its drives hold: raw capacity / write_copies.
  Bytes stored() const;
  /// The least of `read` and what its drives give.
  BytesPerSecond read_bandwidth() const;
  /// The least of `write` and what its drives take: their write bandwidth / write_copies.
  BytesPerSecond write_bandwidth() const;
  /// Reads and writes together that pass its memory: a byte goes in and out, and so does each
  /// copy: memory_bandwidth / (2 + 2 * server_copies).
  std::optional<BytesPerSecond> memory_rate() const;
  /// Metadata operations that all its metadata servers answer.
  PerSecond metadata_rate() const;
};

}  // namespace tiercast::hardware
