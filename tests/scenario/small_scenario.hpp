// Scenarios from text, with the shipped catalogue.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"

namespace tiercast::tests {

/// Two nodes of two H100s over all tiers, and a trace that is not there.
inline constexpr const char* kAllTiers = R"(name: tiers
cluster:
  node: {use: dgx-h100, gpus: 2, drives: [{use: solidigm-d7-ps1010, count: 1}]}
  nodes: 2
  storage:
    context: {enclosure: cmx-bf4, count: 1}
    external: {service: file-store-rdma, count: 1}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
tiers: [hbm, {kind: dram, capacity: 64GiB}, peer, {kind: nvme, capacity: 1TiB}, context, external]
workload: {trace: {file: t.csv, format: csv}}
)";

/// The catalogue's folder.
std::string configs();

/// As if `text` were the file, with options laid over it; nothing where anything is wrong.
std::optional<scenario::Scenario> load(const std::string& text, Diagnostics& found,
                                       const std::vector<std::string>& sets = {},
                                       const std::string& file = "folder/s.yaml");
/// The same of a scenario that must be good.
scenario::Scenario good(const std::string& text, const std::vector<std::string>& sets = {},
                        const std::string& file = "folder/s.yaml");
scenario::World world_of(const scenario::Scenario& scenario);

}  // namespace tiercast::tests
