#include "tests/llm/operator_tables.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "models/llm/step_table.hpp"

namespace tiercast::tests {

using namespace llm;

namespace {

struct Heads {
  double heads, kv_heads, dim;
};

ModelSpec attention_model(const Row& row) {
  ModelSpec model;
  model.layers = 1;
  model.attention = GqaSpec{static_cast<uint32_t>(number(row, "num_heads")),
                            static_cast<uint32_t>(number(row, "num_key_value_heads")),
                            static_cast<uint32_t>(number(row, "head_dim")), false};
  return model;
}

AttentionCost attention_cost(const Machine& machine, const Row& row, uint32_t window) {
  return attention(machine, attention_model(row), has_fp8_kv(row) ? KvFormat::fp8 : KvFormat::bf16,
                   1, window);
}

uint32_t cutting_window(const Row& row, double length) {
  const uint32_t window = window_of(row);
  return length > window ? window : 0;
}

// What a call of 8-bit block products takes at least, of the kernel's collection and not the GPU's.
// CUTLASS takes shapes that no model has and shows its floor alone.
std::optional<double> floor_us(const Row& row) {
  const std::string& source = row.at("kernel_source");
  if (row.at("gemm_dtype") != "fp8_block") return 0;
  if (source.starts_with("Cutlass")) return std::nullopt;
  return source.starts_with("Deep") ? 90 : 60;
}

bool is_served_layer(const Row& row) {
  struct Layer {
    double hidden, inner, top, experts;
  };
  static constexpr std::array<Layer, 12> kLayers{{{4096, 14336, 2, 8},
                                                  {6144, 16384, 2, 8},
                                                  {2048, 768, 8, 128},
                                                  {4096, 1536, 8, 128},
                                                  {7168, 2048, 8, 256},
                                                  {2880, 2880, 4, 128},
                                                  {2880, 2880, 4, 32},
                                                  {5120, 8192, 1, 16},
                                                  {5120, 8192, 1, 128},
                                                  {7168, 2048, 8, 384},
                                                  {4096, 1024, 10, 512},
                                                  {6144, 2560, 8, 160}}};
  return std::any_of(kLayers.begin(), kLayers.end(), [&](const Layer& layer) {
    return number(row, "hidden_size") == layer.hidden && number(row, "inter_size") == layer.inner &&
           number(row, "topk") == layer.top && number(row, "num_experts") == layer.experts;
  });
}

struct MoeKind {
  std::string part;
  WeightFormat format;
};

// Which parameters time a row.
MoeKind moe_kind(const Row& row) {
  const std::string& dtype = row.at("moe_dtype");
  if (dtype == "bfloat16") return {"moe_bf16", WeightFormat::bf16};
  if (dtype == "fp8_block") return {"moe_fp8", WeightFormat::fp8_block};
  if (dtype == "int4_wo") return {"moe_int4", WeightFormat::int4};
  if (dtype == "fp8") return {"moe_fp8", WeightFormat::fp8};
  return number(row, "hidden_size") == 2880 ? MoeKind{"moe_mxfp4", WeightFormat::mxfp4}
                                            : MoeKind{"moe_int4", WeightFormat::int4};
}

}  // namespace

Measured::Measured(Catalogue& catalogue, const std::string& name, std::string folder)
    : gpu(catalogue.load<hardware::GpuSpec>("gpus", name)),
      kernels(catalogue.load<KernelSpec>("calibration", gpu.kernels)),
      machine(gpu, kernels),
      tables(std::move(folder)) {}

Measured::Measured(const Measured& same, KernelSpec other)
    : gpu(same.gpu), kernels(std::move(other)), machine(gpu, kernels), tables(same.tables) {}

double measured_us(const Row& row) { return 1e3 * number(row, "latency_ms"); }

bool has_fp8_kv(const Row& row) { return row.at("kv_cache_dtype").starts_with("fp8"); }

uint32_t window_of(const Row& row) {
  const auto found = row.find("window_size");
  return found == row.end() ? 0 : static_cast<uint32_t>(std::stod(found->second));
}

bool is_served(const Row& row) {
  static constexpr std::array<Heads, 15> kServed{{{32, 8, 128},
                                                  {64, 8, 128},
                                                  {40, 8, 128},
                                                  {48, 8, 128},
                                                  {28, 4, 128},
                                                  {64, 4, 128},
                                                  {96, 8, 128},
                                                  {32, 32, 128},
                                                  {40, 40, 128},
                                                  {16, 8, 128},
                                                  {24, 8, 128},
                                                  {32, 4, 128},
                                                  {32, 8, 64},
                                                  {64, 8, 64},
                                                  {40, 8, 64}}};
  if (window_of(row) != 0) return false;
  const double heads = number(row, "num_heads"), kv_heads = number(row, "num_key_value_heads");
  const double dim = number(row, "head_dim");
  return std::any_of(kServed.begin(), kServed.end(), [&](const Heads& model) {
    const double tp = model.heads / heads;
    return model.dim == dim && (tp == 1 || tp == 2 || tp == 4 || tp == 8) &&
           kv_heads == std::max(1.0, std::floor(model.kv_heads / tp));
  });
}

double kv_bytes(const Row& row) {
  const double length = number(row, "step") + 1, window = window_of(row);
  return number(row, "batch_size") * (window > 0 ? std::min(length, window) : length) *
         number(row, "num_key_value_heads") * number(row, "head_dim") * 2 *
         (has_fp8_kv(row) ? 1 : 2);
}

double decode_us(const Machine& machine, const Row& row) {
  const double length = number(row, "step") + 1, batch = number(row, "batch_size");
  const uint32_t window = cutting_window(row, length);
  const AttentionCost cost = attention_cost(machine, row, window);
  return cost.launch.us +
         batch * (cost.sequence.us + (window == 0 ? length : window) * cost.decode_kv.us);
}

double prefill_us(const Machine& machine, const Row& row) {
  const double chunk = number(row, "isl");
  const uint32_t window = cutting_window(row, chunk);
  const AttentionCost cost = attention_cost(machine, row, window);
  const double padded = std::ceil(chunk / cost.row_tile) * cost.row_tile;
  const auto pairs = static_cast<double>(attention_pairs(static_cast<int64_t>(padded), 0, window));
  return cost.launch.us +
         number(row, "batch_size") * (cost.chunk.us + pairs * cost.chunk_pair.us +
                                      chunk * (cost.chunk_token.us + cost.chunk_kv.us));
}

void add_gemm(const Measured& on, Groups& groups) {
  static const std::map<std::string, WeightFormat> kFormats{{"bfloat16", WeightFormat::bf16},
                                                            {"fp8", WeightFormat::fp8},
                                                            {"fp8_block", WeightFormat::fp8_block}};
  for (const Row& row : on.rows("gemm.csv.gz")) {
    const auto floor = floor_us(row);
    if (!floor) continue;
    const WeightFormat format = kFormats.at(row.at("gemm_dtype"));
    const double us =
        gemm(on.machine, format, number(row, "m"), number(row, "n"), number(row, "k")).us;
    const double measured = measured_us(row);
    const std::string part =
        "gemm_" + (format == WeightFormat::bf16 ? "bf16" : row.at("gemm_dtype"));
    if (*floor > 0) groups[part + " or floor"].add(std::max(us, *floor), measured);
    if (measured > 1.45 * *floor) groups[part].add(us, measured);
  }
}

void add_decode(const Measured& on, Groups& groups) {
  constexpr double kCache = 50e6;
  for (const Row& row : on.rows("generation_attention.csv.gz")) {
    const double us = decode_us(on.machine, row), measured = measured_us(row);
    const bool served = is_served(row), cold = kv_bytes(row) > kCache;
    const auto add = [&](const std::string& group) { groups[group].add(us, measured); };
    add("attention decode");
    if (served) add("attention decode served");
    if (cold) add("attention decode beyond L2");
    if (served && cold) add("attention decode served beyond L2");
    if (has_fp8_kv(row)) add("attention decode fp8");
    if (window_of(row) > 0) add("attention decode window");
  }
}

void add_prefill(const Measured& on, Groups& groups) {
  for (const Row& row : on.rows("context_attention.csv.gz")) {
    const double us = prefill_us(on.machine, row), measured = measured_us(row);
    const auto add = [&](const std::string& group) { groups[group].add(us, measured); };
    add("attention prefill");
    if (is_served(row)) add("attention prefill served");
    if (has_fp8_kv(row)) add("attention prefill fp8");
    if (window_of(row) > 0) add("attention prefill window");
  }
}

void add_moe(const Measured& on, bool modelopt, Groups& groups) {
  for (const Row& row : on.rows("moe.csv.gz")) {
    if ((row.at("moe_dtype") == "fp8") != modelopt) continue;
    const MoeKind kind = moe_kind(row);
    ModelSpec model;
    model.layers = 1;
    model.hidden = static_cast<uint32_t>(number(row, "hidden_size"));
    MoeSpec moe;
    moe.experts = static_cast<uint32_t>(number(row, "num_experts"));
    moe.top = static_cast<uint32_t>(number(row, "topk"));
    model.moe = moe;
    // Nemotron, whose experts have no gate; older collections timed one with them.
    const bool nemotron = moe.top == 22 || number(row, "inter_size") == 1856;
    model.gated = !nemotron || row.at("kernel_source") == "vllm_fused_moe";
    const double tokens = number(row, "num_tokens");
    const double held = moe.experts / number(row, "moe_ep_size");
    const Routing routing =
        row.at("distribution") == "balanced" ? Routing::balanced : Routing::skewed;
    const double us = experts(on.machine, model, kind.format, tokens, held,
                              number(row, "inter_size") / number(row, "moe_tp_size"),
                              routed(routing, moe, tokens, held).imbalance, routing)
                          .us;
    const double measured = measured_us(row);
    const auto add = [&](const std::string& group) { groups[group].add(us, measured); };
    add(kind.part);
    add("moe");
    if (is_served_layer(row)) add("moe served");
    if (held < moe.experts) add("moe split");
  }
}

}  // namespace tiercast::tests
