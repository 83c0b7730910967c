#include "models/tiering/checked_cache.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/tiering/call_mark.hpp"
#include "sim/base/check.hpp"

namespace tiercast::tiering {
namespace {

using policy::SlotSet;
using policy::SlotState;

std::string code_text(int code) {
  switch (code) {
    case TP_OK:
      return "TP_OK";
    case TP_EINVAL:
      return "TP_EINVAL";
    case TP_ENOMEM:
      return "TP_ENOMEM";
    case TP_ESTATE:
      return "TP_ESTATE";
    case TP_EREFUSED:
      return "TP_EREFUSED";
    case TP_ESPACE:
      return "TP_ESPACE";
    default:
      return "unknown code " + std::to_string(code);
  }
}

std::string span_text(tp_span span) {
  return "{" + std::to_string(span.first_slot) + ", " + std::to_string(span.count) + "}";
}

std::string missing_entry(const tp_cache_table& table) {
  const std::array required{
      std::pair{"info", table.info == nullptr},
      std::pair{"create", table.create == nullptr},
      std::pair{"destroy", table.destroy == nullptr},
      std::pair{"on_remove", table.on_remove == nullptr},
      std::pair{"on_evictable", table.on_evictable == nullptr},
      std::pair{"select", table.select == nullptr},
      std::pair{"commit", table.commit == nullptr},
      std::pair{"abort", table.abort == nullptr},
  };
  for (const auto& [name, missing] : required) {
    if (missing) return std::string("the policy lacks ") + name;
  }
  return {};
}

/// Why no instance can be made of a table; empty where one may.
std::string unfit(const tp_cache_table& table, uint32_t size) {
  if (size < TP_CACHE_TABLE_SIZE_MIN) return "the policy lacks a whole table";
  std::string missing = missing_entry(table);
  if (!missing.empty()) return missing;
  const tp_info* info = table.info();
  if (info == nullptr || info->name == nullptr) return "the policy's info lacks a name";
  if (info->abi_major == TP_ABI_MAJOR) return {};
  return "policy '" + std::string(info->name) + "' speaks version " +
         std::to_string(info->abi_major) + " of the contract, not " + std::to_string(TP_ABI_MAJOR);
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

CheckedCache::CheckedCache(const tp_cache_table& table, tp_cache* policy, const tp_pool& pool,
                           PolicyChecks checks)
    : table_(table),
      name_(table.info()->name),
      policy_(policy),
      capacity_blocks_(pool.capacity_blocks),
      slots_(std::max(pool.slot_count, pool.capacity_blocks)),
      capabilities_(table.info()->capabilities),
      checks_(checks),
      ticks_(table.on_tick != nullptr && table.next_wakeup != nullptr) {}

CheckedCache::CheckedCache(CheckedCache&& other) noexcept
    : table_(other.table_),
      name_(other.name_),
      policy_(std::exchange(other.policy_, nullptr)),
      capacity_blocks_(other.capacity_blocks_),
      slots_(std::move(other.slots_)),
      capabilities_(other.capabilities_),
      checks_(other.checks_),
      last_token_(other.last_token_),
      tokens_(std::move(other.tokens_)),
      selects_(other.selects_),
      policy_calls_(other.policy_calls_),
      ticks_(other.ticks_),
      wakeup_ns_(other.wakeup_ns_),
      victims_(std::move(other.victims_)),
      verdicts_(std::move(other.verdicts_)) {}

CheckedCache& CheckedCache::operator=(CheckedCache&& other) noexcept {
  std::swap(table_, other.table_);
  std::swap(name_, other.name_);
  std::swap(policy_, other.policy_);
  std::swap(capacity_blocks_, other.capacity_blocks_);
  std::swap(slots_, other.slots_);
  std::swap(capabilities_, other.capabilities_);
  std::swap(checks_, other.checks_);
  std::swap(last_token_, other.last_token_);
  std::swap(tokens_, other.tokens_);
  std::swap(selects_, other.selects_);
  std::swap(policy_calls_, other.policy_calls_);
  std::swap(ticks_, other.ticks_);
  std::swap(wakeup_ns_, other.wakeup_ns_);
  std::swap(victims_, other.victims_);
  std::swap(verdicts_, other.verdicts_);
  return *this;
}

CheckedCache::~CheckedCache() {
  if (policy_ == nullptr) return;
  const CallMark mark(name_, "destroy");
  table_.destroy(policy_);
}

std::optional<CheckedCache> CheckedCache::create(const tp_cache_table& given, const tp_pool& pool,
                                                 std::string_view config, uint64_t seed,
                                                 std::string& error, PolicyChecks checks) {
  tp_cache_table table{};
  std::memcpy(&table, &given, std::min<std::size_t>(given.size, sizeof table));
  error = unfit(table, given.size);
  if (!error.empty()) return std::nullopt;
  const char* name = table.info()->name;
  tp_cache* policy = nullptr;
  std::array<char, 512> message{};
  const CallMark mark(name, "create");
  const int code = table.create(std::string(config).c_str(), &pool, seed, &policy, message.data(),
                                message.size());
  if (code == TP_OK && policy != nullptr) return CheckedCache(table, policy, pool, checks);
  message.back() = '\0';
  error = "policy '" + std::string(name) + "': ";
  if (message[0] != '\0') {
    error += message.data();
  } else {
    error += "create answers " + code_text(code) + (code == TP_OK ? " and no instance" : "");
  }
  return std::nullopt;
}

void CheckedCache::fail(const char* call, int64_t now_ns, int code) const {
  throw PolicyFault(policy_name(), call, now_ns, code_text(code));
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
  if (table_.on_insert == nullptr) return;
  tell("on_insert", now_ns, [&] {
    return table_.on_insert(policy_, now_ns, request, spans.data(), spans.size(),
                            blocks.empty() ? nullptr : blocks.data());
  });
}

void CheckedCache::touch(int64_t now_ns, std::span<const tp_span> spans,
                         const tp_request* request) {
  for (const tp_span span : spans) {
    if (!slots_.in_range(span) || !slots_.all(span, SlotSet::present)) wrong_slots("touch", span);
  }
  if (table_.on_touch == nullptr) return;
  tell("on_touch", now_ns,
       [&] { return table_.on_touch(policy_, now_ns, request, spans.data(), spans.size()); });
}

void CheckedCache::remove(int64_t now_ns, uint32_t reason, std::span<const tp_span> spans) {
  move_slots("remove", spans, SlotSet::present, SlotState::absent);
  tell("on_remove", now_ns,
       [&] { return table_.on_remove(policy_, now_ns, reason, spans.data(), spans.size()); });
}

void CheckedCache::evictable(int64_t now_ns, bool on, std::span<const tp_span> spans) {
  if (on) {
    move_slots("evictable(on)", spans, SlotSet::held, SlotState::evictable);
  } else {
    move_slots("evictable(off)", spans, SlotSet::evictable, SlotState::pinned);
  }
  tell("on_evictable", now_ns, [&] {
    return table_.on_evictable(policy_, now_ns, on ? 1 : 0, spans.data(), spans.size());
  });
}

int CheckedCache::select(int64_t now_ns, uint32_t need_blocks, tp_victims& answer) {
  const CallMark mark(name_, "select", now_ns);
  ++policy_calls_;
  return table_.select(policy_, now_ns, need_blocks, victims_.data(), victims_.size(), &answer);
}

bool CheckedCache::begin_eviction(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out) {
  TIERCAST_CHECK(need_blocks != 0 && need_blocks <= slots_.evictable(),
                 "{} victims wanted of {} evictable blocks", need_blocks, slots_.evictable());
  wake(now_ns);
  if (victims_.size() < need_blocks) victims_.resize(need_blocks);
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
  tell("commit", now_ns, [&] { return table_.commit(policy_, now_ns, answer.token, nullptr); });
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
    expect_ok(table_.abort(policy_, answer.token), "abort", now_ns);
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
  if (answer.span_count > victims_.size()) {
    fail(std::to_string(answer.span_count) + " spans where " + std::to_string(victims_.size()) +
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
  if (table_.on_request == nullptr) return;
  tell("on_request", now_ns, [&] { return table_.on_request(policy_, now_ns, &request, phase); });
}

void CheckedCache::lookup(int64_t now_ns, std::span<const tp_block> blocks, std::size_t hits,
                          const tp_request* request) {
  if (table_.on_lookup == nullptr) return;
  tell("on_lookup", now_ns, [&] {
    return table_.on_lookup(policy_, now_ns, request, blocks.data(), blocks.size(), hits);
  });
}

void CheckedCache::hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
  if (table_.on_hint == nullptr) return;
  tell("on_hint", now_ns,
       [&] { return table_.on_hint(policy_, now_ns, session, hints.data(), hints.size()); });
}

std::size_t CheckedCache::admitted(int64_t now_ns, std::span<const tp_block> blocks,
                                   const tp_request* request) {
  if (table_.admit == nullptr) return blocks.size();
  constexpr uint8_t kSilent = 0xFF;  // no verdict
  verdicts_.assign(blocks.size(), kSilent);
  tell("admit", now_ns, [&] {
    return table_.admit(policy_, now_ns, request, blocks.data(), blocks.size(), verdicts_.data());
  });
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    if (verdicts_[i] <= 1) continue;
    throw PolicyFault(policy_name(), "admit", now_ns,
                      "verdict " + std::to_string(verdicts_[i]) + " on block " + std::to_string(i) +
                          ", where 1 takes it in and 0 does not");
  }
  return static_cast<std::size_t>(std::find(verdicts_.begin(), verdicts_.end(), 0) -
                                  verdicts_.begin());
}

void CheckedCache::attach(const tp_future_table& table, const tp_future& future) {
  TIERCAST_CHECK(needs_future(), "a future for policy '{}', which needs none", policy_name());
  const CallMark mark(name_, "attach");
  expect_ok(table.attach(policy_, &future), "attach", INT64_MIN);
}

void CheckedCache::ask_wakeup(int64_t now_ns) {
  ++policy_calls_;
  const CallMark mark(name_, "next_wakeup", now_ns);
  wakeup_ns_ = table_.next_wakeup(policy_, now_ns);
  if (wakeup_ns_ >= now_ns) return;
  throw PolicyFault(policy_name(), "next_wakeup", now_ns,
                    std::to_string(wakeup_ns_) + " ns, which is past");
}

void CheckedCache::tick_until(int64_t now_ns) {
  while (wakeup_ns_ <= now_ns) {
    const int64_t tick_ns = wakeup_ns_;
    {
      const CallMark mark(name_, "on_tick", tick_ns);
      expect_ok(table_.on_tick(policy_, tick_ns), "on_tick", tick_ns);
    }
    ask_wakeup(tick_ns);
    if (wakeup_ns_ > tick_ns) continue;
    throw PolicyFault(name_, "next_wakeup", tick_ns, "the same time again, just after its tick");
  }
}

uint64_t CheckedCache::hash_state() const {
  if (table_.hash_state == nullptr) return 0;
  const CallMark mark(name_, "hash_state");
  return table_.hash_state(policy_);
}

}  // namespace tiercast::tiering
