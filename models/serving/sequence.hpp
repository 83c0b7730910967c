#pragma once

#include <cstdint>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/policy/tierpolicy.h"
#include "models/serving/attribution.hpp"
#include "models/serving/instance_counts.hpp"
#include "models/tiering/tier_manager.hpp"

namespace tiercast::serving {

using SequenceId = uint32_t;
inline constexpr SequenceId kNoSequence = UINT32_MAX;
inline constexpr uint32_t kNoSlot = UINT32_MAX;

/// A request inside one instance: waiting, prefilling or decoding. Entries are recycled; `epoch`
/// tells a recycled one from what a heap entry meant.
struct Sequence {
  uint64_t request = 0;  ///< index into the request log
  uint32_t epoch = 0;
  uint64_t order = 0;  ///< of admission: running order, and the last one is preempted first

  // Lengths. `target_tokens` are prefilled (input, and after a preemption what was generated);
  // then each decode step writes and generates one.
  uint32_t target_tokens = 0;
  uint32_t prefilled_tokens = 0;
  uint32_t generated_tokens = 0;
  uint32_t output_tokens = 0;

  // Frames.
  kvstore::NodeId leaf = kvstore::kNoNode;  ///< entered when first considered for admission
  std::vector<tp_span> pending;             ///< prefill frames not complete yet, in order
  uint32_t open_slot = kNoSlot;             ///< frame the next decode step writes into
  std::vector<tp_span> own;                 ///< frames that hold nothing cached

  // Decoding: the step numbered s reads `offset + s` KV tokens.
  bool decoding = false;
  int64_t offset = 0;
  int64_t finish_step = 0;  ///< the batch's step count once its last token is out
  int64_t decode_from = 0;  ///< KV tokens read by its first decode step since it joined
  Int128 phase_start = 0;   ///< clock when it was admitted, then when it joined the decodes
  Int128 phase_alone = 0;   ///< what its prefill chunks since then would have cost alone
  SequenceId bucket_next = kNoSequence;
  SequenceId bucket_prev = kNoSequence;

  // Running list, in admission order.
  SequenceId run_next = kNoSequence;
  SequenceId run_prev = kNoSequence;

  // Tiers below GPU memory.
  bool pinned = false;            ///< its way is pinned: it fetched, or runs
  bool asked = false;             ///< the pool's policy has heard of its prompt's blocks
  bool looked_up = false;         ///< the index has answered since it was last queued
  bool misled = false;            ///< read in vain since it was last queued: goes by what is so
  bool fetching = false;          ///< blocks for it are on their way
  bool staging = false;           ///< blocks for it are on their way to a nearer tier
  int64_t staging_since_ns = -1;  ///< when it was parked for them; -1: it is not
  uint64_t park_order = 0;        ///< 0: not parked since it was last queued
  uint32_t loaded_blocks = 0;     ///< fetched since it was last queued
  uint32_t load_tier = 0;         ///< that its last fetch waited for longest
  bool holds = false;             ///< a step is held until what it fetches is there

  // A head that is computed while the blocks behind it, the tail, are on their way.
  bool in_head = false;     ///< until all of it is computed and the tail has come
  uint32_t tail_first = 0;  ///< blocks, counted from the head of the prompt
  uint32_t tail_end = 0;
  tiering::LoadMode tail_mode{};
  std::vector<tp_span> head;                       ///< frames set aside for the rest of the head
  std::vector<tp_span> tail;                       ///< frames that the tail comes into
  tiering::TicketId tail_ticket = tiering::kNone;  ///< of a tail that came before its head was done
  Int128 stalled_from = -1;    ///< clock from which on it waits for the tail; -1: it does not
  std::vector<TierTime> load;  ///< by tier; empty without tiers

  // Disaggregation.
  uint32_t handed_by = tiering::kNone;  ///< engine that holds its computed blocks for it
  uint32_t handed_blocks = 0;
  bool handing_over = false;  ///< they are on their way

  // Attribution.
  int64_t queued_since_ns = 0;
  WaitParts waits;
  TickParts ticks;
  Int128 last_token_clock = 0;
};

}  // namespace tiercast::serving
