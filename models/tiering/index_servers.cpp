#include "models/tiering/index_servers.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tiercast::tiering {

namespace {

using resources::ProcessorSharing;
using resources::ServerPool;

// Servers that take turns share their time: so much of it passes in a second.
constexpr uint64_t kNsPerS = 1'000'000'000;

// Work of one server in all, far below what 64 bits of ns hold.
constexpr int64_t kWorkMaxNs = int64_t{100} * 365 * 24 * 3600 * 1'000'000'000;

uint32_t width_of(const StationSpec& spec, uint32_t operations) {
  return std::min(operations, spec.servers);
}

}  // namespace

IndexTooSlow::IndexTooSlow(const std::string& station)
    : RunFault("the index at `" + station +
               "` is asked for a century of work a server: give it more servers, or less "
               "time an operation") {}

IndexServers::IndexServers(const std::vector<StationSpec>& stations) {
  stations_.reserve(stations.size());
  for (const StationSpec& spec : stations) {
    Servers servers = ProcessorSharing(kNsPerS * spec.servers);
    if (!spec.turns) servers = ServerPool(spec.servers, std::numeric_limits<uint32_t>::max());
    stations_.push_back({spec, std::move(servers), {}, 0});
  }
}

int64_t IndexServers::service_ns(const StationVisit& visit) const {
  const StationSpec& spec = stations_[visit.station].spec;
  const int64_t width = width_of(spec, visit.operations);
  return (int64_t{visit.operations} * spec.operation_ns + width - 1) / width;
}

void IndexServers::move(int64_t now_ns, Station& station) {
  Counts& counts = station.counts;
  counts.there_ns += Int128{counts.jobs - counts.ended} * (now_ns - station.changed_ns);
  station.changed_ns = now_ns;
}

void IndexServers::set_end(uint32_t station) {
  const int64_t end_ns =
      std::visit([](auto& servers) { return servers.next_end_ns(); }, stations_[station].servers);
  if (end_ns == resources::kNever) {
    ends_.remove(station);
  } else {
    ends_.set(station, end_ns);
  }
}

void IndexServers::arrive(int64_t now_ns, const StationVisit& visit, uint64_t tag) {
  Station& station = stations_[visit.station];
  const StationSpec& spec = station.spec;
  Counts& counts = station.counts;
  move(now_ns, station);
  ++counts.jobs;
  counts.operations += visit.operations;
  counts.alone_ns += service_ns(visit);
  if (Int128{counts.operations} * spec.operation_ns / spec.servers > kWorkMaxNs) {
    throw IndexTooSlow(spec.name);
  }
  if (auto* const pool = std::get_if<ServerPool>(&station.servers)) {
    pool->arrive(now_ns, {visit.operations, spec.operation_ns}, tag);
  } else {
    const uint64_t work_ns = uint64_t{visit.operations} * static_cast<uint64_t>(spec.operation_ns);
    std::get<ProcessorSharing>(station.servers)
        .arrive(now_ns, work_ns, tag, kNsPerS * width_of(spec, visit.operations));
  }
  set_end(visit.station);
}

void IndexServers::advance(int64_t now_ns, std::vector<uint64_t>& ended) {
  while (next_end_ns() == now_ns) {
    const uint32_t id = ends_.first_id();
    Station& station = stations_[id];
    const size_t before = ended.size();
    move(now_ns, station);
    std::visit([&](auto& servers) { servers.advance(now_ns, ended); }, station.servers);
    station.counts.ended += ended.size() - before;
    set_end(id);
  }
}

}  // namespace tiercast::tiering
