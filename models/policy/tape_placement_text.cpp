#include <algorithm>
#include <string>

#include "models/policy/tape_format.hpp"

namespace tiercast::policy {
namespace {

constexpr std::size_t shown_items = 8;

std::string tier_text(uint32_t tier) { return tier == TP_NO_TIER ? "none" : std::to_string(tier); }

std::string blocks_text(uint32_t first, uint32_t count) {
  return std::to_string(first) + "+" + std::to_string(count);
}

std::string tiers_text(uint32_t mask) {
  std::string text;
  for (uint32_t tier = 0; tier < 32; ++tier) {
    if ((mask >> tier & 1u) != 0) text += (text.empty() ? "" : ",") + std::to_string(tier);
  }
  return text.empty() ? "none" : text;
}

std::string segment_text(const tp_segment& segment) {
  const std::string blocks = blocks_text(segment.first, segment.count);
  const std::string keeps = segment.to == TP_NO_TIER ? "" : " to " + std::to_string(segment.to);
  switch (segment.mode) {
    case TP_SEGMENT_LOAD:
      return "load " + blocks + " from " + std::to_string(segment.tier) + keeps;
    case TP_SEGMENT_WAIT:
      return "wait for " + blocks;
    case TP_SEGMENT_COMPUTE:
      return "compute " + blocks;
    case TP_SEGMENT_STAGE:
      return "stage " + blocks + " from " + std::to_string(segment.tier) + keeps;
    default:
      return "mode " + std::to_string(segment.mode) + " of " + blocks;
  }
}

template <class Items, class Text>
std::string items_text(const Items& items, Text text_of) {
  if (items.empty()) return " nothing";
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), shown_items); ++i) {
    text += (i == 0 ? " " : "; ") + text_of(items[i]);
  }
  if (items.size() > shown_items) {
    text += " and " + std::to_string(items.size() - shown_items) + " more";
  }
  return text;
}

}  // namespace

std::string placement_arguments_text(const TapeCall& call) {
  const PlacementCall& placement = call.placement;
  switch (call.op) {
    case TapeOp::place:
      return ", request " + std::to_string(call.request.id) + ", phase " +
             std::to_string(call.number) + ", of blocks " +
             blocks_text(placement.first, placement.count);
    case TapeOp::demote:
      return " of " + std::to_string(placement.count) + " blocks from tier " +
             std::to_string(placement.from);
    case TapeOp::plan_fetch:
    case TapeOp::prefetch:
      return ", request " + std::to_string(call.request.id) + ", of" +
             items_text(placement.runs, [](const tp_run& run) {
               return blocks_text(run.first, run.count) + " in " + tiers_text(run.tier_mask);
             });
    case TapeOp::admit_write:
      return " of " + std::to_string(call.blocks.size()) + " blocks from tier " +
             std::to_string(placement.from) + " into tier " + std::to_string(placement.to);
    case TapeOp::transfer:
      return " of " + std::to_string(placement.transfer.block_count) + " blocks from tier " +
             std::to_string(placement.transfer.from) + " to tier " +
             std::to_string(placement.transfer.to);
    default:
      return {};
  }
}

std::string placement_answer_text(const TapeCall& call) {
  const PlacementCall& placement = call.placement;
  const bool fetches = call.op == TapeOp::plan_fetch || call.op == TapeOp::prefetch;
  if (call.code == TP_ESPACE && (fetches || call.op == TapeOp::place)) {
    return ", " + std::to_string(placement.told) + " answers";
  }
  if (call.code != TP_OK) return {};
  if (fetches) return items_text(placement.segments, segment_text);
  if (call.op == TapeOp::demote) return " to tier " + tier_text(placement.to);
  if (call.op != TapeOp::place) return {};
  return items_text(placement.placed, [](const tp_placed& part) {
    return blocks_text(part.first, part.count) + " to " + tiers_text(part.tier_mask);
  });
}

}  // namespace tiercast::policy
