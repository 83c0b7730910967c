#include "models/hardware/storage_specs.hpp"

#include <algorithm>
#include <string>

#include "sim/base/field_table.hpp"

namespace tiercast::hardware {

using namespace table;

namespace {

// Fields that every catalogued part begins with.
template <class S>
Field<S> use_field() {
  return field("use", &S::use, by_default(""), "Catalogue entry to start from.");
}
template <class S>
Field<S> title_field() {
  return field("title", &S::title, by_default(""), "Name for people.");
}

constexpr const char* kPowerRule = "idle_power must not exceed active_power";
template <class S>
bool power_rises(const S& part) {
  return part.idle_power.value <= part.active_power.value;
}

constexpr double kDaysPerYear = 365;
constexpr int kHour = 3600;  // seconds; a latency above it is a slip of the unit

}  // namespace

const FieldTable<DriveSpec>& DriveSpec::fields() {
  using S = DriveSpec;
  static const auto table =
      FieldTable<S>(
          "drive", "NVMe drives of one kind; figures are one drive's.",
          {
              use_field<S>(),
              title_field<S>(),
              field("count", &S::count, by_default("1"), between(1, 4096), "Drives."),
              field("capacity", &S::capacity, required, above(0), at_most("1PB"),
                    "What a host may store."),
              field("read", &S::read, required, above(0), "Large sequential reads."),
              field("write", &S::write, required, above(0), "Large sequential writes, sustained."),
              field("mixed", &S::mixed, required, above(0), "Reads plus writes together, at most."),
              field("read_iops", &S::read_iops, required, above(0),
                    "Random reads of 4 KiB at full depth."),
              field("write_iops", &S::write_iops, required, above(0),
                    "Random writes of 4 KiB at full depth, sustained."),
              field("read_latency", &S::read_latency, required, above(0), at_most(kHour),
                    "Of one small read of an idle drive."),
              field("write_latency", &S::write_latency, required, above(0), at_most(kHour),
                    "Until the drive acknowledges a small write."),
              field("tail_probability", &S::tail_probability, required, between(0, 1),
                    "Share of reads that wait for a collection or an erase."),
              field("tail_latency", &S::tail_latency, required, above(0), at_most(kHour),
                    "Of such a read."),
              field("queue_latency", &S::queue_latency, absent_means("none"), above(0),
                    at_most(kHour), "By which a small read takes longer at full rate and depth."),
              field("drive_writes_per_day", &S::drive_writes_per_day, required, above(0),
                    "Times its capacity that a day may write, over its rated life."),
              field("rated_years", &S::rated_years, required, above(0), "Rated life."),
              field("rated_amplification", &S::rated_amplification, required, at_least(1),
                    "Flash writes for each host write that the rating assumes."),
              field("write_amplification", &S::write_amplification, required, at_least(1),
                    "Flash writes for each host write of cache traffic."),
              field("idle_power", &S::idle_power, required, at_least(0), "Drawn when idle."),
              field("read_power", &S::read_power, required, above(0), "At full sequential rate."),
              field("write_power", &S::write_power, required, above(0), "At full sequential rate."),
              field("price", &S::price, required, at_least(0), "Of one drive."),
          })
          .catalogue("drives")
          .shorthand("use")
          .must("mixed must lie between read and read plus write",
                [](const S& drive) {
                  return drive.mixed.value >= drive.read.value &&
                         drive.mixed.value <= drive.read.value + drive.write.value;
                })
          .must("tail_latency must not be below read_latency",
                [](const S& drive) { return drive.tail_latency.value >= drive.read_latency.value; })
          .must("idle_power must not exceed read_power or write_power", [](const S& drive) {
            return drive.idle_power.value <=
                   std::min(drive.read_power.value, drive.write_power.value);
          });
  return table;
}

const FieldTable<DpuSpec>& DpuSpec::fields() {
  using S = DpuSpec;
  static const auto table =
      FieldTable<S>(
          "dpu", "DPUs of one kind; figures are one card's, what it contains included.",
          {
              use_field<S>(),
              title_field<S>(),
              field("count", &S::count, by_default("1"), between(1, 64), "Cards."),
              field("network", &S::network, required, above(0), "All its ports, each way."),
              field("pcie", &S::pcie, required, above(0), "To drives or to the host, each way."),
              field("cores", &S::cores, required, between(1, 1024), "Processor cores."),
              field("operation_time", &S::operation_time, required, above(0), at_most(kHour),
                    "Time of one core for each I/O operation."),
              field("max_operation", &S::max_operation, required, at_least(512),
                    "Longer operations reach its cores, and drives behind it, in such pieces."),
              field("read_latency", &S::read_latency, required, between(0, kHour),
                    "What the card adds to one small read."),
              field("tenant_check", &S::tenant_check, absent_means("none"), between(0, kHour),
                    "Of one core for each I/O operation: checking who asks."),
              field("dram", &S::dram, required, above(0), "Memory on the card."),
              field("dram_bandwidth", &S::dram_bandwidth, required, above(0),
                    "Peak of that memory, reads plus writes."),
              field("contained_nic", &S::contained_nic, by_default(""),
                    "NIC within the card, by its entry of the catalogue `nics`. The card's watts "
                    "hold the NIC's: leave it out of a node's `nics`."),
              field("idle_power", &S::idle_power, required, at_least(0), "Drawn when idle."),
              field("active_power", &S::active_power, required, above(0), "At full rate."),
              field("price", &S::price, required, at_least(0), "Of one card."),
          })
          .catalogue("dpus")
          .shorthand("use")
          .must(kPowerRule, power_rises<S>);
  return table;
}

const FieldTable<SwitchSpec>& SwitchSpec::fields() {
  using S = SwitchSpec;
  static const auto table =
      FieldTable<S>(
          "switch", "One Ethernet switch.",
          {
              use_field<S>(),
              title_field<S>(),
              field("ports", &S::ports, required, between(1, 4096), "Ports, all alike."),
              field("port_bandwidth", &S::port_bandwidth, required, above(0),
                    "Of one port, each way."),
              field("bandwidth", &S::bandwidth, required, above(0),
                    "Into all ports together, and out of them."),
              field("latency", &S::latency, required, at_least(0), "Port to port, unloaded."),
              field("queue_latency", &S::queue_latency, absent_means("none"), above(0),
                    at_most(kHour), "Wait in the switch before a port at full rate."),
              field("idle_power", &S::idle_power, required, at_least(0), "Drawn when idle."),
              field("active_power", &S::active_power, required, above(0),
                    "All ports busy, optics included."),
              field("price", &S::price, required, at_least(0), "Optics included."),
          })
          .catalogue("switches")
          .shorthand("use")
          .must("bandwidth must not exceed ports times port_bandwidth",
                [](const S& s) { return s.bandwidth.value <= s.port_bandwidth.value * s.ports; })
          .must(kPowerRule, power_rises<S>);
  return table;
}

const FieldTable<EnclosureSpec>& EnclosureSpec::fields() {
  using S = EnclosureSpec;
  static const auto table =
      FieldTable<S>("enclosure", "One box of flash behind DPUs.",
                    {
                        use_field<S>(),
                        title_field<S>(),
                        field("drives", &S::drives, required, "All alike, with their count."),
                        field("drive_slots", &S::drive_slots, required, between(1, 4096),
                              "How many drives fit."),
                        field("dpus", &S::dpus, required, "All alike, with their count."),
                        field("usable", &S::usable, required, above(0), at_most(1),
                              "Share of the drives' capacity left by protection and spare space."),
                        field("fan_power", &S::fan_power, required, at_least(0),
                              "Fans, board and PCIe switches, drawn whether used or not."),
                        field("supply_loss", &S::supply_loss, required, between(0.0, 0.5),
                              "Share lost of every watt delivered inside the box."),
                        field("chassis_price", &S::chassis_price, required, at_least(0),
                              "Everything but drives and DPUs."),
                    })
          .catalogue("enclosures")
          .shorthand("use")
          .must(
              "drives must fit into drive_slots",
              [](const S& box) { return box.drives.count <= box.drive_slots; },
              [](const S& box) {
                return std::to_string(box.drives.count) + " drives, " +
                       std::to_string(box.drive_slots) + " slots";
              });
  return table;
}

std::vector<Choice<StorageProtocol>> choices(StorageProtocol) {
  return {{"nfs-tcp", StorageProtocol::nfs_tcp, "files, through the kernel's network stack"},
          {"nfs-rdma", StorageProtocol::nfs_rdma, "files, moved by the NIC"},
          {"s3-tcp", StorageProtocol::s3_tcp, "objects over HTTP"},
          {"s3-rdma", StorageProtocol::s3_rdma, "objects, requests over HTTP, data moved by NIC"}};
}

std::vector<Choice<TenantCheckAt>> choices(TenantCheckAt) {
  return {
      {"data", TenantCheckAt::data, "servers that move bytes: each transfer waits for it"},
      {"metadata", TenantCheckAt::metadata, "servers that look up: each operation takes longer"}};
}

const FieldTable<StorageServiceSpec>& StorageServiceSpec::fields() {
  using S = StorageServiceSpec;
  static const auto table =
      FieldTable<S>(
          "service", "One unit of external storage: servers and drives scaled together.",
          {
              use_field<S>(),
              title_field<S>(),
              field("protocol", &S::protocol, required, "How clients speak to it."),
              field("read", &S::read, required, above(0),
                    "What clients get of the whole unit, server_copies included."),
              field("write", &S::write, required, above(0),
                    "What clients get of the whole unit, server_copies and write_copies included."),
              field("client_bandwidth", &S::client_bandwidth, required, above(0),
                    "That one client node gets at most."),
              field("read_latency", &S::read_latency, required, above(0), at_most(kHour),
                    "Of one small read inside the service, until its first byte leaves; client and "
                    "network are the stack's operation_latency."),
              field("write_latency", &S::write_latency, required, above(0), at_most(kHour),
                    "Inside the service, until the data is durable and acknowledged; client and "
                    "network are the stack's operation_latency."),
              field("read_iops", &S::read_iops, required, above(0), "Of the whole unit."),
              field("write_iops", &S::write_iops, required, above(0), "Of the whole unit."),
              field("metadata_servers", &S::metadata_servers, required, between(1, 4096),
                    "That answer opens and look-ups."),
              field("metadata_time", &S::metadata_time, required, above(0), at_most(kHour),
                    "Of one metadata server for each operation."),
              field("metadata_operations", &S::metadata_operations, required, between(0, 64),
                    "Round trips for each object opened."),
              field("min_operation", &S::min_operation, required, above(0),
                    "Smaller transfers cost as much as this many bytes."),
              field("write_copies", &S::write_copies, required, at_least(1),
                    "Bytes written to drives for each byte stored; 1 is no protection."),
              field("tenant_check", &S::tenant_check, required, between(0, kHour),
                    "Checking who asks, for each request, on a server."),
              field("tenant_check_at", &S::tenant_check_at, by_default("data"), "Where."),
              field("server_copies", &S::server_copies, required, at_least(0),
                    "Passes through server memory beside the first; each takes its share of "
                    "memory_bandwidth."),
              field("memory_bandwidth", &S::memory_bandwidth, absent_means("no limit"), above(0),
                    "Of all its servers' memory; a byte crosses it 2 + 2 x server_copies times."),
              field("capacity", &S::capacity, required, above(0), "Usable."),
              field("idle_power", &S::idle_power, required, at_least(0),
                    "Of the whole unit, drives included."),
              field("active_power", &S::active_power, required, above(0),
                    "Of the whole unit at full rate, drives included."),
              field("price", &S::price, required, at_least(0),
                    "Of the whole unit, drives included."),
              field("drives", &S::drives, absent_means("no limit, and no wear is counted"),
                    "What it stores on: they bound its rates and capacity, write_copies included, "
                    "and wear; their watts and price are in the unit's own."),
          })
          .catalogue("services")
          .shorthand("use")
          .must("tenant_check_at: metadata needs metadata_operations above 0",
                [](const S& service) {
                  return service.tenant_check_at == TenantCheckAt::data ||
                         service.metadata_operations.value > 0;
                })
          .must(kPowerRule, power_rises<S>);
  return table;
}

double DriveSpec::wear(double host_bytes) const {
  const double rated_bytes = static_cast<double>(capacity.value.value()) *
                             drive_writes_per_day.value * kDaysPerYear * rated_years.value;
  return host_bytes * write_amplification.value / (rated_bytes * rated_amplification.value);
}

PerSecond DpuSpec::operations() const {
  Nanoseconds each = operation_time.value;
  if (tenant_check) each += tenant_check->value;
  return PerSecond{cores / to_seconds(each).value()};
}

Bytes DpuSpec::piece(Bytes operation) const { return std::min(operation, max_operation.value); }

BytesPerSecond DpuSpec::served(Bytes operation) const {
  return piece(operation) / period(operations());
}

Nanoseconds DpuSpec::latency() const {
  const Nanoseconds one = read_latency.value + operation_time.value;
  return tenant_check ? one + tenant_check->value : one;
}

Bytes EnclosureSpec::capacity() const {
  const double raw = static_cast<double>(drives.capacity.value.value()) * drives.count;
  return Bytes{static_cast<int64_t>(raw * usable.value)};
}

BytesPerSecond EnclosureSpec::read_bandwidth() const {
  return std::min(drives.read.value * drives.count,
                  std::min(dpus.pcie.value, dpus.network.value) * dpus.count);
}

BytesPerSecond EnclosureSpec::write_bandwidth() const {
  return std::min(drives.write.value * drives.count,
                  std::min(dpus.pcie.value, dpus.network.value) * dpus.count);
}

Watts EnclosureSpec::idle_power() const {
  const Watts inside =
      drives.idle_power.value * drives.count + dpus.idle_power.value * dpus.count + fan_power.value;
  return inside * (1 + supply_loss.value);
}

Usd EnclosureSpec::price() const {
  return drives.price.value * drives.count + dpus.price.value * dpus.count + chassis_price.value;
}

Bytes StorageServiceSpec::stored() const {
  if (!drives) return capacity.value;
  const double raw = static_cast<double>(drives->capacity.value.value()) * drives->count;
  return std::min(capacity.value, Bytes{static_cast<int64_t>(raw / write_copies.value)});
}

BytesPerSecond StorageServiceSpec::read_bandwidth() const {
  return drives ? std::min(read.value, drives->read.value * drives->count) : read.value;
}

BytesPerSecond StorageServiceSpec::write_bandwidth() const {
  if (!drives) return write.value;
  return std::min(write.value, drives->write.value * drives->count / write_copies.value);
}

std::optional<BytesPerSecond> StorageServiceSpec::memory_rate() const {
  if (!memory_bandwidth) return std::nullopt;
  return memory_bandwidth->value / (2 + 2 * server_copies.value);
}

PerSecond StorageServiceSpec::metadata_rate() const {
  return PerSecond{metadata_servers / to_seconds(metadata_time.value).value()};
}

}  // namespace tiercast::hardware
