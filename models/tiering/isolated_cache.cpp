// The calls of a cache policy that runs in a child process.
#include <algorithm>

#include "models/tiering/isolated_calls.hpp"

namespace tiercast::tiering {

// An entry that this file does not know would be missing where a plug-in is isolated.
static_assert(sizeof(tp_cache_table) == 8 + 19 * sizeof(void*));

struct IsolatedTables::CacheCalls
    : Calls<tp_cache, tp_cache_table, &IsolatedTables::cache_info_, &IsolatedTables::cache_there_> {
  static int on_request(tp_cache* self, int64_t now_ns, const tp_request* request, uint32_t phase) {
    return call(self, "on_request", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  const tp_request* copied = copy_request(child, request);
                  return ask(child, [entry = there.on_request, instance, now_ns, copied, phase] {
                    return entry(instance, now_ns, copied, phase);
                  });
                });
  }

  static int on_insert(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t span_count, const tp_block* blocks) {
    size_t block_count = 0;
    for (size_t i = 0; i < span_count; ++i) block_count += spans[i].count;
    // Spans of a call that is wrong may say more than there are views of.
    block_count = std::min(block_count, size_t{of(self).capacity_blocks} + 1);
    return call(self, "on_insert", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.on_insert, instance, now_ns,
                                     asked_by = copy_request(child, request),
                                     batch = child.copy(spans, span_count), span_count,
                                     views = child.copy(blocks, block_count)] {
                    return entry(instance, now_ns, asked_by, batch, span_count, views);
                  });
                });
  }

  static int on_touch(tp_cache* self, int64_t now_ns, const tp_request* request,
                      const tp_span* spans, size_t span_count) {
    return call(self, "on_touch", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.on_touch, instance, now_ns,
                                     asked_by = copy_request(child, request),
                                     batch = child.copy(spans, span_count), span_count] {
                    return entry(instance, now_ns, asked_by, batch, span_count);
                  });
                });
  }

  static int on_remove(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                       size_t span_count) {
    return call(self, "on_remove", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.on_remove, instance, now_ns, reason,
                                     batch = child.copy(spans, span_count), span_count] {
                    return entry(instance, now_ns, reason, batch, span_count);
                  });
                });
  }

  static int on_evictable(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t span_count) {
    return call(self, "on_evictable", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.on_evictable, instance, now_ns, on,
                                     batch = child.copy(spans, span_count), span_count] {
                    return entry(instance, now_ns, on, batch, span_count);
                  });
                });
  }

  static int admit(tp_cache* self, int64_t now_ns, const tp_request* request,
                   const tp_block* blocks, size_t block_count, uint8_t* verdicts) {
    return call(
        self, "admit", now_ns, [&](ChildProcess& child, const auto& there, tp_cache* instance) {
          uint8_t* answered = child.copy(verdicts, block_count);
          const int code =
              ask(child,
                  [entry = there.admit, instance, now_ns, asked_by = copy_request(child, request),
                   views = child.copy(blocks, block_count), block_count, answered] {
                    return entry(instance, now_ns, asked_by, views, block_count, answered);
                  });
          if (block_count != 0) std::memcpy(verdicts, answered, block_count);
          return code;
        });
  }

  static int select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                    size_t out_capacity, tp_victims* victims) {
    return call(self, "select", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  auto* spans = child.room<tp_span>(out_capacity);
                  auto* told = child.copy(victims);
                  const int code = ask(child, [entry = there.select, instance, now_ns, need_blocks,
                                               spans, out_capacity, told] {
                    return entry(instance, now_ns, need_blocks, spans, out_capacity, told);
                  });
                  *victims = *told;
                  if (code == TP_OK) {
                    const size_t written = std::min<size_t>(told->span_count, out_capacity);
                    of(self).answer_spans = written;
                    std::copy_n(spans, written, out);
                  }
                  return code;
                });
  }

  static int commit(tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted) {
    return call(self, "commit", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.commit, instance, now_ns, token,
                                     verdicts = child.copy(accepted, of(self).answer_spans)] {
                    return entry(instance, now_ns, token, verdicts);
                  });
                });
  }

  static int abort(tp_cache* self, uint64_t token) {
    return call(
        self, "abort", kNoTime, [&](ChildProcess& child, const auto& there, tp_cache* instance) {
          return ask(child,
                     [entry = there.abort, instance, token] { return entry(instance, token); });
        });
  }

  static int on_tick(tp_cache* self, int64_t now_ns) {
    return call(
        self, "on_tick", now_ns, [&](ChildProcess& child, const auto& there, tp_cache* instance) {
          return ask(child,
                     [entry = there.on_tick, instance, now_ns] { return entry(instance, now_ns); });
        });
  }

  static int64_t next_wakeup(const tp_cache* self, int64_t now_ns) {
    return call(self, "next_wakeup", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.next_wakeup, instance, now_ns] {
                    return entry(instance, now_ns);
                  });
                });
  }

  static int on_lookup(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_block* blocks, size_t block_count, size_t hit_count) {
    return call(
        self, "on_lookup", now_ns, [&](ChildProcess& child, const auto& there, tp_cache* instance) {
          return ask(child, [entry = there.on_lookup, instance, now_ns,
                             asked_by = copy_request(child, request),
                             views = child.copy(blocks, block_count), block_count, hit_count] {
            return entry(instance, now_ns, asked_by, views, block_count, hit_count);
          });
        });
  }

  static int on_hint(tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                     size_t hint_count) {
    return call(self, "on_hint", now_ns,
                [&](ChildProcess& child, const auto& there, tp_cache* instance) {
                  return ask(child, [entry = there.on_hint, instance, now_ns, session,
                                     copied = child.copy(hints, hint_count), hint_count] {
                    return entry(instance, now_ns, session, copied, hint_count);
                  });
                });
  }
};

int IsolatedTables::create_cache(const char* config, const tp_pool* pool, uint64_t seed,
                                 tp_cache** out, char* error, size_t error_size) {
  tp_cache* made = nullptr;
  const int answer = CacheCalls::create(
      *this, config, &made, error, error_size,
      [&](ChildProcess& child, const char* text, tp_cache** instance, char* said) {
        return ask(child, [entry = cache_there_.create, text, shape = child.copy(pool), seed,
                           instance, said, error_size] {
          return entry(text, shape, seed, instance, said, error_size);
        });
      });
  if (made != nullptr) {
    reinterpret_cast<CacheCalls::Instance*>(made)->capacity_blocks = pool->capacity_blocks;
    *out = made;
  }
  return answer;
}

void IsolatedTables::make_cache_table() {
  cache_.size = cache_there_.size;
  const auto take = [&](auto tp_cache_table::*entry, auto ours) {
    if (cache_there_.*entry != nullptr) cache_.*entry = ours;
  };
  take(&tp_cache_table::destroy, CacheCalls::destroy);
  take(&tp_cache_table::save, CacheCalls::save);
  take(&tp_cache_table::restore, CacheCalls::restore);
  take(&tp_cache_table::hash_state, CacheCalls::hash_state);
  take(&tp_cache_table::on_request, CacheCalls::on_request);
  take(&tp_cache_table::on_insert, CacheCalls::on_insert);
  take(&tp_cache_table::on_touch, CacheCalls::on_touch);
  take(&tp_cache_table::on_remove, CacheCalls::on_remove);
  take(&tp_cache_table::on_evictable, CacheCalls::on_evictable);
  take(&tp_cache_table::admit, CacheCalls::admit);
  take(&tp_cache_table::select, CacheCalls::select);
  take(&tp_cache_table::commit, CacheCalls::commit);
  take(&tp_cache_table::abort, CacheCalls::abort);
  take(&tp_cache_table::on_tick, CacheCalls::on_tick);
  take(&tp_cache_table::next_wakeup, CacheCalls::next_wakeup);
  take(&tp_cache_table::on_lookup, CacheCalls::on_lookup);
  take(&tp_cache_table::on_hint, CacheCalls::on_hint);
}

}  // namespace tiercast::tiering
