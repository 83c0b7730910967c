#include "models/ledger/wear.hpp"

#include <cstddef>
#include <cstdint>

namespace tiercast::ledger {
namespace {

constexpr double kSecondsPerYear = 8760 * kSecondsPerHour;

// `holders`: boxes with `drive.count` drives each.
std::optional<Wear> wear_of(const hardware::DriveSpec& drive, uint32_t holders, double host_bytes,
                            Seconds duration) {
  const double drives = static_cast<double>(drive.count) * holders;
  if (drives == 0 || host_bytes == 0 || duration.value() == 0) return std::nullopt;
  const double share = drive.wear(host_bytes / drives);
  return Wear{share, duration.value() / kSecondsPerYear / share};
}

std::optional<Wear> wear_of(const std::optional<hardware::StorageUnits>& units, Bytes written,
                            Seconds duration) {
  if (!units) return std::nullopt;
  const auto bytes = static_cast<double>(written.value());
  if (units->enclosure) return wear_of(units->enclosure->drives, units->count, bytes, duration);
  const hardware::StorageServiceSpec& service = *units->service;
  if (!service.drives) return std::nullopt;
  return wear_of(*service.drives, units->count, bytes * service.write_copies.value, duration);
}

}  // namespace

WearByTier wear(const Provision& provision, const Meters& meters) {
  WearByTier result;
  for (size_t i = 0; i < provision.node.drives.size() && i < meters.drives.size(); ++i) {
    const auto bytes = static_cast<double>(meters.drives[i].written.value());
    const std::optional<Wear> kind =
        wear_of(provision.node.drives[i], provision.nodes, bytes, meters.duration);
    if (!kind) continue;
    if (!result.node_drives || kind->share > result.node_drives->share) result.node_drives = kind;
  }
  result.context = wear_of(provision.context, meters.context.written, meters.duration);
  result.external = wear_of(provision.external, meters.external.written, meters.duration);
  return result;
}

}  // namespace tiercast::ledger
