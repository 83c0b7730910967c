#include "models/importers/vllm_import.hpp"

#include <algorithm>

#include "models/importers/engine_flags.hpp"
#include "models/importers/fragment.hpp"
#include "models/importers/kv_transfer.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

constexpr int64_t kMostTokens = 1 << 20;
constexpr int64_t kMostSequences = 1 << 16;

/// What one engine takes on where nothing is said, by GPU.
struct BatchDefaults {
  int64_t tokens = 0;
  int64_t sequences = 0;
  std::string from;
};

// vllm/engine/arg_utils.py, get_batch_defaults, for an API server; the largest GPUs' since 0.28.
BatchDefaults batch_defaults(const std::optional<GpuFacts>& gpu) {
  constexpr int64_t kGiB = int64_t{1} << 30;
  const std::string of = "vLLM's default for ";
  if (!gpu) return {8192, 1024, of + "a GPU of 70 GiB and more that is no A100"};
  if (gpu->memory.value() >= 160 * kGiB) {
    return {16384, 1024, of + "a GPU of 160 GiB and more since 0.28 (before: 8192)"};
  }
  const bool large = gpu->memory.value() >= 70 * kGiB && !gpu->name.starts_with("a100");
  if (large) return {8192, 1024, of + gpu->name};
  return {2048, 256, of + gpu->name};
}

class Vllm {
 public:
  Vllm(const LaunchLine& line, const LaunchContext& context, Diagnostics& found)
      : values_(line, found), context_(context) {}

  EngineFragment read() {
    out_.engine = "vLLM";
    out_.blocks_in_log = "`GPU blocks` (or `GPU KV cache size` in tokens)";
    match_ = set_model(model_name(), values_, context_, out_);
    set_kv_format(values_, out_);
    set("preset", "vllm", "");
    parallel();
    batch();
    memory();
    switches();
    set_offloading(values_, degrees_, out_);
    const auto caching = values_.truth("enable-prefix-caching");
    if (caching && !caching->value && !out_.tiers.empty()) {
      values_.error("enable-prefix-caching",
                    "off leaves nothing for tiers below GPU memory to hold");
    }
    remarks();
    return std::move(out_);
  }

 private:
  void set(const char* key, const std::string& value, const std::string& from) {
    out_.settings.push_back({key, value, from});
  }

  std::string model_name() {
    const std::vector<std::string>& words = values_.line().words;
    for (std::size_t i = 1; i < words.size(); ++i) {
      values_.found().warning(values_.line().place, quote(words[i]) + " is no flag's value");
    }
    if (!words.empty()) return words.front();
    return values_.text("model").value_or("");
  }

  int64_t degree(const char* flag, const char* key) {
    const auto given = values_.whole(flag, 1, 1024);
    if (given && given->value > 1) set(key, std::to_string(given->value), given->from);
    return given ? given->value : 1;
  }

  void parallel() {
    degrees_.tp = degree("tensor-parallel-size", "tp");
    degrees_.pp = degree("pipeline-parallel-size", "pp");
    if (match_.model != nullptr && match_.model->latent) degrees_.copies = degrees_.tp;
    const auto replicas = values_.whole("data-parallel-size", 1, 1024);
    const auto experts = values_.truth("enable-expert-parallel");
    const bool split = experts && experts->value;
    if (replicas && replicas->value > 1) data_parallel(*replicas, split);
    const int64_t ways = degrees_.tp * degrees_.dp;
    if (split && ways > 1) set("ep", std::to_string(ways), experts->from + ": tp x dp");
  }

  void data_parallel(const Told<int64_t>& replicas, bool split) {
    const bool shares = split || (match_.model != nullptr && match_.model->experts);
    if (!shares) {
      degrees_.instances = replicas.value;
      set("instances", std::to_string(replicas.value),
          replicas.from + ": replicas of a dense model are engines of their own");
      return;
    }
    degrees_.dp = replicas.value;
    set("dp", std::to_string(replicas.value), replicas.from);
    if (!split) {
      values_.warning(
          "data-parallel-size",
          "without --enable-expert-parallel splits experts over all ranks, which is not "
          "modelled: here each replica splits its own over tp");
    }
  }

  std::string whole_instance(const std::string& from) const {
    if (degrees_.dp == 1) return from;
    return from + ", of each of " + std::to_string(degrees_.dp) + " data-parallel ranks";
  }

  void batch() {
    const BatchDefaults defaults = batch_defaults(context_.gpu);
    const auto block = values_.whole("block-size", 1, 4096);
    const bool latent = match_.model != nullptr && match_.model->latent;
    if (block) {
      set("block_tokens", std::to_string(block->value), block->from);
    } else {
      set("block_tokens", latent ? "64" : "16",
          latent ? "vLLM's for latent attention with FlashMLA" : "vLLM's default");
    }
    const auto length = values_.text("max-model-len");
    const bool automatic = length && (*length == "auto" || *length == "-1");
    const auto longest = automatic ? std::nullopt : values_.whole("max-model-len", 2, 100'000'000);
    const auto chunked = values_.truth("enable-chunked-prefill");
    const bool whole_prompts = chunked && !chunked->value;
    auto tokens = values_.whole("max-num-batched-tokens", 1, kMostTokens);
    if (!tokens && whole_prompts && longest) {
      tokens = Told<int64_t>{longest->value, "as long as --max-model-len without chunked prefill"};
    }
    if (!tokens) tokens = Told<int64_t>{defaults.tokens, defaults.from};
    auto sequences = values_.whole("max-num-seqs", 1, kMostSequences);
    if (!sequences) {
      sequences = Told<int64_t>{std::min(defaults.sequences, tokens->value), defaults.from};
    }
    if (tokens->value * degrees_.dp > kMostTokens ||
        sequences->value * degrees_.dp > kMostSequences) {
      values_.error("data-parallel-size", "times tokens or sequences is more than an engine has");
    }
    set("max_batched_tokens", std::to_string(tokens->value * degrees_.dp),
        whole_instance(tokens->from));
    set("max_sequences", std::to_string(sequences->value * degrees_.dp),
        whole_instance(sequences->from));
    if (longest) set("max_model_tokens", std::to_string(longest->value), longest->from);
    if (automatic) out_.remarks.emplace_back("--max-model-len auto: the model's context is taken.");
    if (whole_prompts) set("chunked_prefill", "false", chunked->from);
  }

  void memory() {
    const auto share = values_.real("gpu-memory-utilization", 0.05, 1);
    set("memory.utilization", share ? number_text(share->value) : "0.92",
        share ? share->from : "vLLM's default in 0.25 to 0.29 (in 0.10: 0.9)");
    const auto pinned = values_.whole("num-gpu-blocks-override", 1, 2'000'000'000);
    if (pinned) {
      set("memory.kv_blocks", std::to_string(pinned->value * degrees_.dp),
          whole_instance(pinned->from));
    }
    out_.remarks.emplace_back(
        "Since 0.21 vLLM takes its CUDA graphs out of that share: its log says how much "
        "(`Estimated CUDA graph memory`), engine.memory.graphs takes it.");
  }

  void switches() {
    const auto caching = values_.truth("enable-prefix-caching");
    if (caching) set("prefix_caching", caching->value ? "true" : "false", caching->from);
    const bool states = match_.model != nullptr && match_.model->states;
    if (states && !caching) {
      out_.remarks.emplace_back(
          "vLLM caches prefixes of models with constant states only in "
          "some versions: engine.prefix_caching says which.");
    }
    if (match_.model == nullptr || !match_.model->windows) return;
    out_.remarks.emplace_back(
        "vLLM takes blocks of windowed layers as they are needed; here the "
        "windows of max_sequences are set aside, up to those layers' share of memory: "
        "where that leaves too little KV, say how many run at once.");
    if (values_.find("disable-hybrid-kv-cache-manager") == nullptr) return;
    values_.warning("disable-hybrid-kv-cache-manager",
                    "keeps KV of windowed layers for the whole sequence, which is not modelled");
  }

  void remarks() {
    if (values_.find("config") != nullptr) {
      values_.warning("config", "names a file that is not read: give its arguments too");
    }
  }

  LaunchValues values_;
  const LaunchContext& context_;
  EngineFragment out_;
  ModelMatch match_;
  Degrees degrees_;
};

}  // namespace

std::optional<std::string> import_vllm(std::string_view text, const LaunchContext& context,
                                       Diagnostics& found) {
  const LaunchLine line = read_launch_line(text, context.file, vllm_flags(), found);
  const EngineFragment fragment = Vllm(line, context, found).read();
  if (found.has_errors()) return std::nullopt;
  return write_fragment(fragment, line);
}

}  // namespace tiercast::importers
