#include "models/tiering/checked_cache.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

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
    if (missing) return name;
  }
  return {};
}

}  // namespace

PolicyFault::PolicyFault(std::string_view policy, std::string_view call, int64_t now_ns,
                         std::string_view answer)
    : RunFault("policy '" + std::string(policy) + "' broke its contract in " + std::string(call) +
               " at " + std::to_string(now_ns) + " ns: " + std::string(answer)),
      call_(call),
      now_ns_(now_ns),
      answer_(answer) {}

CheckedCache::CheckedCache(const tp_cache_table& table, tp_cache* policy, const tp_pool& pool)
    : table_(table),
      policy_(policy),
      capacity_blocks_(pool.capacity_blocks),
      slots_(std::max(pool.slot_count, pool.capacity_blocks)),
      capabilities_(table.info()->capabilities),
      ticks_(table.on_tick != nullptr && table.next_wakeup != nullptr) {}

CheckedCache::CheckedCache(CheckedCache&& other) noexcept
    : table_(other.table_),
      policy_(std::exchange(other.policy_, nullptr)),
      capacity_blocks_(other.capacity_blocks_),
      slots_(std::move(other.slots_)),
      capabilities_(other.capabilities_),
      last_token_(other.last_token_),
      policy_calls_(other.policy_calls_),
      ticks_(other.ticks_),
      wakeup_ns_(other.wakeup_ns_),
      victims_(std::move(other.victims_)),
      verdicts_(std::move(other.verdicts_)) {}

CheckedCache& CheckedCache::operator=(CheckedCache&& other) noexcept {
  std::swap(table_, other.table_);
  std::swap(policy_, other.policy_);
  std::swap(capacity_blocks_, other.capacity_blocks_);
  std::swap(slots_, other.slots_);
  std::swap(capabilities_, other.capabilities_);
  std::swap(last_token_, other.last_token_);
  std::swap(policy_calls_, other.policy_calls_);
  std::swap(ticks_, other.ticks_);
  std::swap(wakeup_ns_, other.wakeup_ns_);
  std::swap(victims_, other.victims_);
  std::swap(verdicts_, other.verdicts_);
  return *this;
}

CheckedCache::~CheckedCache() {
  if (policy_ != nullptr) table_.destroy(policy_);
}

std::optional<CheckedCache> CheckedCache::create(const tp_cache_table& given, const tp_pool& pool,
                                                 std::string_view config, uint64_t seed,
                                                 std::string& error) {
  tp_cache_table table{};
  std::memcpy(&table, &given, std::min<std::size_t>(given.size, sizeof table));
  const std::string missing =
      given.size < TP_CACHE_TABLE_SIZE_MIN ? "a whole table" : missing_entry(table);
  if (!missing.empty()) {
    error = "the policy lacks " + missing;
    return std::nullopt;
  }
  const tp_info& info = *table.info();
  if (info.abi_major != TP_ABI_MAJOR) {
    error = "policy '" + std::string(info.name) + "' speaks version " +
            std::to_string(info.abi_major) + " of the contract, not " +
            std::to_string(TP_ABI_MAJOR);
    return std::nullopt;
  }
  tp_cache* policy = nullptr;
  std::array<char, 512> message{};
  const int code = table.create(std::string(config).c_str(), &pool, seed, &policy, message.data(),
                                message.size());
  if (code != TP_OK || policy == nullptr) {
    error = "policy '" + std::string(info.name) + "': " +
            (message[0] != '\0' ? std::string(message.data()) : "create: " + code_text(code));
    return std::nullopt;
  }
  return CheckedCache(table, policy, pool);
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

void CheckedCache::insert(int64_t now_ns, std::span<const tp_span> spans,
                          std::span<const tp_block> blocks, const tp_request* request) {
  TIERCAST_CHECK(!reads_keys() || !blocks.empty() || spans.empty(),
                 "insert without block views into a policy that reads keys");
  move_slots("insert", spans, SlotSet::absent, SlotState::pinned);
  TIERCAST_CHECK(slots_.present() <= capacity_blocks_, "{} blocks in a pool of {}",
                 slots_.present(), capacity_blocks_);
  if (table_.on_insert == nullptr) return;
  wake(now_ns);
  expect_ok(table_.on_insert(policy_, now_ns, request, spans.data(), spans.size(),
                             blocks.empty() ? nullptr : blocks.data()),
            "on_insert", now_ns);
  plan_wakeup(now_ns);
}

void CheckedCache::touch(int64_t now_ns, std::span<const tp_span> spans,
                         const tp_request* request) {
  for (const tp_span span : spans) {
    if (!slots_.in_range(span) || !slots_.all(span, SlotSet::present)) wrong_slots("touch", span);
  }
  if (table_.on_touch == nullptr) return;
  wake(now_ns);
  expect_ok(table_.on_touch(policy_, now_ns, request, spans.data(), spans.size()), "on_touch",
            now_ns);
  plan_wakeup(now_ns);
}

void CheckedCache::remove(int64_t now_ns, uint32_t reason, std::span<const tp_span> spans) {
  move_slots("remove", spans, SlotSet::present, SlotState::absent);
  wake(now_ns);
  expect_ok(table_.on_remove(policy_, now_ns, reason, spans.data(), spans.size()), "on_remove",
            now_ns);
  plan_wakeup(now_ns);
}

void CheckedCache::evictable(int64_t now_ns, bool on, std::span<const tp_span> spans) {
  if (on) {
    move_slots("evictable(on)", spans, SlotSet::held, SlotState::evictable);
  } else {
    move_slots("evictable(off)", spans, SlotSet::evictable, SlotState::pinned);
  }
  wake(now_ns);
  expect_ok(table_.on_evictable(policy_, now_ns, on ? 1 : 0, spans.data(), spans.size()),
            "on_evictable", now_ns);
  plan_wakeup(now_ns);
}

bool CheckedCache::begin_eviction(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out) {
  TIERCAST_CHECK(need_blocks != 0 && need_blocks <= slots_.evictable(),
                 "{} victims wanted of {} evictable blocks", need_blocks, slots_.evictable());
  wake(now_ns);
  if (victims_.size() < need_blocks) victims_.resize(need_blocks);
  tp_victims answer{};
  const int code =
      table_.select(policy_, now_ns, need_blocks, victims_.data(), victims_.size(), &answer);
  if (code == TP_EREFUSED) {
    ++policy_calls_;
    return false;
  }
  expect_ok(code, "select", now_ns);
  take_answer(now_ns, need_blocks, answer);
  expect_ok(table_.commit(policy_, now_ns, answer.token, nullptr), "commit", now_ns);
  plan_wakeup(now_ns);
  out.insert(out.end(), victims_.begin(), victims_.begin() + answer.span_count);
  return true;
}

bool CheckedCache::take_victims(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out) {
  const std::size_t before = out.size();
  if (!begin_eviction(now_ns, need_blocks, out)) return false;
  remove(now_ns, TP_REMOVED_EVICTED, std::span(out).subspan(before));
  return true;
}

void CheckedCache::take_answer(int64_t now_ns, uint32_t need_blocks, const tp_victims& answer) {
  const auto fail = [&](const std::string& what) {
    throw PolicyFault(policy_name(), "select", now_ns, what);
  };
  if (answer.token == 0 || answer.token == last_token_) {
    fail("token " + std::to_string(answer.token) + " is 0 or that of the answer before");
  }
  if (answer.span_count > victims_.size()) {
    fail(std::to_string(answer.span_count) + " spans where " + std::to_string(victims_.size()) +
         " fit");
  }
  uint64_t blocks = 0;
  for (uint32_t i = 0; i < answer.span_count; ++i) {
    const tp_span span = victims_[i];
    if (!slots_.in_range(span)) fail("victims " + span_text(span) + " are outside the pool");
    if (!slots_.all(span, SlotState::evictable)) {
      fail("victims " + span_text(span) + " are not all evictable, or named twice");
    }
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
  wake(now_ns);
  expect_ok(table_.on_request(policy_, now_ns, &request, phase), "on_request", now_ns);
  plan_wakeup(now_ns);
}

void CheckedCache::lookup(int64_t now_ns, std::span<const tp_block> blocks, std::size_t hits,
                          const tp_request* request) {
  if (table_.on_lookup == nullptr) return;
  wake(now_ns);
  expect_ok(table_.on_lookup(policy_, now_ns, request, blocks.data(), blocks.size(), hits),
            "on_lookup", now_ns);
  plan_wakeup(now_ns);
}

void CheckedCache::hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
  if (table_.on_hint == nullptr) return;
  wake(now_ns);
  expect_ok(table_.on_hint(policy_, now_ns, session, hints.data(), hints.size()), "on_hint",
            now_ns);
  plan_wakeup(now_ns);
}

std::size_t CheckedCache::admitted(int64_t now_ns, std::span<const tp_block> blocks,
                                   const tp_request* request) {
  if (table_.admit == nullptr) return blocks.size();
  constexpr uint8_t kSilent = 0xFF;  // no verdict
  wake(now_ns);
  verdicts_.assign(blocks.size(), kSilent);
  expect_ok(table_.admit(policy_, now_ns, request, blocks.data(), blocks.size(), verdicts_.data()),
            "admit", now_ns);
  plan_wakeup(now_ns);
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
  expect_ok(table.attach(policy_, &future), "attach", INT64_MIN);
}

void CheckedCache::ask_wakeup(int64_t now_ns) {
  ++policy_calls_;
  wakeup_ns_ = table_.next_wakeup(policy_, now_ns);
  if (wakeup_ns_ >= now_ns) return;
  throw PolicyFault(policy_name(), "next_wakeup", now_ns,
                    std::to_string(wakeup_ns_) + " ns, which is past");
}

void CheckedCache::tick_until(int64_t now_ns) {
  while (wakeup_ns_ <= now_ns) {
    const int64_t tick_ns = wakeup_ns_;
    expect_ok(table_.on_tick(policy_, tick_ns), "on_tick", tick_ns);
    ask_wakeup(tick_ns);
    if (wakeup_ns_ > tick_ns) continue;
    throw PolicyFault(policy_name(), "next_wakeup", tick_ns,
                      "the same time again, just after on_tick at it");
  }
}

uint64_t CheckedCache::hash_state() const {
  return table_.hash_state != nullptr ? table_.hash_state(policy_) : 0;
}

}  // namespace tiercast::tiering
