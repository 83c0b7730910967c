// The kernel model against the measurements it was fitted to: what configs/calibration states about
// itself must be what it does.

#include <array>
#include <cmath>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "models/llm/layers.hpp"
#include "models/llm/step_table.hpp"
#include "tests/llm/operator_tables.hpp"

using namespace tiercast;
using namespace tiercast::llm;
using tests::Catalogue;
using tests::Errors;
using tests::Groups;
using tests::Measured;
using tests::number;
using tests::Row;

namespace {

constexpr double kSlack = 0.02;
constexpr double kMostBias = 0.025;  // of the median signed error

bool have(const Measured& on) {
  const bool there = !on.rows("nccl.csv.gz").empty();
  if (!there) WARN("calibration data is absent: accuracy is not checked");
  return there;
}

// Every stated part that is among the groups; returns how many were.
size_t check_stated(const KernelSpec& kernels, const Groups& groups) {
  size_t found = 0;
  for (const FitErrorSpec& stated : kernels.errors) {
    const auto at = groups.find(stated.part);
    if (at == groups.end()) continue;
    ++found;
    const Errors& errors = at->second;
    INFO(stated.part << ": median " << errors.median() << " p90 " << errors.quantile(0.9)
                     << " bias " << errors.bias());
    CHECK(errors.count() == stated.rows);
    CHECK(std::abs(errors.median() - stated.median) < kSlack);
    CHECK(std::abs(errors.quantile(0.9) - stated.p90) < kSlack);
  }
  return found;
}

void check_bias(const Groups& groups, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(std::abs(groups.at(part).bias()) < kMostBias);
  }
}

// Modules of DeepSeek-V3's attention: what the attention's products cost and what it adds.
void add_mla(Catalogue& catalogue, const Measured& on, Groups& groups) {
  ModelSpec model = catalogue.load<ModelSpec>("models", "deepseek-v3");
  const EngineOverheadSpec engine{};
  for (const bool decode : {true, false}) {
    for (const Row& row :
         on.rows(decode ? "mla_generation_module.csv.gz" : "mla_context_module.csv.gz")) {
      std::get<MlaSpec>(model.attention).heads = static_cast<uint32_t>(number(row, "num_heads"));
      const bool eight = row.at("gemm_type") == "fp8_block";
      const StepTableInput input{.model = model,
                                 .weights = eight ? WeightFormat::fp8_block : WeightFormat::bf16,
                                 .parallel = {},
                                 .gpu = on.gpu,
                                 .kernels = on.kernels,
                                 .engine = engine};
      const AttentionCost cost = attention(
          on.machine, model, tests::has_fp8_kv(row) ? KvFormat::fp8 : KvFormat::bf16, 1, 0);
      const double batch = number(row, "batch_size"), tokens = number(row, "isl");
      const double each =
          decode ? cost.sequence.us + (number(row, "step") + 1) * cost.decode_kv.us
                 : tokens * (cost.chunk_token.us + cost.chunk_kv.us) +
                       static_cast<double>(attention_pairs(static_cast<int64_t>(tokens), 0, 0)) *
                           cost.chunk_pair.us;
      const double us = attention_projections(input, on.machine, batch * tokens).us +
                        cost.launch.us + batch * each;
      groups[decode ? "mla decode" : "mla prefill"].add(us, tests::measured_us(row));
    }
  }
}

void add_collectives(const Measured& on, Groups& groups) {
  for (const Row& row : on.rows("custom_allreduce.csv.gz")) {
    const double bytes = 2 * number(row, "message_size");
    if (row.at("backend") != "vllm_graph" || bytes > 8'388'608) continue;  // vLLM takes NCCL beyond
    const auto ranks = static_cast<uint32_t>(number(row, "num_gpus"));
    groups["all_reduce_small"].add(all_reduce(on.machine, ranks, bytes).us,
                                   tests::measured_us(row));
  }
  const KernelSpec& kernels = on.kernels;
  for (const Row& row : on.rows("nccl.csv.gz")) {
    const double bytes = number(row, "message_size") * (row.at("nccl_dtype") == "int8" ? 1 : 2);
    const auto ranks = static_cast<uint32_t>(number(row, "num_gpus"));
    const std::string& name = row.at("op_name");
    const std::string part = name == "alltoall" ? "all_to_all" : name;
    const double us = name == "all_reduce"
                          ? collective(kernels.all_reduce, on.machine, ranks, bytes, 2).us
                      : name == "all_gather" ? all_gather(on.machine, ranks, bytes).us
                      : name == "alltoall"   ? all_to_all(on.machine, ranks, bytes).us
                                             : reduce_scatter(on.machine, ranks, bytes).us;
    groups[part].add(us, tests::measured_us(row));
  }
}

// DeepEP as an engine uses it: low-latency kernels where they are faster, up to 1,024 tokens.
void add_exchange(const Measured& on, Groups& groups) {
  constexpr uint32_t kRanks = 8;
  const auto key = [](const Row& row) {
    return std::array{number(row, "hidden_size"), number(row, "num_topk"),
                      number(row, "num_experts"), number(row, "num_token")};
  };
  std::map<std::array<double, 4>, Row> low_latency;
  for (const Row& row : on.rows("deepep_lowlatency.csv.gz")) low_latency[key(row)] = row;
  for (const Row& row : on.rows("deepep_normal.csv.gz")) {
    const double tokens = number(row, "num_token");
    const auto fast = low_latency.find(key(row));
    if (number(row, "dispatch_sms") != 20 || (tokens <= 1024 && fast == low_latency.end()))
      continue;
    for (const std::string way : {"dispatch", "combine"}) {
      double measured = number(row, way + "_transmit_us");
      if (fast != low_latency.end()) {
        measured = std::min(measured, number(fast->second, way + "_avg_t_us"));
      }
      const auto exchange = way == "dispatch" ? expert_dispatch : expert_combine;
      groups["expert_" + way].add(
          exchange(on.machine, number(row, "hidden_size"), number(row, "num_topk"), tokens, kRanks)
              .us,
          measured);
    }
  }
}

// Sums over one layer of a Llama model: four products and attention. Products of the table lie on a
// grid of n and k; times between its points follow straight lines in logarithms.
class LayerSums {
 public:
  explicit LayerSums(const Measured& on) : on_(on) {
    for (const Row& row : on.rows("gemm.csv.gz")) {
      if (row.at("gemm_dtype") != "bfloat16") continue;
      const double n = number(row, "n"), k = number(row, "k");
      products_[{number(row, "m"), n, k}] = tests::measured_us(row);
      sizes_.insert(n);
    }
  }

  // Of one model at each tp, for rows of one attention table.
  void add(const std::string& table, bool decode, Groups& groups) const {
    struct Model {
      double hidden, inner, heads, kv_heads;
    };
    for (const Row& row : on_.rows(table)) {
      if (tests::has_fp8_kv(row) || tests::window_of(row) != 0 || number(row, "head_dim") != 128) {
        continue;
      }
      const double batch = number(row, "batch_size");
      const double m = decode ? batch : batch * number(row, "isl");
      if (decode ? m > 256 || number(row, "step") < 255 : number(row, "isl") < 256 || m > 8192) {
        continue;
      }
      for (const Model& model : {Model{4096, 14336, 32, 8}, Model{8192, 28672, 64, 8}}) {
        for (const double tp : {1, 2, 4, 8}) {
          if (number(row, "num_heads") != model.heads / tp ||
              number(row, "num_key_value_heads") != model.kv_heads / tp) {
            continue;
          }
          const std::array<std::pair<double, double>, 4> shapes{
              {{(model.heads + 2 * model.kv_heads) * 128 / tp, model.hidden},
               {model.hidden, model.heads * 128 / tp},
               {2 * model.inner / tp, model.hidden},
               {model.hidden, model.inner / tp}}};
          double measured = tests::measured_us(row);
          double modelled =
              decode ? tests::decode_us(on_.machine, row) : tests::prefill_us(on_.machine, row);
          bool known = true;
          for (const auto& [n, k] : shapes) {
            const double us = measured_product(m, n, k);
            known = known && us > 0;
            measured += us;
            modelled += gemm(on_.machine, WeightFormat::bf16, m, n, k).us;
          }
          if (known) groups[decode ? "layer decode" : "layer prefill"].add(modelled, measured);
        }
      }
    }
  }

 private:
  // 0 where the table has no such m.
  double measured_product(double m, double n, double k) const {
    const auto [n0, n1, n_share] = around(n);
    const auto [k0, k1, k_share] = around(k);
    double log_us = 0;
    for (const auto& [at_n, n_weight] : {std::pair{n0, 1 - n_share}, {n1, n_share}}) {
      for (const auto& [at_k, k_weight] : {std::pair{k0, 1 - k_share}, {k1, k_share}}) {
        const auto found = products_.find({m, at_n, at_k});
        if (found == products_.end()) return 0;
        log_us += n_weight * k_weight * std::log(found->second);
      }
    }
    return std::exp(log_us);
  }

  struct Around {
    double below, above, share;
  };
  Around around(double size) const {
    const auto above = sizes_.lower_bound(size);
    if (*above == size) return {size, size, 0};
    const double below = *std::prev(above);
    return {below, *above, std::log(size / below) / std::log(*above / below)};
  }

  const Measured& on_;
  std::map<std::array<double, 3>, double> products_;
  std::set<double> sizes_;
};

// How much dearer a prefix makes a chunk, from chunks of 256 tokens on. The table's kernels of 2024
// do not split the prefix of few queries, and take twice the time of those that the calibration
// times.
void add_prefix_growth(Catalogue& catalogue, const Measured& on, Groups& groups) {
  const auto model = catalogue.load<ModelSpec>("models", "llama-3.1-70b");
  const AttentionCost cost = attention(on.machine, model, KvFormat::bf16, 4, 0);
  const auto modelled = [&](double chunk, double reach) {
    const double pairs = chunk * (reach - chunk) + chunk * (chunk + 1) / 2;
    return cost.chunk.us + chunk * cost.chunk_token.us + reach * cost.chunk_kv.us +
           pairs * cost.chunk_pair.us;
  };
  std::map<double, double> alone;
  std::vector<Row> chunks;
  for (const Row& row :
       tests::measurements("llmservingsim_h100/llama3.1-70b_tp4_attention.csv.gz")) {
    if (row.at("is_prefill") != "True" || number(row, "prefill_chunk_size") < 256) continue;
    const double chunk = number(row, "prefill_chunk_size");
    if (number(row, "kv_cache_size") == chunk) alone[chunk] = number(row, "time_ms");
    chunks.push_back(row);
  }
  for (const Row& row : chunks) {
    const double chunk = number(row, "prefill_chunk_size"), reach = number(row, "kv_cache_size");
    if (reach <= chunk || !alone.contains(chunk)) continue;
    groups["prefix growth"].add(modelled(chunk, reach) / modelled(chunk, chunk),
                                number(row, "time_ms") / alone.at(chunk));
  }
}

// `to` with the fixed times of `from`: what a generation of kernels costs beside its peaks.
KernelSpec with_fixed_times(KernelSpec to, const KernelSpec& from) {
  to.gemm_bf16.launch = from.gemm_bf16.launch;
  to.gemm_bf16.waves = from.gemm_bf16.waves;
  to.attention.launch = from.attention.launch;
  to.attention.launch_dim = from.attention.launch_dim;
  to.attention.cta = from.attention.cta;
  to.attention.prefill_cta = from.attention.prefill_cta;
  to.attention.kv_row = from.attention.kv_row;
  return to;
}

Groups carried(const Measured& on, const std::string& suffix) {
  const auto bf16 = [&](const Row& row) { return !tests::has_fp8_kv(row); };
  Groups groups;
  for (const Row& row : on.rows("gemm.csv.gz")) {
    if (row.at("gemm_dtype") != "bfloat16") continue;
    groups["gemm_bf16" + suffix].add(
        gemm(on.machine, WeightFormat::bf16, number(row, "m"), number(row, "n"), number(row, "k"))
            .us,
        tests::measured_us(row));
  }
  for (const Row& row : on.rows("generation_attention.csv.gz")) {
    if (!bf16(row)) continue;
    groups["attention decode" + suffix].add(tests::decode_us(on.machine, row),
                                            tests::measured_us(row));
  }
  for (const Row& row : on.rows("context_attention.csv.gz")) {
    if (!bf16(row)) continue;
    groups["attention prefill" + suffix].add(tests::prefill_us(on.machine, row),
                                             tests::measured_us(row));
  }
  return groups;
}

}  // namespace

TEST_CASE("Hopper kernels are as close to their measurements as the calibration says", "[slow]") {
  Catalogue catalogue;
  const Measured h100(catalogue, "h100-sxm", "aic_h100_sxm_vllm0.24");
  if (!have(h100)) return;
  Groups groups;
  add_gemm(h100, groups);
  add_decode(h100, groups);
  add_prefill(h100, groups);
  add_moe(h100, false, groups);
  add_mla(catalogue, h100, groups);
  add_collectives(h100, groups);
  add_exchange(h100, groups);
  add_prefix_growth(catalogue, h100, groups);
  const LayerSums sums(h100);
  sums.add("generation_attention.csv.gz", true, groups);
  sums.add("context_attention.csv.gz", false, groups);
  CHECK(check_stated(h100.kernels, groups) == groups.size());
  check_bias(groups, {"gemm_bf16", "gemm_fp8", "gemm_fp8_block", "attention decode",
                      "attention prefill", "moe", "all_reduce_small", "all_reduce"});
}

TEST_CASE("experts of ModelOpt checkpoints are as close as their calibration says", "[slow]") {
  Catalogue catalogue;
  const Measured h100(catalogue, "h100-sxm", "aic_h100_sxm_vllm0.24");
  if (!have(h100)) return;
  const Measured modelopt(h100, catalogue.load<KernelSpec>("calibration", "vllm-hopper-modelopt"));
  Groups groups;
  add_moe(modelopt, true, groups);
  CHECK(check_stated(modelopt.kernels, groups) == 1);
}

TEST_CASE("Ampere kernels are as close to their measurements as the calibration says", "[slow]") {
  Catalogue catalogue;
  const Measured a100(catalogue, "a100-80-sxm", "aic_a100_sxm_vllm0.14");
  if (!have(a100)) return;
  Groups groups;
  add_gemm(a100, groups);
  add_decode(a100, groups);
  add_prefill(a100, groups);
  add_moe(a100, false, groups);
  add_collectives(a100, groups);
  CHECK(check_stated(a100.kernels, groups) >= 10);
}

TEST_CASE("kernels carried by peaks alone are as close as the calibration says", "[slow]") {
  Catalogue catalogue;
  const Measured h100(catalogue, "h100-sxm", "aic_h100_sxm_vllm0.24");
  const Measured a100(catalogue, "a100-80-sxm", "aic_a100_sxm_vllm0.14");
  if (!have(h100)) return;
  const auto check = [](const Measured& to, const Measured& from, const std::string& name) {
    const Measured by_peaks(to, from.kernels);
    const Measured with_times(to, with_fixed_times(from.kernels, to.kernels));
    Groups groups = carried(by_peaks, " from " + name);
    groups.merge(carried(with_times, " from " + name + " with own fixed times"));
    CHECK(check_stated(to.kernels, groups) == groups.size());
  };
  check(a100, h100, "vllm-hopper");
  check(h100, a100, "vllm-ampere");
}

TEST_CASE("prefill over a cached prefix is cheaper than recomputing it, dearer than ignoring it") {
  Catalogue catalogue;
  const Measured h100(catalogue, "h100-sxm", "");
  const auto model = catalogue.load<ModelSpec>("models", "llama-3.1-8b");
  const AttentionCost cost = attention(h100.machine, model, KvFormat::bf16, 1, 0);
  const auto chunk_us = [&](double chunk, double context) {
    return chunk * cost.chunk_token.us + (chunk + context) * cost.chunk_kv.us +
           (chunk * context + chunk * (chunk + 1) / 2) * cost.chunk_pair.us;
  };
  for (const double context : {1024.0, 8192.0, 65536.0}) {
    CHECK(chunk_us(512, context) > chunk_us(512, 0));
    CHECK(chunk_us(512, context) < chunk_us(512 + context, 0));
    // A few tokens over a long prefix read its KV, whatever they compute.
    CHECK(chunk_us(16, context) > 0.95 * (16 + context) * cost.decode_kv.us);
  }
}
