#include "models/policy/tape_placement.hpp"

#include <algorithm>

#include "models/policy/tape_fields.hpp"

namespace tiercast::policy {
namespace {

// Visits what a view says, beside what it said in the call before.
template <class Tier, class Visit>
void tier_fields(Tier& tier, const tp_tier& like, Visit visit) {
  visit(tier.kind, like.kind);
  visit(tier.flags, like.flags);
  visit(tier.capacity_blocks, like.capacity_blocks);
  visit(tier.used_blocks, like.used_blocks);
  visit(tier.read_bytes_per_s, like.read_bytes_per_s);
  visit(tier.write_bytes_per_s, like.write_bytes_per_s);
  visit(tier.read_latency_ns, like.read_latency_ns);
  visit(tier.write_latency_ns, like.write_latency_ns);
  visit(tier.queued_read_bytes, like.queued_read_bytes);
  visit(tier.queued_write_bytes, like.queued_write_bytes);
  visit(tier.write_budget_bytes, like.write_budget_bytes);
}

template <class Io>
void tiers_in(Io& io, TapeContext& context, Field<Io, std::vector<tp_tier>> tiers) {
  io.size(tiers);
  const auto fields = [](auto& tier, const tp_tier& like, auto visit) {
    tier_fields(tier, like, visit);
  };
  if (context.tiers.size() < tiers.size()) context.tiers.resize(tiers.size());
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    if constexpr (Io::reads) tiers[i].reserved = 0;
    view_in(io, tiers[i], context.tiers[i], fields, "a tier view of no known kind");
  }
}

template <class Io>
void fetch_in(Io& io, Field<Io, PlacementCall> call) {
  auto& fetch = call.fetch;
  io.number(fetch.block_bytes);
  io.number(fetch.block_tokens);
  io.number(fetch.hit_blocks);
  io.number(fetch.prompt_blocks);
  io.number(fetch.flags);
  io.near(fetch.half_compute_ns, int64_t{0});
  io.size(call.runs);
  uint32_t expected = fetch.hit_blocks;
  for (auto& run : call.runs) {
    io.near(run.first, expected);
    io.number(run.count);
    io.number(run.tier_mask);
    io.near(run.compute_ns, int64_t{0});
    if constexpr (Io::reads) run.reserved = 0;
    expected = run.first + run.count;
  }
}

template <class Io>
void segments_in(Io& io, Field<Io, std::vector<tp_segment>> segments, uint32_t expected) {
  io.size(segments);
  for (auto& segment : segments) {
    io.near(segment.first, expected);
    io.number(segment.count);
    io.number(segment.mode);
    io.number(segment.tier);
    io.near(segment.to, TP_NO_TIER);
    if constexpr (Io::reads) segment.reserved = 0;
    expected = segment.first + segment.count;
  }
}

template <class Io>
void placed_in(Io& io, Field<Io, std::vector<tp_placed>> placed, uint32_t expected) {
  io.size(placed);
  for (auto& part : placed) {
    io.near(part.first, expected);
    io.number(part.count);
    io.number(part.tier_mask);
    if constexpr (Io::reads) part.reserved = 0;
    expected = part.first + part.count;
  }
}

template <class Io>
void transfer_in(Io& io, Field<Io, tp_transfer> transfer, int64_t now_ns) {
  io.number(transfer.from);
  io.number(transfer.to);
  io.number(transfer.block_count);
  io.number(transfer.bytes);
  io.near(transfer.start_ns, now_ns);
  io.near(transfer.end_ns, now_ns);
  io.number(transfer.ok);
}

template <class Io>
void placement_in(Io& io, TapeContext& context, Field<Io, TapeCall> call) {
  auto& placement = call.placement;
  switch (call.op) {
    case TapeOp::place:
      request_in<Io>(io, context, call);
      io.number(call.number);
      io.number(placement.first);
      io.number(placement.count);
      io.number(call.has_blocks);
      if (call.has_blocks) blocks_in<Io>(io, context, call.blocks);
      tiers_in<Io>(io, context, placement.tiers);
      io.number(placement.room);
      if (call.code == TP_OK) placed_in<Io>(io, placement.placed, placement.first);
      if (call.code == TP_ESPACE) io.number(placement.told);
      return;
    case TapeOp::demote:
      io.number(placement.from);
      io.number(placement.count);
      tiers_in<Io>(io, context, placement.tiers);
      io.near(placement.to, TP_NO_TIER);
      return;
    case TapeOp::plan_fetch:
    case TapeOp::prefetch:
      request_in<Io>(io, context, call);
      fetch_in<Io>(io, placement);
      tiers_in<Io>(io, context, placement.tiers);
      io.number(placement.room);
      if (call.code == TP_OK) segments_in<Io>(io, placement.segments, placement.fetch.hit_blocks);
      if (call.code == TP_ESPACE) io.number(placement.told);
      return;
    case TapeOp::admit_write:
      request_in<Io>(io, context, call);
      io.number(placement.from);
      io.number(placement.to);
      blocks_in<Io>(io, context, call.blocks);
      tiers_in<Io>(io, context, placement.tiers);
      verdicts_in<Io>(io, call);
      return;
    case TapeOp::transfer:
      transfer_in<Io>(io, placement.transfer, call.now_ns);
      if constexpr (Io::reads) placement.transfer.size = sizeof placement.transfer;
      return;
    default:
      return;
  }
}

bool sound_fetch(const PlacementCall& call) {
  const uint64_t tiers = call.tiers.size();
  uint64_t reached = call.fetch.hit_blocks;
  for (const tp_run& run : call.runs) {
    if (run.first != reached || run.count == 0 || run.tier_mask == 0 || run.compute_ns < 0 ||
        uint64_t{run.tier_mask} >> tiers != 0) {
      return false;
    }
    reached += run.count;
  }
  return reached <= UINT32_MAX && call.fetch.block_tokens != 0;
}

}  // namespace

void PlacementCall::clear() {
  first = count = from = to = 0;
  room = told = 0;
  fetch = {};
  transfer = {};
  tiers.clear();
  runs.clear();
  placed.clear();
  segments.clear();
}

void encode_placement(TapeEncoder& to, TapeContext& context, const TapeCall& call) {
  placement_in(to, context, call);
}

void decode_placement(TapeDecoder& from, TapeContext& context, TapeCall& call) {
  placement_in(from, context, call);
}

bool sound_placement(const TapeCall& call) {
  const PlacementCall& placement = call.placement;
  const uint64_t tiers = placement.tiers.size();
  if (call.op == TapeOp::transfer) return true;
  if (tiers == 0 || tiers > 32) return false;
  switch (call.op) {
    case TapeOp::place:
      return (!call.has_blocks || call.blocks.size() == placement.count) &&
             uint64_t{placement.first} + placement.count <= UINT32_MAX &&
             placement.placed.size() <= placement.room;
    case TapeOp::demote:
      return placement.from < tiers;
    case TapeOp::admit_write:
      return placement.from < tiers && placement.to < tiers &&
             call.has_verdicts == (call.code == TP_OK) &&
             (!call.has_verdicts || call.verdicts.size() == call.blocks.size());
    default:
      return sound_fetch(placement) && placement.segments.size() <= placement.room;
  }
}

bool same_placement_answer(const PlacementCall& a, const PlacementCall& b) {
  const auto same_placed = [](const tp_placed& x, const tp_placed& y) {
    return x.first == y.first && x.count == y.count && x.tier_mask == y.tier_mask;
  };
  const auto same_segment = [](const tp_segment& x, const tp_segment& y) {
    return x.first == y.first && x.count == y.count && x.mode == y.mode && x.tier == y.tier &&
           x.to == y.to;
  };
  return a.to == b.to && a.told == b.told &&
         std::equal(a.placed.begin(), a.placed.end(), b.placed.begin(), b.placed.end(),
                    same_placed) &&
         std::equal(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                    same_segment);
}

}  // namespace tiercast::policy
