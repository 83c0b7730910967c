#include "models/policy/tape_recorder.hpp"

#include "models/policy/build_id.hpp"
#include "models/policy/required_entries.hpp"

namespace tiercast::policy {
namespace {

class Recorder : public TapeRecorder<Recorder, tp_cache_table, tp_cache> {
 public:
  Recorder(const tp_cache_table& table, tp_cache* cache, const tp_tape& tape, bool reads_blocks)
      : TapeRecorder(table, cache, tape), reads_blocks_(reads_blocks) {}

  static tp_cache_table entries(const tp_cache_table& inner);

 private:
  static int on_insert(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t span_count, const tp_block* blocks) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const int code = to.table_.on_insert(to.policy_, now_ns, request, spans, span_count, blocks);
    return to.record(TapeOp::insert, code, now_ns, [&](TapeCall& call) {
      if (!copy_request(request, call) || !copy_spans(spans, span_count, call.spans)) return false;
      // As many views as blocks are promised where the spans are good, which a refused call's are
      // not.
      if (code != TP_OK || blocks == nullptr || !to.reads_blocks_) return true;
      uint64_t count = 0;
      for (const tp_span& span : call.spans) count += span.count;
      call.has_blocks = true;
      return copy_blocks(blocks, count, call.blocks);
    });
  }

  static int on_touch(tp_cache* self, int64_t now_ns, const tp_request* request,
                      const tp_span* spans, size_t span_count) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(
        TapeOp::touch, to.table_.on_touch(to.policy_, now_ns, request, spans, span_count), now_ns,
        [&](TapeCall& call) {
          return copy_request(request, call) && copy_spans(spans, span_count, call.spans);
        });
  }

  static int on_remove(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                       size_t span_count) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::remove,
                     to.table_.on_remove(to.policy_, now_ns, reason, spans, span_count), now_ns,
                     [&](TapeCall& call) {
                       call.number = reason;
                       return copy_spans(spans, span_count, call.spans);
                     });
  }

  static int on_evictable(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t span_count) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::evictable,
                     to.table_.on_evictable(to.policy_, now_ns, on, spans, span_count), now_ns,
                     [&](TapeCall& call) {
                       call.number = on != 0 ? 1 : 0;
                       return copy_spans(spans, span_count, call.spans);
                     });
  }

  static int admit(tp_cache* self, int64_t now_ns, const tp_request* request,
                   const tp_block* blocks, size_t block_count, uint8_t* verdicts) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const int code = to.table_.admit(to.policy_, now_ns, request, blocks, block_count, verdicts);
    return to.record(TapeOp::admit, code, now_ns, [&](TapeCall& call) {
      if (!copy_request(request, call) || !copy_blocks(blocks, block_count, call.blocks)) {
        return false;
      }
      call.has_verdicts = code == TP_OK;
      if (call.has_verdicts) set_verdicts(call, verdicts, block_count);
      return true;
    });
  }

  static int select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                    size_t out_capacity, tp_victims* victims) {
    if (self == nullptr) return TP_EINVAL;
    const Recorder& asked = of(self);
    const int code =
        asked.table_.select(asked.policy_, now_ns, need_blocks, out, out_capacity, victims);
    if (victims == nullptr || (out == nullptr && out_capacity != 0)) return code;
    Recorder& to = const_cast<Recorder&>(asked);  // the policy is the same, the tape longer
    if (code == TP_OK) {
      to.token_ = victims->token;
      to.token_spans_ = victims->span_count;
    }
    return to.record(TapeOp::select, code, now_ns, [&](TapeCall& call) {
      call.number = need_blocks;
      call.out_capacity = out_capacity;
      if (code == TP_OK) call.spans.assign(out, out + victims->span_count);
      if (code == TP_ESPACE) call.told_spans = victims->span_count;
      return true;
    });
  }

  static int commit(tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const bool own = to.token_ != 0 && token == to.token_;
    const int code = to.table_.commit(to.policy_, now_ns, token, accepted);
    if (code == TP_OK) to.token_ = 0;
    return to.record(TapeOp::commit, code, now_ns, [&](TapeCall& call) {
      call.own_token = own;
      call.has_verdicts = own && accepted != nullptr;
      if (call.has_verdicts) set_verdicts(call, accepted, to.token_spans_);
      return true;
    });
  }

  static int abort(tp_cache* self, uint64_t token) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const bool own = to.token_ != 0 && token == to.token_;
    const int code = to.table_.abort(to.policy_, token);
    if (code == TP_OK) to.token_ = 0;
    return to.record(TapeOp::abort, code, 0, [&](TapeCall& call) {
      call.own_token = own;
      return true;
    });
  }

  static int on_lookup(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_block* blocks, size_t block_count, size_t hit_count) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(
        TapeOp::lookup,
        to.table_.on_lookup(to.policy_, now_ns, request, blocks, block_count, hit_count), now_ns,
        [&](TapeCall& call) {
          call.hits = hit_count;
          return copy_request(request, call) && copy_blocks(blocks, block_count, call.blocks);
        });
  }

  static int on_hint(tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                     size_t hint_count) {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::hint,
                     to.table_.on_hint(to.policy_, now_ns, session, hints, hint_count), now_ns,
                     [&](TapeCall& call) {
                       call.session = session;
                       return copy_hints(hints, hint_count, call.hints);
                     });
  }

  static int create(const char*, const tp_pool*, uint64_t, tp_cache**, char* error,
                    size_t error_size) {
    return refuse_recording_create(error, error_size);
  }

  bool reads_blocks_;
  uint64_t token_ = 0;  // of the answer outstanding; 0: none
  uint32_t token_spans_ = 0;
};

tp_cache_table Recorder::entries(const tp_cache_table& inner) {
  tp_cache_table made{};
  common_entries(inner, made);
  made.create = create;
  if (inner.on_insert != nullptr) made.on_insert = on_insert;
  if (inner.on_touch != nullptr) made.on_touch = on_touch;
  made.on_remove = on_remove;
  made.on_evictable = on_evictable;
  if (inner.admit != nullptr) made.admit = admit;
  made.select = select;
  made.commit = commit;
  made.abort = abort;
  if (inner.on_lookup != nullptr) made.on_lookup = on_lookup;
  if (inner.on_hint != nullptr) made.on_hint = on_hint;
  return made;
}

}  // namespace

TapeHeader tape_header(TapeKind kind, const tp_info& info, std::string config, uint64_t seed,
                       const tp_tape& tape) {
  TapeHeader header;
  header.kind = kind;
  header.policy = info.name;
  header.policy_version = info.version != nullptr ? info.version : "";
  header.policy_build = tape.policy_build != nullptr ? tape.policy_build : "";
  header.library_version = tp_library_version();
  header.library_build = tp_library_build();
  header.config_digest = checksum(config.data(), config.size());
  header.config = std::move(config);
  header.pool_name = tape.pool_name != nullptr ? tape.pool_name : "";
  header.seed = seed;
  header.capabilities = info.capabilities;
  header.checkpoint_calls = tape.checkpoint_calls;
  return header;
}

}  // namespace tiercast::policy

extern "C" int tp_record_cache(const tp_cache_table* table, tp_cache* cache, const char* config,
                               const tp_pool* pool, uint64_t seed, const tp_tape* tape,
                               tp_cache_table* recording, tp_cache** recorder, char* error,
                               size_t error_size) {
  using namespace tiercast::policy;
  const auto fail = [&](int code, std::string_view message) {
    return refuse(code, message, error, error_size);
  };
  if (table == nullptr || cache == nullptr || config == nullptr || pool == nullptr ||
      tape == nullptr || recording == nullptr || recorder == nullptr) {
    return fail(TP_EINVAL, "recording needs a policy, how it was made, a tape and room to answer");
  }
  if (table->size < TP_CACHE_TABLE_SIZE_MIN || recording->size < TP_CACHE_TABLE_SIZE_MIN ||
      pool->size < offsetof(tp_pool, slot_count) || tape->size < TP_TAPE_SIZE_MIN ||
      tape->write == nullptr) {
    return fail(TP_EINVAL,
                "recording needs structs as of this version, and a function that writes");
  }
  const tp_cache_table known = whole(*table);
  if (!has_required_entries(known)) return fail(TP_EINVAL, "the policy lacks required entries");
  const tp_info& info = *known.info();
  if ((info.capabilities & TP_CAP_NEEDS_FUTURE) != 0) {
    return fail(TP_EINVAL, "policy '" + std::string(info.name) +
                               "' needs to know the future, which no tape holds");
  }
  try {
    const bool reads_blocks = (info.capabilities & (TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS)) != 0;
    const tp_tape out = whole(*tape);
    auto made = std::make_unique<Recorder>(known, cache, out, reads_blocks);
    TapeHeader header = tape_header(TapeKind::cache, info, config, seed, out);
    header.pool = whole(*pool);
    made->begin(std::move(header));
    hand_over(std::move(made), Recorder::entries(known), recording, recorder);
    return TP_OK;
  } catch (const std::exception&) {
    return fail(TP_ENOMEM, "not enough memory");
  }
}

extern "C" const char* tp_library_version(void) { return tiercast::policy::library_version; }
extern "C" const char* tp_library_build(void) { return tiercast::policy::library_build; }
