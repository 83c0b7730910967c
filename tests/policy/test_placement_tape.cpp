// Tapes of placement policies: what is recorded is answered again, and what is wrong is found.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/placement.hpp"
#include "models/policy/tape_replay.hpp"
#include "models/policy/tierpolicy_tape.h"
#include "tests/policy/placement_calls.hpp"
#include "tests/policy/taped.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::TapeOp;
using policy::TapeReader;
using policy::TapeVerdict;
using Kind = TapeVerdict::Kind;

tp_tape tape_into(Tape& tape, uint32_t checkpoint_calls, const char* pool) {
  const auto write = [](void* host, const void* bytes, size_t size) {
    Tape& into = *static_cast<Tape*>(host);
    const auto* first = static_cast<const uint8_t*>(bytes);
    into.insert(into.end(), first, first + size);
    return 0;
  };
  return {sizeof(tp_tape), checkpoint_calls, pool, &tape, write, nullptr};
}

/// A policy on tape, and a host that asks it whatever the contract allows. What it asks depends on
/// the seed alone, never on what is answered.
class RandomPlacementHost {
 public:
  RandomPlacementHost(const tp_placement_table& table, const std::string& config, Tape* tape,
                      uint32_t checkpoint_calls = 50)
      : table_(table), tiers_(five_tiers()) {
    REQUIRE(table.create(config.c_str(), 7, &self_, nullptr, 0) == TP_OK);
    if (tape == nullptr) return;
    const tp_tape to = tape_into(*tape, checkpoint_calls, "placement");
    tp_placement_table recording{};
    recording.size = sizeof recording;
    tp_placement* recorder = nullptr;
    REQUIRE(tp_record_placement(&table_, self_, config.c_str(), 7, &to, &recording, &recorder,
                                nullptr, 0) == TP_OK);
    table_ = recording;
    self_ = recorder;
  }
  ~RandomPlacementHost() { table_.destroy(self_); }
  RandomPlacementHost(const RandomPlacementHost&) = delete;
  RandomPlacementHost& operator=(const RandomPlacementHost&) = delete;

  /// Digest of all answers.
  uint64_t run(int calls) {
    for (int i = 0; i < calls; ++i) {
      now_ns_ += draw(1000);
      for (tp_tier& tier : tiers_) {
        tier.used_blocks = draw(100);
        tier.queued_read_bytes = draw(4) * 1000;
        if (tier.write_budget_bytes != UINT64_MAX) tier.write_budget_bytes = draw(50'000);
      }
      ask();
    }
    return answers_;
  }

  std::vector<uint8_t> saved() const {
    size_t size = 0;
    REQUIRE(table_.save(self_, nullptr, 0, &size) == TP_OK);
    std::vector<uint8_t> bytes(size);
    REQUIRE(table_.save(self_, bytes.data(), size, &size) == TP_OK);
    return bytes;
  }
  void restore(const std::vector<uint8_t>& state) {
    REQUIRE(table_.restore(self_, state.data(), state.size()) == TP_OK);
  }
  uint64_t hash_state() const { return table_.hash_state(self_); }
  void limit_writes(uint32_t tier) { tiers_[tier].write_budget_bytes = 0; }

 private:
  uint32_t draw(uint32_t below) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((random_ >> 33) % below);
  }
  template <class T>
  void note(const T& value) {
    answers_ = (answers_ ^ static_cast<uint64_t>(value)) * 1099511628211u;
  }

  void ask() {
    tp_request request{};
    request.size = sizeof request;
    request.id = draw(40);
    const tp_request* by = draw(5) == 0 ? nullptr : &request;
    switch (draw(5)) {
      case 0:
        return place(by);
      case 1: {
        uint32_t to = 0;
        note(
            table_.demote(self_, now_ns_, draw(5), 1 + draw(9), tiers_.data(), tiers_.size(), &to));
        return note(to);
      }
      case 2:
        return fetch(table_.plan_fetch, by);
      case 3:
        return fetch(table_.prefetch, by);
      default:
        return admit(by);
    }
  }

  std::vector<tp_block> blocks(uint32_t count) {
    std::vector<tp_block> views(count);
    const uint64_t start = draw(60);
    for (uint32_t i = 0; i < count; ++i) {
      views[i].size = sizeof(tp_block);
      views[i].key = {9, start + i};
      views[i].bytes = 1000;
      views[i].recompute_ns = 1'000'000 * (i + 1);
    }
    return views;
  }

  void place(const tp_request* by) {
    const auto views = blocks(1 + draw(20));
    const auto count = static_cast<uint32_t>(views.size());
    std::vector<tp_placed> out(draw(8) == 0 ? 0 : count);
    size_t parts = 0;
    const int code = table_.place(
        self_, now_ns_, by, draw(2) == 0 ? TP_STORE_PROMPT : TP_STORE_OUTPUT, draw(30), count,
        views.data(), tiers_.data(), tiers_.size(), out.data(), out.size(), &parts);
    note(code);
    note(parts);
    for (size_t i = 0; code == TP_OK && i < parts; ++i) note(out[i].first * 31 + out[i].tier_mask);
  }

  void fetch(decltype(tp_placement_table::plan_fetch) call, const tp_request* by) {
    std::vector<tp_run> runs;
    const uint32_t hits = draw(9);
    uint32_t reached = hits;
    for (uint32_t i = draw(4); i > 0; --i) {
      const uint32_t count = 1 + draw(12);
      runs.push_back({reached, count, 1 + draw(31), 0, int64_t{count} * draw(4000)});
      reached += count;
    }
    const tp_fetch wanted{
        sizeof(tp_fetch), 1000,    16, hits, reached + draw(5), static_cast<uint32_t>(runs.size()),
        runs.data(),      draw(2), 0,  0};
    std::vector<tp_segment> out(draw(8) == 0 ? 0 : runs.size() + 2);
    size_t count = 0;
    const int code = call(self_, now_ns_, by, &wanted, tiers_.data(), tiers_.size(), out.data(),
                          out.size(), &count);
    note(code);
    note(count);
    for (size_t i = 0; code == TP_OK && i < count; ++i) {
      note(out[i].first * 31 + out[i].mode * 7 + out[i].tier);
    }
  }

  void admit(const tp_request* by) {
    const auto views = blocks(1 + draw(6));
    std::vector<uint8_t> verdicts(views.size());
    note(table_.admit(self_, now_ns_, by, 0, 1 + draw(4), views.data(), views.size(), tiers_.data(),
                      tiers_.size(), verdicts.data()));
    for (const uint8_t verdict : verdicts) note(verdict);
  }

  tp_placement_table table_;
  tp_placement* self_ = nullptr;
  Tiers tiers_;
  uint64_t random_ = 1;
  int64_t now_ns_ = 0;
  uint64_t answers_ = 1;
};

TapeVerdict replay(const Tape& tape, const char* name) {
  TapeReader reader(source_of(tape));
  return policy::replay_tape(reader, *tp_find_builtin_placement(name));
}

Tape random_tape(const char* name, const std::string& config, int calls) {
  Tape tape;
  RandomPlacementHost(*tp_find_builtin_placement(name), config, &tape).run(calls);
  return tape;
}

TEST_CASE("every placement policy answers its own tape alike, and recording changes no answer") {
  const auto policies = policy::placement_policies();
  const policy::PlacementEntry& entry = policies[GENERATE(0u, 1u, 2u)];
  const std::string rule = GENERATE("all", "second-touch", "tinylfu", "wear-budget");
  const std::string fetch = GENERATE("load-all", "load-or-recompute", "bidirectional");
  const std::string config =
      "admission=" + rule + "\nadmission_tiers=lower\nfetch=" + fetch + "\nprefetch=1\ndemote=1\n";
  const std::string name(entry.name);
  INFO(name + "\n" + config);
  Tape tape;
  {
    RandomPlacementHost host(*entry.table, config, &tape);
    RandomPlacementHost plain(*entry.table, config, nullptr);
    host.limit_writes(3);
    plain.limit_writes(3);
    CHECK(host.run(400) == plain.run(400));
    CHECK(host.hash_state() == plain.hash_state());
  }
  const TapeVerdict verdict = replay(tape, name.c_str());
  INFO(verdict.error + verdict.what + verdict.recorded + " / " + verdict.replayed);
  CHECK(verdict.kind == Kind::identical);
  CHECK(verdict.calls == 400);
  CHECK(verdict.same_build);
  CHECK(verdict.checkpoints == 10);
  CHECK(verdict.equal_states == 10);
}

TEST_CASE("another placement policy parts from a tape, which says where and how") {
  const Tape tape = random_tape("through", "fetch=load-all\n", 100);
  const TapeVerdict verdict = replay(tape, "back");
  REQUIRE(verdict.kind == Kind::differs);
  CHECK_THAT(verdict.what, Catch::StartsWith("place at ") && Catch::Contains(" of blocks "));
  CHECK_THAT(verdict.recorded, Catch::StartsWith("TP_OK ") && Catch::EndsWith(" to 1,3,4"));
  CHECK(verdict.replayed == "TP_OK nothing");
  CHECK(verdict.place > 8);
}

TEST_CASE("fetches, admissions and where blocks move are all compared") {
  tp_placement_table liar = *tp_find_builtin_placement("through");
  const Tape tape = random_tape("through",
                                "fetch=load-all\nadmission=second-touch\nadmission_tiers=lower\n"
                                "prefetch=1\ndemote=1\n",
                                300);
  const auto found = [&] {
    TapeReader reader(source_of(tape));
    const TapeVerdict verdict = policy::replay_tape(reader, liar);
    REQUIRE(verdict.kind == Kind::differs);
    return verdict.what;
  };
  SECTION("plan_fetch") {
    liar.plan_fetch =
        nullptr;  // the default waits and loads from the nearest tier, copying nothing
    CHECK_THAT(found(), Catch::StartsWith("plan_fetch at "));
  }
  SECTION("prefetch") {
    liar.prefetch = nullptr;
    CHECK_THAT(found(), Catch::StartsWith("prefetch at "));
  }
  SECTION("admit") {
    liar.admit = nullptr;
    CHECK_THAT(found(), Catch::StartsWith("admit at ") && Catch::Contains(" into tier "));
  }
  SECTION("demote") {
    liar.demote = nullptr;
    CHECK_THAT(found(), Catch::StartsWith("demote at ") && Catch::Contains(" from tier "));
  }
}

TEST_CASE("a restored placement policy goes on as its tape says") {
  const std::string config = "threshold=2\nwindow=64\n";
  const tp_placement_table& table = *tp_find_builtin_placement("selective");
  RandomPlacementHost source(table, config, nullptr);
  source.run(200);
  Tape tape;
  {
    RandomPlacementHost host(table, config, &tape);
    host.run(10);
    host.restore(source.saved());
    CHECK(host.hash_state() == source.hash_state());
    host.run(100);
  }
  const TapeVerdict verdict = replay(tape, "selective");
  INFO(verdict.what + verdict.recorded + " / " + verdict.replayed);
  CHECK(verdict.kind == Kind::identical);
  CHECK(verdict.calls == 111);
  CHECK(verdict.equal_states == verdict.checkpoints);
}

TEST_CASE("a damaged or cut tape of a placement policy is refused with the place") {
  const Tape tape = random_tape("selective", "admission=tinylfu\n", 60);
  REQUIRE(replay(tape, "selective").kind == Kind::identical);
  for (std::size_t at = 0; at < tape.size(); at += 7) {
    Tape damaged = tape;
    damaged[at] = static_cast<uint8_t>(damaged[at] ^ 64);  // the number of its format, too: 67 is none
    const TapeVerdict verdict = replay(damaged, "selective");
    INFO(at);
    CHECK((verdict.kind == Kind::bad_tape || verdict.kind == Kind::cut));
    CHECK_THAT(verdict.error, Catch::StartsWith("byte "));
    Tape cut(tape.begin(), tape.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK((replay(cut, "selective").kind == Kind::bad_tape ||
           replay(cut, "selective").kind == Kind::cut));
  }
}

TEST_CASE("the tape of one kind of policy is not replayed against another kind") {
  const Tape tape = random_tape("through", "", 10);
  TapeReader reader(source_of(tape));
  const TapeVerdict verdict = policy::replay_tape(reader, *tp_find_builtin_cache("lru"));
  CHECK(verdict.kind == Kind::no_policy);
  CHECK(verdict.error == "the tape is of a placement policy, and `lru` is a cache policy");
}

TEST_CASE("what no host may ask is passed on and not recorded") {
  Tape tape;
  const tp_placement_table& through = *tp_find_builtin_placement("through");
  tp_placement* self = nullptr;
  REQUIRE(through.create("", 1, &self, nullptr, 0) == TP_OK);
  const tp_tape to = tape_into(tape, 0, nullptr);
  tp_placement_table recording{};
  recording.size = sizeof recording;
  tp_placement* recorder = nullptr;
  std::array<char, 200> message{};
  tp_tape silent = to;
  silent.write = nullptr;
  CHECK(tp_record_placement(&through, self, "", 1, &silent, &recording, &recorder, message.data(),
                            message.size()) == TP_EINVAL);
  CHECK_THAT(message.data(), Catch::Contains("a function that writes"));
  REQUIRE(tp_record_placement(&through, self, "", 1, &to, &recording, &recorder, nullptr, 0) ==
          TP_OK);
  tp_placement* none = nullptr;
  CHECK(recording.create("", 1, &none, message.data(), message.size()) == TP_EINVAL);
  const Tiers tiers = five_tiers();
  uint32_t where = 0;
  recording.demote(recorder, 5, 77, 1, tiers.data(), tiers.size(), &where);  // no such tier
  CHECK(recording.demote(recorder, 6, 1, 1, tiers.data(), tiers.size(), &where) == TP_OK);
  recording.destroy(recorder);
  const TapeVerdict verdict = replay(tape, "through");
  CHECK(verdict.kind == Kind::identical);
  CHECK(verdict.calls == 1);
}

}  // namespace
