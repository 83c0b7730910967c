#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "models/policy/build_id.hpp"
#include "models/policy/cache_adapter.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/required_entries.hpp"
#include "models/policy/tape_writer.hpp"

namespace tiercast::policy {
namespace {

class Recorder {
 public:
  Recorder(const tp_cache_table& table, tp_cache* cache, const tp_tape& tape, bool reads_blocks)
      : table_(table),
        cache_(cache),
        writer_(tape),
        checkpoint_calls_(tape.checkpoint_calls),
        reads_blocks_(reads_blocks) {}

  static Recorder& of(tp_cache* self) { return *reinterpret_cast<Recorder*>(self); }
  static const Recorder& of(const tp_cache* self) {
    return *reinterpret_cast<const Recorder*>(self);
  }

  void begin(const TapeHeader& header) {
    TapeEncoder to = writer_.encoder();
    encode(to, header);
  }
  uint64_t state() const { return table_.hash_state != nullptr ? table_.hash_state(cache_) : 0; }

  static tp_cache_table entries(const tp_cache_table& inner);

 private:
  static void destroy(tp_cache* self) noexcept {
    if (self == nullptr) return;
    const std::unique_ptr<Recorder> recorder(&of(self));
    recorder->guarded([&] {
      recorder->mark(TapeOp::end);
      recorder->writer_.flush();
    });
    recorder->table_.destroy(recorder->cache_);
  }

  // Runs what may lack memory; then the tape ends here.
  template <class Act>
  void guarded(Act act) noexcept {
    if (!writer_.open()) return;
    try {
      act();
    } catch (const std::exception&) {
      writer_.give_up();
    }
  }

  void mark(TapeOp op) {
    TapeEncoder to = writer_.encoder();
    encode(to, op, TapeCheckpoint{calls_, state()});
  }

  // `fill` sets arguments and answers but for the code; false: they cannot be read.
  template <class Fill>
  int record(TapeOp op, int code, int64_t now_ns, Fill fill) noexcept {
    guarded([&] {
      call_.clear();
      call_.op = op;
      call_.code = code;
      call_.now_ns = now_ns;
      if (!fill(call_)) return;
      TapeEncoder to = writer_.encoder();
      encode(to, context_, call_);
      ++calls_;
      const bool checkpoint = checkpoint_calls_ != 0 && calls_ % checkpoint_calls_ == 0;
      if (checkpoint) mark(TapeOp::checkpoint);
      if (checkpoint || writer_.full()) writer_.flush();
    });
    return code;
  }

  static int on_request(tp_cache* self, int64_t now_ns, const tp_request* request,
                        uint32_t phase) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::request, to.table_.on_request(to.cache_, now_ns, request, phase),
                     now_ns, [&](TapeCall& call) {
                       call.number = phase;
                       return copy_request(request, call);
                     });
  }

  static int on_insert(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t span_count, const tp_block* blocks) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const int code = to.table_.on_insert(to.cache_, now_ns, request, spans, span_count, blocks);
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
                      const tp_span* spans, size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(
        TapeOp::touch, to.table_.on_touch(to.cache_, now_ns, request, spans, span_count), now_ns,
        [&](TapeCall& call) {
          return copy_request(request, call) && copy_spans(spans, span_count, call.spans);
        });
  }

  static int on_remove(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                       size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::remove,
                     to.table_.on_remove(to.cache_, now_ns, reason, spans, span_count), now_ns,
                     [&](TapeCall& call) {
                       call.number = reason;
                       return copy_spans(spans, span_count, call.spans);
                     });
  }

  static int on_evictable(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::evictable,
                     to.table_.on_evictable(to.cache_, now_ns, on, spans, span_count), now_ns,
                     [&](TapeCall& call) {
                       call.number = on != 0 ? 1 : 0;
                       return copy_spans(spans, span_count, call.spans);
                     });
  }

  static int admit(tp_cache* self, int64_t now_ns, const tp_request* request,
                   const tp_block* blocks, size_t block_count, uint8_t* verdicts) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const int code = to.table_.admit(to.cache_, now_ns, request, blocks, block_count, verdicts);
    return to.record(TapeOp::admit, code, now_ns, [&](TapeCall& call) {
      if (!copy_request(request, call) || !copy_blocks(blocks, block_count, call.blocks)) {
        return false;
      }
      call.has_verdicts = code == TP_OK;
      if (call.has_verdicts) set_verdicts(call, verdicts, block_count);
      return true;
    });
  }

  static void set_verdicts(TapeCall& call, const uint8_t* verdicts, size_t count) {
    for (size_t i = 0; i < count; ++i) call.verdicts.push_back(verdicts[i] != 0);
  }

  static int select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                    size_t out_capacity, tp_victims* victims) noexcept {
    if (self == nullptr) return TP_EINVAL;
    const Recorder& asked = of(self);
    const int code =
        asked.table_.select(asked.cache_, now_ns, need_blocks, out, out_capacity, victims);
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

  static int commit(tp_cache* self, int64_t now_ns, uint64_t token,
                    const uint8_t* accepted) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const bool own = to.token_ != 0 && token == to.token_;
    const int code = to.table_.commit(to.cache_, now_ns, token, accepted);
    if (code == TP_OK) to.token_ = 0;
    return to.record(TapeOp::commit, code, now_ns, [&](TapeCall& call) {
      call.own_token = own;
      call.has_verdicts = own && accepted != nullptr;
      if (call.has_verdicts) set_verdicts(call, accepted, to.token_spans_);
      return true;
    });
  }

  static int abort(tp_cache* self, uint64_t token) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    const bool own = to.token_ != 0 && token == to.token_;
    const int code = to.table_.abort(to.cache_, token);
    if (code == TP_OK) to.token_ = 0;
    return to.record(TapeOp::abort, code, 0, [&](TapeCall& call) {
      call.own_token = own;
      return true;
    });
  }

  static int on_tick(tp_cache* self, int64_t now_ns) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::tick, to.table_.on_tick(to.cache_, now_ns), now_ns,
                     [](TapeCall&) { return true; });
  }

  static int64_t next_wakeup(const tp_cache* self, int64_t now_ns) noexcept {
    if (self == nullptr) return INT64_MAX;
    Recorder& to = const_cast<Recorder&>(of(self));
    const int64_t wakeup_ns = to.table_.next_wakeup(to.cache_, now_ns);
    to.record(TapeOp::wakeup, TP_OK, now_ns, [&](TapeCall& call) {
      call.wakeup_ns = wakeup_ns;
      return true;
    });
    return wakeup_ns;
  }

  static int on_lookup(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_block* blocks, size_t block_count, size_t hit_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(
        TapeOp::lookup,
        to.table_.on_lookup(to.cache_, now_ns, request, blocks, block_count, hit_count), now_ns,
        [&](TapeCall& call) {
          call.hits = hit_count;
          return copy_request(request, call) && copy_blocks(blocks, block_count, call.blocks);
        });
  }

  static int on_hint(tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                     size_t hint_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::hint, to.table_.on_hint(to.cache_, now_ns, session, hints, hint_count),
                     now_ns, [&](TapeCall& call) {
                       call.session = session;
                       return copy_hints(hints, hint_count, call.hints);
                     });
  }

  static int create(const char*, const tp_pool*, uint64_t, tp_cache**, char* error,
                    size_t error_size) noexcept {
    return refuse(TP_EINVAL, "a recording table makes no instances", error, error_size);
  }

  static int save(const tp_cache* self, void* buffer, size_t capacity, size_t* size) noexcept {
    return self == nullptr ? TP_EINVAL
                           : of(self).table_.save(of(self).cache_, buffer, capacity, size);
  }

  static int restore(tp_cache* self, const void* buffer, size_t size) noexcept {
    if (self == nullptr) return TP_EINVAL;
    Recorder& to = of(self);
    return to.record(TapeOp::restore, to.table_.restore(to.cache_, buffer, size), 0,
                     [&](TapeCall& call) {
                       if (buffer == nullptr) return false;
                       const auto* first = static_cast<const uint8_t*>(buffer);
                       call.state.assign(first, first + size);
                       return true;
                     });
  }

  static uint64_t hash_state(const tp_cache* self) noexcept {
    return self == nullptr ? 0 : of(self).state();
  }

  tp_cache_table table_;
  tp_cache* cache_;
  TapeWriter writer_;
  uint32_t checkpoint_calls_;
  bool reads_blocks_;
  TapeCall call_;  // scratch
  TapeContext context_;
  uint64_t calls_ = 0;
  uint64_t token_ = 0;  // of the answer outstanding; 0: none
  uint32_t token_spans_ = 0;
};

// The entries that the policy has, so that hosts find the same defaults.
tp_cache_table Recorder::entries(const tp_cache_table& inner) {
  tp_cache_table made{};
  made.size = sizeof made;
  made.info = inner.info;
  made.create = create;
  made.destroy = destroy;
  if (inner.save != nullptr) made.save = save;
  if (inner.restore != nullptr) made.restore = restore;
  if (inner.hash_state != nullptr) made.hash_state = hash_state;
  if (inner.on_request != nullptr) made.on_request = on_request;
  if (inner.on_insert != nullptr) made.on_insert = on_insert;
  if (inner.on_touch != nullptr) made.on_touch = on_touch;
  made.on_remove = on_remove;
  made.on_evictable = on_evictable;
  if (inner.admit != nullptr) made.admit = admit;
  made.select = select;
  made.commit = commit;
  made.abort = abort;
  if (inner.on_tick != nullptr) made.on_tick = on_tick;
  if (inner.next_wakeup != nullptr) made.next_wakeup = next_wakeup;
  if (inner.on_lookup != nullptr) made.on_lookup = on_lookup;
  if (inner.on_hint != nullptr) made.on_hint = on_hint;
  return made;
}

TapeHeader header_of(const tp_info& info, std::string config, const tp_pool& pool, uint64_t seed,
                     const tp_tape& tape) {
  TapeHeader header;
  header.policy = info.name;
  header.policy_version = info.version != nullptr ? info.version : "";
  header.library_version = tp_library_version();
  header.library_build = tp_library_build();
  header.config_digest = checksum(config.data(), config.size());
  header.config = std::move(config);
  header.pool_name = tape.pool_name != nullptr ? tape.pool_name : "";
  std::memcpy(&header.pool, &pool, std::min<std::size_t>(pool.size, sizeof header.pool));
  header.policy_build = tape.policy_build != nullptr ? tape.policy_build : "";
  header.seed = seed;
  header.capabilities = info.capabilities;
  header.checkpoint_calls = tape.checkpoint_calls;
  return header;
}

}  // namespace
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
  tp_cache_table known{};
  std::memcpy(&known, table, std::min<std::size_t>(table->size, sizeof known));
  if (!has_required_entries(known)) return fail(TP_EINVAL, "the policy lacks required entries");
  const tp_info& info = *known.info();
  if ((info.capabilities & TP_CAP_NEEDS_FUTURE) != 0) {
    return fail(TP_EINVAL, "policy '" + std::string(info.name) +
                               "' needs to know the future, which no tape holds");
  }
  try {
    const bool reads_blocks = (info.capabilities & (TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS)) != 0;
    tp_tape out{};
    std::memcpy(&out, tape, std::min<std::size_t>(tape->size, sizeof out));
    auto made = std::make_unique<Recorder>(known, cache, out, reads_blocks);
    TapeHeader header = header_of(info, config, *pool, seed, out);
    header.state = made->state();
    made->begin(header);
    const tp_cache_table entries = Recorder::entries(known);
    const uint32_t size = std::min<uint32_t>(recording->size, sizeof entries);
    std::memcpy(recording, &entries, size);
    recording->size = size;
    *recorder = reinterpret_cast<tp_cache*>(made.release());
    return TP_OK;
  } catch (const std::exception&) {
    return fail(TP_ENOMEM, "not enough memory");
  }
}

extern "C" const char* tp_library_version(void) { return tiercast::policy::library_version; }
extern "C" const char* tp_library_build(void) { return tiercast::policy::library_build; }
