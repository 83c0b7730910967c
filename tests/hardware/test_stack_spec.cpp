#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "sim/base/field_table.hpp"
#include "sim/config/document.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using namespace tiercast::hardware;

namespace {

struct Reading {
  std::optional<StackSpec> stack;
  std::string messages;
};

// A stack as a scenario gives it, with the shipped catalogue behind it.
Reading read_stack(const std::string& text) {
  Diagnostics found;
  std::vector<Node> entries;
  entries.reserve(8);
  Reader reader(
      found, [&](std::string_view kind, std::string_view name, const Place&) -> const Node* {
        const auto path = tests::source_dir() / "configs" / kind / (std::string(name) + ".yaml");
        auto entry = config::read_document(path.string(), Origin::catalogue, found);
        REQUIRE(entry);
        return &entries.emplace_back(std::move(*entry));
      });
  const auto document = config::parse_document(text, "scenario.yaml", Origin::scenario, found);
  REQUIRE(document);
  StackSpec stack;
  Node resolved;
  Reading reading;
  if (reader.read(*document, stack, resolved)) reading.stack = stack;
  reading.messages = found.render();
  return reading;
}

}  // namespace

TEST_CASE("a scenario names a stack and switches its overheads one by one") {
  const auto shipped = read_stack("use: nfs-tcp");
  REQUIRE(shipped.stack);
  const auto changed = read_stack("{use: nfs-tcp, metadata_operations: 0, host_copies: 0}");
  INFO(changed.messages);
  REQUIRE(changed.stack);
  const TransferPath path{Seconds{}, gigabytes_per_second(50), std::nullopt};
  const Payload payload{gigabytes(1), 1024, 16, false};
  const TransferTime before = transfer_time(*shipped.stack, path, payload);
  const TransferTime after = transfer_time(*changed.stack, path, payload);
  CHECK(before.metadata > Seconds{});
  CHECK(after.metadata == Seconds{});
  CHECK(after.setup == before.setup);
  // Without copies by the CPU the link's payload is the limit: 50 GB/s at 82 %.
  CHECK(payload_rate(*changed.stack, path) > payload_rate(*shipped.stack, path));
  CHECK(payload_rate(*changed.stack, path).value() == Approx(0.82 * 50e9));
}

TEST_CASE("a stack that contradicts itself is refused with what must hold") {
  const auto refused = [](const std::string& text, const std::string& message) {
    const Reading reading = read_stack(text);
    INFO(reading.messages);
    CHECK_FALSE(reading.stack);
    CHECK(reading.messages.find(message) != std::string::npos);
  };
  refused("{use: vllm-native, granularity: chunk}", "granularity `chunk` needs chunk_tokens");
  refused("{use: posix, lanes: 65}", "depth must be at least lanes");
  refused("{use: gds, host_copies: 1}", "bypass_host and host_copies contradict each other");
  refused("{use: gds, efficiency: 0}", "efficiency");
  refused("{use: gds, granularity: page}", "layer, block");
}
