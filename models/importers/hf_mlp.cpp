#include "models/importers/hf_mlp.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tiercast::importers {
namespace {

using From = std::vector<Told<std::string>>;

void note(From& from, const char* field, std::string words) {
  from.push_back({field, std::move(words)});
}

/// Which layers have experts, where each has an MLP or experts. Counted from 0.
uint32_t expert_layers(HfConfig& config, uint32_t layers, std::string& from) {
  const auto say = [&from](const std::string& key) { from += (from.empty() ? "" : ", ") + key; };
  const auto limit = [&](Names names, uint32_t otherwise) {
    const auto given = config.number(names, 0);
    if (given) say(given->from);
    return given ? given->value : otherwise;
  };
  const auto frequency = config.number({"moe_layer_freq"}, 0);
  if (frequency && frequency->value != 1) {
    config.error(config.find({"moe_layer_freq"}),
                 "`moe_layer_freq` other than 1 is not understood");
  }
  const uint32_t first =
      limit({"first_k_dense_replace", "moe_layer_start_index", "moe_layer_num_skipped"}, 0);
  const Node* end = config.find({"moe_layer_end_index"});  // -1: the last one (ERNIE 4.5)
  const bool open = end == nullptr || end->text == "-1";
  const uint32_t last = open ? layers - 1 : limit({"moe_layer_end_index"}, layers - 1);
  const uint32_t step =
      limit({"decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval"}, 1);
  const auto dense = config.list({"mlp_only_layers"}).value_or(std::vector<std::string>{});
  if (!dense.empty()) say("mlp_only_layers");
  const auto named = config.list({"moe_layers"});
  if (named && !named->empty()) {
    from = "moe_layers";
    return static_cast<uint32_t>(named->size());
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < layers; ++i) {
    const bool plain = std::find(dense.begin(), dense.end(), std::to_string(i)) != dense.end();
    count += i >= first && i <= last && !plain && step > 0 && (i + 1) % step == 0 ? 1 : 0;
  }
  return count;
}

void read_shared(HfConfig& config, const Family& family, uint32_t layers, llm::MoeSpec& moe,
                 From& from) {
  const auto number = config.uniform(
      {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"},
      layers, 0);
  const auto width = config.number({"shared_expert_intermediate_size", "shared_intermediate_size",
                                    "moe_shared_expert_intermediate_size"},
                                   0);
  if (number && number->value > 0) {
    moe.shared = number->value;
    note(from, "moe.shared", number->from);
  } else if (family.shared) {
    moe.shared = 1;
    note(from, "moe.shared", std::string(family.config) + " always has one");
  }
  if (!width || width->value == 0) return;
  if (moe.shared == 0) {
    moe.shared = 1;
    note(from, "moe.shared", width->from + " is that of one");
  }
  if (width->value == moe.shared * moe.intermediate) return;
  moe.shared_intermediate = width->value;
  note(from, "moe.shared_intermediate", width->from);
}

std::optional<llm::MoeSpec> read_experts(HfConfig& config, const Family& family, uint32_t layers,
                                         From& from) {
  const auto experts = config.number({"num_experts", "n_routed_experts", "num_local_experts",
                                      "moe_num_experts", "ffn_config.moe_num_experts"},
                                     0);
  if (!experts || experts->value == 0) return std::nullopt;
  llm::MoeSpec moe;
  moe.experts = experts->value;
  note(from, "moe.experts", experts->from);
  auto top = config.uniform({"num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk",
                             "experts_per_token", "ffn_config.moe_top_k"},
                            layers);
  if (!top) top = config.required({"num_experts_per_tok"});
  moe.top = top->value;
  note(from, "moe.top", top->from);
  auto width = config.uniform({"moe_intermediate_size"}, layers);
  if (!width && family.wide) {
    width = config.required({"intermediate_size", "ffn_config.ffn_hidden_size"});
  }
  if (!width) width = config.required({"moe_intermediate_size"});
  moe.intermediate = width->value;
  note(from, "moe.intermediate", width->from);
  read_shared(config, family, layers, moe, from);
  moe.bias = family.expert_bias;
  if (moe.bias) note(from, "moe.bias", std::string(family.config) + " has them");
  return moe;
}

void read_dense(HfConfig& config, const Family& family, llm::ModelSpec& model, From& from) {
  const uint32_t layers = model.feedforward_layers();
  auto width = config.uniform({"intermediate_size_mlp"}, layers);
  if (!width && family.wide && !model.moe) {
    width = config.number({"shared_intermediate_size", "intermediate_size"});
  }
  if (!width) {
    width = config.uniform({"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"}, layers);
  }
  if (!width && family.four) {
    width = Told<uint32_t>{4 * model.hidden, std::string("4 x hidden: ") + family.config};
  }
  if (!width) width = config.required({"intermediate_size"});
  model.intermediate = width->value;
  note(from, "intermediate", width->from);
}

}  // namespace

void apply_mlps(HfConfig& config, const Family& family, const LayerPlan& plan,
                llm::ModelSpec& model, From& from) {
  model.gated = family.gated;
  if (!model.gated) note(from, "gated", std::string(family.config) + " has no gate in its MLPs");
  if (plan.mlps) {
    model.mlp_layers = *plan.mlps;
    note(from, "mlp_layers", plan.from);
  }
  const uint32_t layers = model.feedforward_layers();
  model.moe = read_experts(config, family, layers, from);
  uint32_t with_experts = 0;
  if (model.moe) {
    std::string why = plan.from;
    if (plan.mlps) {
      with_experts = plan.expert_mlps;
    } else {
      why.clear();
      with_experts = expert_layers(config, layers, why);
    }
    if (with_experts == 0 || with_experts > layers) {
      config.error(nullptr, "experts are described, and no layer has them (" +
                                (why.empty() ? std::string("of 0 layers") : why) + ")");
      return;
    }
    model.moe->dense_layers = layers - with_experts;
    if (model.moe->dense_layers > 0) note(from, "moe.dense_layers", why);
  }
  if (with_experts < layers) read_dense(config, family, model, from);
}

}  // namespace tiercast::importers
