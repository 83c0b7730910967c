// A small real cache manager (manager/, a project of its own that sees nothing but the installed
// library) against the simulator's pools: the same policies, called alike, decide alike.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "models/workload/block_accesses.hpp"
#include "tests/production/simulated.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
namespace fs = std::filesystem;
using policy::TapeReader;
using policy::TapeVerdict;

/// Where ctest has built it; empty where nobody has.
std::string manager_program() {
  const char* named = std::getenv("KV_MANAGER");
  const std::string path = named != nullptr ? named : KV_MANAGER_PROGRAM;
  if (!fs::exists(path)) {
    WARN("no " << path << ": `ctest -R production` builds it");
    return {};
  }
  return path;
}

/// A folder that goes with the test, on the file system of the build: /tmp may know no O_DIRECT.
class Scratch {
 public:
  Scratch() : root_(fs::path(KV_MANAGER_PROGRAM).parent_path() / "scratch") {
    fs::remove_all(root_);
    fs::create_directories(root_ / "tapes");
  }
  ~Scratch() { fs::remove_all(root_); }
  std::string path(const std::string& name) const { return (root_ / name).string(); }

 private:
  fs::path root_;
};

using Figures = std::map<std::string, uint64_t>;

Figures figures_of(const std::string& text) {
  Figures figures;
  std::istringstream words(text);
  std::string name;
  for (uint64_t value = 0; words >> name >> value;) figures[name] = value;
  return figures;
}

std::vector<std::string> command(const Scratch& scratch, const TwoTiers& shape,
                                 const std::vector<std::string>& more) {
  std::vector<std::string> words{manager_program(),
                                 "--folder",
                                 scratch.path("."),
                                 "--tapes",
                                 scratch.path("tapes"),
                                 "--hits",
                                 scratch.path("hits"),
                                 "--trace",
                                 scratch.path("trace"),
                                 "--memory-policy",
                                 shape.memory_policy,
                                 "--file-policy",
                                 shape.file_policy,
                                 "--placement",
                                 shape.placement,
                                 "--memory-blocks",
                                 std::to_string(shape.memory_blocks),
                                 "--file-blocks",
                                 std::to_string(shape.file_blocks)};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void write_trace(const Scratch& scratch, const Trace& trace) {
  std::ofstream file(scratch.path("trace"));
  for (const auto& request : trace) {
    for (const uint64_t id : request) file << id << ' ';
    file << '\n';
  }
}

Figures serve(const Scratch& scratch, const TwoTiers& shape,
              const std::vector<std::string>& more = {}) {
  const Finished done = run_process(command(scratch, shape, more));
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  if (!done.err.empty()) WARN(done.err);  // no O_DIRECT
  return figures_of(done.out);
}

std::vector<Hits> hits_of(const Scratch& scratch) {
  std::vector<Hits> hits;
  std::ifstream file(scratch.path("hits"));
  for (Hits request; file >> request.memory >> request.file;) hits.push_back(request);
  return hits;
}

std::vector<uint8_t> read_tape(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TapeReader::Source source_of(const std::vector<uint8_t>& bytes) {
  return [&bytes, at = std::size_t{0}](void* buffer, std::size_t size) mutable {
    const std::size_t got = std::min(size, bytes.size() - at);
    std::copy_n(bytes.data() + at, got, static_cast<uint8_t*>(buffer));
    at += got;
    return got;
  };
}

/// The manager's tapes hold what the library of this test answers too.
void check_tapes(const Scratch& scratch, TapeVerdict::Kind expected) {
  for (const char* pool : {"memory", "file"}) {
    const std::vector<uint8_t> bytes = read_tape(scratch.path("tapes") + "/" + pool + ".tape");
    TapeReader tape(source_of(bytes));
    const TapeVerdict verdict =
        policy::replay_tape(tape, *tp_find_builtin_cache(tape.header().policy.c_str()));
    INFO(pool << ": " << verdict.error << verdict.what << verdict.recorded << verdict.replayed);
    CHECK(verdict.kind == expected);
    CHECK(verdict.same_build);
    CHECK(verdict.calls > 0);
    CHECK(verdict.equal_states == verdict.checkpoints);
  }
}

std::string told(const TapeReader& tape) {
  if (tape.item() != TapeReader::Item::call) return tape.error();
  policy::TapeCall call = tape.call();
  call.now_ns = 0;  // the two have clocks of their own
  return policy::call_text(call) + ": " + policy::answer_text(call);
}

/// The same calls with the same slots and answers, time and views apart.
void check_same_calls(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  TapeReader left(source_of(a));
  TapeReader right(source_of(b));
  CHECK(left.header().policy == right.header().policy);
  while (left.item() != TapeReader::Item::end) {
    left.next();
    right.next();
    INFO("call " << left.calls() << ": " << told(left) << " / " << told(right));
    REQUIRE(left.item() == right.item());
    REQUIRE((left.item() == TapeReader::Item::call || left.item() == TapeReader::Item::checkpoint ||
             left.item() == TapeReader::Item::end));
    if (left.item() != TapeReader::Item::call) continue;
    REQUIRE(told(left) == told(right));
    const auto same = [](const tp_span& x, const tp_span& y) {
      return x.first_slot == y.first_slot && x.count == y.count;
    };
    const auto& x = left.call().spans;
    const auto& y = right.call().spans;
    REQUIRE(std::equal(x.begin(), x.end(), y.begin(), y.end(), same));
  }
}

/// So many sessions that come back with a longer prompt each time, behind a few heads they share.
Trace sessions(std::size_t beside, int requests) {
  Trace trace;
  std::vector<std::vector<uint64_t>> open(beside);
  uint64_t next_id = 1000;
  uint64_t state = 1;
  const auto draw = [&](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  for (int i = 0; i < requests; ++i) {
    std::vector<uint64_t>& session = open[draw(open.size())];
    if (session.size() > 120) session.clear();
    if (session.empty()) {
      const uint64_t head = 100 * draw(4);
      for (uint64_t k = 0; k < 20; ++k) session.push_back(head + k);
    }
    for (uint64_t k = draw(12); k > 0; --k) session.push_back(next_id++);
    trace.push_back(session);
  }
  return trace;
}

/// The first requests of a recorded trace; empty where it is absent.
Trace conversation(std::size_t requests) {
  workload::TraceSpec spec;
  spec.file = (shared_dir() / "traces" / "mooncake_conversation.jsonl.gz").string();
  Trace trace;
  if (!fs::exists(spec.file)) {
    WARN("no " << spec.file);
    return trace;
  }
  Diagnostics found;
  const auto accesses = workload::read_block_accesses(spec, 1, found);
  REQUIRE(accesses.has_value());
  std::size_t first = 0;
  for (const uint64_t end : accesses->request_ends) {
    if (trace.size() == requests) break;
    trace.emplace_back(accesses->blocks.begin() + static_cast<std::ptrdiff_t>(first),
                       accesses->blocks.begin() + static_cast<std::ptrdiff_t>(end));
    first = end;
  }
  return trace;
}

/// One request after another: every request's hits are the simulator's, and where the two number
/// what they write alike, so is every call.
void check_serial(const Trace& trace, const TwoTiers& shape) {
  INFO(shape.memory_policy << " over " << shape.file_policy << ", " << shape.placement);
  const Scratch scratch;
  write_trace(scratch, trace);
  const Figures figures = serve(scratch, shape);
  const Simulated simulated = simulate(shape, trace);
  const std::vector<Hits> hits = hits_of(scratch);
  REQUIRE(hits.size() == trace.size());
  const auto [mine, theirs] = std::mismatch(hits.begin(), hits.end(), simulated.hits.begin());
  INFO("first difference at request " << mine - hits.begin());
  CHECK(mine == hits.end());
  CHECK(figures.at("memory_hits") > 0);
  CHECK(figures.at("file_hits") > 0);
  CHECK(figures.at("memory_evicted") > 0);
  CHECK(figures.at("file_evicted") > 0);
  check_tapes(scratch, TapeVerdict::Kind::identical);
  for (const auto& [pool, tape] : simulated.tapes) {
    if (shape.placement == "back" && pool == "file") continue;
    INFO(pool);
    check_same_calls(read_tape(scratch.path("tapes") + "/" + pool + ".tape"), tape);
  }
}

/// Four threads: what each finds depends on chance, the shares of hits hardly.
void check_free(const Trace& trace, const TwoTiers& shape) {
  const Scratch scratch;
  write_trace(scratch, trace);
  const Figures figures = serve(scratch, shape, {"--threads", "4"});
  check_tapes(scratch, TapeVerdict::Kind::identical);
  Figures simulated;
  for (const Hits& request : simulate(shape, trace).hits) {
    simulated["memory_hits"] += request.memory;
    simulated["file_hits"] += request.file;
  }
  for (const auto& [name, hits] : simulated) {
    const double blocks = static_cast<double>(figures.at("blocks"));
    const double real = 100 * static_cast<double>(figures.at(name)) / blocks;
    const double expected = 100 * static_cast<double>(hits) / blocks;
    INFO(name << ": " << real << " % of blocks, simulated " << expected << " %");
    CHECK(std::abs(real - expected) < 0.5);
  }
}

const TwoTiers kShapes[] = {{"lru", "lru", "through", 600, 2500},
                            {"s3fifo", "s3fifo", "through", 600, 2500},
                            {"lru", "fifo", "back", 600, 2500}};

TEST_CASE("a real manager has the simulator's hits and makes its calls, one request at a time") {
  if (manager_program().empty()) return;
  const TwoTiers shape = GENERATE(from_range(std::begin(kShapes), std::end(kShapes)));
  check_serial(sessions(40, 1000), shape);
  TwoTiers larger = shape;
  larger.memory_blocks = 1500;
  larger.file_blocks = 6000;
  const Trace recorded = conversation(500);
  if (!recorded.empty()) check_serial(recorded, larger);
}

// A session's next request must rarely come while its last one is still served: what that has not
// finished is not found.
TEST_CASE("with threads free to run, hits are within half a point of the simulator's") {
  if (manager_program().empty()) return;
  TwoTiers shape = kShapes[GENERATE(0, 1, 2)];
  shape.memory_blocks = 4000;
  shape.file_blocks = 12'000;
  check_free(sessions(400, 3000), shape);
}

TEST_CASE("the whole trace, in order and freely", "[slow]") {
  if (manager_program().empty()) return;
  const Trace trace = conversation(SIZE_MAX);
  if (trace.empty()) return;
  TwoTiers shape = GENERATE(from_range(std::begin(kShapes), std::end(kShapes)));
  shape.memory_blocks = 4000;
  shape.file_blocks = 40'000;
  check_serial(trace, shape);
  check_free(trace, shape);
}

TEST_CASE("a killed manager comes back with what is whole in its file") {
  if (manager_program().empty()) return;
  const TwoTiers shape = kShapes[GENERATE(0, 1)];
  const Scratch scratch;
  const Trace trace = sessions(40, 1000);
  write_trace(scratch, trace);
  const Finished killed =
      run_process(command(scratch, shape, {"--threads", "4", "--kill-after", "700"}));
  CHECK(killed.exit_code == 128 + 9);
  check_tapes(scratch, TapeVerdict::Kind::cut);
  // Half of a block was written over when the power went, and half of an entry.
  const auto damage = [&](const char* file, std::streamoff at) {
    std::fstream stream(scratch.path(file), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    const std::string junk(16, 'x');
    stream.write(junk.data(), static_cast<std::streamsize>(junk.size()));
  };
  damage("blocks", 17 * 4096 + 2000);
  damage("index", 23 * 32 + 16);
  const Figures figures = serve(scratch, shape, {"--threads", "4"});  // checks each hit's bytes
  CHECK(figures.at("torn") >= 2);
  CHECK(figures.at("torn") < 200);
  CHECK(figures.at("recovered") > shape.file_blocks / 2);
  CHECK(figures.at("recovered") <= shape.file_blocks);
  CHECK(figures.at("file_hits") > 0);
  check_tapes(scratch, TapeVerdict::Kind::identical);
  // And again, with nothing killed: everything in the file is whole.
  const Figures again = serve(scratch, shape);
  CHECK(again.at("torn") == 0);
  CHECK(again.at("recovered") > shape.file_blocks / 2);
}

TEST_CASE("where a file system knows no O_DIRECT, the page cache does") {
  if (manager_program().empty()) return;
  const Scratch scratch;
  const Trace trace = sessions(40, 200);
  write_trace(scratch, trace);
  const Figures figures = serve(scratch, kShapes[0], {"--direct", "0"});
  CHECK(figures.at("direct") == 0);
  CHECK(figures.at("requests") == trace.size());
}

}  // namespace
