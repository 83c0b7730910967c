#include "models/tiering/checked_cache.hpp"

#include <algorithm>
#include <utility>

#include "models/policy/tape_format.hpp"
#include "models/tiering/call_mark.hpp"
#include "sim/base/check.hpp"

namespace tiercast::tiering {
namespace {

using policy::SlotSet;
using policy::SlotState;

std::string span_text(tp_span span) {
  return "{" + std::to_string(span.first_slot) + ", " + std::to_string(span.count) + "}";
}

bool same_spans(std::span<const tp_span> first, std::span<const tp_span> second) {
  return std::equal(
      first.begin(), first.end(), second.begin(), second.end(),
      [](tp_span a, tp_span b) { return a.first_slot == b.first_slot && a.count == b.count; });
}

}  // namespace

PolicyFault::PolicyFault(std::string_view policy, std::string_view call, int64_t now_ns,
                         std::string_view answer)
    : RunFault("policy '" + std::string(policy) + "' broke its contract in " + std::string(call) +
               " at " + std::to_string(now_ns) + " ns: " + std::string(answer)),
      call_(call),
      now_ns_(now_ns),
      answer_(answer) {}

CheckedCache::CheckedCache(PolicyInstance policy, const tp_pool& pool, PolicyChecks checks)
    : policy_(std::move(policy)),
      name_(table().info()->name),
      capacity_blocks_(pool.capacity_blocks),
      slots_(std::max(pool.slot_count, pool.capacity_blocks)),
      capabilities_(table().info()->capabilities),
      checks_(checks),
      ticks_(table().on_tick != nullptr && table().next_wakeup != nullptr) {}

std::optional<CheckedCache> CheckedCache::create(const tp_cache_table& given, const tp_pool& pool,
                                                 std::string_view config, uint64_t seed,
                                                 std::string& error, PolicyChecks checks,
                                                 const tp_tape* tape) {
  std::optional<PolicyInstance> made =
      PolicyInstance::create(given, pool, config, seed, tape, error);
  if (!made) return std::nullopt;
  return CheckedCache(std::move(*made), pool, checks);
}

void CheckedCache::fail(const char* call, int64_t now_ns, int code) const {
  throw PolicyFault(policy_name(), call, now_ns, policy::code_text(code));
}

void CheckedCache::wrong_slots(const char* call, tp_span span) const {
  TIERCAST_CHECK(false,
                 "{} of span {}, slots not all in a state for it (pool of {}, first slot is {})",
                 call, span_text(span), slots_.capacity(),
                 slots_.in_range(span) ? static_cast<int>(slots_.state(span.first_slot)) : -1);
}

inline void CheckedCache::move_slots(const char* call, std::span<const tp_span> spans, SlotSet from,
                                     SlotState to) {
  for (const tp_span span : spans) {
    if (!slots_.in_range(span) || !slots_.move_if(span, from, to)) wrong_slots(call, span);
  }
}

template <class Call>
void CheckedCache::tell(const char* name, int64_t now_ns, Call call) {
  wake(now_ns);
  {
    const CallMark mark(name_, name, now_ns);
    expect_ok(call(), name, now_ns);
  }
  plan_wakeup(now_ns);
}

void CheckedCache::insert(int64_t now_ns, std::span<const tp_span> spans,
                          std::span<const tp_block> blocks, const tp_request* request) {
  TIERCAST_CHECK(!reads_keys() || !blocks.empty() || spans.empty(), "insert without views");
  move_slots("insert", spans, SlotSet::absent, SlotState::pinned);
  TIERCAST_CHECK(slots_.present() <= capacity_blocks_, "{} blocks in a pool of {}",
                 slots_.present(), capacity_blocks_);
  if (table().on_insert == nullptr) return;
  tell("on_insert", now_ns, [&] {
    return table().on_insert(policy_.get(), now_ns, request, spans.data(), spans.size(),
                             blocks.empty() ? nullptr : blocks.data());
  });
}

void CheckedCache::touch(int64_t now_ns, std::span<const tp_span> spans,
                         const tp_request* request) {
  for (const tp_span span : spans) {
    if (!slots_.in_range(span) || !slots_.all(span, SlotSet::present)) wrong_slots("touch", span);
  }
  if (table().on_touch == nullptr) return;
  tell("on_touch", now_ns, [&] {
    return table().on_touch(policy_.get(), now_ns, request, spans.data(), spans.size());
  });
}

void CheckedCache::remove(int64_t now_ns, uint32_t reason, std::span<const tp_span> spans) {
  move_slots("remove", spans, SlotSet::present, SlotState::absent);
  tell("on_remove", now_ns, [&] {
    return table().on_remove(policy_.get(), now_ns, reason, spans.data(), spans.size());
  });
}

void CheckedCache::evictable(int64_t now_ns, bool on, std::span<const tp_span> spans) {
  if (on) {
    move_slots("evictable(on)", spans, SlotSet::held, SlotState::evictable);
  } else {
    move_slots("evictable(off)", spans, SlotSet::evictable, SlotState::pinned);
  }
  tell("on_evictable", now_ns, [&] {
    return table().on_evictable(policy_.get(), now_ns, on ? 1 : 0, spans.data(), spans.size());
  });
}

int CheckedCache::select(int64_t now_ns, uint32_t need_blocks, tp_victims& answer) {
  const CallMark mark(name_, "select", now_ns);
  ++policy_calls_;
  return table().select(policy_.get(), now_ns, need_blocks, victims_.data(), need_blocks, &answer);
}

bool CheckedCache::begin_eviction(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out) {
  TIERCAST_CHECK(need_blocks != 0 && need_blocks <= slots_.evictable(),
                 "{} victims wanted of {} evictable blocks", need_blocks, slots_.evictable());
  wake(now_ns);
  // Behind what fits there is room for a policy that writes a few spans too many, to be told.
  constexpr std::size_t spare = 64;
  if (victims_.size() < need_blocks + spare) victims_.resize(need_blocks + spare);
  std::optional<std::vector<tp_span>> rehearsed;
  const bool rehearses = checks_ == PolicyChecks::rehearsals &&
                         (selects_ < kRehearsedSelects || selects_ % kRehearsedSelects == 0);
  if (rehearses) rehearsed = rehearse(now_ns, need_blocks);
  ++selects_;
  tp_victims answer{};
  const int code = select(now_ns, need_blocks, answer);
  if (code != TP_OK && code != TP_EREFUSED) fail("select", now_ns, code);
  if (code == TP_OK) take_answer(now_ns, need_blocks, answer);
  const auto victims = std::span(victims_).first(code == TP_OK ? answer.span_count : 0);
  if (rehearsed && !same_spans(*rehearsed, victims)) {
    throw PolicyFault(name_, "select", now_ns,
                      "another answer than just before, though only an abort came between");
  }
  if (code == TP_EREFUSED) return false;
  tell("commit", now_ns,
       [&] { return table().commit(policy_.get(), now_ns, answer.token, nullptr); });
  out.insert(out.end(), victims.begin(), victims.end());
  return true;
}

/// Asks and takes it back. Answers what was named, nothing where the policy refuses.
std::optional<std::vector<tp_span>> CheckedCache::rehearse(int64_t now_ns, uint32_t need_blocks) {
  const uint64_t before = hash_state();
  tp_victims answer{};
  const int code = select(now_ns, need_blocks, answer);
  if (code != TP_OK && code != TP_EREFUSED) fail("select", now_ns, code);
  std::vector<tp_span> named;
  if (code == TP_OK) {
    take_answer(now_ns, need_blocks, answer);
    named.assign(victims_.begin(), victims_.begin() + answer.span_count);
    for (const tp_span span : named) slots_.move(span, SlotState::leaving, SlotState::evictable);
    const CallMark mark(name_, "abort", now_ns);
    expect_ok(table().abort(policy_.get(), answer.token), "abort", now_ns);
  }
  const uint64_t after = hash_state();
  if (after != before) {
    throw PolicyFault(name_, code == TP_OK ? "abort" : "select", now_ns,
                      "hash_state is " + std::to_string(after) + " where it was " +
                          std::to_string(before) + " before victims were asked for");
  }
  return named;
}

bool CheckedCache::take_victims(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out) {
  const std::size_t before = out.size();
  if (!begin_eviction(now_ns, need_blocks, out)) return false;
  remove(now_ns, TP_REMOVED_EVICTED, std::span(out).subspan(before));
  return true;
}

void CheckedCache::check_victims(int64_t now_ns, tp_span span) const {
  const auto fail = [&](const std::string& what) {
    throw PolicyFault(name_, "select", now_ns, "victims " + span_text(span) + what);
  };
  if (!slots_.in_range(span)) fail(" are outside the pool");
  if (slots_.all(span, SlotState::evictable)) return;
  uint32_t slot = span.first_slot;
  while (slots_.state(slot) == SlotState::evictable) ++slot;
  const std::string named = ": slot " + std::to_string(slot);
  if (slots_.state(slot) == SlotState::pinned) fail(named + " is pinned");
  if (slots_.state(slot) == SlotState::absent) fail(named + " is empty");
  fail(named + " is named twice, or leaving already");
}

void CheckedCache::take_answer(int64_t now_ns, uint32_t need_blocks, const tp_victims& answer) {
  const auto fail = [&](const std::string& what) {
    throw PolicyFault(policy_name(), "select", now_ns, what);
  };
  if (answer.token == 0 || answer.token == last_token_) {
    fail("token " + std::to_string(answer.token) + " is 0 or that of the answer before");
  }
  if (checks_ == PolicyChecks::rehearsals && !tokens_.insert(answer.token).second) {
    fail("token " + std::to_string(answer.token) + " was that of an answer before");
  }
  if (answer.span_count > need_blocks) {
    fail(std::to_string(answer.span_count) + " spans where " + std::to_string(need_blocks) +
         " fit");
  }
  uint64_t blocks = 0;
  for (uint32_t i = 0; i < answer.span_count; ++i) {
    const tp_span span = victims_[i];
    check_victims(now_ns, span);
    slots_.move(span, SlotState::evictable, SlotState::leaving);
    blocks += span.count;
  }
  if (blocks != need_blocks || answer.block_count != need_blocks) {
    fail(std::to_string(blocks) + " victims, counted as " + std::to_string(answer.block_count) +
         ", where " + std::to_string(need_blocks) + " were wanted");
  }
  last_token_ = answer.token;
}

void CheckedCache::request(int64_t now_ns, const tp_request& request, uint32_t phase) {
  if (table().on_request == nullptr) return;
  tell("on_request", now_ns,
       [&] { return table().on_request(policy_.get(), now_ns, &request, phase); });
}

void CheckedCache::lookup(int64_t now_ns, std::span<const tp_block> blocks, std::size_t hits,
                          const tp_request* request) {
  if (table().on_lookup == nullptr) return;
  tell("on_lookup", now_ns, [&] {
    return table().on_lookup(policy_.get(), now_ns, request, blocks.data(), blocks.size(), hits);
  });
}

void CheckedCache::hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
  if (table().on_hint == nullptr) return;
  tell("on_hint", now_ns,
       [&] { return table().on_hint(policy_.get(), now_ns, session, hints.data(), hints.size()); });
}

std::size_t CheckedCache::admitted(int64_t now_ns, std::span<const tp_block> blocks,
                                   const tp_request* request) {
  if (table().admit == nullptr) return blocks.size();
  constexpr uint8_t kSilent = 0xFF;  // no verdict
  verdicts_.assign(blocks.size(), kSilent);
  tell("admit", now_ns, [&] {
    return table().admit(policy_.get(), now_ns, request, blocks.data(), blocks.size(),
                         verdicts_.data());
  });
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    if (verdicts_[i] <= 1) continue;
    throw PolicyFault(policy_name(), "admit", now_ns,
                      "verdict " + std::to_string(verdicts_[i]) + " on block " + std::to_string(i) +
                          " of " + std::to_string(blocks.size()) +
                          ", where 1 takes it in and 0 does not");
  }
  return static_cast<std::size_t>(std::find(verdicts_.begin(), verdicts_.end(), 0) -
                                  verdicts_.begin());
}

void CheckedCache::attach(const tp_future_table& table, const tp_future& future) {
  TIERCAST_CHECK(needs_future(), "a future for policy '{}', which needs none", policy_name());
  const CallMark mark(name_, "attach");
  expect_ok(table.attach(policy_.get(), &future), "attach", INT64_MIN);
}

void CheckedCache::ask_wakeup(int64_t now_ns) {
  ++policy_calls_;
  const CallMark mark(name_, "next_wakeup", now_ns);
  wakeup_ns_ = table().next_wakeup(policy_.get(), now_ns);
  if (wakeup_ns_ >= now_ns) return;
  throw PolicyFault(policy_name(), "next_wakeup", now_ns,
                    std::to_string(wakeup_ns_) + " ns, which is past");
}

void CheckedCache::tick_until(int64_t now_ns) {
  while (wakeup_ns_ <= now_ns) {
    const int64_t tick_ns = wakeup_ns_;
    {
      const CallMark mark(name_, "on_tick", tick_ns);
      expect_ok(table().on_tick(policy_.get(), tick_ns), "on_tick", tick_ns);
    }
    ask_wakeup(tick_ns);
    if (wakeup_ns_ > tick_ns) continue;
    throw PolicyFault(name_, "next_wakeup", tick_ns, "the same time again, just after its tick");
  }
}

uint64_t CheckedCache::hash_state() const {
  if (table().hash_state == nullptr) return 0;
  const CallMark mark(name_, "hash_state");
  return table().hash_state(policy_.get());
}

}  // namespace tiercast::tiering
