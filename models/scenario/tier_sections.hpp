// What a scenario says about the tiers below GPU memory, and about placement over them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/hardware/stack_spec.hpp"
#include "models/llm/model_spec.hpp"
#include "models/scenario/eviction_section.hpp"
#include "models/tiering/tier_spec.hpp"
#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::scenario {

enum class TierName : uint8_t { hbm, dram, peer, nvme, context, external };
std::vector<Choice<TierName>> choices(TierName);

/// Who shares one pool of a tier.
enum class TierScope : uint8_t { engine, node, pod, site };
std::vector<Choice<TierScope>> choices(TierScope);

/// How transfers share the tier's own links.
enum class LinkSharing : uint8_t { fair, fifo };
std::vector<Choice<LinkSharing>> choices(LinkSharing);

/// How blocks lie on the devices of a pool.
struct StripingSection {
  uint32_t width = 1;         ///< devices of one block
  std::optional<Bytes> unit;  ///< that goes to one device before the next one's turn

  static const FieldTable<StripingSection>& fields();
};

/// How the objects of a tier lie: of each layer a block's part, or all layers of a block together.
enum class ObjectLayout : uint8_t { layer_first, page_first };
std::vector<Choice<ObjectLayout>> choices(ObjectLayout);

/// What becomes of objects that are not as the engine holds KV.
enum class ObjectMismatch : uint8_t { convert, miss };
std::vector<Choice<ObjectMismatch>> choices(ObjectMismatch);

/// How ranks that hold the same KV (MLA, more ranks than KV heads) get it: one copy is stored.
enum class ReplicaLoad : uint8_t { per_rank, broadcast };
std::vector<Choice<ReplicaLoad>> choices(ReplicaLoad);

/// What is stored, where it is not KV as the engine holds it.
struct ObjectsSection {
  std::optional<llm::KvFormat> kv;
  std::optional<uint32_t> tp;  ///< of the engine that writes them
  std::optional<ObjectLayout> layout;
  ObjectMismatch mismatch{};
  std::optional<Figure<BytesPerSecond>> convert_bandwidth;  ///< engine's KV that one GPU converts
  ReplicaLoad replicas{};

  static const FieldTable<ObjectsSection>& fields();
};

/// Where it is known what a tier holds.
enum class IndexAt : uint8_t { client, node, dpu, storage, service };
std::vector<Choice<IndexAt>> choices(IndexAt);

/// The index of a tier. Requests ask it before they load, stores tell it.
struct IndexSection {
  std::optional<IndexAt> at;
  std::optional<uint32_t> servers;
  std::optional<Figure<Nanoseconds>> operation_time;
  std::optional<Figure<Nanoseconds>> round_trip;
  LinkSharing sharing = LinkSharing::fifo;

  static const FieldTable<IndexSection>& fields();
};

/// Memory before the devices of a pool.
struct CacheSection {
  std::optional<Bytes> capacity;  ///< of one pool

  static const FieldTable<CacheSection>& fields();
};

struct TierSection {
  TierName kind = TierName::hbm;
  std::optional<Bytes> capacity;  ///< of one pool
  std::optional<TierScope> scope;
  std::optional<hardware::StackSpec> stack;
  tiering::LoadMode load{};
  LinkSharing sharing{};
  std::optional<StripingSection> striping;
  std::optional<CacheSection> cache;
  bool read_only = false;
  std::optional<IndexSection> index;
  Nanoseconds index_delay{};  ///< of what comes and leaves
  std::optional<EvictionSection> eviction;
  std::optional<ObjectsSection> objects;

  static const FieldTable<TierSection>& fields();
};

/// The catalogue's stack for a tier that names none; empty for GPU memory. A storage service is
/// spoken to as its protocol says (empty: not known), and each protocol is a stack of that name.
std::string default_stack(TierName kind, const std::string& protocol);
TierScope default_scope(TierName kind);
/// The catalogue's stack for handing prompts over, where a scenario names none.
inline constexpr const char* kHandOverStack = "mooncake-te";
inline constexpr const char* kLocalHandOverStack = "nixl-nvlink";

enum class WritePolicy : uint8_t { through, selective, back };
std::vector<Choice<WritePolicy>> choices(WritePolicy);
enum class FetchPolicy : uint8_t { load_all, recompute_all, load_or_recompute, bidirectional };
std::vector<Choice<FetchPolicy>> choices(FetchPolicy);
enum class AdmissionPolicy : uint8_t { all, second_touch, tinylfu, wear_budget };
std::vector<Choice<AdmissionPolicy>> choices(AdmissionPolicy);
enum class AdmissionTiers : uint8_t { flash, lower };
std::vector<Choice<AdmissionTiers>> choices(AdmissionTiers);
enum class StoredContent : uint8_t { prompt, all };
std::vector<Choice<StoredContent>> choices(StoredContent);

/// The placement policy of the library that runs over the tiers, and its parameters by name.
struct PlacementSection {
  WritePolicy write{};
  FetchPolicy fetch{};
  StoredContent content{};
  bool promote = true;
  bool prefetch = false;
  bool demote = false;
  uint32_t threshold = 2;
  uint32_t window = 4'194'304;
  uint32_t min_load = 1;
  AdmissionPolicy admission{};
  AdmissionTiers admission_tiers{};
  uint32_t admission_uses = 2;
  uint32_t admission_window = 1'048'576;
  double engine_price = 0;
  double write_price = 0;
  Nanoseconds write_burst{};
  std::optional<std::string> plugin;  ///< as that of an EvictionSection
  std::optional<PluginConfig> config;

  static const FieldTable<PlacementSection>& fields();

  std::string policy_name() const;
  /// `name=value` lines for that policy, or for the plug-in.
  std::string config_lines() const;
};

}  // namespace tiercast::scenario
