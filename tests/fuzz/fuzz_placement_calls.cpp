// Any sequence of calls through a placement policy's table, right and wrong ones.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/policy/placement.hpp"
#include "models/tiering/checked_placement.hpp"
#include "tests/fuzz/fuzz_calls.hpp"

using namespace tiercast;
using fuzz::check;
using fuzz::Input;

namespace {

using Instance = std::unique_ptr<tp_placement, void (*)(tp_placement*)>;

/// The same calls to two instances of a policy. One stands behind the simulator's checks of every
/// answer; the other is told of tiers by a host of a later version, has too little room for
/// answers at first, and goes on in restored instances. They must agree.
class Host {
 public:
  Host(const policy::PlacementEntry& entry, Input input)
      : table_(*entry.table),
        input_(input),
        config_(fuzz::config_from(entry.parameters, input_)),
        checked_(tiering::CheckedPlacement::create(table_, config_, 7, error_)),
        plain_(make()),
        tiers_(1 + input_.below(6)) {
    check(checked_.has_value(), error_.c_str());
    check(table_.create("no such=1", 7, nullptr, nullptr, 0) == TP_EINVAL, "a wrong config passes");
    for (tp_tier& tier : tiers_) {
      tier.size = sizeof tier;
      tier.kind = TP_TIER_DRAM + input_.below(5);
      tier.flags = input_.byte() & input_.below(8);
      tier.capacity_blocks = input_.scaled(30);
      tier.read_bytes_per_s = input_.scaled(40);
      tier.write_bytes_per_s = input_.scaled(40);
      tier.read_latency_ns = static_cast<std::int64_t>(input_.scaled(30));
      tier.write_latency_ns = static_cast<std::int64_t>(input_.scaled(30));
    }
    tiers_.front().kind = TP_TIER_HBM;
  }

  void run() {
    while (!input_.empty()) {
      step();
      check(hash() == checked_->hash_state(), "the instances part ways");
    }
  }

 private:
  Instance make() const {
    tp_placement* placement = nullptr;
    check(table_.create(config_.c_str(), 7, &placement, nullptr, 0) == TP_OK, "create");
    return {placement, table_.destroy};
  }
  std::uint64_t hash() const { return table_.hash_state(plain_.get()); }

  void step() {
    now_ns_ += static_cast<std::int64_t>(input_.scaled(40));
    for (tp_tier& tier : tiers_) {
      if (input_.below(4) != 0) continue;
      tier.used_blocks = input_.byte();
      tier.queued_read_bytes = input_.scaled(40);
      tier.queued_write_bytes = input_.scaled(40);
      tier.write_budget_bytes = input_.below(4) == 0 ? UINT64_MAX : input_.scaled(20);
    }
    request_ = {};
    request_.size = sizeof request_;
    request_.id = input_.byte();
    request_.arrival_ns = now_ns_;
    request_.deadline_ns = INT64_MAX;
    using Step = void (Host::*)();
    static constexpr std::array<Step, 9> steps{
        &Host::place,    &Host::place, &Host::demote, &Host::plan_fetch,      &Host::plan_fetch,
        &Host::prefetch, &Host::admit, &Host::tell,   &Host::save_and_restore};
    (this->*steps[input_.below(steps.size())])();
  }

  /// A prefix's place in its prompt; perhaps among the last that numbers reach.
  std::uint32_t first_block() {
    const std::uint32_t first = input_.byte();
    return first < 250 ? first : UINT32_MAX - 4 * first;
  }

  void fill_blocks() {
    blocks_.resize(input_.below(20));
    for (tp_block& block : blocks_) {
      block = {};
      block.size = sizeof block;
      block.key = {input_.byte() % 2, input_.below(64)};
      block.bytes = input_.byte() * 64;
      block.recompute_ns = input_.scaled(40);
    }
  }

  void fill_fetch() {
    runs_.resize(input_.below(5));
    fetch_ = {};
    fetch_.size = sizeof fetch_;
    fetch_.block_bytes = 64 * input_.byte();
    fetch_.block_tokens = 16;
    fetch_.hit_blocks = first_block();
    std::uint32_t reached = fetch_.hit_blocks;
    for (tp_run& run : runs_) {
      const std::uint32_t tier = input_.below(static_cast<std::uint32_t>(tiers_.size()));
      const std::uint32_t more = input_.byte() % (1u << tiers_.size());
      run = {reached, 1 + input_.below(9), 1u << tier | more, 0,
             static_cast<std::int64_t>(input_.scaled(40))};
      reached += run.count;
    }
    fetch_.prompt_blocks = reached + input_.below(4);
    fetch_.run_count = static_cast<std::uint32_t>(runs_.size());
    fetch_.runs = runs_.data();
    fetch_.flags = input_.below(2) * TP_FETCH_SPLITS;
    fetch_.half_compute_ns = static_cast<std::int64_t>(input_.scaled(40));
  }

  /// Asks the plain instance, for as much as there is room for at first.
  template <class Item, class Ask>
  std::vector<Item> answer(Ask ask) {
    const fuzz::WideViews<tp_tier> wide(tiers_);
    const std::uint64_t before = hash();
    std::vector<Item> out(input_.below(4));
    std::size_t count = 0;
    int code = ask(wide.data(), out.data(), out.size(), &count);
    if (code == TP_ESPACE) {
      check(count > out.size() && hash() == before, "more room asked for than needed, or no state");
      out.resize(count);
      code = ask(wide.data(), out.data(), out.size(), &count);
    }
    check(code == TP_OK && count <= out.size(), "no answer where there is room");
    out.resize(count);
    return out;
  }

  void place() {
    fill_blocks();
    const std::uint32_t phase = TP_STORE_PROMPT + input_.below(2);
    const std::uint32_t first = first_block();
    const auto count = static_cast<std::uint32_t>(blocks_.size());
    const bool keyed = checked_->reads_keys();
    const std::span<const tp_block> told = keyed ? blocks_ : std::span<const tp_block>();
    const auto ask = [&](const tp_block* blocks, const tp_tier* tiers, tp_placed* out,
                         std::size_t room, std::size_t* n) {
      return table_.place(plain_.get(), now_ns_, &request_, phase, first, count, blocks, tiers,
                          tiers_.size(), out, room, n);
    };
    if (keyed && count != 0) {
      const std::uint64_t before = hash();
      std::size_t none = 0;
      check(ask(nullptr, tiers_.data(), nullptr, 0, &none) == TP_EINVAL && hash() == before,
            "blocks without keys pass");
    }
    const fuzz::WideViews<tp_block> wide(told);
    const auto placed = answer<tp_placed>(
        [&](const tp_tier* tiers, auto... room) { return ask(wide.data(), tiers, room...); });
    const auto wanted = checked_->place(now_ns_, request_, phase, first, count, told, tiers_);
    check(std::equal(placed.begin(), placed.end(), wanted.begin(), wanted.end(),
                     [](const tp_placed& a, const tp_placed& b) {
                       return a.first == b.first && a.count == b.count &&
                              a.tier_mask == b.tier_mask;
                     }),
          "other blocks placed");
  }

  void demote() {
    const std::uint32_t from = input_.below(static_cast<std::uint32_t>(tiers_.size()));
    const std::uint32_t count = 1 + input_.byte();
    const fuzz::WideViews<tp_tier> wide(tiers_);
    std::uint32_t to = 0;
    check(
        table_.demote(plain_.get(), now_ns_, from, count, wide.data(), tiers_.size(), &to) == TP_OK,
        "demote");
    check(to == checked_->demote(now_ns_, from, count, tiers_), "demoted to another tier");
  }

  void same(const std::vector<tp_segment>& plan, std::span<const tp_segment> wanted) {
    check(std::equal(plan.begin(), plan.end(), wanted.begin(), wanted.end(),
                     [](const tp_segment& a, const tp_segment& b) {
                       return a.first == b.first && a.count == b.count && a.mode == b.mode &&
                              a.tier == b.tier && a.to == b.to;
                     }),
          "another plan");
  }
  void plan_fetch() {
    fill_fetch();
    same(answer<tp_segment>([&](const tp_tier* tiers, auto... room) {
           return table_.plan_fetch(plain_.get(), now_ns_, &request_, &fetch_, tiers, tiers_.size(),
                                    room...);
         }),
         checked_->plan_fetch(now_ns_, request_, fetch_, tiers_));
  }
  void prefetch() {
    fill_fetch();
    same(answer<tp_segment>([&](const tp_tier* tiers, auto... room) {
           return table_.prefetch(plain_.get(), now_ns_, &request_, &fetch_, tiers, tiers_.size(),
                                  room...);
         }),
         checked_->prefetch(now_ns_, request_, fetch_, tiers_));
  }

  void admit() {
    fill_blocks();
    const auto tiers = static_cast<std::uint32_t>(tiers_.size());
    std::vector<std::uint8_t> verdicts(blocks_.size(), 2);
    const fuzz::WideViews<tp_tier> wide_tiers(tiers_);
    const fuzz::WideViews<tp_block> wide(blocks_);
    const auto ask = [&](std::uint32_t to) {
      return table_.admit(plain_.get(), now_ns_, &request_, 0, to, wide.data(), blocks_.size(),
                          wide_tiers.data(), tiers_.size(), verdicts.data());
    };
    check(ask(0) == TP_EINVAL && ask(tiers + input_.byte()) == TP_EINVAL,
          "blocks are written where no tier is");
    if (tiers == 1 || !checked_->admits()) return;
    const std::uint32_t to = 1 + input_.below(tiers - 1);
    check(ask(to) == TP_OK, "admit");
    const auto wanted = checked_->admit(now_ns_, &request_, 0, to, blocks_, tiers_);
    check(std::equal(verdicts.begin(), verdicts.end(), wanted.begin(), wanted.end()),
          "other verdicts");
  }

  void tell() {
    const std::uint32_t phase = TP_PHASE_ARRIVE + input_.below(6);
    tp_transfer transfer{};
    transfer.size = sizeof transfer;
    transfer.to = input_.below(static_cast<std::uint32_t>(tiers_.size()));
    transfer.block_count = 1 + input_.byte();
    transfer.start_ns = now_ns_ - input_.byte();
    transfer.end_ns = now_ns_;
    transfer.ok = input_.below(2);
    checked_->tick_until(now_ns_);
    checked_->on_request(now_ns_, request_, phase);
    checked_->on_transfer(now_ns_, transfer);
    if (table_.on_tick != nullptr) {
      check(table_.on_tick(plain_.get(), now_ns_) == TP_OK, "on_tick");
    }
    if (table_.on_request != nullptr) {
      check(table_.on_request(plain_.get(), now_ns_, &request_, phase) == TP_OK, "on_request");
    }
    if (table_.on_transfer != nullptr) {
      check(table_.on_transfer(plain_.get(), now_ns_, &transfer) == TP_OK, "on_transfer");
    }
  }

  /// The plain one goes on in a new instance.
  void save_and_restore() {
    const std::uint64_t before = hash();
    const std::vector<char> state = fuzz::saved(table_, plain_.get());
    const std::vector<char> wrong = fuzz::damaged(state, input_);
    check(table_.restore(plain_.get(), wrong.data(), wrong.size()) == TP_EINVAL, "damage passes");
    check(table_.restore(plain_.get(), state.data(), state.size() - 1) == TP_EINVAL,
          "a part passes");
    check(hash() == before, "a damaged state changed something");
    plain_ = make();
    check(table_.restore(plain_.get(), state.data(), state.size()) == TP_OK, "restore");
  }

  const tp_placement_table& table_;
  Input input_;
  std::string config_;
  std::string error_;
  std::optional<tiering::CheckedPlacement> checked_;
  Instance plain_;
  std::vector<tp_tier> tiers_;
  tp_request request_{};
  tp_fetch fetch_{};
  std::vector<tp_run> runs_;
  std::vector<tp_block> blocks_;
  std::int64_t now_ns_ = 0;
};

}  // namespace

/// The first byte is a policy's place among those fuzzed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto policies = fuzz::fuzzed(policy::placement_policies());
  if (size == 0 || data[0] >= policies.size()) return 0;
  Host(*policies[data[0]], Input(data + 1, size - 1)).run();
  return 0;
}
