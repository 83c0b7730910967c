// What the tiers of a scenario take for one request alone, by the simulation's own routes and sums.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/scenario/spec.hpp"
#include "models/scenario/world.hpp"

namespace tiercast::scenario {

/// One way between an engine and a tier with nothing else on it. A transfer takes
///   fixed_ns() + ceil(bytes / bytes_per_s)
/// as tiering::Transfers::unloaded_ns has it, and tail_ns more where it meets a slow device. Where
/// blocks lie on some of a pool's devices, that is so for many blocks which lie on all alike; few
/// blocks reach few devices, and one that holds more than its share takes longer.
struct TierWay {
  int64_t set_up_ns = 0;           ///< of the stack, once a transfer
  int64_t metadata_ns = 0;         ///< round trips before bytes move: of the stack, to the index
  int64_t first_operation_ns = 0;  ///< its call, latency of path, switches and device
  int64_t convert_ns = 0;          ///< of one: before bytes move, of a load after they have
  int64_t acknowledge_ns = 0;      ///< after the last byte, switches included; of stores alone
  int64_t tail_ns = 0;             ///< by which a slow device makes a transfer late
  int64_t wait_ns = 0;             ///< the longest in busy devices and switches
  uint64_t bytes_per_s = 0;        ///< while bytes move
  std::optional<uint64_t> block_bytes_per_s;  ///< of one block, where it lies on some of several
  std::string bound;  ///< what sets that rate: a link's name, or what of which stack

  int64_t before_ns() const { return set_up_ns + metadata_ns + first_operation_ns; }
  int64_t fixed_ns() const { return before_ns() + convert_ns + acknowledge_ns; }
};

/// A prefix of so many tokens. A load is lookup, opening, fixed time of the way up, and moving.
struct PrefixTimes {
  uint32_t tokens = 0;     ///< whole blocks
  uint64_t bytes = 0;      ///< that a load moves
  int64_t lookup_ns = 0;   ///< the tier's index where it lives; asked whichever tier then gives
  int64_t opening_ns = 0;  ///< objects at a storage service's metadata servers, if asking did not
  int64_t moving_ns = 0;   ///< blocks as evenly on the devices as can be
  int64_t load_ns = 0;
  double tail_probability = 0;  ///< that the load takes load.tail_ns longer
  std::optional<int64_t> store_ns;
  int64_t recompute_ns = 0;  ///< from nothing, alone in steps of max_batched_tokens
};

/// Both ends included.
struct TokenRange {
  uint32_t first = 0;
  uint32_t last = 0;
};

/// Where a tier's index lives, as the first engine meets it.
struct IndexTimes {
  std::string at;       ///< as scenarios say it
  std::string station;  ///< empty: nobody is asked
  uint32_t servers = 0;
  int64_t operation_ns = 0;
  int64_t round_trip_ns = 0;
  std::vector<std::string> told;  ///< stations that stores into the first engine's pool wait for
  std::string opened;      ///< station that a load opens its objects at; empty: none, or asking did
  int64_t in_vain_ns = 0;  ///< what a load takes to find a block gone
};

struct TierTimes {
  std::string name;
  std::string stack;
  std::string objects;       ///< how KV is kept there
  uint64_t token_bytes = 0;  ///< of one token, each number once
  bool usable = true;        ///< false: the engine cannot read them, and nothing below is told
  uint32_t pools = 0;
  uint64_t pool_blocks = 0;  ///< of each pool; 0: it reads another tier's
  uint64_t pool_bytes = 0;
  IndexTimes index;
  int64_t index_delay_ns = 0;  ///< until requests see what came or left
  TierWay load;
  std::optional<TierWay> cached_load;  ///< of what lies in memory before its devices alone
  /// From GPU memory, or from host memory where stores leave from there; absent where none come.
  std::optional<TierWay> store;
  std::vector<PrefixTimes> prefixes;    ///< 1Ki, 8Ki, 32Ki, 128Ki tokens as far as the context goes
  std::vector<TokenRange> load_faster;  ///< lengths in whole blocks at which load_ns < recompute_ns
  uint32_t block_tokens = 0;            ///< of a block, the shortest length looked at
  uint32_t longest_tokens = 0;          ///< the longest: the context in whole blocks

  /// The least length from which on loading is faster up to the longest; absent where it never is.
  std::optional<uint32_t> break_even_tokens() const;
};

/// Prompts handed over from the first prefill engine to a decode engine, with nothing else on the
/// way. The request waits for all of it: way.fixed_ns() and moving.
struct HandOffTimes {
  bool inside_node = false;  ///< else to another node
  std::string stack;
  std::vector<std::string> links;
  TierWay way;
  struct Prompt {
    uint32_t tokens = 0;  ///< whole blocks
    uint64_t bytes = 0;
    int64_t moving_ns = 0;
    int64_t total_ns = 0;
  };
  std::vector<Prompt> prompts;  ///< 1Ki, 8Ki, 32Ki, 128Ki tokens as far as the context goes
};

/// Inside a node and between nodes, as far as decode engines are there; empty without
/// `disaggregation`. Of prompts of `longest` tokens at most.
std::vector<HandOffTimes> handoff_times(const ScenarioSpec& spec, const World& world,
                                        uint32_t longest = UINT32_MAX);

/// For the first engine, by tier in the order of lookup; empty without tiers below GPU memory. Of
/// prefixes of `longest` tokens at most, whole blocks.
std::vector<TierTimes> tier_times(const ScenarioSpec& spec, const World& world,
                                  uint32_t longest = UINT32_MAX);

/// Time to compute a prompt from nothing, alone.
int64_t prefill_ns(const World& world, uint32_t tokens);

}  // namespace tiercast::scenario
