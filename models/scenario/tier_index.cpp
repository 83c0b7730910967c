#include "models/scenario/tier_index.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/ledger/ledger.hpp"
#include "models/scenario/figure_node.hpp"
#include "models/scenario/tier_builder.hpp"
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

// Cores of all tiers that `here` is true of.
template <class Here>
uint32_t cores_of(const ScenarioSpec& spec, Here here) {
  uint32_t cores = 0;
  for (const TierSection& tier : spec.tiers) {
    if (tier.index && here(tier.kind, tier.index->at)) cores += tier.index->servers.value_or(1);
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
    check_host_cores();
    check_card_cores();
  }

 private:
  bool check_place(size_t i) {
    const TierName kind = spec_.tiers[i].kind;
    const IndexAt at = spec_.tiers[i].index->at;
    const std::vector<IndexAt> places = places_of(kind);
    if (places.empty()) {
      problems_.add(path_of(i), "an engine knows its own memory", "leave it out");
      return false;
    }
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
    const bool ours = index.at != IndexAt::client && index.at != IndexAt::storage;
    const auto takes_no = [&](const char* key, bool given) {
      if (!given || ours) return;
      if (index.at == IndexAt::client) {
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
    if (index.at == IndexAt::client && index.sharing != LinkSharing::fifo) {
      problems_.add(path_of(i) + ".sharing", "nobody is asked, so nothing is shared",
                    "leave it out");
    }
  }

  size_t tier_at(IndexAt at) const {
    const auto found =
        std::find_if(spec_.tiers.begin(), spec_.tiers.end(),
                     [&](const TierSection& tier) { return tier.index && tier.index->at == at; });
    return static_cast<size_t>(found - spec_.tiers.begin());
  }

  // One core more than indices take must be left.
  void refuse_cores(IndexAt at, uint32_t wanted, uint32_t cores, const std::string& whose) {
    if (wanted == 0 || wanted < cores) return;
    problems_.add(path_of(tier_at(at)) + ".servers",
                  "indices set aside " + std::to_string(wanted) + " of the " +
                      std::to_string(cores) + " cores of " + whose + ", and none is left",
                  "lower it", path_of(tier_at(at)));
  }

  void check_host_cores() {
    const uint32_t cores = spec_.cluster.node.host.cores;
    refuse_cores(IndexAt::node, host_index_cores(spec_), cores, "a host");
  }

  void check_card_cores() {
    const auto& context = spec_.cluster.storage.context;
    if (context && context->enclosure) {
      refuse_cores(IndexAt::dpu, enclosure_index_cores(spec_), context->enclosure->dpus.cores,
                   "an enclosure's DPU");
    }
    for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
      refuse_cores(IndexAt::dpu, node_dpu_index_cores(spec_), dpu.cores, "the node's DPU");
    }
  }

  const ScenarioSpec& spec_;
  Problems& problems_;
};

}  // namespace

IndexSection tier_index(const ScenarioSpec& spec, size_t tier) {
  if (spec.tiers[tier].index) return *spec.tiers[tier].index;
  IndexSection index;
  const hardware::StorageServiceSpec* const service = service_of(spec);
  if (spec.tiers[tier].kind == TierName::external && service != nullptr &&
      service->metadata_operations.value > 0) {
    index.at = IndexAt::storage;
  }
  return index;
}

uint32_t enclosure_index_cores(const ScenarioSpec& spec) {
  return cores_of(spec, [](TierName kind, IndexAt at) {
    return kind == TierName::context && at == IndexAt::dpu;
  });
}

uint32_t node_dpu_index_cores(const ScenarioSpec& spec) {
  return cores_of(spec, [](TierName kind, IndexAt at) {
    return kind != TierName::context && at == IndexAt::dpu;
  });
}

uint32_t host_index_cores(const ScenarioSpec& spec) {
  return cores_of(spec, [](TierName, IndexAt at) { return at == IndexAt::node; });
}

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
  if (!index || index->at != IndexAt::service) return {};
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
  const uint32_t servers = index.servers.value_or(1);
  const bool turns = index.sharing == LinkSharing::fair;
  const auto first = static_cast<uint32_t>(set_.stations.size());
  const auto time_or = [&](Nanoseconds fallback) {
    return index.operation_time ? index.operation_time->value.value() : fallback.value();
  };
  if (index.at == IndexAt::service) {
    set_.stations.push_back({tier.name + "0.index", index.operation_time->value.value(), servers,
                             turns, StationPlace::service});
    return {first, IndexAt::service};
  }
  if (kind == TierName::context) {
    const hardware::StorageUnits& units = *spec_.cluster.storage.context;
    const hardware::DpuSpec& cards = units.enclosure->dpus;
    const auto pools = static_cast<uint32_t>(tier.pools.size());
    const uint32_t cards_of_pool = std::max(1u, cards.count * units.count / pools);
    for (uint32_t p = 0; p < pools; ++p) {
      set_.stations.push_back({tier.name + std::to_string(p) + ".index",
                               time_or(cards.operation_time.value), servers * cards_of_pool, turns,
                               StationPlace::enclosure});
    }
    return {first, IndexAt::dpu};
  }
  uint32_t cards = 1;
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
         time_or(slowest), servers * cards, turns,
         host ? StationPlace::node : StationPlace::node_dpu});
  }
  return {first, IndexAt::node};
}

}  // namespace tiercast::scenario
