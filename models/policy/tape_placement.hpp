#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// What a call of a placement policy says beside what calls of every kind do.
struct PlacementCall {
  uint32_t first = 0;
  uint32_t count = 0;  ///< place, demote: blocks
  uint32_t from = 0;
  uint32_t to = 0;  ///< admit: asked about; demote: answered
  std::vector<tp_tier> tiers;
  tp_fetch fetch{};  ///< its runs: `runs`
  std::vector<tp_run> runs;
  uint64_t room = 0;  ///< for answers
  uint64_t told = 0;  ///< with TP_ESPACE, answers that would be
  std::vector<tp_placed> placed;
  std::vector<tp_segment> segments;
  tp_transfer transfer{};

  /// As TapeCall::clear().
  void clear();
};

struct TapeCall;
struct TapeContext;
class TapeEncoder;
class TapeDecoder;

/// The fields of a call of a placement policy alone, behind its time.
void encode_placement(TapeEncoder& to, TapeContext& context, const TapeCall& call);
void decode_placement(TapeDecoder& from, TapeContext& context, TapeCall& call);

/// Whether a host may ask so, and the answer fits the question.
bool sound_placement(const TapeCall& call);

/// What call_text and answer_text say of them.
std::string placement_arguments_text(const TapeCall& call);
std::string placement_answer_text(const TapeCall& call);
bool same_placement_answer(const PlacementCall& a, const PlacementCall& b);

}  // namespace tiercast::policy
