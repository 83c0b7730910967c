#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "sim/base/field_table.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::hardware;
using tiercast::tests::Catalogue;

namespace {

// Nothing but a link of 1 GB/s: a byte takes a nanosecond.
StackSpec plain_stack() {
  StackSpec stack;
  stack.efficiency.value = 1;
  stack.duplex.value = 2;
  return stack;
}
TransferPath plain_path() { return {Seconds{}, gigabytes_per_second(1), std::nullopt}; }

double ns(Seconds t) { return t.value() * 1e9; }

/// The pipeline one operation at a time, in whole nanoseconds: an operation takes the first free
/// lane once fewer than `depth` are under way, then waits out the latency, then queues for the
/// link.
int64_t stepped_ns(const StackSpec& stack, int64_t lane_ns, int64_t latency_ns, int64_t move_ns,
                   int64_t n) {
  std::multiset<int64_t> lanes;
  for (uint32_t i = 0; i < stack.lanes; ++i) lanes.insert(0);
  std::vector<int64_t> done;
  int64_t link_free = 0;
  for (int64_t i = 0; i < n; ++i) {
    int64_t start = *lanes.begin();
    lanes.erase(lanes.begin());
    if (i >= stack.depth) start = std::max(start, done[static_cast<size_t>(i - stack.depth)]);
    lanes.insert(start + lane_ns);
    link_free = std::max(link_free, start + lane_ns + latency_ns) + move_ns;
    done.push_back(link_free);
  }
  return done.back();
}

}  // namespace

TEST_CASE("every stack of the catalogue reads strictly") {
  Catalogue catalogue;
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(tests::source_dir() / "configs/stacks")) {
    names.push_back(file.path().stem().string());
  }
  REQUIRE_FALSE(names.empty());
  std::sort(names.begin(), names.end());
  const KvLayout llama_8b{tokens(16), 32, bytes(4096)};
  for (const std::string& name : names) {
    INFO(name);
    const auto stack = catalogue.load<StackSpec>("stacks", name);
    const TransferPath path{Seconds{}, gigabytes_per_second(50), std::nullopt};
    const Bytes operation = operation_bytes(stack, llama_8b);
    const BytesPerSecond cap = rate_cap(stack, path, operation);
    CHECK(cap <= payload_rate(stack, path));
    CHECK(cap > gigabytes_per_second(1));
    // A path that spares host memory has no CPU that copies out of it.
    CHECK_FALSE((stack.bypass_host && (stack.copy_bandwidth || stack.core_bandwidth)));
  }
}

TEST_CASE("operations are what lies together") {
  StackSpec stack = plain_stack();
  const KvLayout layout{tokens(16), 80, bytes(1024)};
  stack.granularity = Granularity::layer;
  CHECK(operation_bytes(stack, layout) == bytes(16 * 1024));
  stack.fragments = 2;
  CHECK(operation_bytes(stack, layout) == bytes(8 * 1024));
  stack.granularity = Granularity::block;
  stack.fragments = 1;
  CHECK(operation_bytes(stack, layout) == bytes(16 * 1024 * 80));
  stack.granularity = Granularity::chunk;
  stack.chunk_tokens = tokens(256);
  CHECK(operation_bytes(stack, layout) == bytes(256 * 1024 * 80));
  stack.max_operation = mebibytes(1);
  CHECK(operation_bytes(stack, layout) == mebibytes(1));
  CHECK(operation_count(bytes(0), bytes(10)) == 0);
  CHECK(operation_count(bytes(20), bytes(10)) == 2);
  CHECK(operation_count(bytes(21), bytes(10)) == 3);
}

TEST_CASE("a transfer worked by hand") {
  StackSpec stack = plain_stack();
  stack.setup.value = seconds(1000e-9);
  stack.operation_time.value = seconds(10e-9);
  stack.operation_latency.value = seconds(50e-9);
  stack.metadata_operations = 2;
  stack.metadata_latency.value = seconds(20e-9);
  stack.acknowledge.value = seconds(300e-9);
  stack.efficiency.value = 0.5;  // so 100 bytes take 200 ns
  stack.depth = 8;
  TransferPath path = plain_path();
  path.device_latency = seconds(30e-9);
  // The link is the slowest stage and is never idle after the first operation:
  // 1000 setup + 40 metadata + 10 lane + 80 latency + 5 * 200 link.
  const TransferTime read = transfer_time(stack, path, {bytes(500), 5, 1, false});
  CHECK(ns(read.total()) == Approx(1000 + 40 + 10 + 80 + 1000));
  CHECK(ns(read.move) == Approx(1000));
  CHECK(ns(read.acknowledge) == 0);
  const TransferTime write = transfer_time(stack, path, {bytes(500), 5, 1, true});
  CHECK(ns(write.total() - read.total()) == Approx(300));
  // One operation at a time: each waits for the one before, and five objects look up five times.
  stack.depth = 1;
  const TransferTime serial = transfer_time(stack, path, {bytes(500), 5, 5, false});
  CHECK(ns(serial.total()) == Approx(1000 + 5 * (40 + 10 + 80 + 200)));
  CHECK(ns(transfer_time(stack, path, {Bytes{}, 0, 0, false}).total()) == 0);
}

TEST_CASE("the closed form is the pipeline stepped one operation at a time") {
  for (const uint32_t lanes : {1U, 3U}) {
    for (const uint32_t depth : {3U, 4U, 7U, 64U}) {
      for (const int64_t lane_ns : {1, 40, 700}) {
        for (const int64_t latency_ns : {0, 300, 5000}) {
          for (const int64_t move_ns : {2, 60, 900}) {
            for (const int64_t n : {1, 2, 3, 8, 29, 128}) {
              StackSpec stack = plain_stack();
              stack.lanes = lanes;
              stack.depth = depth;
              stack.operation_time.value = seconds(static_cast<double>(lane_ns) * 1e-9);
              stack.operation_latency.value = seconds(static_cast<double>(latency_ns) * 1e-9);
              const double closed =
                  ns(transfer_time(stack, plain_path(), {bytes(move_ns * n), n, 1, false}).total());
              const auto stepped =
                  static_cast<double>(stepped_ns(stack, lane_ns, latency_ns, move_ns, n));
              CAPTURE(lanes, depth, lane_ns, latency_ns, move_ns, n);
              if (lanes == 1) {
                CHECK(closed == Approx(stepped));
              } else {
                // Lanes that start together finish in bursts, each within a lane time; a wave that
                // waits for the last one starts anew.
                const double waves = 1 + static_cast<double>(n / depth);
                CHECK(closed >= stepped - 1e-6 * stepped - static_cast<double>(lane_ns) * waves);
                CHECK(closed <= stepped + 1e-6 * stepped + static_cast<double>(lane_ns) * waves);
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a long transfer approaches the rate cap and never passes it") {
  StackSpec stack = plain_stack();
  stack.setup.value = seconds(1e-6);
  TransferPath path = plain_path();
  for (const double lane : {10e-9, 3e-6}) {
    for (const double latency : {0.0, 80e-6}) {
      for (const uint32_t depth : {1U, 16U}) {
        stack.operation_time.value = seconds(lane);
        path.device_latency = seconds(latency);
        stack.depth = depth;
        const Bytes operation = bytes(1000);
        const double cap = rate_cap(stack, path, operation).value();
        double last = 0;
        for (const int64_t n : {1, 16, 1600, 160000}) {
          const Payload payload{operation * n, n, 1, false};
          const double rate = (payload.size / transfer_time(stack, path, payload).total()).value();
          CHECK(rate <= cap * 1.000001);
          CHECK(rate >= last);
          last = rate;
        }
        CHECK(last == Approx(cap).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("the slowest of link, device and CPU copies sets the payload rate") {
  StackSpec stack = plain_stack();
  stack.efficiency.value = 0.9;
  TransferPath path = plain_path();
  CHECK(payload_rate(stack, path).value() == Approx(0.9e9));
  path.device_bandwidth = gigabytes_per_second(0.8);
  CHECK(payload_rate(stack, path).value() == Approx(0.8e9));
  stack.copy_bandwidth = Figure<BytesPerSecond>{gigabytes_per_second(0.5), {}, {}, {}};
  CHECK(payload_rate(stack, path).value() == Approx(0.8e9));  // nobody copies
  stack.host_copies = 1;
  CHECK(payload_rate(stack, path).value() == Approx(0.5e9));
}
