#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/byte_stream.hpp"
#include "models/workload/closed_source.hpp"
#include "models/workload/reference_hits.hpp"
#include "models/workload/trace_source.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

ReferenceHits hits_of(const std::string& text, std::uint32_t block_tokens) {
  TraceSpec spec;
  spec.block_tokens = block_tokens;
  TraceSource source(spec, 1, open_bytes(text));
  return reference_hits(source);
}

std::string line(int input, const std::string& ids) {
  return "{\"timestamp\":0,\"input_length\":" + std::to_string(input) +
         ",\"output_length\":1,\"hash_ids\":[" + ids + "]}\n";
}

}  // namespace

TEST_CASE("Isolated tenants each meet a prompt for the first time", "[oracle]") {
  const auto said_by = [](const std::string& tenant) {
    return "{\"timestamp\":0,\"input_length\":8,\"output_length\":1,\"hash_ids\":[1,2]" + tenant +
           "}\n";
  };
  // Named by text or by number, or not at all: four tenants, two of which come twice.
  const std::string text = said_by("") + said_by(",\"tenant\":\"a\"") +
                           said_by(",\"tenant_id\":7") + said_by(",\"cache_salt\":\"7\"") +
                           said_by(",\"tenant\":null") + said_by(",\"tenant\":\"b\"");
  TraceSpec spec;
  spec.block_tokens = 4;
  TraceSource shared(spec, 1, open_bytes(text));
  CHECK(reference_hits(shared).hit_blocks == 5 * 2);
  TraceSource isolated(spec, 1, open_bytes(text));
  const ReferenceHits hits = reference_hits(isolated, 100, INT64_MAX, true);
  CHECK(hits.hit_blocks == 2 * 2);
  CHECK(hits.distinct_blocks == 4 * 2);
}

TEST_CASE("Hits are the leading run of known ids, worked by hand", "[oracle]") {
  const ReferenceHits hits = hits_of(line(10, "1,2,3") +      // nothing known
                                         line(10, "1,2,3") +  // all: 4 + 4 + 2 tokens
                                         line(12, "1,2,4") +  // 8 tokens
                                         line(16, "5,2,3,4")  // 2, 3, 4 known, but 5 is not
                                         + line(4, "2"),      // known, however it came in
                                     4);
  CHECK(hits.requests == 5);
  CHECK(hits.input_tokens == 52);
  CHECK(hits.blocks == 14);
  CHECK(hits.distinct_blocks == 5);
  CHECK(hits.hit_blocks == 0 + 3 + 2 + 0 + 1);
  CHECK(hits.hit_tokens == 0 + 10 + 8 + 0 + 4);
  CHECK(hits.full_hit_tokens == 0 + 8 + 8 + 0 + 4);
  CHECK(hits.token_hit_ratio() == Approx(22.0 / 52));
  CHECK(hits.full_block_token_hit_ratio() == Approx(20.0 / 52));
  CHECK(hits.block_hit_ratio() == Approx(6.0 / 14));
}

TEST_CASE("Ids repeated inside one prompt are no hit of its own", "[oracle]") {
  const ReferenceHits hits = hits_of(line(8, "1,1"), 4);
  CHECK(hits.hit_blocks == 0);
  CHECK(hits.distinct_blocks == 1);
}

TEST_CASE("Requests without ids count in the denominators only", "[oracle]") {
  const ReferenceHits hits = hits_of("{\"timestamp\":0,\"input_length\":8,\"output_length\":1}\n" +
                                         line(8, "1,2") + line(8, "1,2"),
                                     4);
  CHECK(hits.requests == 3);
  CHECK(hits.input_tokens == 24);
  CHECK(hits.hit_tokens == 8);
  CHECK(hits_of("", 4).token_hit_ratio() == 0);
}

TEST_CASE("Ids that reach into the output are no prompt blocks", "[oracle]") {
  // One user, blocks of 10: turn 0 has 25 input + 7 output, turn 1 has 32 + 3 input. Both have ids
  // over input and output; of the 2 full prompt blocks of turn 0, turn 1 hits both. The block
  // that turn 0 filled by its output is known to no prompt.
  ClosedSpec spec;
  spec.sessions = 1;
  spec.turns = FixedLaw<std::int64_t>{2};
  spec.think = FixedLaw<Nanoseconds>{whole_seconds(1)};
  spec.first_input_tokens = FixedLaw<Tokens>{tokens(25)};
  spec.input_tokens = FixedLaw<Tokens>{tokens(3)};
  spec.output_tokens = FixedLaw<Tokens>{tokens(7)};
  spec.id_tokens = 10;
  spec.repeat = false;
  ClosedSource source(spec, {});
  const ReferenceHits hits = reference_hits(source);
  CHECK(hits.requests == 2);
  CHECK(hits.input_tokens == 25 + 35);
  CHECK(hits.blocks == 2 + 3);
  CHECK(hits.hit_blocks == 2);
  CHECK(hits.hit_tokens == 20);
}

TEST_CASE("At most the requests asked for are taken", "[oracle]") {
  TraceSpec spec;
  spec.block_tokens = 4;
  TraceSource source(spec, 1,
                     open_bytes("{\"timestamp\":0,\"input_length\":8,\"output_length\":1}\n"
                                "{\"timestamp\":0,\"input_length\":8,\"output_length\":1}\n"));
  CHECK(reference_hits(source, 1).requests == 1);
}
