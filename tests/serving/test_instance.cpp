// One instance in cases worked by hand; costs are those of small_cluster.hpp.
#include <vector>

#include <catch2/catch.hpp>

#include "tests/serving/small_cluster.hpp"
#include "tests/serving/test_demand.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::Outcome;
using serving::RequestRecord;
using serving::RequestState;

namespace {

void check_parts(const serving::TimeParts& parts, int64_t queue, int64_t engine, int64_t prefill,
                 int64_t decode, int64_t interference) {
  CHECK(parts.route_ns == 0);
  CHECK(parts.queue_ns == queue);
  CHECK(parts.engine_ns == engine);
  CHECK(parts.prefill_ns == prefill);
  CHECK(parts.decode_ns == decode);
  CHECK(parts.interference_ns == interference);
}

}  // namespace

TEST_CASE("a request alone: prefill, then one step a token", "[serving]") {
  const Outcome out = run_small(small_cluster(), {request_of(1000, 20, 4)});
  const RequestRecord& r = out.log[0];
  CHECK(r.admitted_ns == 1000);
  CHECK(r.first_token_ns == 1000 + 112 + 200);
  CHECK(r.finished_ns == r.first_token_ns + (115 + 21) + (115 + 22) + (115 + 23));
  check_parts(r.ttft, 0, 100, 212, 0, 0);
  check_parts(r.e2e, 0, 400, 212, 15 + 21 + 15 + 22 + 15 + 23, 0);
  CHECK(out.end_ns == r.finished_ns);
  CHECK(out.instances[0].counts.steps == 4);
  CHECK(out.instances[0].counts.prefill_tokens == 20);
  CHECK(out.instances[0].counts.decode_tokens == 3);
  CHECK(out.itl_ns.count() == 3);
  CHECK(out.itl_ns.min() == 136);
  CHECK(out.itl_ns.max() == 138);
  CHECK(out.itl_ticks == llm::Int128{136 + 137 + 138} * llm::kTicksPerNs);
  CHECK(out.instances[0].pool.taken == 6);  // KV of 23 tokens
}

TEST_CASE("one token of output ends with the prefill", "[serving]") {
  const Outcome out = run_small(small_cluster(), {request_of(0, 20, 1)});
  CHECK(out.log[0].finished_ns == 312);
  CHECK(out.log[0].first_token_ns == 312);
  CHECK(out.itl_ns.empty());
}

TEST_CASE("a prompt is prefilled in chunks beside decodes", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_batched_tokens = 16;
  const Outcome out = run_small(spec, {request_of(0, 8, 5), request_of(100, 30, 1)});
  const int64_t first = 112 + 80;
  // One decode of length 9 and 15 tokens of the prompt, then one of 10 and the other 15.
  const int64_t second = first + 100 + 160 + 5 + 9 + 7;
  const int64_t third = second + 100 + 160 + 10 + 10 + 7;
  const RequestRecord& a = out.log[0];
  const RequestRecord& b = out.log[1];
  CHECK(a.first_token_ns == first);
  CHECK(b.admitted_ns == first);
  CHECK(b.first_token_ns == third);
  CHECK(b.finished_ns == third);
  CHECK(a.finished_ns == third + (115 + 11) + (115 + 12));
  // Alone, the chunks would have taken 107 + 150 and 112 + 150.
  check_parts(b.ttft, 92, 200, 7 + 150 + 12 + 150, 0, (281 - 257) + (287 - 262));
  // Alone, the decodes would have taken 115 + 9 to 115 + 12.
  check_parts(a.e2e, 0, 500, 92, 4 * 15 + 9 + 10 + 11 + 12, (281 - 124) + (287 - 125));
}

TEST_CASE("the token budget of a step is spent in order of arrival", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_batched_tokens = 20;
  const Outcome out =
      run_small(spec, {request_of(0, 12, 2), request_of(0, 12, 1), request_of(0, 12, 1)});
  const int64_t first = 100 + 200 + 5 + 2 * 7;                 // 12 and 8 tokens
  const int64_t second = first + 100 + 170 + 15 + 13 + 2 * 7;  // a decode, 4 and 12 tokens
  CHECK(out.log[0].first_token_ns == first);
  CHECK(out.log[0].finished_ns == second);
  CHECK(out.log[1].admitted_ns == 0);
  CHECK(out.log[1].finished_ns == second);
  CHECK(out.log[2].admitted_ns == first);
  CHECK(out.log[2].finished_ns == second);
}

TEST_CASE("without chunked prefill a prompt waits for a step it fits whole", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_batched_tokens = 20;
  spec.engine.max_model_tokens = 20;
  spec.engine.chunked_prefill = false;
  const Outcome out = run_small(spec, {request_of(0, 12, 1), request_of(0, 12, 1)});
  CHECK(out.log[0].finished_ns == 232);
  CHECK(out.log[1].admitted_ns == 232);
  CHECK(out.log[1].finished_ns == 464);
}

TEST_CASE("no more sequences run than may", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_sequences = 1;
  const Outcome out = run_small(spec, {request_of(0, 8, 2), request_of(50, 8, 1)});
  const int64_t first_ends = 192 + 124;
  CHECK(out.log[0].finished_ns == first_ends);
  CHECK(out.log[1].admitted_ns == first_ends);
  check_parts(out.log[1].e2e, first_ends - 50, 100, 92, 0, 0);
}

TEST_CASE("an arrival acts at the first boundary not before it", "[serving]") {
  const auto admitted = [](int64_t arrival_ns) {
    return run_small(small_cluster(), {request_of(0, 20, 5), request_of(arrival_ns, 8, 1)})
        .log[1]
        .admitted_ns;
  };
  // Boundaries of the first request: 312, 312 + 136 = 448, 448 + 137 = 585, 585 + 138 = 723.
  CHECK(admitted(311) == 312);
  CHECK(admitted(312) == 312);
  CHECK(admitted(313) == 448);
  CHECK(admitted(448) == 448);
  CHECK(admitted(449) == 585);
  CHECK(admitted(800) == 862);
  CHECK(admitted(863) == 863);
}

TEST_CASE("the clock is exact: only what outside sees is rounded, up", "[serving]") {
  LinearCosts costs;
  costs.engine_ticks = llm::kTicksPerNs / 3 + 1;  // a little more than a third of a ns
  const llm::StepTable table = make_linear_table(100, 8, costs);
  ListSource source({request_of(5, 4, 10)});
  const Outcome out = serving::Cluster(small_cluster(), table, source).run();
  CHECK(out.log[0].first_token_ns == 6);
  CHECK(out.log[0].finished_ns == 9);  // ten steps of 1/3 ns
  CHECK(out.itl_ns.max() == 1);
  CHECK(out.itl_ticks == llm::Int128{9} * costs.engine_ticks);
}

TEST_CASE("the watermark is left free beside others, not by the first", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.kv_blocks = 4;
  spec.engine.prefix_caching = false;
  const std::vector<workload::Request> two{request_of(0, 4, 2), request_of(0, 8, 1)};
  spec.engine.watermark_blocks = 1;  // 2 frames and 1 of the 3 left
  CHECK(run_small(spec, two).log[1].admitted_ns == 0);
  spec.engine.watermark_blocks = 2;
  const Outcome out = run_small(spec, two);
  CHECK(out.log[0].admitted_ns == 0);
  CHECK(out.log[0].finished_ns == 152 + 120);
  CHECK(out.log[1].admitted_ns == 272);
}

TEST_CASE("without frames the last request is preempted and recomputed", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.kv_blocks = 4;
  spec.engine.prefix_caching = false;
  const Outcome out = run_small(spec, {request_of(0, 4, 9), request_of(0, 4, 9)});
  const RequestRecord& a = out.log[0];
  const RequestRecord& b = out.log[1];
  const int64_t prefilled = 100 + 80 + 10 + 2 * 7;
  // Four steps of two decodes fill two blocks each: 130 + 2 L for L = 5 to 8.
  const int64_t full = prefilled + 4 * 130 + 2 * (5 + 6 + 7 + 8);
  const int64_t a_ends = full + 4 * 115 + 9 + 10 + 11 + 12;
  CHECK(b.preemptions == 1);
  CHECK(a.preemptions == 0);
  CHECK(a.finished_ns == a_ends);
  // Its 4 + 5 tokens are prefilled, which gives the sixth token; three more follow.
  const int64_t again = a_ends + 112 + 90;
  CHECK(b.finished_ns == again + 3 * 115 + 10 + 11 + 12);
  CHECK(b.first_token_ns == prefilled);
  CHECK(b.admitted_ns == 0);
  CHECK(b.computed_tokens == 4 + 9);
  CHECK(b.e2e.queue_ns == a_ends - full);
  CHECK(b.e2e.total_ns() == b.finished_ns);
  CHECK(out.itl_ns.count() == 16);
  CHECK(out.itl_ns.max() == again - full);
  CHECK(out.instances[0].counts.preemptions == 1);
}

TEST_CASE("a preempted request finds its completed blocks again, but for victims", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.kv_blocks = 4;
  const Outcome out = run_small(spec, {request_of(0, 4, 9), request_of(0, 4, 9)});
  const RequestRecord& b = out.log[1];
  // Of its two blocks the first request takes the tail; 5 of 9 tokens are computed again.
  CHECK(b.preemptions == 1);
  CHECK(b.computed_tokens == 4 + 5);
  CHECK(b.cached_tokens == 0);  // at first admission
  CHECK(b.finished_ns == out.log[0].finished_ns + (112 + 50) + 3 * 115 + 10 + 11 + 12);
  CHECK(out.instances[0].pool.evicted >= 1);
}

TEST_CASE("a prompt that is all cached computes its last block", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.id_tokens = 4;
  const Outcome out =
      run_small(spec, {request_of(0, 8, 1, 4, {1, 2}), request_of(1000, 8, 1, 4, {1, 2}),
                       request_of(2000, 9, 1, 4, {1, 2})});
  CHECK(out.log[1].cached_tokens == 4);
  CHECK(out.log[1].computed_tokens == 4);
  CHECK(out.log[1].finished_ns == 1000 + 112 + 40);
  CHECK(out.instances[0].pool.dropped == 1);  // the old copy of that block
  CHECK(out.log[2].cached_tokens == 8);
  CHECK(out.log[2].finished_ns == 2000 + 112 + 10);
}

TEST_CASE("blocks are reusable from the end of the step that completes them", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.id_tokens = 4;
  const std::vector<uint64_t> prompt{1, 2, 3};
  const Outcome out =
      run_small(spec, {request_of(0, 12, 2, 4, prompt), request_of(0, 12, 2, 4, prompt),
                       request_of(1, 12, 1, 4, prompt)});
  CHECK(out.log[1].cached_tokens == 0);
  CHECK(out.log[2].cached_tokens == 8);
  const tiering::PoolCounts& pool = out.instances[0].pool;
  CHECK(pool.duplicated == 3 + 1);  // all of the second request's, the last of the third's
  CHECK(pool.placed == 3);
  CHECK(pool.taken == 3 + 3 + 1 + 2);  // the two decodes open a block each
  CHECK(pool.returned == 3 + 1 + 2);
}

TEST_CASE("all blocks that one boundary completes are one notice", "[serving]") {
  // At the end of the second step a decode and a prefill complete a block each.
  const Outcome out = run_small(small_cluster(), {request_of(0, 7, 3), request_of(50, 4, 1)});
  CHECK(out.instances[0].pool.placed == 3);
  CHECK(out.instances[0].counts.steps == 3);
  CHECK(out.effort.policy_calls == 2 + 2);  // two inserts, two requests' blocks left unused
}

TEST_CASE("generated tokens are cached where ids name them", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.id_tokens = 4;
  workload::Request first = request_of(0, 6, 7, 4, {1, 2});
  first.ids = {1, 2, 3};  // 12 tokens: KV of 6 + 7 - 1
  first.last_id_tokens = 4;
  const Outcome out = run_small(spec, {first, request_of(5000, 13, 1, 4, {1, 2, 3})});
  CHECK(out.log[1].cached_tokens == 12);
}

TEST_CASE("requests longer than the model are rejected or cut", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_model_tokens = 20;
  const std::vector<workload::Request> requests{request_of(0, 15, 5), request_of(0, 15, 6),
                                                request_of(0, 30, 3)};
  const Outcome rejected = run_small(spec, requests);
  CHECK(rejected.rejected_too_long == 2);
  CHECK(rejected.log[0].state == RequestState::completed);
  CHECK(rejected.log[1].state == RequestState::rejected);
  CHECK(rejected.log[1].finished_ns == -1);
  CHECK(rejected.instances[0].counts.completed == 1);
  spec.engine.over_length = serving::OverLength::truncate;
  const Outcome cut = run_small(spec, requests);
  CHECK(cut.truncated == 2);
  CHECK_FALSE(cut.log[0].truncated);
  CHECK(cut.log[1].input_tokens == 15);
  CHECK(cut.log[1].output_tokens == 5);
  CHECK(cut.log[2].input_tokens == 19);
  CHECK(cut.log[2].output_tokens == 1);
  CHECK(cut.instances[0].counts.completed == 3);
}

TEST_CASE("a cut request keeps the ids of the tokens it keeps", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.max_model_tokens = 20;
  spec.engine.over_length = serving::OverLength::truncate;
  spec.id_tokens = 8;
  // The second is cut in its output: its prompt, last id of 7 tokens and all, is the first's.
  const Outcome output_cut =
      run_small(spec, {request_of(0, 15, 1, 8, {1, 2}), request_of(5000, 15, 9, 8, {1, 2})});
  CHECK(output_cut.log[1].cached_tokens == 12);
  // Cut to 19 tokens of input, the third id names tokens that are gone.
  const Outcome input_cut =
      run_small(spec, {request_of(0, 17, 1, 8, {1, 2, 3}), request_of(5000, 24, 9, 8, {1, 2, 3})});
  CHECK(input_cut.log[1].cached_tokens == 16);
}

TEST_CASE("a request whose KV exceeds the pool is rejected", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.engine.kv_blocks = 2;
  const Outcome out = run_small(spec, {request_of(0, 8, 1), request_of(0, 8, 2)});
  CHECK(out.log[0].state == RequestState::completed);
  CHECK(out.log[1].state == RequestState::rejected);
  CHECK(out.rejected_too_large == 1);
}

TEST_CASE("an arrival held back by its source has waited since its schedule", "[serving]") {
  const llm::StepTable table = make_linear_table(100, 8, hand_costs());
  ListSource source({request_of(0, 20, 1), request_of(100, 20, 1)}, 1);
  const Outcome out = serving::Cluster(small_cluster(), table, source).run();
  const RequestRecord& r = out.log[1];
  CHECK(out.log[0].finished_ns == 312);
  CHECK(r.arrival_ns == 100);
  CHECK(r.admitted_ns == 313);  // what a completion causes acts from the next ns on
  check_parts(r.e2e, 213, 100, 212, 0, 0);
  CHECK(out.instances[0].counts.waiting_area_of_all_ns() == 213);
}

TEST_CASE("demand from the duration on is not offered, what came before is served", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.duration_ns = 100;
  const Outcome out = run_small(spec, {request_of(99, 20, 2), request_of(100, 20, 2)});
  REQUIRE(out.log.size() == 1);
  CHECK(out.log[0].finished_ns == 99 + 312 + 136);
}
