#include "tests/support/told_cache.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

namespace tiercast::tests {

namespace {

std::vector<std::string> calls;
ToldSums sums;

uint64_t mixed(uint64_t x) {  // splitmix64
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

const char* phase_name(uint32_t phase) {
  static constexpr const char* names[] = {"?",      "arrive", "schedule", "preempt",
                                          "finish", "call",   "resume"};
  return phase <= TP_PHASE_RESUME ? names[phase] : names[0];
}

using Key = std::pair<uint64_t, uint64_t>;
Key key_of(const tp_block& block) { return {block.key.hi, block.key.lo}; }

class Told {
 public:
  Told(const std::string& config, const tp_pool& pool) : pool_(pool) {
    std::istringstream lines(config);
    for (std::string line; std::getline(lines, line);) {
      const size_t equals = line.find('=');
      const std::string name = line.substr(0, equals);
      const std::string value = line.substr(equals + 1);
      if (name == "label") label_ = value;
      if (name == "tick") tick_ns_ = std::stoll(value);
      if (name == "refuse") refused_ = static_cast<uint32_t>(std::stoul(value));
      if (name == "moody") moody_ = value == "1";
      if (name == "strict") strict_ = value == "1";
    }
  }
  ~Told() {
    sums.hash += hash_;
    sums.calls += calls_;
  }

  bool begin(int64_t now_ns, const char* call) {
    if (now_ns < last_ns_) return false;
    last_ns_ = now_ns;
    ++calls_;
    hear(static_cast<uint64_t>(now_ns));
    for (const char* c = call; *c != '\0'; ++c) hear(static_cast<uint64_t>(*c));
    line_ = label_ + " " + std::to_string(now_ns) + " " + call;
    if (tick_ns_ > 0) wakeup_ns_ = now_ns + tick_ns_;
    return true;
  }
  int end() {
    if (!label_.empty()) calls.push_back(line_);
    return TP_OK;
  }

  bool owner(const tp_request* request, const tp_block& block) {
    hear(block.session);
    hear(block.tenant);
    hear(block.recompute_ns);
    say(" s" + std::to_string(block.session) + " t" + std::to_string(block.tenant) + " c" +
        std::to_string(block.recompute_ns));
    return request == nullptr ||
           (block.session == request->session && block.tenant == request->tenant);
  }

  bool parent(const tp_block& block) {
    hear(block.parent_slot);
    say(" p" + (block.parent_slot == UINT32_MAX ? "-" : std::to_string(block.parent_slot)));
    if (block.parent_slot == UINT32_MAX) return true;
    ++sums.known_parents;
    const auto found = blocks_.find(block.parent_slot);
    return found != blocks_.end() && found->second.depth + 1 == block.depth;
  }

  void name(const tp_block& block) {
    hear(block.key.hi);
    hear(block.key.lo);
    hear(block.depth);
    say(" [" + std::to_string(block.key.hi) + "/" + std::to_string(block.depth));
  }

  void behind(const tp_request* request) {
    hear(request == nullptr ? 0 : request->id + 1);
    say(request == nullptr ? " by nobody" : " by " + std::to_string(request->id));
  }

  int request(int64_t now_ns, const tp_request& request, uint32_t phase) {
    if (!begin(now_ns, phase_name(phase))) return TP_EINVAL;
    behind(&request);
    ++sums.requests;
    if (phase == TP_PHASE_ARRIVE) {
      say(" session " + std::to_string(request.session) + " turn " + std::to_string(request.turn) +
          " prompt " + std::to_string(request.prompt_tokens) + " at " +
          std::to_string(request.arrival_ns));
    }
    for (uint32_t i = 0; i < request.hint_count; ++i) hint(request.hints[i]);
    if (strict_ && !in_turn(request.id, phase)) return TP_EINVAL;
    return end();
  }

  int of_session(uint64_t session) {
    hear(session);
    say(" of session " + std::to_string(session));
    return end();
  }

  bool in_turn(uint64_t id, uint32_t phase) {
    uint32_t& now = phases_[id];
    const uint32_t before = now;
    now = phase;
    switch (phase) {
      case TP_PHASE_ARRIVE:
        return before == 0;
      case TP_PHASE_RESUME:
        return before == TP_PHASE_ARRIVE;
      case TP_PHASE_SCHEDULE:
        return before == TP_PHASE_ARRIVE || before == TP_PHASE_RESUME || before == TP_PHASE_PREEMPT;
      case TP_PHASE_TOOL_CALL:
        return before == TP_PHASE_FINISH;
      default:
        return before == TP_PHASE_SCHEDULE;
    }
  }

  void hint(const tp_hint& hint) {
    hear(hint.kind);
    hear(static_cast<uint64_t>(hint.value));
    say(" hint " + std::to_string(hint.kind) + "=" + std::to_string(hint.value));
  }

  static bool ends_as_told(const tp_request* request, const tp_block& block) {
    if (request == nullptr) return true;
    const int64_t ends_ns = request->arrival_ns + request->retain_ns;
    return block.expires_ns == (request->retain_ns == 0 ? INT64_MAX : ends_ns);
  }

  int insert(int64_t now_ns, const tp_request* request, const tp_span* spans, size_t count,
             const tp_block* views) {
    if (!begin(now_ns, "insert")) return TP_EINVAL;
    behind(request);
    if (strict_ && request == nullptr) return TP_EINVAL;
    for (size_t i = 0; i < count; ++i) {
      for (uint32_t k = 0; k < spans[i].count; ++k, ++views) {
        const uint32_t slot = spans[i].first_slot + k;
        name(*views);
        say(" slot " + std::to_string(slot));
        if (!parent(*views) || !owner(request, *views)) return TP_EINVAL;
        say("]");
        if (request == nullptr) ++(views->session != 0 ? sums.inherited : sums.orphaned);
        if (views->tokens != pool_.block_tokens || views->bytes != pool_.block_bytes ||
            !ends_as_told(request, *views) || !keys_.insert(key_of(*views)).second) {
          return TP_EINVAL;
        }
        blocks_[slot] = *views;
      }
    }
    return end();
  }

  int lookup(int64_t now_ns, const tp_request* request, const tp_block* views, size_t count,
             size_t hits) {
    if (!begin(now_ns, "lookup")) return TP_EINVAL;
    behind(request);
    hear(hits);
    say(" hits " + std::to_string(hits));
    ++sums.lookups;
    for (size_t i = 0; i < count; ++i) {
      name(views[i]);
      if (!parent(views[i]) || !owner(request, views[i])) return TP_EINVAL;
      say("]");
      if ((keys_.count(key_of(views[i])) != 0) != (i < hits)) return TP_EINVAL;
      if (i > 0 && i <= hits && views[i].parent_slot == UINT32_MAX) return TP_EINVAL;
    }
    if (strict_ && (request == nullptr || !asked_.insert(request->id).second)) return TP_EINVAL;
    return end();
  }

  int admit(int64_t now_ns, const tp_request* request, const tp_block* views, size_t count,
            uint8_t* verdicts) {
    if (!begin(now_ns, "admit")) return TP_EINVAL;
    behind(request);
    for (size_t i = 0; i < count; ++i) {
      name(views[i]);
      say("]");
      verdicts[i] = views[i].depth != refused_ ? 1 : 0;
      if (verdicts[i] == 0) ++sums.refused;
    }
    return end();
  }

  int of_slots(int64_t now_ns, const char* call, const tp_span* spans, size_t count,
               const tp_request* request = nullptr) {
    if (!begin(now_ns, call)) return TP_EINVAL;
    if (request != nullptr) behind(request);
    for (size_t i = 0; i < count; ++i) {
      for (uint32_t k = 0; k < spans[i].count; ++k) {
        hear(spans[i].first_slot + k);
        say(" " + std::to_string(spans[i].first_slot + k));
      }
    }
    return end();
  }

  void evictable(bool on, const tp_span* spans, size_t count) {
    for_slots(spans, count, [&](uint32_t slot) {
      if (on) {
        evictable_.insert(slot);
      } else {
        evictable_.erase(slot);
      }
    });
  }

  void remove(const tp_span* spans, size_t count) {
    for_slots(spans, count, [&](uint32_t slot) {
      keys_.erase(key_of(blocks_.at(slot)));
      blocks_.erase(slot);
      evictable_.erase(slot);
    });
  }

  int select(int64_t now_ns, uint32_t need, tp_span* out, size_t capacity, tp_victims* victims) {
    if (now_ns < last_ns_ || capacity < need) return TP_EINVAL;
    std::vector<std::pair<uint64_t, uint32_t>> ranked;
    const uint64_t mood = mixed(hash_ + static_cast<uint64_t>(now_ns));
    for (const uint32_t slot : evictable_) {
      ranked.emplace_back(moody_ ? mixed(mood + blocks_.at(slot).key.hi + slot) : 0, slot);
    }
    std::sort(ranked.begin(), ranked.end());
    if (ranked.size() < need) return TP_EREFUSED;
    for (uint32_t i = 0; i < need; ++i) out[i] = {ranked[i].second, 1};
    *victims = {++token_, need, need};
    return TP_OK;
  }

  int tick(int64_t now_ns) {
    if (now_ns != wakeup_ns_ || !begin(now_ns, "tick")) return TP_EINVAL;
    ++sums.ticks;
    wakeup_ns_ = INT64_MAX;
    return end();
  }
  int64_t wakeup_ns() const { return wakeup_ns_; }
  uint64_t hash() const { return hash_; }

 private:
  template <class Visit>
  static void for_slots(const tp_span* spans, size_t count, Visit visit) {
    for (size_t i = 0; i < count; ++i) {
      for (uint32_t k = 0; k < spans[i].count; ++k) visit(spans[i].first_slot + k);
    }
  }
  void hear(uint64_t word) { hash_ = mixed(hash_ ^ word); }
  void say(const std::string& text) {
    if (!label_.empty()) line_ += text;
  }

  tp_pool pool_;
  std::string label_;
  std::string line_;
  int64_t tick_ns_ = 0;
  uint32_t refused_ = UINT32_MAX;
  bool moody_ = false;
  bool strict_ = false;
  uint64_t hash_ = 0;
  uint64_t calls_ = 0;
  uint64_t token_ = 0;
  int64_t last_ns_ = INT64_MIN;
  int64_t wakeup_ns_ = INT64_MAX;
  std::map<uint32_t, tp_block> blocks_;  // by slot
  std::set<Key> keys_;
  std::set<uint32_t> evictable_;
  std::map<uint64_t, uint32_t> phases_;  // the last one, by request
  std::set<uint64_t> asked_;
};

Told& of(tp_cache* self) { return *reinterpret_cast<Told*>(self); }

tp_cache_table make_table() {
  tp_cache_table table{};
  table.size = sizeof table;
  table.info = [] {
    static const tp_info info{sizeof(tp_info), TP_ABI_MAJOR,
                              TP_ABI_MINOR,    TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS,
                              "told",          "1"};
    return &info;
  };
  table.create = [](const char* config, const tp_pool* pool, uint64_t, tp_cache** out, char*,
                    size_t) {
    *out = reinterpret_cast<tp_cache*>(new Told(config, *pool));
    return int{TP_OK};
  };
  table.destroy = [](tp_cache* self) { delete &of(self); };
  table.hash_state = [](const tp_cache* self) {
    return reinterpret_cast<const Told*>(self)->hash();
  };
  table.on_request = [](tp_cache* self, int64_t now_ns, const tp_request* request, uint32_t phase) {
    return of(self).request(now_ns, *request, phase);
  };
  table.on_insert = [](tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t count, const tp_block* views) {
    return of(self).insert(now_ns, request, spans, count, views);
  };
  table.on_touch = [](tp_cache* self, int64_t now_ns, const tp_request* request,
                      const tp_span* spans, size_t count) {
    return of(self).of_slots(now_ns, "touch", spans, count, request);
  };
  table.on_remove = [](tp_cache* self, int64_t now_ns, uint32_t, const tp_span* spans,
                       size_t count) {
    of(self).remove(spans, count);
    return of(self).of_slots(now_ns, "remove", spans, count);
  };
  table.on_evictable = [](tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t count) {
    of(self).evictable(on != 0, spans, count);
    return of(self).of_slots(now_ns, on != 0 ? "unpin" : "pin", spans, count);
  };
  table.admit = [](tp_cache* self, int64_t now_ns, const tp_request* request, const tp_block* views,
                   size_t count, uint8_t* verdicts) {
    return of(self).admit(now_ns, request, views, count, verdicts);
  };
  table.select = [](const tp_cache* self, int64_t now_ns, uint32_t need, tp_span* out,
                    size_t capacity, tp_victims* victims) {
    return of(const_cast<tp_cache*>(self)).select(now_ns, need, out, capacity, victims);
  };
  table.commit = [](tp_cache* self, int64_t now_ns, uint64_t, const uint8_t*) {
    return of(self).of_slots(now_ns, "evict", nullptr, 0);
  };
  table.abort = [](tp_cache*, uint64_t) { return int{TP_OK}; };
  table.on_tick = [](tp_cache* self, int64_t now_ns) { return of(self).tick(now_ns); };
  table.next_wakeup = [](const tp_cache* self, int64_t) {
    return reinterpret_cast<const Told*>(self)->wakeup_ns();
  };
  table.on_lookup = [](tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_block* views, size_t count, size_t hits) {
    return of(self).lookup(now_ns, request, views, count, hits);
  };
  table.on_hint = [](tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                     size_t count) {
    Told& told = of(self);
    if (!told.begin(now_ns, "hints")) return int{TP_EINVAL};
    for (size_t i = 0; i < count; ++i) told.hint(hints[i]);
    sums.hints += count;
    return told.of_session(session);
  };
  return table;
}

}  // namespace

const tp_cache_table* told_cache() {
  static const tp_cache_table table = make_table();
  return &table;
}

std::vector<std::string> told_calls() { return std::exchange(calls, {}); }

ToldSums told_sums() { return std::exchange(sums, {}); }

}  // namespace tiercast::tests
