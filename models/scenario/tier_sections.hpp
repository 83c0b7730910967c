// What a scenario says about the tiers below GPU memory, and about placement over them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/hardware/stack_spec.hpp"
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

struct TierSection {
  TierName kind = TierName::hbm;
  std::optional<Bytes> capacity;  ///< of one pool
  std::optional<TierScope> scope;
  std::optional<hardware::StackSpec> stack;
  tiering::LoadMode load{};
  LinkSharing sharing{};
  bool read_only = false;
  Nanoseconds index_delay{};  ///< of what comes and leaves
  std::optional<EvictionSection> eviction;

  static const FieldTable<TierSection>& fields();
};

/// The catalogue's stack for a tier that names none; empty for GPU memory.
std::string default_stack(TierName kind);
TierScope default_scope(TierName kind);
/// The catalogue's stack for handing prompts over, where a scenario names none.
inline constexpr const char* kHandOverStack = "mooncake-te";
inline constexpr const char* kLocalHandOverStack = "nixl-nvlink";

enum class WritePolicy : uint8_t { through, selective, back };
std::vector<Choice<WritePolicy>> choices(WritePolicy);
enum class FetchPolicy : uint8_t { load_all, recompute_all, load_or_recompute };
std::vector<Choice<FetchPolicy>> choices(FetchPolicy);
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
  uint32_t min_load = 1;

  static const FieldTable<PlacementSection>& fields();

  std::string policy_name() const;
  /// `name=value` lines for that policy.
  std::string config_lines() const;
};

}  // namespace tiercast::scenario
