// README shows results: they are what the program prints.
#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

Words lines_of(const std::string& text) {
  std::istringstream stream(text);
  Words lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Words readme() { return lines_of(read_file(tests::source_dir() / "README.md")); }

// The line that begins so; it must be there.
std::string row(const std::string& begin) {
  for (const std::string& line : readme()) {
    if (line.starts_with(begin)) return line;
  }
  FAIL("README has no line that begins with " << begin);
  return {};
}

bool holds(const std::string& line, const std::string& part) {
  return line.find(part) != std::string::npos;
}

std::string scenario(const std::string& name) {
  return (tests::source_dir() / "scenarios" / name).string();
}

double share_of_input(const Json& result, const std::string& tier) {
  for (const Json& row : result["cache"]["by_tier"]) {
    if (row["tier"] != tier) continue;
    return 100 * row["hit_tokens"].get<double>() / result["tokens"]["input"].get<double>();
  }
  FAIL("the run has no tier " << tier);
  return 0;
}

double load_ms(const Json& result, const std::string& tier) {
  const Json& load = result["attribution"]["ttft_ms"]["load"][tier];
  return load["wait"].get<double>() + load["move"].get<double>();
}

TEST_CASE("README shows the quickstart's forecast as it is printed", "[e2e]") {
  Words printed = lines_of(output_of({"run", quickstart()}));
  while (!printed.empty() && !printed.back().starts_with("digest")) printed.pop_back();
  REQUIRE_FALSE(printed.empty());
  printed.pop_back();  // names the processor time
  while (!printed.empty() && printed.back().empty()) printed.pop_back();

  const Words page = readme();
  auto line = std::find(page.begin(), page.end(), "    quickstart");
  for (const std::string& expected : printed) {
    REQUIRE(line != page.end());
    CHECK(*line++ == (expected.empty() ? "" : "    " + expected));
  }
  REQUIRE(page.end() - line >= 2);
  CHECK(line->empty());
  CHECK_FALSE((line + 1)->starts_with("    "));  // nothing more is shown than was printed
}

TEST_CASE("README's scenarios apart, of peers and of agents come out as it says", "[e2e]") {
  const Json apart = json_of({"run", scenario("disaggregated.yaml")});
  const std::string apart_row = row("| `scenarios/disaggregated.yaml`");
  CAPTURE(apart_row);
  CHECK(holds(apart_row,
              fmt::format("TTFT {:.0f} ms mean, of which hand-off {:.1f} ms and loads from "
                          "flash {:.1f} ms; {:.1f} % of input",
                          apart["metrics"]["ttft_ms"]["mean"].get<double>(),
                          apart["attribution"]["ttft_ms"]["handoff"].get<double>(),
                          load_ms(apart, "context"), share_of_input(apart, "context"))));

  const Json peers = json_of({"run", scenario("peer-memory.yaml")});
  const std::string peers_row = row("| `scenarios/peer-memory.yaml`");
  CAPTURE(peers_row);
  CHECK(holds(
      peers_row,
      fmt::format("TTFT {:.0f} ms mean, of which loads from peers {:.1f} ms; {:.1f} % of input",
                  peers["metrics"]["ttft_ms"]["mean"].get<double>(), load_ms(peers, "peer"),
                  share_of_input(peers, "peer"))));

  const Json agents = json_of({"run", scenario("agents.yaml")});
  const std::string agents_row = row("| `scenarios/agents.yaml`");
  CAPTURE(agents_row);
  CHECK(holds(agents_row, fmt::format("TTFT {:.0f} ms median, {:.2f} s at p99; {:.1f} % of input "
                                      "is found in GPU memory, {:.1f} % in all",
                                      agents["metrics"]["ttft_ms"]["p50"].get<double>(),
                                      agents["metrics"]["ttft_ms"]["p99"].get<double>() / 1000,
                                      share_of_input(agents, "hbm"),
                                      100 * agents["cache"]["token_hit_ratio"].get<double>())));
}

TEST_CASE("GPU memory alone carries as many sessions as README says", "[e2e][slow]") {
  const auto ttft_p90_ms = [](int sessions) {  // mean of three seeds
    double sum = 0;
    for (const char* seed : {"1", "2", "3"}) {
      const Json result = json_of({"run", quickstart(), "--seed", seed, "--set", "tiers=[hbm]",
                                   "--set", "cluster.storage={}", "--set", "cluster.node.drives=[]",
                                   "--set", fmt::format("workload.closed.sessions={}", sessions)});
      sum += result["metrics"]["ttft_ms"]["p90"].get<double>();
    }
    return sum / 3;
  };
  REQUIRE(row("| tiers | 15 sessions | 23 sessions | ").ends_with("| 29 sessions |"));
  CHECK(ttft_p90_ms(29) < 2000);
  CHECK(ttft_p90_ms(30) > 2000);
}

TEST_CASE("README's table of tiers comes out of the quickstart", "[e2e][slow]") {
  struct Hardware {
    const char* row;
    const char* tiers;
    const char* drives;  // as the scenario has them where NULL
    const char* storage;
  };
  constexpr const char* kDram = "{kind: dram, capacity: 100GB}";
  constexpr const char* kNvme = "{kind: nvme, capacity: 400GB}";
  constexpr const char* kContext = "{kind: context, capacity: 4TB}";
  constexpr const char* kExternal = "{kind: external, capacity: 20TB}";
  constexpr const char* kFlash = "context: {enclosure: jbof-bf3, count: 1}";
  constexpr const char* kStore = "external: {service: file-store-rdma, count: 1}";
  const std::string dram = fmt::format("hbm, {}", kDram);
  const std::string nvme = fmt::format("{}, {}", dram, kNvme);
  const std::string context = fmt::format("{}, {}", nvme, kContext);
  const std::string external = fmt::format("{}, {}", context, kExternal);
  const std::string both = fmt::format("{}, {}", kFlash, kStore);
  const std::array<Hardware, 5> rows{{{"| (a) ", "hbm", "[]", ""},
                                      {"| (b) ", dram.c_str(), "[]", ""},
                                      {"| (c) ", nvme.c_str(), nullptr, ""},
                                      {"| (d) ", context.c_str(), nullptr, kFlash},
                                      {"| (e) ", external.c_str(), nullptr, both.c_str()}}};
  for (const Hardware& hardware : rows) {
    const std::string line = row(hardware.row);
    std::string cells;
    for (const int sessions : {15, 23, 29}) {
      Words arguments{"run",   quickstart(),
                      "--set", "run.band=never",
                      "--set", fmt::format("tiers=[{}]", hardware.tiers)};
      const auto set = [&](const std::string& value) {
        arguments.push_back("--set");
        arguments.push_back(value);
      };
      set(fmt::format("cluster.storage={{{}}}", hardware.storage));
      if (hardware.drives != nullptr) set(fmt::format("cluster.node.drives={}", hardware.drives));
      set(fmt::format("workload.closed.sessions={}", sessions));
      const Json result = json_of(arguments);
      cells += fmt::format(" | {:.1f} % · {:.0f} / {:.0f} ms · {:.1f} J",
                           100 * result["cache"]["token_hit_ratio"].get<double>(),
                           result["metrics"]["ttft_ms"]["mean"].get<double>(),
                           result["metrics"]["ttft_ms"]["p90"].get<double>(),
                           result["energy"]["j_per_output_token"].get<double>());
    }
    CAPTURE(line);
    CHECK(line.ends_with(cells + " |"));
  }
}

}  // namespace
}  // namespace tiercast::e2e
