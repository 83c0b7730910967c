#include "models/scenario/tier_index.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/ledger/ledger.hpp"
#include "models/scenario/figure_node.hpp"
#include "models/scenario/tier_builder.hpp"
#include "models/scenario/tier_objects.hpp"
#include "sim/base/check.hpp"
#include "sim/base/text.hpp"

namespace tiercast::scenario {

namespace {

using tiering::StationPlace;

std::string path_of(size_t tier) { return "tiers." + std::to_string(tier) + ".index"; }

const hardware::StorageServiceSpec* service_of(const ScenarioSpec& spec) {
  const auto& external = spec.cluster.storage.external;
  return external && external->service ? &*external->service : nullptr;
}

std::vector<IndexAt> places_of(TierName kind) {
  switch (kind) {
    case TierName::hbm:
      return {};
    case TierName::dram:
      return {IndexAt::client, IndexAt::node};
    case TierName::peer:
      return {IndexAt::client, IndexAt::service};
    case TierName::nvme:
      return {IndexAt::client, IndexAt::node, IndexAt::dpu};
    case TierName::context:
      return {IndexAt::client, IndexAt::dpu, IndexAt::service};
    case TierName::external:
      return {IndexAt::storage, IndexAt::client, IndexAt::service};
  }
  TIERCAST_CHECK(false, "a tier without a name");
}

// As the scenario says it, or where it says nothing.
IndexAt place_of(const ScenarioSpec& spec, size_t tier) {
  const TierSection& section = spec.tiers[tier];
  if (section.index && section.index->at) return *section.index->at;
  const hardware::StorageServiceSpec* const service = service_of(spec);
  const bool storage = section.kind == TierName::external && service != nullptr &&
                       service->metadata_operations.value > 0;
  return storage ? IndexAt::storage : IndexAt::client;
}

// A tier whose index is in one of these.
enum class Host : uint8_t { node, node_dpu, enclosure };

bool lives_in(const ScenarioSpec& spec, size_t tier, Host host) {
  if (!spec.tiers[tier].index || !spec.tiers[tier].stack) return false;
  const IndexAt at = *tier_index(spec, tier).at;
  if (host == Host::node) return at == IndexAt::node;
  const bool context = spec.tiers[tier].kind == TierName::context;
  return at == IndexAt::dpu && context == (host == Host::enclosure);
}

uint32_t cores_of(const ScenarioSpec& spec, Host host) {
  uint32_t cores = 0;
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    if (lives_in(spec, i, host)) cores += spec.tiers[i].index->servers.value_or(1);
  }
  return cores;
}

Figure<Nanoseconds> operation_estimate() {
  return {nanoseconds(5'000), FigureKind::estimate,
          "Assumption: one look into a hash table and the message it comes in, on one core; no "
          "public measurement of an index of KV blocks",
          std::pair(nanoseconds(1'000), nanoseconds(50'000))};
}

class IndexCheck {
 public:
  IndexCheck(const ScenarioSpec& spec, Problems& problems) : spec_(spec), problems_(problems) {}

  void check_all() {
    for (size_t i = 0; i < spec_.tiers.size(); ++i) {
      if (spec_.tiers[i].index && check_place(i)) check_figures(i, *spec_.tiers[i].index);
    }
    if (problems_.any()) return;
    check_cores();
  }

 private:
  bool check_place(size_t i) {
    const TierName kind = spec_.tiers[i].kind;
    const std::vector<IndexAt> places = places_of(kind);
    if (places.empty()) {
      problems_.add(path_of(i), "an engine knows its own memory", "leave it out");
      return false;
    }
    const IndexAt at = place_of(spec_, i);
    if (std::find(places.begin(), places.end(), at) == places.end()) {
      std::vector<std::string> names;
      for (const IndexAt place : places) names.push_back(name_of_choice(place));
      problems_.add(
          path_of(i) + ".at",
          "the index of " + name_of_choice(kind) + " cannot be at " + name_of_choice(at),
          "it can be at " + join(names) + "; leave it out to have it at " + names.front());
      return false;
    }
    if (at == IndexAt::dpu && kind == TierName::nvme && spec_.cluster.node.dpus.empty()) {
      problems_.add(path_of(i) + ".at", "the node has no DPUs",
                    "say cluster.node.dpus, e.g. [bluefield-3], or index: node");
      return false;
    }
    const hardware::StorageServiceSpec* const service = service_of(spec_);
    if (at == IndexAt::storage && service != nullptr && service->metadata_operations.value <= 0) {
      problems_.add(path_of(i) + ".at",
                    "the service has no metadata step: its metadata_operations are 0",
                    "say index: client, or give it metadata_operations");
      return false;
    }
    return true;
  }

  void check_figures(size_t i, const IndexSection& index) {
    const IndexAt at = place_of(spec_, i);
    const bool ours = at != IndexAt::client && at != IndexAt::storage;
    const auto takes_no = [&](const char* key, bool given) {
      if (!given || ours) return;
      if (at == IndexAt::client) {
        problems_.add(
            path_of(i) + "." + key, "engines know what is there, and nobody is asked",
            "leave it out, or say at: " + name_of_choice(places_of(spec_.tiers[i].kind).back()));
      } else {
        problems_.add(path_of(i) + "." + key, "the storage service has its own figures",
                      "see metadata_servers and metadata_time of cluster.storage.external.service, "
                      "and metadata_latency of the stack");
      }
    };
    takes_no("servers", index.servers.has_value());
    takes_no("operation_time", index.operation_time.has_value());
    takes_no("round_trip", index.round_trip.has_value());
    if (at == IndexAt::client && index.sharing != LinkSharing::fifo) {
      problems_.add(path_of(i) + ".sharing", "nobody is asked, so nothing is shared",
                    "leave it out");
    }
  }

  // What indices take of `cores` must leave `needed`.
  void check_cores(Host host, uint32_t cores, uint32_t needed, const std::string& whose,
                   const std::string& for_what) {
    const uint32_t wanted = cores_of(spec_, host);
    if (wanted == 0 || wanted + needed <= cores) return;
    size_t first = 0;
    while (!lives_in(spec_, first, host)) ++first;
    const uint32_t most = cores > needed ? cores - needed : 0;
    problems_.add(path_of(first) + ".servers",
                  "indices set aside " + std::to_string(wanted) + " of the " +
                      std::to_string(cores) + " cores of " + whose + ", and " + for_what +
                      " needs " + std::to_string(needed),
                  most > 0 ? "at most " + std::to_string(most) + " of all tiers can be set aside"
                           : "have it elsewhere",
                  path_of(first));
  }

  void check_cores() {
    const hardware::NodeSpec& node = spec_.cluster.node;
    const uint32_t gpus = std::max(1u, spec_.engine.parallel().gpus());
    const uint32_t engines = std::max(1u, node.gpus / gpus);
    check_cores(Host::node, node.host.cores, engines * ledger::serving_cores(gpus), "a host",
                "serving");
    const auto& context = spec_.cluster.storage.context;
    if (context && context->enclosure) {
      check_cores(Host::enclosure, context->enclosure->dpus.cores, 1, "an enclosure's DPU", "data");
    }
    for (const hardware::DpuSpec& dpu : node.dpus) {
      check_cores(Host::node_dpu, dpu.cores, 1, "the node's DPU", "data");
    }
  }

  const ScenarioSpec& spec_;
  Problems& problems_;
};

}  // namespace

IndexSection tier_index(const ScenarioSpec& spec, size_t tier) {
  IndexSection index = spec.tiers[tier].index.value_or(IndexSection{});
  index.at = tier_objects(spec, tier).usable ? place_of(spec, tier) : IndexAt::client;
  return index;
}

uint32_t enclosure_index_cores(const ScenarioSpec& spec) { return cores_of(spec, Host::enclosure); }
uint32_t node_dpu_index_cores(const ScenarioSpec& spec) { return cores_of(spec, Host::node_dpu); }
uint32_t host_index_cores(const ScenarioSpec& spec) { return cores_of(spec, Host::node); }

void estimate_indices(ScenarioSpec& spec, Node& resolved) {
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    std::optional<IndexSection>& index = spec.tiers[i].index;
    const bool guessed = index && (index->at == IndexAt::node || index->at == IndexAt::service);
    if (!guessed || index->operation_time) continue;
    index->operation_time = operation_estimate();
    resolved.find("tiers")->items.at(i).find("index")->set("operation_time",
                                                           figure_node(*index->operation_time));
  }
}

std::string index_caveat(const ScenarioSpec& spec, size_t tier) {
  const std::optional<IndexSection>& index = spec.tiers[tier].index;
  if (!index || *tier_index(spec, tier).at != IndexAt::service) return {};
  return "the index of " + name_of_choice(spec.tiers[tier].kind) +
         " lives on servers beside the machines: their watts and price are not counted";
}

void check_indices(const ScenarioSpec& spec, Problems& problems) {
  IndexCheck(spec, problems).check_all();
}

// Stations of the tier's index, which of them engines ask and which stores tell. A storage service
// opens objects wherever the index lives, and where it lives there, in the same operation.
void TierBuilder::add_index(size_t i, const TierSection& section, tiering::TierSpec& tier) {
  const hardware::StackSpec& stack = *section.stack;
  const IndexSection index = tier_index(spec_, i);
  const int64_t object = stack.chunk_tokens ? stack.chunk_tokens->value() : set_.block_tokens;
  tier.index.blocks_per_object =
      static_cast<uint32_t>(std::max<int64_t>(1, object / set_.block_tokens));
  const uint32_t opened = tier.index.opened;
  if (opened != tiering::kNone) tier.index.told.assign(tier.pools.size(), {opened});
  if (index.at == IndexAt::client) return;
  if (index.at == IndexAt::storage) {
    set_.stations[opened].turns = index.sharing == LinkSharing::fair;
    tier.index.asked.assign(engines(), opened);
    tier.index.round_trip_ns =
        ceil_to_ns(stack.metadata_latency.value * stack.metadata_operations).value();
    return;
  }
  const Nanoseconds trip = index.round_trip            ? index.round_trip->value
                           : index.at == IndexAt::node ? nanoseconds(0)
                                                       : ceil_to_ns(stack.operation_latency.value);
  const IndexStations stations = add_stations(section.kind, index, tier);
  tier.index.round_trip_ns = trip.value();
  for (uint32_t e = 0; e < engines(); ++e) {
    const uint32_t pool = tier.pool_of[e];
    const bool reaches = tier.kind == tiering::TierKind::peer || pool != tiering::kNone;
    tier.index.asked.push_back(reaches ? stations.of(set_.node_of[e], pool) : tiering::kNone);
  }
  // What peers give was stored in host memory.
  const auto host = std::find_if(set_.tiers.begin(), set_.tiers.end(), [](const auto& other) {
    return other.kind == tiering::TierKind::dram;
  });
  tiering::TierSpec& stored = tier.kind == tiering::TierKind::peer ? *host : tier;
  stored.index.told.resize(stored.pools.size());
  for (uint32_t p = 0; p < stored.pools.size(); ++p) {
    stored.index.told[p].push_back(stations.of(stored.pools[p].node, p));
  }
  stored.index.told_trip_ns = std::max(stored.index.told_trip_ns, trip.value());
}

uint32_t TierBuilder::IndexStations::of(uint32_t node, uint32_t pool) const {
  return by == IndexAt::service ? first : first + (by == IndexAt::node ? node : pool);
}

// One for all, one a node, or one for the cards of each pool.
TierBuilder::IndexStations TierBuilder::add_stations(TierName kind, const IndexSection& index,
                                                     const tiering::TierSpec& tier) {
  // More than anything keeps busy are as good as endless ones.
  constexpr uint64_t kServersMax = 1 << 24;
  const auto servers = [&](uint64_t cards) {
    return static_cast<uint32_t>(std::min(kServersMax, cards * index.servers.value_or(1)));
  };
  const bool turns = index.sharing == LinkSharing::fair;
  const auto first = static_cast<uint32_t>(set_.stations.size());
  const auto time_or = [&](Nanoseconds fallback) {
    return index.operation_time ? index.operation_time->value.value() : fallback.value();
  };
  if (index.at == IndexAt::service) {
    set_.stations.push_back({tier.name + "0.index", index.operation_time->value.value(), servers(1),
                             turns, StationPlace::service});
    return {first, IndexAt::service};
  }
  if (kind == TierName::context) {
    const hardware::StorageUnits& units = *spec_.cluster.storage.context;
    const hardware::DpuSpec& cards = units.enclosure->dpus;
    const auto pools = static_cast<uint32_t>(tier.pools.size());
    const uint64_t cards_of_pool = uint64_t{cards.count} * units.count / pools;
    for (uint32_t p = 0; p < pools; ++p) {
      set_.stations.push_back({tier.name + std::to_string(p) + ".index",
                               time_or(cards.operation_time.value), servers(cards_of_pool), turns,
                               StationPlace::enclosure});
    }
    return {first, IndexAt::dpu};
  }
  uint64_t cards = 1;
  Nanoseconds slowest = nanoseconds(1);
  if (index.at == IndexAt::dpu) {
    cards = 0;
    for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
      cards += dpu.count;
      slowest = std::max(slowest, dpu.operation_time.value);
    }
  }
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    const bool host = index.at == IndexAt::node;
    set_.stations.push_back(
        {"node" + std::to_string(n) + (host ? ".index." : ".dpu.index.") + tier.name,
         time_or(slowest), servers(cards), turns,
         host ? StationPlace::node : StationPlace::node_dpu});
  }
  return {first, IndexAt::node};
}

}  // namespace tiercast::scenario
