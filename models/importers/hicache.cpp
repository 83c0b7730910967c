#include "models/importers/hicache.hpp"

#include <cmath>
#include <map>
#include <set>

#include "models/importers/fragment.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

constexpr double kGB = 1e9;

class HiCache {
 public:
  HiCache(LaunchValues& values, const Degrees& degrees, const LaunchContext& context,
          EngineFragment& out)
      : values_(values), degrees_(degrees), context_(context), out_(out) {}

  void read() {
    const auto enabled = values_.truth("enable-hierarchical-cache");
    const auto lmcache = values_.truth("enable-lmcache");
    if (enabled && enabled->value) {
      out_.policy.push_back({"preset", "sglang-hicache", enabled->from});
      eviction();
      write_policy();
      host_memory();
      storage();
      return;
    }
    if (lmcache && lmcache->value) {
      out_.policy.push_back({"preset", "lmcache", lmcache->from});
      out_.tiers.push_back({{"kind", "dram", lmcache->from}, {"stack", "lmcache-cpu", ""}});
      no_capacity("LMCache's configuration is not read");
      return;
    }
    eviction();
    for (const char* flag : {"hicache-ratio", "hicache-size", "hicache-storage-backend"}) {
      if (values_.find(flag) == nullptr) continue;
      values_.warning(flag, "does nothing without --enable-hierarchical-cache");
    }
  }

 private:
  void eviction() {
    const std::string policy = values_.text("radix-eviction-policy").value_or("lru");
    const bool given = values_.find("radix-eviction-policy") != nullptr;
    static const std::map<std::string, std::string> names = {
        {"lru", "leaf-lru"}, {"lfu", "lfu"}, {"slru", "slru"}, {"priority", "priority"}};
    const auto name = names.find(policy);
    if (name == names.end()) {
      values_.error("radix-eviction-policy", "is not known: " + quote(policy),
                    "known: lru, lfu, slru, priority");
      return;
    }
    if (policy != "lru") {
      values_.warning("radix-eviction-policy",
                      quote(policy) + " evicts leaves in SGLang, and single blocks here");
    }
    out_.policy.push_back(
        {"eviction", name->second,
         given ? "--radix-eviction-policy " + policy : "SGLang's default, lru over leaves"});
  }

  void write_policy() {
    const bool given = values_.find("hicache-write-policy") != nullptr;
    const std::string policy = values_.text("hicache-write-policy").value_or("write_through");
    static const std::map<std::string, std::string> names = {
        {"write_through", "through"},
        {"write_through_selective", "selective"},
        {"write_back", "back"}};
    const auto name = names.find(policy);
    if (name == names.end()) {
      values_.error("hicache-write-policy", "is not known: " + quote(policy),
                    "known: write_through, write_through_selective, write_back");
      return;
    }
    out_.policy.push_back(
        {"placement.write", name->second,
         given ? "--hicache-write-policy " + policy : "SGLang's default, write_through"});
    if (policy == "write_through_selective") {
      out_.policy.push_back({"placement.threshold", "2", "hiradix_cache.py; older versions: 3"});
    }
  }

  void host_memory() {
    const std::string backend = values_.text("hicache-io-backend").value_or("kernel");
    const std::string layout = values_.text("hicache-mem-layout").value_or("page_first");
    static const std::set<std::string> backends = {"kernel", "direct"};
    if (!backends.contains(backend)) {
      values_.error("hicache-io-backend", "is not known: " + quote(backend),
                    "known: kernel, direct");
    }
    out_.tiers.push_back({{"kind", "dram", "--enable-hierarchical-cache"}});
    capacity();
    std::vector<Setting>& tier = out_.tiers.back();
    tier.push_back({"scope", "engine", "each engine has a pool of its own"});
    tier.push_back(
        {"stack", backend == "direct" ? "vllm-native" : "hicache-kernel",
         values_.find("hicache-io-backend") == nullptr
             ? "SGLang's default, kernel"
             : "--hicache-io-backend " + backend + (backend == "direct" ? ": copies by DMA" : "")});
    tier.push_back({"load", "layerwise", "HiCache computes each layer as it comes"});
    const bool layers = layout == "layer_first";
    if (!layers && !layout.starts_with("page_")) {
      values_.error("hicache-mem-layout", "is not known: " + quote(layout));
    }
    tier.push_back({"objects.layout", layers ? "layer-first" : "page-first",
                    values_.find("hicache-mem-layout") == nullptr
                        ? "SGLang's default of 2026, page_first (2025: layer_first)"
                        : "--hicache-mem-layout " + layout});
  }

  /// --hicache-size counts per rank; a ratio is of the GPUs' own pool.
  void capacity() {
    const auto size = values_.real("hicache-size", 0, 1e7);
    if (size && size->value > 0) {
      const double ranks = static_cast<double>(degrees_.tp * degrees_.pp);
      out_.tiers.back().push_back(capacity_setting(Bytes{std::llround(size->value * kGB * ranks)},
                                                   degrees_, size->from + ", in GB a rank"));
      return;
    }
    const auto given = values_.real("hicache-ratio", 0.01, 1000);
    const double ratio = given ? given->value : 2;
    const std::string from =
        given ? given->from : std::string("SGLang's default of --hicache-ratio");
    if (context_.kv_of_instance) {
      const double megabytes = static_cast<double>(context_.kv_of_instance->value()) * ratio / 1e6;
      Degrees whole = degrees_;
      whole.dp = 1;  // all of an instance's memory is counted already, copies once
      whole.copies = 1;
      out_.tiers.back().push_back(
          capacity_setting(Bytes{std::llround(megabytes) * 1'000'000}, whole,
                           from + ": " + number_text(ratio) + " x KV in GPU memory"));
      return;
    }
    no_capacity(from + " is " + number_text(ratio) +
                " x KV in GPU memory, which --gpu or --node "
                "tells");
  }

  void no_capacity(const std::string& why) {
    out_.remarks.push_back("Tier dram has no capacity: " + why +
                           ". Left out it is 80 % of the node's host memory.");
    values_.found().warning(values_.line().place, "the capacity of tier dram is not known: " + why);
  }

  void storage() {
    const auto backend = values_.text("hicache-storage-backend");
    if (!backend) return;
    const std::string from = "--hicache-storage-backend " + *backend;
    static const std::set<std::string> services = {"mooncake", "hf3fs", "nixl", "aibrix",
                                                   "eic",      "simm",  "mori"};
    if (*backend == "file") {
      out_.tiers.push_back({{"kind", "nvme", from + ": files on the node"}});
      out_.remarks.emplace_back("Tier nvme needs cluster.node.drives.");
    } else if (services.contains(*backend)) {
      out_.tiers.push_back({{"kind", "external", from}});
      out_.remarks.push_back("Tier external needs cluster.storage.external: what " + *backend +
                             " stores on is not in the line.");
    } else {
      values_.error("hicache-storage-backend", "is not known: " + quote(*backend),
                    "known: file, mooncake, hf3fs, nixl, aibrix, eic, simm, mori");
    }
  }

  LaunchValues& values_;
  const Degrees& degrees_;
  const LaunchContext& context_;
  EngineFragment& out_;
};

}  // namespace

void set_hicache(LaunchValues& values, const Degrees& degrees, const LaunchContext& context,
                 EngineFragment& out) {
  HiCache(values, degrees, context, out).read();
}

}  // namespace tiercast::importers
