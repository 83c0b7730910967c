#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/importers/launch_line.hpp"
#include "models/importers/model_names.hpp"
#include "sim/base/units.hpp"

namespace tiercast::importers {

struct GpuFacts {
  std::string name;
  Bytes memory{};
};

/// What importers of launch lines are told beside the line.
struct LaunchContext {
  std::string file = "arguments";  ///< names the line in messages
  std::vector<CatalogueModel> models;
  std::optional<GpuFacts> gpu;            ///< absent: defaults are those of a GPU of 80 GB
  std::optional<Bytes> kv_of_instance{};  ///< memory for KV, where it is known already
};

/// `key: value` with the words behind it; a key may be a dotted path of two.
struct Setting {
  std::string key;
  std::string value;
  std::string from;
};

/// A launch line as sections of a scenario.
struct EngineFragment {
  std::string engine;  ///< as people call it
  std::vector<Setting> model;
  std::string model_missing;  ///< why model.name is not among them
  std::vector<Setting> settings;
  std::vector<std::vector<Setting>> tiers;  ///< below GPU memory; the first setting is the kind
  std::vector<Setting> policy;
  std::vector<std::string> remarks;
  std::string blocks_in_log;  ///< what the engine's log calls its number of blocks
};

/// Degrees of parallelism of one engine, and how many there are.
struct Degrees {
  int64_t tp = 1;
  int64_t pp = 1;
  int64_t dp = 1;  ///< attention replicas within one instance
  int64_t instances = 1;
  int64_t copies = 1;  ///< tensor ranks that hold the same KV, all of latent attention
};

/// `model.name` and `model.weights` from the name that an engine is given.
ModelMatch set_model(const std::string& given, LaunchValues& values, const LaunchContext& context,
                     EngineFragment& out);
/// `model.kv` from --kv-cache-dtype.
void set_kv_format(LaunchValues& values, EngineFragment& out);
/// A capacity with the words behind it, of all attention replicas of an instance; what each rank
/// has a copy of counts once.
Setting capacity_setting(Bytes of_replica, const Degrees& degrees, const std::string& from);

/// Everything as text, with what was left out.
std::string write_fragment(const EngineFragment& fragment, const LaunchLine& line);

}  // namespace tiercast::importers
