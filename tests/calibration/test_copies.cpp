// Copies to a software stack: tables made by the transfer model give back the stack that made them.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "models/calibration/copies.hpp"
#include "models/hardware/transfer_time.hpp"
#include "sim/config/document.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::calibration;
using tests::Catalogue;

namespace {

constexpr const char* kBase = "vllm-native";
const BytesPerSecond kLink = gigabytes_per_second(64);

double seconds_of(const hardware::StackSpec& stack, double bytes, int operations) {
  const hardware::Payload payload{Bytes{static_cast<int64_t>(bytes) * operations}, operations, 1,
                                  false};
  return hardware::transfer_time(stack, {Seconds{0}, kLink, std::nullopt}, payload).total().value();
}

// Rates of copies of 4 KiB to 64 MiB, so many at a time.
std::string copies_csv(const hardware::StackSpec& stack, const std::vector<int>& counts) {
  std::string text = "block_bytes,batch,direction,bw_GBps\n";
  for (const int operations : counts) {
    for (double bytes = 4096; bytes <= 67'108'864; bytes *= 4) {
      const double rate = bytes * operations / seconds_of(stack, bytes, operations) * 1e-9;
      text += fmt::format("{},{},h2d,{:.9g}\n", bytes, operations, rate);
    }
  }
  return text;
}

struct Fixture {
  Catalogue catalogue{};
  hardware::StackSpec base = catalogue.load<hardware::StackSpec>("stacks", kBase);

  std::optional<Calibration> fit(const std::string& text, Diagnostics& found) const {
    std::vector<MeasuredTable> tables;
    auto table = MeasuredTable::read(workload::open_bytes(text), "c.csv", found);
    if (!table) return std::nullopt;
    tables.push_back(std::move(*table));
    return calibrate_stack({kBase, base, kLink}, tables, {}, found);
  }

  hardware::StackSpec read_entry(const Calibration& made) {
    Diagnostics found;
    const auto document =
        config::parse_document(to_yaml(made), "new.yaml", Origin::catalogue, found);
    hardware::StackSpec spec;
    Node resolved;
    Reader reader(found, catalogue.lookup(found));
    const bool good = document && reader.read(*document, spec, resolved);
    INFO(found.render() << to_yaml(made));
    REQUIRE(good);
    return spec;
  }

  std::string faults(const std::string& text) const {
    Diagnostics found;
    CHECK_FALSE(fit(text, found));
    CHECK(found.has_errors());
    return found.render();
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("copies give back the stack that made them") {
  Fixture fixture;
  hardware::StackSpec truth = fixture.base;
  truth.setup.value = Seconds{40e-6};
  truth.operation_time.value = Seconds{2e-6};
  truth.efficiency.value = 0.6;
  Diagnostics found;
  std::string text = copies_csv(truth, {1, 8, 64});
  // Both ways at once reach 1.5 times one way.
  const double one_way = 8 * 2'097'152 / seconds_of(truth, 2'097'152, 8) * 1e-9;
  text += fmt::format("2097152,8,both ways,{:.9g}\n", 1.5 * one_way);
  const auto made = fixture.fit(text, found);
  INFO(found.render());
  REQUIRE(made);
  INFO(to_text(*made));
  const hardware::StackSpec stack = fixture.read_entry(*made);
  CHECK(stack.setup.value.value() == Approx(40e-6).epsilon(0.01));
  CHECK(stack.operation_time.value.value() == Approx(2e-6).epsilon(0.01));
  CHECK(stack.efficiency.value == Approx(0.6).epsilon(0.01));
  CHECK(stack.duplex.value == Approx(1.5).epsilon(0.01));
  CHECK(stack.depth == fixture.base.depth);
  CHECK(stack.setup.kind == FigureKind::derived);
  REQUIRE(stack.setup.range);
  CHECK(stack.setup.range->first <= stack.setup.value);
  CHECK(made->parts[0].errors.rows == 24);
  CHECK(made->parts[0].errors.p90 < 0.005);
  CHECK(stack.lanes == fixture.base.lanes);
}

TEST_CASE("how many operations are in flight shows in copies that wait for one another") {
  Fixture fixture;
  hardware::StackSpec truth = fixture.base;
  truth.operation_latency.value = fixture.base.operation_latency.value;
  truth.operation_time.value = Seconds{0.5e-6};
  truth.depth = 2;
  Diagnostics found;
  const auto made = fixture.fit(copies_csv(truth, {1, 4, 16, 256}), found);
  REQUIRE(made);
  const hardware::StackSpec stack = fixture.read_entry(*made);
  INFO(to_text(*made));
  CHECK(stack.depth == 2);
  CHECK(stack.operation_time.value.value() == Approx(0.5e-6).epsilon(0.05));
}

TEST_CASE("what copies cannot tell stays as it was, and that is said") {
  Fixture fixture;
  hardware::StackSpec truth = fixture.base;
  truth.operation_time.value = Seconds{100e-6};
  Diagnostics found;
  // Single small copies: no link is ever full, and setup shows only within the sum.
  std::string text = "block_bytes,time_us\n";
  for (double bytes = 512; bytes <= 16384; bytes *= 2) {
    text += fmt::format("{},{:.9g}\n", bytes, 1e6 * seconds_of(truth, bytes, 1));
  }
  const auto made = fixture.fit(text, found);
  REQUIRE(made);
  INFO(to_text(*made));
  const hardware::StackSpec stack = fixture.read_entry(*made);
  CHECK(stack.setup.value == fixture.base.setup.value);
  CHECK(stack.operation_time.value.value() == Approx(100e-6).epsilon(0.02));
  CHECK(stack.duplex.value == fixture.base.duplex.value);
  CHECK(has(to_text(*made), "All rows have one number of operations: setup as in vllm-native."));
}

TEST_CASE("columns go by several names, sizes may be totals, times take units") {
  Fixture fixture;
  const std::string by_name = copies_csv(fixture.base, {1, 8});
  std::string other = "Block Size (B),total_bytes,seconds\n";
  for (const int operations : {1, 8}) {
    for (double bytes = 4096; bytes <= 67'108'864; bytes *= 4) {
      other += fmt::format("{},{},{:.9g}\n", bytes, bytes * operations,
                           seconds_of(fixture.base, bytes, operations));
    }
  }
  Diagnostics found;
  const auto one = fixture.fit(by_name, found);
  const auto two = fixture.fit(other, found);
  REQUIRE(one);
  REQUIRE(two);
  for (std::size_t i = 0; i < one->parts[0].parameters.size(); ++i) {
    CHECK(one->parts[0].parameters[i].value.si ==
          Approx(two->parts[0].parameters[i].value.si).epsilon(1e-3));
  }
}

TEST_CASE("tables at fault give no stack") {
  const Fixture fixture;
  const std::string head = "block_bytes,batch,bw_GBps,time_us\n";
  CHECK(has(fixture.faults("batch,bw_GBps\n1,1\n"),
            "c.csv:1: error: the header names no column for the bytes of an operation"));
  CHECK(has(fixture.faults("block_bytes\n1\n"), "no column for bandwidth or time"));
  CHECK(has(fixture.faults(head + "4096,1,,\n"), "c.csv:2: error: the row gives neither"));
  CHECK(has(fixture.faults(head + "4096,1,0,\n"), "`bw_GBps` `0` must be at least"));
  CHECK(has(fixture.faults(head + "-1,1,1,\n"), "`block_bytes` `-1` must be at least 1"));
  CHECK(has(fixture.faults(head + "4096,0,1,\n"), "`batch` `0` must be at least 1"));
  CHECK(has(fixture.faults(head + "1e15,1e9,1,\n"), "larger than 10^15 bytes"));
  CHECK(has(fixture.faults(head + "4096,1,,5-7\n"), "`time_us` `5-7` is not a number"));
  CHECK(has(fixture.faults(head + "4096,1,1,\n8192,1,1,\n"),
            "2 copies one way cannot tell 2 parameters"));
}
