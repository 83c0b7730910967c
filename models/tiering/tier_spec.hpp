// A hierarchy below GPU memory, compiled: integers, dense indices, no names to look up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/tiering/policy_checks.hpp"
#include "sim/resources/topology.hpp"

namespace tiercast::tiering {

inline constexpr uint32_t kNone = UINT32_MAX;

enum class TierKind : uint32_t {
  dram = TP_TIER_DRAM,          ///< memory of a node
  peer = TP_TIER_PEER,          ///< memory of the other nodes, over the fabric
  nvme = TP_TIER_NVME,          ///< drives of a node
  context = TP_TIER_CONTEXT,    ///< flash behind DPUs, shared by a pod
  external = TP_TIER_EXTERNAL,  ///< storage services
};

/// What a request does while its blocks come.
enum class LoadMode : uint8_t {
  parked,     ///< waits outside the batch, others run
  in_step,    ///< is in a step that starts computing once they are there
  layerwise,  ///< is in a step that computes each layer as it comes
};

/// A link of the hierarchy: a port, a bus, the drives of a pool. Both directions of a full-duplex
/// one are two; a third that both cross says what they reach together.
struct TierLinkSpec {
  std::string name;
  uint64_t bytes_per_s = 0;
  bool fifo = false;  ///< whole transfers one after another
};

/// Two one-way lists of links, as indices into TierSetSpec::links.
struct TwoWay {
  std::vector<uint32_t> up;    ///< towards the GPU
  std::vector<uint32_t> down;  ///< away from it
};

/// What the stack and the devices add to a transfer that the links do not show.
struct TransferCost {
  int64_t before_ns = 0;  ///< set-up and the first operation's latency, before bytes flow
  int64_t after_ns = 0;   ///< acknowledgement, after they have
  uint64_t rate_cap = 0;  ///< bytes/s that one transfer's operations reach; 0: no bound
  uint64_t operation_bytes = 1;
  uint32_t tail_ppm = 0;  ///< probability, in millionths, that an operation meets a slow device
  int64_t tail_ns = 0;    ///< what that adds to its latency
  uint32_t interference_ppm = 0;  ///< share by which steps of an engine slow down beside the copy
  uint64_t core_fs_per_byte = 0;  ///< time of host cores, in 10^-15 s
  int64_t device_wait_ns = 0;     ///< the first operation's longest wait at devices that others use
  int64_t switch_wait_ns = 0;     ///< the same in switches, before cables that others use
};

/// Where operations on indices are served, and whose cores do it.
enum class StationPlace : uint8_t {
  service,    ///< servers that no other figure holds
  storage,    ///< those of a storage service
  node,       ///< host cores
  node_dpu,   ///< DPUs of a node
  enclosure,  ///< DPUs before the flash of a pool
};

struct StationSpec {
  std::string name;
  int64_t operation_ns = 1;  ///< of one server
  uint32_t servers = 1;
  bool turns = false;  ///< jobs share the servers; else first come first served
  StationPlace place = StationPlace::service;
};

/// A job at a station, operations >= 1.
struct StationVisit {
  uint32_t station = kNone;  ///< index into TierSetSpec::stations
  uint32_t operations = 1;
};

/// Where a tier's index lives, where it costs time to ask or to tell it.
struct IndexSpec {
  std::vector<uint32_t> asked;  ///< by engine: the station that says what is there; kNone or empty:
                                ///< its engines know
  int64_t round_trip_ns = 0;    ///< of that question: network and client
  int64_t told_trip_ns = 0;     ///< of telling it, which what is stored waits for beside its cost
  uint32_t opened = kNone;      ///< station that opens objects to be read; kNone: nothing to open
  bool opens_as_asked = false;  ///< what is asked about is open for loads into GPU memory
  std::vector<std::vector<uint32_t>> told = {};  ///< by pool: stations that each store waits for
  uint32_t blocks_per_object = 1;

  uint32_t asked_by(uint32_t engine) const { return asked.empty() ? kNone : asked[engine]; }
  /// For so many blocks: ceil(blocks / blocks_per_object), at least 1.
  uint32_t operations(uint32_t blocks) const {
    return blocks == 0 ? 1 : (blocks - 1) / blocks_per_object + 1;
  }
};

/// The switches of one network. Ports of nodes and of storage hang on its leaves, which are the
/// first nodes of the topology; cables join switches alone.
struct SwitchedFabric {
  resources::Topology topology;
  std::vector<uint32_t> links;  ///< by link of the topology: index into TierSetSpec::links
  resources::Routing routing = resources::Routing::shortest;
  uint32_t routes = 1;            ///< equal ones between two leaves, at most
  int64_t switch_ns = 0;          ///< from port to port of one switch
  int64_t queue_ns = 0;           ///< wait before its cables where they are full
  std::vector<uint32_t> leaf_of;  ///< by node: where its ports hang
};

/// How stored blocks lie on the devices of a pool. A block is dealt in units to `width` devices
/// side by side, round the pool's end; a hash of its key says which is first.
struct StripingSpec {
  uint32_t width = 1;
  uint64_t unit_bytes = 0;  ///< 0: a block's bytes in `width` equal parts
};

struct TierPoolSpec {
  uint32_t node = kNone;  ///< that holds it; kNone: shared storage
  TwoWay links;           ///< that all its bytes cross
  std::vector<uint32_t> leaves =
      {};  ///< of shared storage: where its boxes hang on the tier's fabric
  std::vector<TwoWay> devices = {};  ///< by device, what only bytes on it cross, the links of a
                                     ///< card among those of all its drives; empty: not told apart
  std::vector<TwoWay> cached = {};   ///< the same of reads that the tier's cache answers
};

struct TierSpec {
  std::string name;
  TierKind kind = TierKind::dram;
  LoadMode load_mode = LoadMode::parked;
  uint32_t block_bytes = 0;      ///< of one block as the tier stores it
  uint32_t load_copies = 1;      ///< ranks that load a copy each: so often do a load's bytes move
  uint64_t capacity_blocks = 0;  ///< of each pool
  uint64_t write_bytes_per_day = 0;  ///< into each pool that its drives are rated for; 0: no bound
  int64_t write_burst_ns = 0;        ///< so much of that may be saved up
  uint32_t simulated_blocks = 0;     ///< the same, or less: a run that needs more ends in an error
  const tp_cache_table* eviction = nullptr;
  std::string eviction_config;
  bool read_only = false;
  /// Stores leave from host memory where a tier keeps them there, which may keep what loads bring.
  bool through_host = false;
  StripingSpec striping;
  /// Blocks of each pool that lie in memory before its devices, too; 0: none. A pool then has
  /// devices, be it one. The blocks read or written last are there.
  uint32_t cache_blocks = 0;
  std::vector<TierPoolSpec> pools;  ///< with equally many devices each
  std::vector<uint32_t> pool_of;    ///< by engine: index into pools, or kNone
  std::vector<TwoWay> to_engine;    ///< by engine: links between the tier's side and GPU memory
  std::vector<TwoWay> to_node;      ///< by node: links between the tier's side and its host memory
  uint32_t fabric = kNone;          ///< that its transfers cross; kNone: no switch
  TransferCost load;                ///< into GPU memory
  TransferCost store;               ///< out of it
  TransferCost to_nearer;           ///< into a tier before this one
  TransferCost from_nearer;         ///< out of one
  TransferCost cached_load;         ///< `load` where all of it lies in the cache
  TransferCost cached_to_nearer;    ///< `to_nearer`, the same
  int64_t index_delay_ns = 0;       ///< how late `find` hears of blocks that came and left
  IndexSpec index;
};

/// All tiers below GPU memory, in the order of lookup. A peer tier has no pools of its own: it
/// reads those of the dram tier on other nodes. Tiers between which blocks move store blocks of
/// the same bytes: only GPUs convert.
struct TierSetSpec {
  uint32_t block_tokens = 0;
  uint32_t block_bytes = 0;           ///< of one block as engines hold it, each number once
  uint32_t handoff_copies = 1;        ///< as TierSpec::load_copies, from engine to engine
  std::vector<uint32_t> node_of;      ///< by engine
  std::vector<TwoWay> engine_fabric;  ///< by engine: between the GPU fabric and its memory
  std::vector<TwoWay> engine_local;   ///< by engine: between its memory and GPUs beside it
  TransferCost handoff;               ///< GPU memory to GPU memory over the fabric
  TransferCost local_handoff;         ///< the same on one node, over none
  uint32_t gpu_fabric = kNone;        ///< its switches
  std::vector<SwitchedFabric> fabrics;
  std::vector<TierLinkSpec> links;
  std::vector<StationSpec> stations;
  std::vector<TierSpec> tiers;
  const tp_placement_table* placement = nullptr;
  std::string placement_config;
  PolicyChecks policy_checks = PolicyChecks::answers;
  bool writes_back = false;  ///< the policy may move what leaves GPU memory
  bool prefetches = false;   ///< the policy may move blocks as requests arrive
};

}  // namespace tiercast::tiering
