#include "models/importers/sglang_import.hpp"

#include <algorithm>
#include <cmath>

#include "models/importers/engine_flags.hpp"
#include "models/importers/fragment.hpp"
#include "models/importers/hicache.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

constexpr int64_t kMostTokens = 1 << 20;
constexpr int64_t kMostSequences = 1 << 16;
constexpr double kMiB = 1048576;
constexpr int64_t kFewestSequences = 2048;

double mebibytes(Bytes amount) { return static_cast<double>(amount.value()) / kMiB; }

/// Tokens of one prefill step, by GPU memory (memory_hook.py, handle_gpu_memory_settings).
int64_t default_chunk(double gpu_mib) {
  if (gpu_mib < 20 * 1024) return 2048;
  if (gpu_mib < 60 * 1024) return 4096;
  return gpu_mib < 160 * 1024 ? 8192 : 16384;
}

/// Largest decode batch with a CUDA graph (the same function).
int64_t graph_batch(double gpu_mib, int64_t tp) {
  if (gpu_mib < 20 * 1024) return 8;
  if (gpu_mib < 35 * 1024) return tp < 4 ? 48 : 160;
  if (gpu_mib < 60 * 1024) return tp < 4 ? 32 : 160;
  if (gpu_mib < 160 * 1024) return tp < 4 ? 256 : 512;
  return 512;
}

/// How many sizes of prefill have graphs up to `most` tokens (cuda_graph_hook.py).
int64_t prefill_graphs(int64_t most) {
  struct Stretch {
    int64_t from;
    int64_t to;
    int64_t step;
  };
  int64_t count = 0;
  for (const Stretch& stretch :
       {Stretch{4, 32, 4}, Stretch{48, 256, 16}, Stretch{288, 512, 32}, Stretch{576, 1024, 64},
        Stretch{1280, 4096, 256}, Stretch{4608, most, 512}}) {
    for (int64_t size = stretch.from; size <= std::min(stretch.to, most); size += stretch.step) {
      ++count;
    }
  }
  return count;
}

class Sglang {
 public:
  Sglang(const LaunchLine& line, const LaunchContext& context, Diagnostics& found)
      : values_(line, found), context_(context) {}

  EngineFragment read() {
    out_.engine = "SGLang";
    out_.blocks_in_log = "`max_total_num_tokens` (tokens: blocks x page size)";
    match_ = set_model(model_name(), values_, context_, out_);
    set_kv_format(values_, out_);
    set("preset", "sglang", "");
    parallel();
    batch();
    memory();
    caching();
    set_hicache(values_, degrees_, context_, out_);
    const auto off = values_.truth("disable-radix-cache");
    if (off && off->value && !out_.tiers.empty()) {
      values_.error("disable-radix-cache", "leaves nothing for tiers below GPU memory to hold");
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
    const std::optional<std::string> path = values_.text("model-path");
    for (const std::string& word : words) {
      if (path || &word != &words.front()) {
        values_.found().warning(values_.line().place, quote(word) + " is no flag's value");
      }
    }
    return path ? *path : words.empty() ? "" : words.front();
  }

  void parallel() {
    const auto tp = values_.whole("tp-size", 1, 1024);
    const auto pp = values_.whole("pp-size", 1, 128);
    const auto dp = values_.whole("dp-size", 1, 1024);
    const auto ep = values_.whole("ep-size", 1, 1024);
    const auto attention = values_.truth("enable-dp-attention");
    const bool within = attention && attention->value;
    degrees_.pp = pp ? pp->value : 1;
    gpus_ = tp ? tp->value : 1;
    degrees_.tp = gpus_;
    if (dp && dp->value > 1 && within) {
      if (gpus_ % dp->value != 0) {
        values_.error("dp-size", "does not divide --tp-size, as --enable-dp-attention needs");
        return;
      }
      degrees_.dp = dp->value;
      degrees_.tp = gpus_ / dp->value;
    } else if (dp && dp->value > 1) {
      degrees_.instances = dp->value;
    }
    if (match_.model != nullptr && match_.model->latent) degrees_.copies = degrees_.tp;
    const std::string from = tp ? tp->from : "";
    if (degrees_.tp > 1) {
      set("tp", std::to_string(degrees_.tp),
          degrees_.dp > 1 ? from + " / --dp-size: attention's share" : from);
    }
    if (degrees_.pp > 1) set("pp", std::to_string(degrees_.pp), pp->from);
    if (degrees_.dp > 1) set("dp", std::to_string(degrees_.dp), dp->from + ", of attention");
    if (ep && ep->value > 1) expert_parallel(*ep);
    if (degrees_.instances > 1) {
      set("instances", std::to_string(degrees_.instances),
          dp->from + ": replicas are engines of their own");
    }
  }

  void expert_parallel(const Told<int64_t>& ep) {
    const int64_t ways = degrees_.tp * degrees_.dp;
    if (ep.value != ways) {
      values_.warning("ep-size", "other than all " + std::to_string(ways) +
                                     " GPUs of a stage is not modelled: taken as all of them");
    }
    set("ep", std::to_string(ways), ep.from);
  }

  void batch() {
    const auto page = values_.whole("page-size", 1, 4096);
    set("block_tokens", page ? std::to_string(page->value) : "1",
        page ? page->from : "SGLang's default page size; some attention backends raise it");
    const double gpu = mebibytes(context_.gpu ? context_.gpu->memory : Bytes{85'520'000'000});
    auto chunk = values_.whole("chunked-prefill-size", -1, kMostTokens);
    chunked_ = !chunk || chunk->value > 0;
    if (!chunked_) {
      const auto most = values_.whole("max-prefill-tokens", 1, kMostTokens);
      chunk = most ? most : Told<int64_t>{16384, "SGLang's default of --max-prefill-tokens"};
    }
    if (!chunk) {
      chunk = Told<int64_t>{
          default_chunk(gpu),
          "SGLang's default for " + (context_.gpu ? context_.gpu->name : "a GPU of 60 to 160 GiB")};
    }
    chunk_ = chunk->value;
    auto sequences = values_.whole("max-running-requests", 1, kMostSequences);
    if (!sequences) {
      sequences = Told<int64_t>{std::min(kFewestSequences, chunk_),
                                "SGLang's least default; it grows with the pool up to 4096"};
    } else if (sequences->value > chunk_) {
      values_.warning("max-running-requests",
                      "is more than --chunked-prefill-size: an engine here runs no more requests "
                      "than it has tokens a step");
      sequences->value = chunk_;
    }
    set("max_batched_tokens", std::to_string(chunk_), chunk->from);
    set("max_sequences", std::to_string(sequences->value), sequences->from);
    const auto longest = values_.whole("context-length", 2, 100'000'000);
    if (longest) set("max_model_tokens", std::to_string(longest->value), longest->from);
    if (!chunked_) set("chunked_prefill", "false", "--chunked-prefill-size -1");
    const auto truncates = values_.truth("allow-auto-truncate");
    if (truncates && truncates->value) set("over_length", "truncate", truncates->from);
    if (match_.model != nullptr && match_.model->states && !values_.find("max-running-requests")) {
      values_.warning("max-running-requests",
                      "is not given: here the states of that many sequences are set aside, where "
                      "SGLang divides memory by --mamba-full-memory-ratio");
    }
  }

  void memory() {
    const auto share = values_.real("mem-fraction-static", 0.05, 1);
    const Bytes gpu = context_.gpu ? context_.gpu->memory : Bytes{85'520'000'000};
    const bool latent = match_.model != nullptr && match_.model->latent;
    StaticNeeds needs{gpu, chunk_, gpus_, degrees_.pp, degrees_.dp, std::nullopt, latent};
    const auto graphs = values_.whole("cuda-graph-max-bs", 1, kMostSequences);
    if (graphs) needs.graph_batch = graphs->value;
    const double derived = default_static_share(needs);
    set("memory.utilization", number_text(share ? share->value : derived),
        share ? share->from
              : "SGLang's default for " +
                    (context_.gpu ? context_.gpu->name : std::string("a GPU of 80 GB")));
    set("memory.activations", "0B",
        "that share is weights and KV alone; activations and graphs have the rest");
    const auto tokens = values_.whole("max-total-tokens", 1, int64_t{1} << 40);
    if (!tokens) return;
    const auto page = values_.whole("page-size", 1, 4096);
    const int64_t blocks = tokens->value / (page ? page->value : 1) * degrees_.dp;
    if (blocks < 1 || blocks > 2'000'000'000) {
      values_.error("max-total-tokens", "makes no number of blocks that an engine has");
      return;
    }
    set("memory.kv_blocks", std::to_string(blocks),
        tokens->from + ": at most, so here exactly; in pages");
  }

  void caching() {
    const auto off = values_.truth("disable-radix-cache");
    if (off && off->value) set("prefix_caching", "false", off->from);
  }

  void remarks() {
    out_.remarks.emplace_back(
        "SGLang runs prompts in steps of their own (unless --enable-mixed-chunk); here they share "
        "steps with decodes, as in vLLM.");
    if (match_.model != nullptr && match_.model->windows) {
      out_.remarks.emplace_back(
          "SGLang sizes the pool of windowed layers by --swa-full-tokens-ratio (0.8); here the "
          "windows of max_sequences are set aside, up to those layers' share of memory.");
    }
    if (values_.find("config") != nullptr) {
      values_.warning("config", "names a file that is not read: give its arguments too");
    }
    const std::string mode = values_.text("disaggregation-mode").value_or("null");
    if (mode != "null") {
      values_.warning("disaggregation-mode", quote(mode) +
                                                 ": say `disaggregation` for the "
                                                 "instances of both kinds");
    }
  }

  LaunchValues values_;
  const LaunchContext& context_;
  EngineFragment out_;
  ModelMatch match_;
  Degrees degrees_;
  int64_t gpus_ = 1;  ///< of one stage of one engine
  int64_t chunk_ = 0;
  bool chunked_ = true;
};

}  // namespace

double default_static_share(const StaticNeeds& needs) {
  const double total = mebibytes(needs.gpu);
  const auto batch = static_cast<double>(needs.graph_batch.value_or(graph_batch(total, needs.tp)));
  const auto replicas = static_cast<double>(needs.attention_dp);
  double reserved = 512 + 1.5 * static_cast<double>(std::max<int64_t>(needs.chunk, 2048));
  reserved += static_cast<double>(needs.tp * needs.pp) / 8 * 1024 + 2 * batch;
  if (needs.attention_dp > 1) reserved += batch * replicas * (batch > 300 ? 4.5 : 3);
  reserved += needs.latent ? 1.5 * 1024 : 8 * static_cast<double>(prefill_graphs(needs.chunk));
  if (total > 60 * 1024) reserved = std::max(reserved, 10.0 * 1024);
  const double share = std::round((total - reserved) / total * 1000) / 1000;
  return std::clamp(share, 0.05, 1.0);
}

std::optional<std::string> import_sglang(std::string_view text, const LaunchContext& context,
                                         Diagnostics& found) {
  const LaunchLine line = read_launch_line(text, context.file, sglang_flags(), found);
  const EngineFragment fragment = Sglang(line, context, found).read();
  if (found.has_errors()) return std::nullopt;
  return write_fragment(fragment, line);
}

}  // namespace tiercast::importers
