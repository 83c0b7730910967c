// Any sequence of calls through a cache policy's table, right and wrong ones.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/policy/registry.hpp"
#include "models/policy/slot_states.hpp"
#include "sim/base/check.hpp"
#include "tests/fuzz/fuzz_calls.hpp"

using namespace tiercast;
using fuzz::check;
using fuzz::damaged;
using fuzz::Input;
using fuzz::saved;
using policy::SlotSet;
using policy::SlotState;

namespace {

using Spans = std::vector<tp_span>;

using Instance = std::unique_ptr<tp_cache, void (*)(tp_cache*)>;

/// The same calls to two instances of a policy, to one with spans joined, to the other with each
/// block alone. What a call may do is known from the slots' states; the instances must agree.
class Host {
 public:
  Host(const policy::CacheEntry& entry, Input input)
      : table_(*entry.table),
        future_(entry.future),
        input_(input),
        capacity_(1 + input_.below(40)),
        slot_count_(capacity_ + input_.below(20)),
        slots_(slot_count_),
        views_(slot_count_),
        instances_{make(), make()} {}

  void run() {
    while (!input_.empty()) {
      step();
      check(hash(0) == hash(1), "joined and single spans part ways");
    }
  }

 private:
  Instance make() const {
    const tp_pool pool{sizeof(tp_pool), capacity_, 16, 4096, slot_count_, 0};
    tp_cache* cache = nullptr;
    check(table_.create("", &pool, 7, &cache, nullptr, 0) == TP_OK, "create");
    Instance instance(cache, table_.destroy);
    if (future_ != nullptr) {
      const tp_future future{sizeof(tp_future), 0, nullptr, [](void*, const tp_key* key) {
                               return key->lo % 5 == 0 ? INT64_MAX
                                                       : static_cast<std::int64_t>(key->lo % 97);
                             }};
      check(future_->attach(cache, &future) == TP_OK, "attach");
    }
    return instance;
  }

  std::uint64_t hash(std::size_t i) const { return table_.hash_state(instances_[i].get()); }

  /// The call to both instances; both must answer alike, and a refusal must change nothing.
  template <class Call>
  int call(const Spans& spans, Call make_call) {
    const std::uint64_t before = hash(0);
    Spans singles;
    for (const tp_span span : spans) {
      for (std::uint32_t i = 0; i < span.count; ++i) singles.push_back({span.first_slot + i, 1});
      if (span.count == 0) singles.push_back(span);
    }
    const int code = make_call(instances_[0].get(), spans);
    check(make_call(instances_[1].get(), singles) == code, "codes differ");
    if (code != TP_OK) check(hash(0) == before && hash(1) == before, "a refusal changed something");
    return code;
  }

  /// Some slots, perhaps doubled, perhaps out of range, in spans as they come.
  Spans pick(bool wild) {
    Spans spans;
    const std::uint32_t count = 1 + input_.below(4);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t first = input_.below(slot_count_ + (wild ? 3 : 0));
      const std::uint32_t length = 1 + input_.below(wild ? 9 : 6);
      spans.push_back({first, wild ? length : std::min(length, slot_count_ - first)});
    }
    return spans;
  }

  /// The slots of a set among those picked, without doubles.
  Spans pick(SlotSet set) {
    Spans kept;
    std::vector<bool> seen(slot_count_);
    for (const tp_span span : pick(false)) {
      for (std::uint32_t slot = span.first_slot; slot < span.first_slot + span.count; ++slot) {
        if (seen[slot] || !slots_.all({slot, 1}, set)) continue;
        seen[slot] = true;
        if (!kept.empty() && kept.back().first_slot + kept.back().count == slot) {
          ++kept.back().count;
        } else {
          kept.push_back({slot, 1});
        }
      }
    }
    return kept;
  }

  /// Views of blocks with anything in them that a host might say.
  void fill_views(std::size_t count) {
    views_.resize(std::max<std::size_t>(count, 1));
    for (tp_block& view : views_) {
      view = {};
      view.size = sizeof view;
      view.key = {input_.byte() % 3, input_.byte()};
      const std::uint32_t parent = input_.byte();
      view.parent_slot = parent < 128 ? parent % slot_count_ : UINT32_MAX;
      view.depth = input_.below(9);
      view.tokens = 16;
      view.bytes = input_.byte() * 64;
      view.tenant = input_.below(3);
      view.priority = input_.byte();
      view.session = input_.below(12);
      view.recompute_ns = input_.byte() * std::uint64_t{1000};
      const std::uint32_t life = input_.byte();
      view.expires_ns = life < 128 ? now_ns_ + life : INT64_MAX;
    }
  }

  tp_request request() {
    tp_request made{};
    made.size = sizeof made;
    made.id = input_.byte();
    made.session = input_.below(12);
    made.tenant = input_.below(3);
    made.turn = input_.below(5);
    made.priority = input_.byte();
    made.arrival_ns = now_ns_;
    made.retain_ns = made.turn * 20;
    made.deadline_ns = INT64_MAX;
    fill_hints();
    made.hints = hints_.data();
    made.hint_count = static_cast<std::uint32_t>(hints_.size());
    return made;
  }

  void fill_hints() {
    hints_.clear();
    for (std::uint32_t left = input_.below(3); left > 0; --left) {
      const auto value = static_cast<std::int64_t>(input_.byte()) - 20;
      hints_.push_back({input_.below(7), 0, value});
    }
  }

  void assign(const Spans& spans, SlotState to) {
    for (const tp_span span : spans) slots_.assign(span, to);
  }

  void step() {
    now_ns_ += input_.below(20);
    using Step = void (Host::*)();
    static constexpr std::array<Step, 16> steps{&Host::insert,  &Host::insert,
                                                &Host::insert,  &Host::release,
                                                &Host::release, &Host::take_into_use,
                                                &Host::touch,   &Host::touch,
                                                &Host::remove,  &Host::evict,
                                                &Host::evict,   &Host::evict,
                                                &Host::look_up, &Host::save_and_restore,
                                                &Host::tell,    &Host::wrong_call};
    (this->*steps[input_.below(steps.size())])();
  }

  int insert(const Spans& spans) {
    std::size_t blocks = 0;
    for (const tp_span span : spans) blocks += span.count;
    fill_views(blocks);
    const tp_request made = request();
    return call(spans, [&](tp_cache* cache, const Spans& batch) {
      return table_.on_insert(cache, now_ns_, &made, batch.data(), batch.size(), views_.data());
    });
  }

  void insert() {
    Spans spans = pick(SlotSet::absent);
    std::uint32_t room = capacity_ - slots_.present();
    for (tp_span& span : spans) {
      span.count = std::min(span.count, room);
      room -= span.count;
    }
    std::erase_if(spans, [](tp_span span) { return span.count == 0; });
    check(insert(spans) == TP_OK, "on_insert");
    assign(spans, SlotState::pinned);
  }

  int evictable(std::uint32_t on, const Spans& spans) {
    return call(spans, [&](tp_cache* cache, const Spans& batch) {
      return table_.on_evictable(cache, now_ns_, on, batch.data(), batch.size());
    });
  }
  void release() {
    const Spans spans = pick(SlotSet::held);
    check(evictable(1, spans) == TP_OK, "on_evictable(on)");
    assign(spans, SlotState::evictable);
  }
  void take_into_use() {
    const Spans spans = pick(SlotSet::evictable);
    check(evictable(0, spans) == TP_OK, "on_evictable(off)");
    assign(spans, SlotState::pinned);
  }

  void touch() {
    if (table_.on_touch == nullptr) return;
    const tp_request made = request();
    const int code = call(pick(SlotSet::present), [&](tp_cache* cache, const Spans& batch) {
      return table_.on_touch(cache, now_ns_, &made, batch.data(), batch.size());
    });
    check(code == TP_OK, "on_touch");
  }

  int remove(std::uint32_t reason, const Spans& spans) {
    return call(spans, [&](tp_cache* cache, const Spans& batch) {
      return table_.on_remove(cache, now_ns_, reason, batch.data(), batch.size());
    });
  }
  void remove() {
    const Spans spans = pick(SlotSet::present);
    check(remove(1 + input_.below(4), spans) == TP_OK, "on_remove");
    assign(spans, SlotState::absent);
  }

  void evict() {
    const std::uint32_t need = 1 + input_.below(slots_.evictable() + 2);
    const std::uint64_t before = hash(0);
    std::array<Spans, 2> answers{Spans(need), Spans(need)};
    std::array<tp_victims, 2> victims{};
    std::array<int, 2> codes{};
    for (std::size_t i = 0; i < 2; ++i) {
      codes[i] =
          table_.select(instances_[i].get(), now_ns_, need, answers[i].data(), need, &victims[i]);
      check(hash(i) == before, "select changed something");
    }
    check(codes[0] == codes[1], "selects answer apart");
    check(codes[0] == TP_OK || codes[0] == TP_EREFUSED, "select");
    if (codes[0] != TP_OK) return;
    check(need <= slots_.evictable(), "more victims than may leave");
    check(victims[0].block_count == need && victims[0].span_count <= need, "select's counts");
    check(victims[0].span_count == victims[1].span_count, "answers differ");
    std::vector<std::uint8_t> accepted;
    std::uint32_t named = 0;
    policy::SlotStates after = slots_;
    for (std::uint32_t k = 0; k < victims[0].span_count; ++k) {
      const tp_span span = answers[0][k];
      check(span.first_slot == answers[1][k].first_slot && span.count == answers[1][k].count,
            "victims differ");
      check(after.in_range(span) && after.all(span, SlotState::evictable),
            "a victim that is pinned, unknown or named twice");
      after.assign(span, SlotState::leaving);
      named += span.count;
      accepted.push_back(input_.byte() < 200);
    }
    check(named == need, "select names another number of blocks");
    const std::uint32_t then = input_.below(4);
    for (std::size_t i = 0; i < 2; ++i) {
      tp_cache* cache = instances_[i].get();
      check(table_.commit(cache, now_ns_, victims[i].token + 1, nullptr) != TP_OK,
            "another's token commits");
      const int code = then == 0 ? table_.abort(cache, victims[i].token)
                                 : table_.commit(cache, now_ns_, victims[i].token, accepted.data());
      check(code == TP_OK, "settling the answer");
    }
    if (then == 0) return check(hash(0) == before && hash(1) == before, "abort changed something");
    Spans gone;
    for (std::uint32_t k = 0; k < victims[0].span_count; ++k) {
      if (accepted[k] != 0) gone.push_back(answers[0][k]);
    }
    assign(gone, SlotState::leaving);
    if (then == 1) return;  // they stay for a while
    check(remove(TP_REMOVED_EVICTED, gone) == TP_OK, "victims leave");
    assign(gone, SlotState::absent);
  }

  void look_up() {
    const std::uint32_t count = input_.below(5);
    fill_views(count);
    const tp_request made = request();
    const std::uint32_t hits = count == 0 ? 0 : input_.below(count + 1);
    std::array<std::uint8_t, 4> verdicts{};
    call({}, [&](tp_cache* cache, const Spans&) {
      int code = TP_OK;
      if (table_.on_lookup != nullptr) {
        code |= table_.on_lookup(cache, now_ns_, &made, views_.data(), count, hits);
      }
      if (table_.admit != nullptr) {
        code |= table_.admit(cache, now_ns_, &made, views_.data(), count, verdicts.data());
      }
      check(code == TP_OK, "on_lookup or admit");
      return code;
    });
    for (const std::uint8_t verdict : verdicts) check(verdict <= 1, "a verdict neither 0 nor 1");
  }

  void tell() {
    const std::uint32_t what = input_.below(3);
    const tp_request made = request();
    const std::uint32_t phase = TP_PHASE_ARRIVE + input_.below(6);
    call({}, [&](tp_cache* cache, const Spans&) {
      int code = TP_OK;
      if (what == 0 && table_.on_request != nullptr) {
        code = table_.on_request(cache, now_ns_, &made, phase);
      } else if (what == 1 && table_.on_hint != nullptr) {
        code = table_.on_hint(cache, now_ns_, made.session, hints_.data(), hints_.size());
      } else if (what == 2 && table_.on_tick != nullptr) {
        code = table_.on_tick(cache, now_ns_);
        check(table_.next_wakeup(cache, now_ns_) >= now_ns_, "a wake-up in the past");
      }
      check(code == TP_OK, "a notice about no blocks");
      return code;
    });
  }

  /// Both go on in new instances, each from the other's state, which may have been damaged first.
  void save_and_restore() {
    if (table_.save == nullptr) return;
    const std::uint64_t before = hash(0);
    const std::vector<char> state = saved(table_, instances_[0].get());
    const std::vector<char> wrong = damaged(state, input_);
    check(table_.restore(instances_[1].get(), wrong.data(), wrong.size()) == TP_EINVAL,
          "damage passes");
    check(hash(1) == before, "a damaged state changed something");
    for (Instance& instance : instances_) {
      instance = make();
      check(table_.restore(instance.get(), state.data(), state.size()) == TP_OK, "restore");
    }
    check(hash(0) == before, "a restored state is another");
  }

  void wrong_call() {
    const Spans spans = pick(true);
    const bool in_range = std::all_of(spans.begin(), spans.end(),
                                      [&](tp_span span) { return slots_.in_range(span); });
    if (in_range) {
      check(remove(5 + input_.below(9), {}) != TP_OK, "an unknown reason");
      check(table_.commit(instances_[0].get(), now_ns_, 1, nullptr) == TP_ESTATE, "no answer");
      return;
    }
    check(insert(spans) != TP_OK, "slots out of range enter");
    check(evictable(input_.below(2), spans) != TP_OK, "slots out of range may leave, or may not");
    check(remove(TP_REMOVED_DROPPED, spans) != TP_OK, "slots out of range leave");
  }

  const tp_cache_table& table_;
  const tp_future_table* future_;
  Input input_;
  std::uint32_t capacity_;
  std::uint32_t slot_count_;
  policy::SlotStates slots_;
  std::vector<tp_block> views_;
  std::vector<tp_hint> hints_;
  std::int64_t now_ns_ = 0;
  std::array<Instance, 2> instances_;
};

}  // namespace

/// The first byte is a policy's place among those fuzzed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto policies = fuzz::fuzzed(policy::cache_policies());
  if (size == 0 || data[0] >= policies.size()) return 0;
  Host(*policies[data[0]], Input(data + 1, size - 1)).run();
  return 0;
}
