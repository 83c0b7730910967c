// Every entry of a table, with all its arguments, through a recorder and back.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "tests/policy/random_host.hpp"
#include "tests/policy/taped.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::TapeCall;
using policy::TapeOp;
using policy::TapeReader;

/// Has every entry. It counts calls, admits every other block and wants to be woken by the count;
/// eviction is lru's.
struct Talker {
  tp_cache* lru;
  int64_t heard;
};

const tp_cache_table& lru() { return *tp_find_builtin_cache("lru"); }
Talker& talker(tp_cache* self) { return *reinterpret_cast<Talker*>(self); }
const Talker& talker(const tp_cache* self) { return *reinterpret_cast<const Talker*>(self); }
int heard(tp_cache* self) {
  ++talker(self).heard;
  return TP_OK;
}

tp_cache_table talker_table() {
  tp_cache_table table{};
  table.size = sizeof table;
  table.info = []() -> const tp_info* {
    static const tp_info facts{sizeof(tp_info),     TP_ABI_MAJOR, TP_ABI_MINOR,
                               TP_CAP_READS_BLOCKS, "talker",     "3"};
    return &facts;
  };
  table.create = [](const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                    char* error, size_t error_size) {
    auto* made = new Talker{nullptr, 0};
    *out = reinterpret_cast<tp_cache*>(made);
    return lru().create(config, pool, seed, &made->lru, error, error_size);
  };
  table.destroy = [](tp_cache* self) {
    lru().destroy(talker(self).lru);
    delete &talker(self);
  };
  table.hash_state = [](const tp_cache* self) {
    return static_cast<uint64_t>(talker(self).heard) ^ lru().hash_state(talker(self).lru);
  };
  table.on_request = [](tp_cache* self, int64_t, const tp_request*, uint32_t) {
    return heard(self);
  };
  table.on_insert = [](tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t count, const tp_block* blocks) {
    return lru().on_insert(talker(self).lru, now_ns, request, spans, count, blocks);
  };
  table.on_touch = [](tp_cache* self, int64_t now_ns, const tp_request* request,
                      const tp_span* spans, size_t count) {
    return lru().on_touch(talker(self).lru, now_ns, request, spans, count);
  };
  table.on_remove = [](tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                       size_t count) {
    return lru().on_remove(talker(self).lru, now_ns, reason, spans, count);
  };
  table.on_evictable = [](tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t count) {
    return lru().on_evictable(talker(self).lru, now_ns, on, spans, count);
  };
  table.admit = [](tp_cache* self, int64_t, const tp_request*, const tp_block*, size_t count,
                   uint8_t* verdicts) {
    for (size_t i = 0; i < count; ++i) verdicts[i] = static_cast<uint8_t>(i % 2);
    return heard(self);
  };
  table.select = [](const tp_cache* self, int64_t now_ns, uint32_t need, tp_span* out,
                    size_t capacity, tp_victims* victims) {
    return lru().select(talker(self).lru, now_ns, need, out, capacity, victims);
  };
  table.commit = [](tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted) {
    return lru().commit(talker(self).lru, now_ns, token, accepted);
  };
  table.abort = [](tp_cache* self, uint64_t token) { return lru().abort(talker(self).lru, token); };
  table.on_tick = [](tp_cache* self, int64_t) { return heard(self) + 42; };  // a code of its own
  table.next_wakeup = [](const tp_cache* self, int64_t now_ns) {
    return now_ns + talker(self).heard;
  };
  table.on_lookup = [](tp_cache* self, int64_t, const tp_request*, const tp_block*, size_t,
                       size_t) { return heard(self); };
  table.on_hint = [](tp_cache* self, int64_t, uint64_t, const tp_hint*, size_t) {
    return heard(self);
  };
  return table;
}

tp_block block_of(uint64_t n) {
  tp_block block{};
  block.size = sizeof block;
  block.flags = static_cast<uint32_t>(n % 3);
  block.key = {n * 0x9e3779b97f4a7c15u, ~n};
  block.parent_slot = n % 2 == 0 ? UINT32_MAX : 3;
  block.depth = static_cast<uint32_t>(n);
  block.tokens = 16;
  block.bytes = UINT32_MAX;
  block.tenant = 5;
  block.priority = 100;
  block.session = UINT64_MAX - n;
  block.recompute_ns = 7000 + n;
  block.expires_ns = n == 2 ? INT64_MAX : -static_cast<int64_t>(n);
  return block;
}

void check_block(const tp_block& block, uint64_t n) {
  const tp_block wanted = block_of(n);
  CHECK(std::memcmp(&block, &wanted, sizeof block) == 0);
}

TEST_CASE("every call is on the tape with all it said, and is answered alike again") {
  const tp_cache_table plain = talker_table();
  Tape tape;
  const std::array<tp_hint, 2> hints{tp_hint{TP_HINT_TOOL_RETURN_NS, 0, -5},
                                     tp_hint{99, 0, INT64_MAX}};
  tp_request request{};
  request.size = sizeof request;
  request.tenant = 1;
  request.id = 77;
  request.session = UINT64_MAX;
  request.agent = 4;
  request.turn = 9;
  request.priority = 50;
  request.arrival_ns = -3;
  request.deadline_ns = INT64_MAX;
  request.prompt_tokens = 1000;
  request.retain_ns = 600;
  request.hint_count = 2;
  request.hints = hints.data();
  std::array<uint8_t, 3> verdicts{};
  const std::array<tp_block, 3> blocks{block_of(1), block_of(2), block_of(5)};
  {
    const tp_cache_table table = taped(plain, tape, 4);
    Instance instance(table, 10, "", true);
    tp_cache* cache = instance.cache();
    const std::array<tp_span, 2> spans{tp_span{4, 1}, tp_span{9, 2}};
    const std::array<tp_span, 2> apart{tp_span{2, 1}, tp_span{7, 2}};
    CHECK(table.on_request(cache, 5, &request, TP_PHASE_TOOL_CALL) == TP_OK);
    CHECK(table.on_insert(cache, 6, &request, apart.data(), 2, blocks.data()) == TP_OK);
    CHECK(table.on_insert(cache, 6, nullptr, spans.data(), 2, blocks.data()) == TP_EINVAL);
    CHECK(table.on_lookup(cache, 6, &request, blocks.data(), 3, 2) == TP_OK);
    CHECK(table.admit(cache, 6, nullptr, blocks.data(), 3, verdicts.data()) == TP_OK);
    CHECK(table.on_hint(cache, 7, 123, hints.data(), 2) == TP_OK);
    CHECK(table.on_tick(cache, 8) == 42);
    CHECK(table.next_wakeup(cache, 8) == 8 + 5);
    request.turn = 10;
    CHECK(table.on_touch(cache, 8, &request, apart.data(), 2) == TP_OK);
  }
  TapeReader reader(source_of(tape));
  CHECK(reader.header().policy == "talker");
  CHECK(reader.header().policy_version == "3");
  CHECK(reader.header().capabilities == TP_CAP_READS_BLOCKS);
  std::vector<TapeCall> calls;
  std::vector<uint64_t> checkpoints;
  while (reader.next() != TapeReader::Item::end) {
    INFO(reader.error());
    REQUIRE(
        (reader.item() == TapeReader::Item::call || reader.item() == TapeReader::Item::checkpoint));
    if (reader.item() == TapeReader::Item::call) {
      calls.push_back(reader.call());
    } else {
      checkpoints.push_back(reader.checkpoint().calls);
    }
  }
  CHECK(checkpoints == std::vector<uint64_t>{4, 8});
  REQUIRE(calls.size() == 9);
  const auto check_request = [&](const TapeCall& call, uint32_t turn) {
    REQUIRE(call.has_request);
    CHECK(call.request.tenant == 1);
    CHECK(call.request.id == 77);
    CHECK(call.request.session == UINT64_MAX);
    CHECK(call.request.agent == 4);
    CHECK(call.request.turn == turn);
    CHECK(call.request.priority == 50);
    CHECK(call.request.arrival_ns == -3);
    CHECK(call.request.deadline_ns == INT64_MAX);
    CHECK(call.request.prompt_tokens == 1000);
    CHECK(call.request.retain_ns == 600);
    REQUIRE(call.request_hints.size() == 2);
    CHECK(call.request_hints[0].kind == TP_HINT_TOOL_RETURN_NS);
    CHECK(call.request_hints[0].value == -5);
    CHECK(call.request_hints[1].kind == 99);
    CHECK(call.request_hints[1].value == INT64_MAX);
  };
  const auto check_blocks = [&](const TapeCall& call) {
    REQUIRE(call.blocks.size() == 3);
    check_block(call.blocks[0], 1);
    check_block(call.blocks[1], 2);
    check_block(call.blocks[2], 5);
  };
  CHECK(calls[0].op == TapeOp::request);
  CHECK(calls[0].number == TP_PHASE_TOOL_CALL);
  check_request(calls[0], 9);
  check_request(calls[1], 9);
  CHECK(policy::call_text(calls[1]) == "on_insert at 6 ns of {2, 1} {7, 2}");
  check_blocks(calls[1]);
  CHECK(policy::answer_text(calls[2]) == "TP_EINVAL");
  CHECK_FALSE(calls[2].has_blocks);
  CHECK(calls[3].hits == 2);
  check_blocks(calls[3]);
  CHECK_FALSE(calls[4].has_request);
  CHECK(policy::answer_text(calls[4]) == "TP_OK 010");
  CHECK(calls[5].session == 123);
  CHECK(calls[5].hints.size() == 2);
  CHECK(policy::answer_text(calls[6]) == "unknown code 42");
  CHECK(policy::answer_text(calls[7]) == "13 ns");
  check_request(calls[8], 10);
  TapeReader again(source_of(tape));
  const policy::TapeVerdict verdict = policy::replay_tape(again, plain);
  INFO(verdict.what << ": " << verdict.recorded << ", now " << verdict.replayed << verdict.error);
  CHECK(verdict.kind == policy::TapeVerdict::Kind::identical);
  CHECK(verdict.equal_states == 4);
  TapeReader other(source_of(tape));
  const policy::TapeVerdict without = policy::replay_tape(other, lru());
  CHECK(without.kind == policy::TapeVerdict::Kind::differs);
  CHECK(without.what == "admit at 6 ns of 3 blocks");
  CHECK(without.replayed == "TP_OK 111");
}

TEST_CASE("a tape costs few bytes") {
  Tape tape;
  const policy::CacheEntry& entry = *policy::find_cache_policy("lru");
  {
    const tp_cache_table table = taped(*entry.table, tape, 0);
    Instance instance(table, 1000, "", true);
    Slots run(100);
    for (uint32_t i = 0; i < 100; ++i) run[i] = i;
    instance.insert(0, run, std::vector<uint64_t>(100, 1));
    for (int i = 0; i < 1000; ++i) instance.touch(i * 1'000'000, run);
  }
  CHECK(tape.size() < 200 + 1000 * 8);  // a touch of a hundred blocks
}

}  // namespace
