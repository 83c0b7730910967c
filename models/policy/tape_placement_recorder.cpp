#include "models/policy/tape_recorder.hpp"

namespace tiercast::policy {
namespace {

bool copy_fetch(const tp_fetch* fetch, PlacementCall& call) {
  if (fetch == nullptr || fetch->size < sizeof(tp_fetch)) return false;
  if (fetch->runs == nullptr && fetch->run_count != 0) return false;
  call.fetch = *fetch;
  call.fetch.runs = nullptr;
  call.runs.assign(fetch->runs, fetch->runs + fetch->run_count);
  return true;
}

class PlacementRecorder : public TapeRecorder<PlacementRecorder, tp_placement_table, tp_placement> {
 public:
  PlacementRecorder(const tp_placement_table& table, tp_placement* placement, const tp_tape& tape)
      : TapeRecorder(table, placement, tape) {}

  static tp_placement_table entries(const tp_placement_table& inner);

  uint32_t abilities() const {
    return table_.capabilities != nullptr ? table_.capabilities(policy_)
                                          : table_.info()->capabilities;
  }

 private:
  static int create(const char*, uint64_t, tp_placement**, char* error, size_t error_size) {
    return refuse_recording_create(error, error_size);
  }

  static int place(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t phase,
                   uint32_t first, uint32_t block_count, const tp_block* blocks,
                   const tp_tier* tiers, size_t tier_count, tp_placed* out, size_t out_capacity,
                   size_t* out_count) {
    if (self == nullptr) return TP_EINVAL;
    PlacementRecorder& to = of(self);
    const int code = to.table_.place(to.policy_, now_ns, request, phase, first, block_count, blocks,
                                     tiers, tier_count, out, out_capacity, out_count);
    return to.record(TapeOp::place, code, now_ns, [&](TapeCall& call) {
      PlacementCall& placement = call.placement;
      call.number = phase;
      placement.first = first;
      placement.count = block_count;
      placement.room = out_capacity;
      call.has_blocks = blocks != nullptr && (to.abilities() & TP_CAP_READS_KEYS) != 0;
      if (call.has_blocks && !copy_blocks(blocks, block_count, call.blocks)) return false;
      if (!copy_request(request, call) || !copy_views(tiers, tier_count, placement.tiers) ||
          out_count == nullptr) {
        return false;
      }
      if (code == TP_OK) placement.placed.assign(out, out + *out_count);
      if (code == TP_ESPACE) placement.told = *out_count;
      return sound_placement(call);
    });
  }

  static int demote(tp_placement* self, int64_t now_ns, uint32_t from, uint32_t block_count,
                    const tp_tier* tiers, size_t tier_count, uint32_t* to_tier) {
    if (self == nullptr) return TP_EINVAL;
    PlacementRecorder& to = of(self);
    const int code =
        to.table_.demote(to.policy_, now_ns, from, block_count, tiers, tier_count, to_tier);
    return to.record(TapeOp::demote, code, now_ns, [&](TapeCall& call) {
      call.placement.from = from;
      call.placement.count = block_count;
      if (!copy_views(tiers, tier_count, call.placement.tiers) || to_tier == nullptr) return false;
      call.placement.to = code == TP_OK ? *to_tier : TP_NO_TIER;
      return sound_placement(call);
    });
  }

  using Fetching = decltype(tp_placement_table::plan_fetch);

  static int fetch(TapeOp op, Fetching tp_placement_table::*entry, tp_placement* self,
                   int64_t now_ns, const tp_request* request, const tp_fetch* wanted,
                   const tp_tier* tiers, size_t tier_count, tp_segment* out, size_t out_capacity,
                   size_t* out_count) {
    if (self == nullptr) return TP_EINVAL;
    PlacementRecorder& to = of(self);
    const int code = (to.table_.*entry)(to.policy_, now_ns, request, wanted, tiers, tier_count, out,
                                        out_capacity, out_count);
    return to.record(op, code, now_ns, [&](TapeCall& call) {
      PlacementCall& placement = call.placement;
      placement.room = out_capacity;
      if (!copy_request(request, call) || !copy_fetch(wanted, placement) ||
          !copy_views(tiers, tier_count, placement.tiers) || out_count == nullptr) {
        return false;
      }
      if (code == TP_OK) placement.segments.assign(out, out + *out_count);
      if (code == TP_ESPACE) placement.told = *out_count;
      return sound_placement(call);
    });
  }

  static int plan_fetch(tp_placement* self, int64_t now_ns, const tp_request* request,
                        const tp_fetch* wanted, const tp_tier* tiers, size_t tier_count,
                        tp_segment* out, size_t out_capacity, size_t* out_count) {
    return fetch(TapeOp::plan_fetch, &tp_placement_table::plan_fetch, self, now_ns, request, wanted,
                 tiers, tier_count, out, out_capacity, out_count);
  }

  static int prefetch(tp_placement* self, int64_t now_ns, const tp_request* request,
                      const tp_fetch* wanted, const tp_tier* tiers, size_t tier_count,
                      tp_segment* out, size_t out_capacity, size_t* out_count) {
    return fetch(TapeOp::prefetch, &tp_placement_table::prefetch, self, now_ns, request, wanted,
                 tiers, tier_count, out, out_capacity, out_count);
  }

  static uint32_t capabilities(const tp_placement* self) {
    return self == nullptr ? 0 : of(self).abilities();
  }

  static int admit(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t from,
                   uint32_t into, const tp_block* blocks, size_t block_count, const tp_tier* tiers,
                   size_t tier_count, uint8_t* verdicts) {
    if (self == nullptr) return TP_EINVAL;
    PlacementRecorder& to = of(self);
    const int code = to.table_.admit(to.policy_, now_ns, request, from, into, blocks, block_count,
                                     tiers, tier_count, verdicts);
    return to.record(TapeOp::admit_write, code, now_ns, [&](TapeCall& call) {
      call.placement.from = from;
      call.placement.to = into;
      if (!copy_request(request, call) || !copy_blocks(blocks, block_count, call.blocks) ||
          !copy_views(tiers, tier_count, call.placement.tiers)) {
        return false;
      }
      call.has_verdicts = code == TP_OK;
      if (call.has_verdicts) set_verdicts(call, verdicts, block_count);
      return sound_placement(call);
    });
  }

  static int on_transfer(tp_placement* self, int64_t now_ns, const tp_transfer* transfer) {
    if (self == nullptr) return TP_EINVAL;
    PlacementRecorder& to = of(self);
    return to.record(TapeOp::transfer, to.table_.on_transfer(to.policy_, now_ns, transfer), now_ns,
                     [&](TapeCall& call) {
                       if (transfer == nullptr || transfer->size < sizeof(tp_transfer))
                         return false;
                       call.placement.transfer = *transfer;
                       return true;
                     });
  }
};

tp_placement_table PlacementRecorder::entries(const tp_placement_table& inner) {
  tp_placement_table made{};
  common_entries(inner, made);
  made.create = create;
  if (inner.place != nullptr) made.place = place;
  if (inner.demote != nullptr) made.demote = demote;
  if (inner.plan_fetch != nullptr) made.plan_fetch = plan_fetch;
  if (inner.prefetch != nullptr) made.prefetch = prefetch;
  if (inner.capabilities != nullptr) made.capabilities = capabilities;
  if (inner.admit != nullptr) made.admit = admit;
  if (inner.on_transfer != nullptr) made.on_transfer = on_transfer;
  return made;
}

}  // namespace
}  // namespace tiercast::policy

extern "C" int tp_record_placement(const tp_placement_table* table, tp_placement* placement,
                                   const char* config, uint64_t seed, const tp_tape* tape,
                                   tp_placement_table* recording, tp_placement** recorder,
                                   char* error, size_t error_size) {
  using namespace tiercast::policy;
  const auto fail = [&](int code, std::string_view message) {
    return refuse(code, message, error, error_size);
  };
  if (table == nullptr || placement == nullptr || config == nullptr || tape == nullptr ||
      recording == nullptr || recorder == nullptr) {
    return fail(TP_EINVAL, "recording needs a policy, how it was made, a tape and room to answer");
  }
  if (table->size < TP_PLACEMENT_TABLE_SIZE_MIN || recording->size < TP_PLACEMENT_TABLE_SIZE_MIN ||
      tape->size < TP_TAPE_SIZE_MIN || tape->write == nullptr) {
    return fail(TP_EINVAL,
                "recording needs structs as of this version, and a function that writes");
  }
  const tp_placement_table known = whole(*table);
  if (known.info == nullptr || known.destroy == nullptr) {
    return fail(TP_EINVAL, "the policy lacks required entries");
  }
  try {
    const tp_tape out = whole(*tape);
    auto made = std::make_unique<PlacementRecorder>(known, placement, out);
    TapeHeader header = tape_header(TapeKind::placement, *known.info(), config, seed, out);
    header.capabilities = made->abilities();
    made->begin(std::move(header));
    hand_over(std::move(made), PlacementRecorder::entries(known), recording, recorder);
    return TP_OK;
  } catch (const std::exception&) {
    return fail(TP_ENOMEM, "not enough memory");
  }
}
