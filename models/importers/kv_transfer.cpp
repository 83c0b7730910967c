#include "models/importers/kv_transfer.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

constexpr double kGiB = 1073741824;

std::string text_in(const Node& map, const char* key) {
  const Node* node = map.find(key);
  return node == nullptr || !node->is_scalar() ? "" : node->text;
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc{} || stop != end || value <= 0 || value > 1e18) return std::nullopt;
  return value;
}

class Offloading {
 public:
  Offloading(LaunchValues& values, const Degrees& degrees, EngineFragment& out)
      : values_(values), degrees_(degrees), out_(out) {}

  void read() {
    by_size();
    const std::optional<Node> config = values_.json("kv-transfer-config");
    if (config) connector(*config);
  }

 private:
  void host_memory(double bytes, const std::string& stack, const std::string& from) {
    out_.tiers.push_back({{"kind", "dram", from}});
    std::vector<Setting>& tier = out_.tiers.back();
    tier.push_back(capacity_setting(Bytes{std::llround(bytes)}, degrees_, from));
    tier.push_back({"scope", "engine", "each engine has a pool of its own"});
    tier.push_back({"stack", stack, ""});
  }

  void preset(const std::string& name, const std::string& from) {
    out_.policy.push_back({"preset", name, from});
  }

  void by_size() {
    const auto size = values_.real("kv-offloading-size", 1e-6, 1e9);
    if (!size) return;
    const std::string backend = values_.text("kv-offloading-backend").value_or("native");
    const double bytes = size->value * kGiB;
    const std::string from = size->from + ", in GiB, of all ranks together";
    if (backend == "native") {
      host_memory(bytes, "vllm-native", from);
      preset("vllm-offload", "--kv-offloading-size");
    } else if (backend == "lmcache") {
      host_memory(bytes, "lmcache-cpu", from);
      preset("lmcache", "--kv-offloading-backend lmcache");
    } else {
      values_.error("kv-offloading-backend", "is not known: " + quote(backend),
                    "known: native, lmcache");
    }
  }

  void connector(const Node& config) {
    const std::string name = text_in(config, "kv_connector");
    const Node* given = config.find("kv_connector_extra_config");
    const Node extra = given != nullptr && given->is_map() ? *given : Node::map();
    if (name == "OffloadingConnector" || name == "SimpleCPUOffloadConnector") {
      offloading(name, extra);
    } else if (name == "LMCacheConnectorV1" || name == "LMCacheMPConnector" ||
               name == "LMCacheConnector") {
      lmcache(name, extra);
    } else if (name == "MultiConnector") {
      const Node* all = extra.find("connectors");
      if (all == nullptr || !all->is_list()) {
        values_.error("kv-transfer-config", "has a MultiConnector without `connectors`");
        return;
      }
      for (const Node& one : all->items) {
        if (one.is_map() && text_in(one, "kv_connector") != "MultiConnector") connector(one);
      }
    } else if (name == "NixlConnector" || name == "MooncakeConnector" ||
               name == "P2pNcclConnector" || name == "MoRIIOConnector") {
      hand_over(name, text_in(config, "kv_role"));
    } else {
      values_.error("kv-transfer-config", "names a connector that is not known: " + quote(name),
                    "known: OffloadingConnector, SimpleCPUOffloadConnector, LMCacheConnectorV1, "
                    "LMCacheMPConnector, MultiConnector, NixlConnector, MooncakeConnector, "
                    "P2pNcclConnector, MoRIIOConnector");
    }
  }

  void offloading(const std::string& name, const Node& extra) {
    const auto bytes = number_of(text_in(extra, "cpu_bytes_to_use"));
    if (!bytes) {
      values_.error("kv-transfer-config", "of " + name + " has no `cpu_bytes_to_use`, in bytes");
      return;
    }
    const bool per_rank = name == "SimpleCPUOffloadConnector";
    const double ranks = per_rank ? static_cast<double>(degrees_.tp * degrees_.pp) : 1;
    host_memory(*bytes * ranks, "vllm-native",
                "cpu_bytes_to_use of --kv-transfer-config" +
                    std::string(per_rank ? ", of each rank" : ", of all ranks together"));
    const std::string eviction = text_in(extra, "eviction_policy");
    const bool tiering = text_in(extra, "spec_name") == "TieringOffloadingSpec";
    preset(tiering ? "vllm-tiering" : "vllm-offload", "--kv-transfer-config");
    if (eviction == "arc") {
      out_.policy.push_back({"lower_eviction", "arc-vllm", "eviction_policy arc"});
    } else if (!eviction.empty() && eviction != "lru") {
      values_.warning(
          "kv-transfer-config",
          "has an eviction policy that is not known, lru stands in: " + quote(eviction));
    }
    const Node* tiers = extra.find("secondary_tiers");
    for (const Node& tier : tiers == nullptr ? std::vector<Node>{} : tiers->items) {
      secondary(tier.is_map() ? text_in(tier, "type") : "");
    }
  }

  void secondary(const std::string& type) {
    if (type.starts_with("fs")) {
      out_.tiers.push_back({{"kind", "nvme", "secondary_tiers, type " + type}});
      out_.remarks.emplace_back(
          "The file system of secondary_tiers is taken as the node's own drives (cluster.node."
          "drives); for a shared one say `kind: external` and cluster.storage.external.");
    } else if (type == "obj") {
      out_.tiers.push_back({{"kind", "external", "secondary_tiers, type obj"}});
      out_.remarks.emplace_back("The object store needs cluster.storage.external.");
    } else {
      values_.error("kv-transfer-config",
                    "names a secondary tier that is not known: " + quote(type), "known: fs, obj");
    }
  }

  /// `lmcache.NAME` of the extra configuration, else LMCACHE_NAME of the environment.
  std::string lmcache_value(const Node& extra, const std::string& name) const {
    const std::string own = text_in(extra, ("lmcache." + name).c_str());
    if (!own.empty()) return own;
    std::string variable = "LMCACHE_" + name;
    for (char& c : variable) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto& environment = values_.line().environment;
    const auto found = environment.find(variable);
    return found == environment.end() ? "" : found->second;
  }

  void lmcache(const std::string& name, const Node& extra) {
    const double ranks = static_cast<double>(degrees_.tp * degrees_.pp);
    const auto size = number_of(lmcache_value(extra, "max_local_cpu_size"));
    if (size) {
      host_memory(*size * kGiB * ranks, "lmcache-cpu", "LMCACHE_MAX_LOCAL_CPU_SIZE, in GiB a rank");
    } else if (name == "LMCacheMPConnector") {
      values_.warning("kv-transfer-config",
                      "has LMCache in a process of its own, which knows its size: say the capacity "
                      "of tier dram");
      out_.tiers.push_back({{"kind", "dram", "LMCacheMPConnector"}, {"stack", "lmcache-cpu", ""}});
      out_.remarks.emplace_back(
          "No capacity of host memory is given: left out it is 80 % of the node's.");
    } else {
      host_memory(5 * kGiB * ranks, "lmcache-cpu",
                  "LMCache's default of max_local_cpu_size, 5 GiB a rank");
    }
    preset("lmcache", "--kv-transfer-config");
    const auto disk = number_of(lmcache_value(extra, "max_local_disk_size"));
    if (!lmcache_value(extra, "local_disk").empty() && disk) {
      out_.tiers.push_back({{"kind", "nvme", "LMCACHE_LOCAL_DISK"}});
      Degrees node = degrees_;
      node.dp = 1;
      out_.tiers.back().push_back(
          capacity_setting(Bytes{std::llround(*disk * kGiB * ranks)}, node,
                           "LMCACHE_MAX_LOCAL_DISK_SIZE, in GiB a rank, of one engine a node"));
    }
    if (!lmcache_value(extra, "remote_url").empty()) {
      out_.tiers.push_back({{"kind", "external", "LMCACHE_REMOTE_URL"}});
      out_.remarks.emplace_back("LMCache's remote store needs cluster.storage.external.");
    }
    if (values_.line().environment.contains("LMCACHE_CONFIG_FILE")) {
      values_.warning("kv-transfer-config", "names LMCache, whose LMCACHE_CONFIG_FILE is not read");
    }
  }

  void hand_over(const std::string& name, const std::string& role) {
    values_.warning("kv-transfer-config",
                    "of " + name + (role.empty() ? "" : " (" + role + ")") +
                        " hands prompts over to other engines: say `disaggregation` for the "
                        "instances of both kinds");
    out_.remarks.emplace_back(name +
                              " hands prompts over: `disaggregation: {prefill_instances: N}` "
                              "sets instances apart that compute prompts only.");
  }

  LaunchValues& values_;
  const Degrees& degrees_;
  EngineFragment& out_;
};

}  // namespace

void set_offloading(LaunchValues& values, const Degrees& degrees, EngineFragment& out) {
  Offloading(values, degrees, out).read();
}

}  // namespace tiercast::importers
