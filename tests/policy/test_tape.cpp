// Decision tapes: what a recorder writes, what a reader refuses, what a replay finds.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "models/policy/tierpolicy_tape.h"
#include "tests/policy/random_host.hpp"
#include "tests/policy/taped.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::TapeCall;
using policy::TapeOp;
using policy::TapeReader;
using policy::TapeVerdict;
using Item = TapeReader::Item;
using Kind = TapeVerdict::Kind;

bool needs_future(const policy::CacheEntry& entry) {
  return (entry.table->info()->capabilities & TP_CAP_NEEDS_FUTURE) != 0;
}

/// The tape of a policy under a random host, one with spans joined and one without.
Tape random_tape(const policy::CacheEntry& entry, uint32_t capacity, uint32_t steps, bool joined) {
  Tape tape;
  const tp_cache_table table = taped(*entry.table, tape, 100);
  Instance instance(table, capacity, "", joined, 2 * capacity);
  RandomHost(capacity, capacity, {&instance}, nullptr, 2 * capacity).run(steps);
  return tape;
}

TapeVerdict replay(const Tape& tape, const char* name) {
  TapeReader reader(source_of(tape));
  return policy::replay_tape(reader, *tp_find_builtin_cache(name));
}

/// Calls of a tape, which must be whole.
std::vector<TapeCall> calls_of(const Tape& tape) {
  TapeReader reader(source_of(tape));
  std::vector<TapeCall> calls;
  while (true) {
    const Item item = reader.next();
    if (item == Item::call) calls.push_back(reader.call());
    if (item == Item::end) return calls;
    INFO(reader.error());
    REQUIRE((item == Item::call || item == Item::checkpoint));
  }
}

TEST_CASE("a policy answers its own tape alike, and spans' grouping leaves no trace on it") {
  const std::size_t index = GENERATE(range(std::size_t{0}, policy::cache_policies().size()));
  const policy::CacheEntry& entry = policy::cache_policies()[index];
  INFO(entry.name);
  if (needs_future(entry)) return;
  const Tape tape = random_tape(entry, 100, 2000, true);
  CHECK(tape == random_tape(entry, 100, 2000, false));
  const TapeVerdict verdict = replay(tape, entry.name.data());
  INFO(verdict.what << ": " << verdict.recorded << ", now " << verdict.replayed << verdict.error);
  CHECK(verdict.kind == Kind::identical);
  CHECK(verdict.same_build);
  CHECK(verdict.calls > 2000);
  CHECK(verdict.checkpoints == verdict.calls / 100 + 2);
  CHECK(verdict.equal_states == verdict.checkpoints);
  TapeReader reader(source_of(tape));
  CHECK(reader.header().policy == entry.name);
  CHECK(reader.header().pool_name == "pool");
  CHECK(reader.header().pool.capacity_blocks == 100);
  CHECK(reader.header().pool.slot_count == 200);
  CHECK(reader.header().seed == 7);
  CHECK(reader.header().library_build == tp_library_build());
}

TEST_CASE("another policy differs at its first other answer, and only there") {
  const Tape tape = random_tape(*policy::find_cache_policy("lru"), 50, 1000, true);
  const TapeVerdict verdict = replay(tape, "fifo");
  CHECK(verdict.kind == Kind::differs);
  CHECK_FALSE(verdict.same_build);
  CHECK_THAT(verdict.what, Catch::StartsWith("select at "));
  CHECK(verdict.recorded != verdict.replayed);
  CHECK(verdict.calls == verdict.call - 1);
  const std::vector<TapeCall> calls = calls_of(tape);
  const TapeCall& first = calls.at(verdict.call - 1);
  CHECK(first.now_ns == verdict.now_ns);
  CHECK(policy::answer_text(first) == verdict.recorded);
}

TEST_CASE("a tape with a byte changed is refused, none of its end is missed") {
  const Tape tape = random_tape(*policy::find_cache_policy("s3fifo"), 20, 300, true);
  REQUIRE(replay(tape, "s3fifo").kind == Kind::identical);
  for (std::size_t i = 0; i < tape.size(); i += 3) {
    Tape damaged = tape;
    damaged[i] = static_cast<uint8_t>(damaged[i] ^ 0x20);
    INFO("byte " << i);
    const TapeVerdict verdict = replay(damaged, "s3fifo");
    CHECK(verdict.kind == Kind::bad_tape);
    CHECK_THAT(verdict.error, Catch::StartsWith("byte "));
  }
  for (std::size_t size = 0; size < tape.size(); size += 7) {
    const Tape cut(tape.begin(), tape.begin() + static_cast<std::ptrdiff_t>(size));
    const TapeVerdict verdict = replay(cut, "s3fifo");
    INFO(size << " bytes: " << verdict.error);
    CHECK((verdict.kind == Kind::cut || verdict.kind == Kind::bad_tape));
    CHECK_FALSE(verdict.error.empty());
  }
  Tape longer = tape;
  longer.push_back(0);
  const TapeVerdict verdict = replay(longer, "s3fifo");
  CHECK(verdict.kind == Kind::bad_tape);
  CHECK_THAT(verdict.error, Catch::EndsWith("there is more behind the tape's end"));
}

TEST_CASE("chunks of a tape cannot be left out or change places") {
  Tape tape;
  {
    const tp_cache_table table = taped(*tp_find_builtin_cache("lru"), tape, 1);  // a chunk a call
    Instance instance(table, 4, "", true);
    instance.insert(1, {0}, {1});
    instance.insert(1, {1}, {2});
    instance.insert(1, {2}, {3});
  }
  const auto size_at = [&](std::size_t at) {
    uint32_t size = 0;
    std::memcpy(&size, tape.data() + at, sizeof size);
    return std::size_t{16} + size;
  };
  const std::size_t second = 8 + size_at(8);
  const std::size_t third = second + size_at(second);
  const std::size_t fourth = third + size_at(third);
  CHECK(replay(tape, "lru").kind == Kind::identical);
  const auto at = [&](std::size_t i) { return tape.begin() + static_cast<std::ptrdiff_t>(i); };
  Tape without(tape);
  without.erase(without.begin() + static_cast<std::ptrdiff_t>(second),
                without.begin() + static_cast<std::ptrdiff_t>(third));
  CHECK(replay(without, "lru").kind == Kind::bad_tape);
  Tape swapped(tape.begin(), at(second));
  swapped.insert(swapped.end(), at(third), at(fourth));
  swapped.insert(swapped.end(), at(second), at(third));
  swapped.insert(swapped.end(), at(fourth), tape.end());
  CHECK(replay(swapped, "lru").kind == Kind::bad_tape);
  const Tape cut(tape.begin(), at(third));
  const TapeVerdict verdict = replay(cut, "lru");
  CHECK(verdict.kind == Kind::cut);
  CHECK(verdict.calls == 2);
  CHECK_THAT(verdict.error, Catch::EndsWith("without an end mark, after 2 calls"));
}

TEST_CASE("what is no tape is said to be none") {
  const auto error = [](const std::string& text) {
    const TapeVerdict verdict = replay(Tape(text.begin(), text.end()), "lru");
    CHECK(verdict.kind == Kind::bad_tape);
    return verdict.error;
  };
  CHECK(error("") == "byte 0: no decision tape: it ends before one begins");
  CHECK(error("name: quickstart\n") == "byte 0: no decision tape");
  CHECK(error("tp-tape\x04........") ==
        "byte 0: a decision tape of format 4, which is not known here");
  CHECK_THAT(error("tp-tape\x01........"), Catch::EndsWith("no chunk of a tape begins here"));
}

TEST_CASE("refused calls are on the tape, and refused again") {
  const policy::CacheEntry& entry = policy::cache_policies()[GENERATE(0u, 1u, 2u)];
  INFO(entry.name);
  Tape tape;
  {
    const tp_cache_table table = taped(*entry.table, tape, 0);
    Instance instance(table, 10, "", true);
    instance.insert(10, {0, 1, 2, 5}, {1, 2, 3, 4});
    instance.set_evictable(10, true, {0, 1, 5});
    tp_cache* cache = instance.cache();
    const tp_span present{1, 2};
    const tp_span empty{1, 0};
    const tp_span wraps{UINT32_MAX, 2};
    tp_block block{};
    block.size = sizeof block;
    CHECK(table.on_insert(cache, 20, nullptr, &present, 1, &block) == TP_EINVAL);
    CHECK(table.on_touch(cache, 20, nullptr, &empty, 1) == TP_EINVAL);
    CHECK(table.on_remove(cache, 20, TP_REMOVED_DROPPED, &wraps, 1) == TP_EINVAL);
    CHECK(table.on_touch(cache, 9, nullptr, &present, 1) == TP_EINVAL);  // time runs backwards
    CHECK(table.on_touch(cache, 20, nullptr, nullptr, 1) == TP_EINVAL);  // not recorded
    tp_victims victims{};
    tp_span out[10];
    CHECK(table.select(cache, 20, 4, out, 10, &victims) == TP_EREFUSED);
    CHECK(table.select(cache, 20, 3, out, 1, &victims) == TP_ESPACE);
    REQUIRE(table.select(cache, 20, 3, out, 10, &victims) == TP_OK);
    CHECK(table.on_touch(cache, 20, nullptr, &present, 1) == TP_ESTATE);
    CHECK(table.commit(cache, 20, victims.token + 9, nullptr) == TP_EINVAL);
    CHECK(table.abort(cache, 0) == TP_EINVAL);
    const std::array<uint8_t, 3> accepted{0, 7, 1};
    CHECK(table.commit(cache, 20, victims.token, accepted.data()) == TP_OK);
    CHECK(table.abort(cache, victims.token) == TP_ESTATE);
    CHECK(table.create("", nullptr, 0, &cache, nullptr, 0) == TP_EINVAL);
  }
  const std::vector<TapeCall> calls = calls_of(tape);
  const auto code_count = [&](int code) {
    return std::count_if(calls.begin(), calls.end(),
                         [&](const TapeCall& call) { return call.code == code; });
  };
  CHECK(calls.size() == 14);
  CHECK(code_count(TP_EINVAL) == 6);
  CHECK(code_count(TP_ESTATE) == 2);
  CHECK(code_count(TP_EREFUSED) == 1);
  CHECK(code_count(TP_ESPACE) == 1);
  const TapeVerdict verdict = replay(tape, entry.name.data());
  INFO(verdict.what << ": " << verdict.recorded << ", now " << verdict.replayed << verdict.error);
  CHECK(verdict.kind == Kind::identical);
}

TEST_CASE("a restored state is part of the tape") {
  const policy::CacheEntry& entry = *policy::find_cache_policy("s3fifo");
  std::vector<char> state;
  {
    Instance before(*entry.table, 20, "", true);
    RandomHost(1, 20, {&before}, nullptr).run(200);
    state = before.save();
  }
  Tape tape;
  {
    const tp_cache_table table = taped(*entry.table, tape, 0);
    Instance instance(table, 20, "", true);
    instance.restore(state);
    CHECK(instance.save().size() == state.size());
  }
  const std::vector<TapeCall> calls = calls_of(tape);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].op == TapeOp::restore);
  CHECK(calls[0].state.size() == state.size());
  CHECK(replay(tape, "s3fifo").kind == Kind::identical);
}

TEST_CASE("a tape that cannot be written ends, and the policy goes on") {
  struct Sink {
    int pieces_left;
    Tape tape;
  } sink{3, {}};
  const tp_cache_table& lru = *tp_find_builtin_cache("lru");
  const tp_pool pool{sizeof(tp_pool), 10, 16, 4096, 0, 0};
  const tp_tape tape{sizeof(tp_tape),
                     1,
                     nullptr,
                     &sink,
                     [](void* host, const void* bytes, size_t size) {
                       Sink& to = *static_cast<Sink*>(host);
                       if (to.pieces_left-- == 0) return 1;
                       const auto* first = static_cast<const uint8_t*>(bytes);
                       to.tape.insert(to.tape.end(), first, first + size);
                       return 0;
                     },
                     nullptr};
  tp_cache* cache = nullptr;
  REQUIRE(lru.create("", &pool, 0, &cache, nullptr, 0) == TP_OK);
  tp_cache_table recording{};
  recording.size = sizeof recording;
  tp_cache* recorder = nullptr;
  REQUIRE(tp_record_cache(&lru, cache, "", &pool, 0, &tape, &recording, &recorder, nullptr, 0) ==
          TP_OK);
  for (uint32_t slot = 0; slot < 10; ++slot) {
    const tp_span span{slot, 1};
    CHECK(recording.on_insert(recorder, 0, nullptr, &span, 1, nullptr) == TP_OK);
    CHECK(recording.on_evictable(recorder, 0, 1, &span, 1) == TP_OK);
  }
  recording.destroy(recorder);
  CHECK(sink.pieces_left == -1);  // not asked again
  const TapeVerdict verdict = replay(sink.tape, "lru");
  CHECK(verdict.kind == Kind::cut);
  CHECK(verdict.calls == 3);
}

TEST_CASE("what cannot be recorded is refused with a reason") {
  const tp_cache_table& lru = *tp_find_builtin_cache("lru");
  const tp_pool pool{sizeof(tp_pool), 10, 16, 4096, 0, 0};
  tp_cache* cache = nullptr;
  REQUIRE(lru.create("", &pool, 0, &cache, nullptr, 0) == TP_OK);
  const tp_tape good{
      sizeof(tp_tape), 1, nullptr, nullptr, [](void*, const void*, size_t) { return 0; }, nullptr};
  const auto error = [&](const tp_cache_table& table, const tp_tape& tape, uint32_t size) {
    std::array<char, 200> message{};
    tp_cache_table recording{};
    recording.size = size;
    tp_cache* recorder = nullptr;
    CHECK(tp_record_cache(&table, cache, "", &pool, 0, &tape, &recording, &recorder, message.data(),
                          message.size()) == TP_EINVAL);
    return std::string(message.data());
  };
  const uint32_t whole = sizeof(tp_cache_table);
  tp_tape silent = good;
  silent.write = nullptr;
  CHECK_THAT(error(lru, silent, whole), Catch::Contains("a function that writes"));
  CHECK_THAT(error(lru, good, 8), Catch::Contains("structs as of this version"));
  tp_cache_table lacking = lru;
  lacking.select = nullptr;
  CHECK(error(lacking, good, whole) == "the policy lacks required entries");
  tp_cache_table bound = lru;
  bound.info = []() -> const tp_info* {
    static const tp_info facts{sizeof(tp_info),     TP_ABI_MAJOR, TP_ABI_MINOR,
                               TP_CAP_NEEDS_FUTURE, "bound",      "1"};
    return &facts;
  };
  CHECK(error(bound, good, whole) ==
        "policy 'bound' needs to know the future, which no tape holds");
  lru.destroy(cache);
}

}  // namespace
