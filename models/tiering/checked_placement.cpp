#include "models/tiering/checked_placement.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "models/tiering/call_mark.hpp"
#include "models/tiering/checked_cache.hpp"

namespace tiercast::tiering {

namespace {

std::string range_text(uint32_t first, uint32_t count) {
  return "blocks " + std::to_string(first) + " to " + std::to_string(uint64_t{first} + count);
}

const tp_run* run_with(const tp_fetch& fetch, const tp_segment& segment) {
  const std::span runs(fetch.runs, fetch.run_count);
  const auto run = std::find_if(runs.begin(), runs.end(), [&](const tp_run& r) {
    return r.first <= segment.first && segment.first - r.first <= r.count &&
           segment.count <= r.count - (segment.first - r.first);
  });
  return run == runs.end() ? nullptr : &*run;
}

}  // namespace

CheckedPlacement::CheckedPlacement(const tp_placement_table& table, tp_placement* policy)
    : table_(table),
      policy_(policy, Destroy{table.destroy}),
      capabilities_(table.capabilities != nullptr ? table.capabilities(policy)
                                                  : table.info()->capabilities),
      placed_(16),
      segments_(16) {}

std::optional<CheckedPlacement> CheckedPlacement::create(const tp_placement_table& given,
                                                         std::string_view config, uint64_t seed,
                                                         std::string& error, const tp_tape* tape) {
  tp_placement_table table{};
  std::memcpy(&table, &given, std::min<std::size_t>(given.size, sizeof table));
  if (given.size < TP_PLACEMENT_TABLE_SIZE_MIN || table.info == nullptr ||
      table.create == nullptr || table.destroy == nullptr) {
    error = "the placement policy lacks info, create or destroy, or is of another version";
    return std::nullopt;
  }
  const tp_info& info = *table.info();
  if (info.abi_major != TP_ABI_MAJOR) {
    error = "placement policy '" + std::string(info.name) + "' speaks version " +
            std::to_string(info.abi_major) + " of the contract, not " +
            std::to_string(TP_ABI_MAJOR);
    return std::nullopt;
  }
  const std::string lines(config);
  tp_placement* policy = nullptr;
  std::array<char, 512> message{};
  const int code = table.create(lines.c_str(), seed, &policy, message.data(), message.size());
  if (code != TP_OK || policy == nullptr) {
    error = "placement policy '" + std::string(info.name) +
            "': " + (message[0] != '\0' ? std::string(message.data()) : "create failed");
    return std::nullopt;
  }
  CheckedPlacement made(table, policy);
  if (tape == nullptr) return made;
  error = made.record(lines, seed, *tape);
  if (!error.empty()) return std::nullopt;
  return made;
}

std::string CheckedPlacement::record(const std::string& config, uint64_t seed,
                                     const tp_tape& tape) {
  tp_placement_table recording{};
  recording.size = sizeof recording;
  tp_placement* recorder = nullptr;
  std::array<char, 512> message{};
  const int code = tp_record_placement(&table_, policy_.get(), config.c_str(), seed, &tape,
                                       &recording, &recorder, message.data(), message.size());
  if (code != TP_OK) return "no tape: " + std::string(message.data());
  (void)policy_.release();  // the recorder's now
  policy_ = std::unique_ptr<tp_placement, Destroy>(recorder, Destroy{recording.destroy});
  table_ = recording;
  return {};
}

void CheckedPlacement::fail(const char* call, int64_t now_ns, const std::string& what) const {
  throw PolicyFault(table_.info()->name, call, now_ns, what);
}

void CheckedPlacement::check(const char* call, int64_t now_ns, int code) const {
  if (code != TP_OK) fail(call, now_ns, "code " + std::to_string(code));
}

template <class Item, class Ask>
std::span<const Item> CheckedPlacement::answer(const char* call, int64_t now_ns,
                                               std::vector<Item>& room, Ask ask) {
  const CallMark mark(table_.info()->name, call, now_ns);
  size_t count = 0;
  int code = ask(room.data(), room.size(), &count);
  ++policy_calls_;
  if (code == TP_ESPACE && count > room.size() && count < (size_t{1} << 24)) {
    room.resize(count);
    code = ask(room.data(), room.size(), &count);
  }
  if (code != TP_OK) fail(call, now_ns, "code " + std::to_string(code));
  if (count > room.size()) {
    fail(call, now_ns,
         std::to_string(count) + " answers where " + std::to_string(room.size()) + " fit");
  }
  return std::span(room).first(count);
}

std::span<const tp_placed> CheckedPlacement::place(int64_t now_ns, const tp_request& request,
                                                   uint32_t phase, uint32_t first, uint32_t count,
                                                   std::span<const tp_block> blocks,
                                                   std::span<const tp_tier> tiers) {
  if (table_.place == nullptr) return {};
  const auto placed = answer("place", now_ns, placed_, [&](auto* out, size_t room, size_t* n) {
    return table_.place(policy_.get(), now_ns, &request, phase, first, count,
                        blocks.empty() ? nullptr : blocks.data(), tiers.data(), tiers.size(), out,
                        room, n);
  });
  uint32_t reached = first;
  for (const tp_placed& part : placed) {
    if (part.count == 0 || part.first < reached || part.first - first > count ||
        part.count > count - (part.first - first)) {
      fail("place", now_ns,
           range_text(part.first, part.count) +
               " are out of order or outside what was asked for, " + range_text(first, count));
    }
    reached = part.first + part.count;
    for (uint32_t tier = 0; tier < 32; ++tier) {
      if ((part.tier_mask >> tier & 1u) == 0) continue;
      if (tier == 0 || tier >= tiers.size() || (tiers[tier].flags & TP_TIER_READ_ONLY) != 0) {
        fail("place", now_ns, "tier " + std::to_string(tier) + " takes no stores");
      }
    }
  }
  return placed;
}

uint32_t CheckedPlacement::demote(int64_t now_ns, uint32_t from, uint32_t blocks,
                                  std::span<const tp_tier> tiers) {
  if (table_.demote == nullptr) return TP_NO_TIER;
  uint32_t to = TP_NO_TIER;
  const CallMark mark(table_.info()->name, "demote", now_ns);
  ++policy_calls_;
  const int code =
      table_.demote(policy_.get(), now_ns, from, blocks, tiers.data(), tiers.size(), &to);
  if (code != TP_OK) fail("demote", now_ns, "code " + std::to_string(code));
  if (to != TP_NO_TIER &&
      (to <= from || to >= tiers.size() || (tiers[to].flags & TP_TIER_READ_ONLY) != 0)) {
    fail("demote", now_ns,
         "tier " + std::to_string(to) + " cannot take what leaves tier " + std::to_string(from));
  }
  return to;
}

std::span<const tp_segment> CheckedPlacement::plan_fetch(int64_t now_ns, const tp_request& request,
                                                         const tp_fetch& fetch,
                                                         std::span<const tp_tier> tiers) {
  if (table_.plan_fetch == nullptr) {
    segments_.clear();
    for (const tp_run& run : std::span(fetch.runs, fetch.run_count)) {
      uint32_t tier = 0;
      while ((run.tier_mask >> tier & 1u) == 0) ++tier;
      segments_.push_back({run.first, run.count,
                           tier == 0 ? uint32_t{TP_SEGMENT_WAIT} : uint32_t{TP_SEGMENT_LOAD}, tier,
                           TP_NO_TIER, 0});
    }
    return segments_;
  }
  const auto plan = answer("plan_fetch", now_ns, segments_, [&](auto* out, size_t room, size_t* n) {
    return table_.plan_fetch(policy_.get(), now_ns, &request, &fetch, tiers.data(), tiers.size(),
                             out, room, n);
  });
  uint32_t reached = fetch.hit_blocks;
  const bool head = plan.size() > 1 && plan.front().mode == TP_SEGMENT_COMPUTE &&
                    plan[1].mode != TP_SEGMENT_COMPUTE;
  if (head) {
    const tp_segment& segment = plan.front();
    if ((fetch.flags & TP_FETCH_SPLITS) == 0 || segment.count == 0 || segment.first != reached) {
      fail("plan_fetch", now_ns,
           range_text(segment.first, segment.count) +
               " cannot be computed while others load: they leave a gap, or the engine cannot");
    }
    reached += segment.count;
  }
  for (size_t i = head ? 1 : 0; i < plan.size(); ++i) {
    const tp_segment& segment = plan[i];
    if (segment.mode == TP_SEGMENT_COMPUTE) return plan.first(i);
    if (head && segment.mode == TP_SEGMENT_WAIT) {
      fail("plan_fetch", now_ns,
           range_text(segment.first, segment.count) +
               " are waited for behind a head that is computed");
    }
    const tp_run* run = run_with(fetch, segment);
    const bool wait = segment.mode == TP_SEGMENT_WAIT;
    const uint32_t tier = wait ? 0 : segment.tier;
    if (segment.count == 0 || segment.first != reached || run == nullptr ||
        (!wait && segment.mode != TP_SEGMENT_LOAD) || (!wait && tier == 0) || tier > 31 ||
        (run->tier_mask >> tier & 1u) == 0) {
      fail("plan_fetch", now_ns,
           range_text(segment.first, segment.count) + " of tier " + std::to_string(tier) +
               " leave a gap, or that tier does not hold them");
    }
    if (!wait && (run->tier_mask & 1u) != 0) {
      fail("plan_fetch", now_ns,
           range_text(segment.first, segment.count) + " are on their way to GPU memory already");
    }
    if (!wait && segment.to != TP_NO_TIER &&
        (segment.to >= tiers.size() || segment.to == tier ||
         (tiers[tier].flags & TP_TIER_DIRECT) != 0 || tiers[segment.to].kind != TP_TIER_DRAM ||
         (tiers[segment.to].flags & TP_TIER_READ_ONLY) != 0)) {
      fail("plan_fetch", now_ns, "tier " + std::to_string(segment.to) + " cannot keep a copy");
    }
    reached += segment.count;
  }
  return plan;
}

std::span<const tp_segment> CheckedPlacement::prefetch(int64_t now_ns, const tp_request& request,
                                                       const tp_fetch& fetch,
                                                       std::span<const tp_tier> tiers) {
  if (table_.prefetch == nullptr) return {};
  const auto plan = answer("prefetch", now_ns, segments_, [&](auto* out, size_t room, size_t* n) {
    return table_.prefetch(policy_.get(), now_ns, &request, &fetch, tiers.data(), tiers.size(), out,
                           room, n);
  });
  for (const tp_segment& segment : plan) {
    const tp_run* run = run_with(fetch, segment);
    if (segment.mode != TP_SEGMENT_STAGE || segment.count == 0 || run == nullptr ||
        segment.tier == 0 || segment.tier > 31 || (run->tier_mask >> segment.tier & 1u) == 0 ||
        segment.to == 0 || segment.to >= tiers.size() || segment.to >= segment.tier ||
        (tiers[segment.to].flags & TP_TIER_READ_ONLY) != 0) {
      fail("prefetch", now_ns,
           range_text(segment.first, segment.count) + " cannot move from tier " +
               std::to_string(segment.tier) + " to tier " + std::to_string(segment.to));
    }
  }
  return plan;
}

std::span<const uint8_t> CheckedPlacement::admit(int64_t now_ns, const tp_request* request,
                                                 uint32_t from, uint32_t to,
                                                 std::span<const tp_block> blocks,
                                                 std::span<const tp_tier> tiers) {
  constexpr uint8_t kNoAnswer = 255;
  verdicts_.assign(blocks.size(), kNoAnswer);
  ++policy_calls_;
  const CallMark mark(table_.info()->name, "admit", now_ns);
  check("admit", now_ns,
        table_.admit(policy_.get(), now_ns, request, from, to, blocks.data(), blocks.size(),
                     tiers.data(), tiers.size(), verdicts_.data()));
  const auto wrong =
      std::find_if(verdicts_.begin(), verdicts_.end(), [](uint8_t verdict) { return verdict > 1; });
  if (wrong != verdicts_.end()) {
    fail("admit", now_ns,
         "block " + std::to_string(wrong - verdicts_.begin()) + " of " +
             std::to_string(blocks.size()) + " got neither 0 nor 1");
  }
  return verdicts_;
}

void CheckedPlacement::on_request(int64_t now_ns, const tp_request& request, uint32_t phase) {
  if (table_.on_request == nullptr) return;
  ++policy_calls_;
  const CallMark mark(table_.info()->name, "on_request", now_ns);
  check("on_request", now_ns, table_.on_request(policy_.get(), now_ns, &request, phase));
}

void CheckedPlacement::on_transfer(int64_t now_ns, const tp_transfer& transfer) {
  if (table_.on_transfer == nullptr) return;
  ++policy_calls_;
  const CallMark mark(table_.info()->name, "on_transfer", now_ns);
  check("on_transfer", now_ns, table_.on_transfer(policy_.get(), now_ns, &transfer));
}

int64_t CheckedPlacement::next_wakeup() const {
  const CallMark mark(table_.info()->name, "next_wakeup", ticked_ns_);
  return table_.next_wakeup(policy_.get(), ticked_ns_);
}

void CheckedPlacement::tick_until(int64_t now_ns) {
  if (table_.next_wakeup == nullptr || table_.on_tick == nullptr) return;
  for (;;) {
    const int64_t next_ns = next_wakeup();
    if (next_ns > now_ns) break;
    if (next_ns <= ticked_ns_) {
      fail("next_wakeup", ticked_ns_, std::to_string(next_ns) + " ns, which is over");
    }
    ticked_ns_ = next_ns;
    ++policy_calls_;
    const CallMark mark(table_.info()->name, "on_tick", next_ns);
    check("on_tick", next_ns, table_.on_tick(policy_.get(), next_ns));
  }
  ticked_ns_ = std::max(ticked_ns_, now_ns);
}

uint64_t CheckedPlacement::hash_state() const {
  return table_.hash_state != nullptr ? table_.hash_state(policy_.get()) : 0;
}

}  // namespace tiercast::tiering
