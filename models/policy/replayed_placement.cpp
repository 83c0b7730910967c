#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "models/policy/replayed.hpp"

namespace tiercast::policy {
namespace {

class ReplayedPlacement final : public Replayed {
 public:
  ReplayedPlacement(const TapeHeader& header, const tp_placement_table& given) : header_(header) {
    std::memcpy(&table_, &given, std::min<std::size_t>(given.size, sizeof table_));
  }
  ~ReplayedPlacement() override {
    if (placement_ != nullptr) table_.destroy(placement_);
  }

  std::string create() override {
    if (table_.create == nullptr || table_.destroy == nullptr) {
      return "the policy lacks entries that it must have";
    }
    std::array<char, 512> message{};
    const int code = table_.create(header_.config.c_str(), header_.seed, &placement_,
                                   message.data(), message.size());
    if (code == TP_OK) return {};
    placement_ = nullptr;
    return create_error(table_.info()->name, message.data(), code);
  }

  uint64_t state() const override {
    return table_.hash_state != nullptr ? table_.hash_state(placement_) : 0;
  }
  uint32_t capabilities() const override {
    return table_.capabilities != nullptr ? table_.capabilities(placement_)
                                          : table_.info()->capabilities;
  }

  void answer(const TapeCall& asked, TapeCall& call) override;

 private:
  void place(TapeCall& call);
  void demote(TapeCall& call);
  void fetch(TapeCall& call, decltype(tp_placement_table::plan_fetch) entry);
  static void fetch_nearest(TapeCall& call);
  void admit(TapeCall& call);

  const TapeHeader& header_;
  tp_placement_table table_{};
  tp_placement* placement_ = nullptr;
};

// No answer has more items than blocks that it is about, so a tape may not ask for more room.
template <class Item, class Ask>
void ask(TapeCall& call, std::vector<Item>& answers, uint64_t most, Ask ask_policy) {
  std::vector<Item> out(static_cast<std::size_t>(std::min(call.placement.room, most)));
  size_t count = 0;
  call.code = ask_policy(out.data(), out.size(), &count);
  call.placement.told = call.code == TP_ESPACE ? count : 0;
  out.resize(call.code == TP_OK ? std::min(out.size(), count) : 0);
  answers = std::move(out);
}

void ReplayedPlacement::place(TapeCall& call) {
  PlacementCall& placement = call.placement;
  ask(call, placement.placed, uint64_t{placement.count} + 1,
      [&](tp_placed* out, size_t room, size_t* count) {
        if (table_.place == nullptr) return int{TP_OK};
        return table_.place(placement_, call.now_ns, request_of(call), call.number, placement.first,
                            placement.count, call.has_blocks ? call.blocks.data() : nullptr,
                            placement.tiers.data(), placement.tiers.size(), out, room, count);
      });
}

void ReplayedPlacement::demote(TapeCall& call) {
  PlacementCall& placement = call.placement;
  placement.to = TP_NO_TIER;
  if (table_.demote == nullptr) return;
  call.code = table_.demote(placement_, call.now_ns, placement.from, placement.count,
                            placement.tiers.data(), placement.tiers.size(), &placement.to);
  if (call.code != TP_OK) placement.to = TP_NO_TIER;
}

void ReplayedPlacement::fetch(TapeCall& call, decltype(tp_placement_table::plan_fetch) entry) {
  PlacementCall& placement = call.placement;
  placement.fetch.size = sizeof placement.fetch;
  placement.fetch.run_count = static_cast<uint32_t>(placement.runs.size());
  placement.fetch.runs = placement.runs.data();
  uint64_t most = 2;
  for (const tp_run& run : placement.runs) most += run.count;
  ask(call, placement.segments, most, [&](tp_segment* out, size_t room, size_t* count) {
    return entry(placement_, call.now_ns, request_of(call), &placement.fetch,
                 placement.tiers.data(), placement.tiers.size(), out, room, count);
  });
}

void ReplayedPlacement::fetch_nearest(TapeCall& call) {
  call.code = TP_OK;
  call.placement.segments.clear();
  call.placement.told = 0;
  if (call.op == TapeOp::prefetch) return;
  for (const tp_run& run : call.placement.runs) {
    const auto tier = static_cast<uint32_t>(std::countr_zero(run.tier_mask));
    const uint32_t mode = tier == 0 ? uint32_t{TP_SEGMENT_WAIT} : uint32_t{TP_SEGMENT_LOAD};
    call.placement.segments.push_back({run.first, run.count, mode, tier, TP_NO_TIER, 0});
  }
}

void ReplayedPlacement::admit(TapeCall& call) {
  PlacementCall& placement = call.placement;
  call.verdicts.assign(call.blocks.size(), 1);
  if (table_.admit != nullptr) {
    call.code = table_.admit(placement_, call.now_ns, request_of(call), placement.from,
                             placement.to, call.blocks.data(), call.blocks.size(),
                             placement.tiers.data(), placement.tiers.size(), call.verdicts.data());
  }
  for (uint8_t& verdict : call.verdicts) verdict = verdict != 0;
  if (call.code != TP_OK) call.verdicts.clear();
}

// What the policy lacks answers as the contract's default does.
void ReplayedPlacement::answer(const TapeCall& asked, TapeCall& call) {
  call = asked;
  switch (call.op) {
    case TapeOp::place:
      return place(call);
    case TapeOp::demote:
      return demote(call);
    case TapeOp::plan_fetch:
      return table_.plan_fetch != nullptr ? fetch(call, table_.plan_fetch) : fetch_nearest(call);
    case TapeOp::prefetch:
      return table_.prefetch != nullptr ? fetch(call, table_.prefetch) : fetch_nearest(call);
    case TapeOp::admit_write:
      return admit(call);
    case TapeOp::request:
      if (table_.on_request == nullptr) return;
      call.code = table_.on_request(placement_, call.now_ns, request_of(call), call.number);
      return;
    case TapeOp::transfer:
      if (table_.on_transfer == nullptr) return;
      call.code = table_.on_transfer(placement_, call.now_ns, &call.placement.transfer);
      return;
    case TapeOp::tick:
      if (table_.on_tick != nullptr) call.code = table_.on_tick(placement_, call.now_ns);
      return;
    case TapeOp::wakeup:
      call.wakeup_ns =
          table_.next_wakeup != nullptr ? table_.next_wakeup(placement_, call.now_ns) : INT64_MAX;
      return;
    case TapeOp::restore:
      call.code = table_.restore == nullptr
                      ? TP_EINVAL
                      : table_.restore(placement_, call.state.data(), call.state.size());
      return;
    default:
      return;
  }
}

}  // namespace

std::unique_ptr<Replayed> replayed(const TapeHeader& header, const tp_placement_table& table) {
  return std::make_unique<ReplayedPlacement>(header, table);
}

}  // namespace tiercast::policy
