// Input that no one meant: whatever comes in, an answer or an error comes out.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/importers/hf_import.hpp"
#include "models/importers/sglang_import.hpp"
#include "models/importers/vllm_import.hpp"
#include "sim/base/random.hpp"
#include "sim/config/document.hpp"
#include "tests/support/hf_models.hpp"

namespace tiercast::importers {
namespace {

constexpr Purpose kDamage{"tests.importers"};

/// The text with some of its bytes, or pieces, changed, taken out or doubled.
std::string damaged(std::string text, Stream& random) {
  static const std::vector<std::string> pieces = {
      "-1",   "0",        "1e99", "18446744073709551616",
      "null", "[]",       "{}",   "\"\"",
      "true", "\"",       "'",    "{",
      "[",    ",",        ":",    "\\",
      "--",   "=",        "$x",   "\n",
      "\t",   "#",        "|",    std::string(1, '\0'),
      "\xff", "\xc3\xa9", "-tp",  "--no-"};
  const auto rounds = random.between(1, 4);
  for (int64_t round = 0; round < rounds && !text.empty(); ++round) {
    const std::size_t at = random.below(text.size());
    const std::size_t length = std::min<std::size_t>(random.below(12), text.size() - at);
    const std::string& piece = pieces[random.below(pieces.size())];
    switch (random.below(3)) {
      case 0:
        text.replace(at, length, piece);
        break;
      case 1:
        text.erase(at, length + 1);
        break;
      default:
        text.insert(at, text.substr(random.below(text.size()), length));
    }
  }
  return text;
}

/// Either there is text that reads as YAML, or an error says why not.
void holds(const std::string& input, const std::optional<std::string>& text,
           const Diagnostics& found) {
  INFO(input);
  INFO(found.render());
  REQUIRE(text.has_value() != found.has_errors());
  if (!text) return;
  Diagnostics faults;
  const auto document = config::parse_document(*text, "out", Origin::scenario, faults);
  INFO(*text << faults.render());
  REQUIRE((document.has_value() && !faults.has_errors()));
}

TEST_CASE("A damaged config.json is read or refused, never more", "[importers]") {
  uint64_t entity = 0;
  int read = 0;
  int refused = 0;
  for (const auto& [name, json] : tests::hf_models()) {
    for (int round = 0; round < 60; ++round) {
      Stream random(7, kDamage, entity++);
      const std::string input = damaged(json, random);
      Diagnostics found;
      const auto text = import_hf(input, {}, found);
      holds(input, text, found);
      ++(text ? read : refused);
    }
  }
  CHECK(read > 50);
  CHECK(refused > 50);
}

TEST_CASE("A damaged launch line is read or refused, never more", "[importers]") {
  const std::vector<std::string> lines = {
      "A=1 vllm serve a/b -tp 4 --max-model-len 32k --gpu-memory-utilization=0.9 -dp 2 "
      "--kv-transfer-config '{\"kv_connector\": \"OffloadingConnector\", "
      "\"kv_connector_extra_config\": {\"cpu_bytes_to_use\": 1e9}}' --no-enable-prefix-caching",
      "python -m sglang.launch_server --model-path a/b --tp 8 --dp 4 --enable-dp-attention --ep 8 "
      "--page-size 64 --enable-hierarchical-cache --hicache-size 10 --chunked-prefill-size 4096 "
      "--hicache-mem-layout page_first --max-total-tokens 100000"};
  int read = 0;
  int refused = 0;
  for (uint64_t i = 0; i < 3000; ++i) {
    Stream random(8, kDamage, i);
    const std::string input = damaged(lines[i % 2], random);
    Diagnostics found;
    const auto text = i % 2 == 0 ? import_vllm(input, {}, found) : import_sglang(input, {}, found);
    holds(input, text, found);
    ++(text ? read : refused);
  }
  CHECK(read > 50);
  CHECK(refused > 50);
}

}  // namespace
}  // namespace tiercast::importers
