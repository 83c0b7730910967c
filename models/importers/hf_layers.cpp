#include "models/importers/hf_layers.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

constexpr uint32_t kMostLayers = 1000;

/// Names that layers have in `layer_types` and the like.
const std::map<std::string, Mixer>& mixer_names() {
  static const std::map<std::string, Mixer> names = {{"full_attention", Mixer::full},
                                                     {"attention", Mixer::full},
                                                     {"sliding_attention", Mixer::window},
                                                     {"chunked_attention", Mixer::window},
                                                     {"linear_attention", Mixer::linear},
                                                     {"mamba", Mixer::linear},
                                                     {"mamba2", Mixer::linear}};
  return names;
}

std::vector<std::string> known_names(const Family& family) {
  std::vector<std::string> names;
  for (const auto& [name, mixer] : mixer_names()) {
    if (mixer != Mixer::linear || family.linear != Linear::none) names.push_back(name);
  }
  return names;
}

std::vector<Mixer> from_types(HfConfig& config, const Family& family,
                              const std::vector<std::string>& types, const char* key) {
  std::vector<Mixer> mixers;
  const std::vector<std::string> known = known_names(family);
  for (const std::string& type : types) {
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      config.error(
          config.find({key}),
          "`" + std::string(key) + "` names a layer type that is not known: " + quote(type),
          "those of `" + std::string(family.type) + "` that are: " + name_list(known));
      return mixers;
    }
    mixers.push_back(mixer_names().at(type));
  }
  return mixers;
}

/// 0-based layer numbers of a list; numbers that are none are reported.
std::vector<uint32_t> layer_numbers(HfConfig& config, const char* key, uint32_t layers,
                                    uint32_t first) {
  std::vector<uint32_t> numbers;
  for (const std::string& text : config.list({key}).value_or(std::vector<std::string>{})) {
    uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, number);
    if (fault != std::errc{} || stop != end || number < first || number - first >= layers) {
      config.error(config.find({key}), "`" + std::string(key) + "` names layer " + quote(text) +
                                           ", and there are " + std::to_string(layers));
      return {};
    }
    numbers.push_back(number - first);
  }
  return numbers;
}

/// Layers that are a mixer, an MLP or experts each (Nemotron-H): letters, or `layers_block_type`.
LayerPlan block_plan(HfConfig& config) {
  static const std::map<std::string, char> words = {
      {"mamba", 'M'}, {"attention", '*'}, {"mlp", '-'}, {"moe", 'E'}};
  LayerPlan plan;
  plan.from = "hybrid_override_pattern";
  std::string letters;
  if (const auto types = config.list({"layers_block_type"}); types) {
    plan.from = "layers_block_type";
    for (const std::string& type : *types) {
      const auto word = words.find(type);
      letters += word == words.end() ? '?' : word->second;
      if (word == words.end()) {
        config.error(config.find({"layers_block_type"}),
                     "`layers_block_type` names a layer type that is not known: " + quote(type),
                     "those that are: `mamba`, `attention`, `mlp` or `moe`");
        return plan;
      }
    }
    config.has({"hybrid_override_pattern"});
  } else {
    letters = config.text({"hybrid_override_pattern"});
  }
  plan.mlps = 0;
  for (const char letter : letters) {
    if (letter == 'M') plan.mixers.push_back(Mixer::linear);
    if (letter == '*') plan.mixers.push_back(Mixer::full);
    plan.mlps = *plan.mlps + (letter == '-' || letter == 'E' ? 1 : 0);
    plan.expert_mlps += letter == 'E' ? 1 : 0;
    if (std::string_view("M*-E|").find(letter) == std::string_view::npos) {
      config.error(config.find({"hybrid_override_pattern"}),
                   "`hybrid_override_pattern` has a layer that is not known: " +
                       quote(std::string(1, letter)),
                   "M is Mamba-2, * attention, - an MLP, E experts");
      return plan;
    }
  }
  if (plan.mixers.empty()) config.required({"hybrid_override_pattern"});
  return plan;
}

bool windowed_by_rule(const Family& family, uint32_t layer, uint32_t parameter) {
  switch (family.windows) {
    case Windows::none:
      return false;
    case Windows::all:
      return true;
    case Windows::late:
      return layer >= parameter;
    case Windows::alternate:
      return layer % 2 == 0;
    case Windows::pattern:
    case Windows::rotary:
      return parameter > 0 && (layer + 1) % parameter != 0;
  }
  return false;
}

/// `LLLG`: local and global layers, over and over (EXAONE 4).
LayerPlan letter_plan(HfConfig& config, const Node& letters, uint32_t layers) {
  LayerPlan plan;
  plan.from = "sliding_window_pattern";
  const std::string& text = letters.text;
  if (text.empty() || text.find_first_not_of("LG") != std::string::npos) {
    config.error(&letters, "`sliding_window_pattern` must be a number, or letters L and G, not " +
                               quote(text));
    return plan;
  }
  for (uint32_t i = 0; i < layers; ++i) {
    plan.mixers.push_back(text[i % text.size()] == 'L' ? Mixer::window : Mixer::full);
  }
  return plan;
}

LayerPlan rule_plan(HfConfig& config, const Family& family, uint32_t layers) {
  LayerPlan plan;
  plan.mixers.assign(layers, Mixer::full);
  uint32_t parameter = 0;
  if (family.windows == Windows::late) {
    const bool used = config.flag({"use_sliding_window"}).value_or(false);
    config.has({"sliding_window"});
    const auto late = config.number({"max_window_layers"}, 0);
    if (!used) return plan;
    parameter = late ? late->value : config.required({"max_window_layers"}, 0).value;
    plan.from = "use_sliding_window, max_window_layers";
  } else if (family.windows == Windows::pattern) {
    if (!config.number({"sliding_window"})) return plan;
    const Node* letters = config.find({"sliding_window_pattern"});
    if (letters != nullptr && letters->quoted) return letter_plan(config, *letters, layers);
    const auto given = config.number({"sliding_window_pattern", "_sliding_window_pattern"}, 1);
    parameter = given ? given->value : family.pattern;
    plan.from =
        given ? given->from
              : "one layer in " + std::to_string(parameter) + " sees everything: " + family.config;
  } else if (family.windows == Windows::rotary) {
    const auto rotary = config.list({"no_rope_layers"});
    parameter = config.number({"no_rope_layer_interval"}).value_or(Told<uint32_t>{4, ""}).value;
    plan.from = "no_rope_layers: those with rotary positions";
    if (rotary && rotary->size() == layers) {
      for (uint32_t i = 0; i < layers; ++i) {
        if ((*rotary)[i] == "1") plan.mixers[i] = Mixer::window;
      }
      return plan;
    }
  } else if (family.windows == Windows::alternate) {
    plan.from = std::string("every second layer: ") + family.config;
  } else if (family.windows == Windows::all) {
    if (!config.number({"sliding_window"})) return plan;
    plan.from = "sliding_window, of every layer";
  }
  for (uint32_t i = 0; i < layers; ++i) {
    if (windowed_by_rule(family, i, parameter)) plan.mixers[i] = Mixer::window;
  }
  return plan;
}

void mark_linear(LayerPlan& plan, const std::vector<uint32_t>& attention, std::string from) {
  std::fill(plan.mixers.begin(), plan.mixers.end(), Mixer::linear);
  for (const uint32_t layer : attention) plan.mixers[layer] = Mixer::full;
  plan.from = std::move(from);
}

/// The layers that keep attention in a model whose others have a constant state.
void plan_linear(HfConfig& config, const Family& family, uint32_t layers, LayerPlan& plan) {
  if (family.linear == Linear::delta) {
    const Told<uint32_t> interval = config.required({"full_attention_interval"});
    std::vector<uint32_t> attention;
    for (uint32_t i = interval.value - 1; i < layers; i += interval.value) attention.push_back(i);
    mark_linear(plan, attention, interval.from);
  } else if (family.linear == Linear::kda) {
    const auto numbers = layer_numbers(config, "linear_attn_config.full_attn_layers", layers, 1);
    mark_linear(plan, numbers, "linear_attn_config.full_attn_layers");
  } else if (family.linear == Linear::lightning) {
    const auto types = config.list({"attn_type_list"});
    std::vector<uint32_t> attention;
    for (uint32_t i = 0; types && i < types->size() && i < layers; ++i) {
      if ((*types)[i] == "1") attention.push_back(i);
    }
    if (!types || types->size() != layers) {
      config.error(
          config.find({"attn_type_list"}),
          "`attn_type_list` must say 0 or 1 of each of the " + std::to_string(layers) + " layers");
    }
    mark_linear(plan, attention, "attn_type_list");
  } else if (family.linear == Linear::mamba2) {
    mark_linear(plan, layer_numbers(config, "attn_layer_indices", layers, 0), "attn_layer_indices");
  }
}

/// Lists of layers that are all attention say nothing (MiniMax-M2).
void refuse_linear(HfConfig& config, const Family& family) {
  for (const std::string& type :
       config.list({"attn_type_list"}).value_or(std::vector<std::string>{})) {
    if (type == "1") continue;
    config.error(config.find({"attn_type_list"}), "`attn_type_list` names a layer type that `" +
                                                      std::string(family.type) +
                                                      "` does not have: " + quote(type));
    return;
  }
}

void find_window(HfConfig& config, LayerPlan& plan) {
  if (plan.count(Mixer::window) == 0) return;
  auto tokens = config.number({"attention_chunk_size", "sliding_window"});
  if (!tokens) tokens = config.required({"sliding_window"});
  plan.window = tokens->value;
  plan.window_from = tokens->from;
}

}  // namespace

uint32_t LayerPlan::count(Mixer mixer) const {
  return static_cast<uint32_t>(std::count(mixers.begin(), mixers.end(), mixer));
}

LayerPlan read_layers(HfConfig& config, const Family& family) {
  const bool blocks = config.has({"hybrid_override_pattern"}) || config.has({"layers_block_type"});
  if (family.linear == Linear::mamba2 && blocks) {
    config.has({"num_hidden_layers"});
    return block_plan(config);
  }
  const Told<uint32_t> layers =
      config.required({"num_hidden_layers", "n_layer", "n_layers", "num_layers"});
  if (layers.value > kMostLayers) {
    config.error(
        config.find({"num_hidden_layers", "n_layer", "n_layers", "num_layers"}),
        std::to_string(layers.value) + " layers are more than " + std::to_string(kMostLayers));
    return {};
  }
  LayerPlan plan;
  if (const auto types = config.list({"layer_types"}); types) {
    for (const char* rule : {"full_attention_interval", "sliding_window_pattern",
                             "_sliding_window_pattern", "use_sliding_window", "sliding_window",
                             "max_window_layers", "no_rope_layers", "no_rope_layer_interval"}) {
      config.has({rule});  // said once more, or of no use beside it
    }
    plan.mixers = from_types(config, family, *types, "layer_types");
    plan.from = "layer_types";
    if (plan.mixers.size() != layers.value && !config.failed()) {
      config.error(config.find({"layer_types"}), "`layer_types` names " +
                                                     std::to_string(plan.mixers.size()) +
                                                     " layers of " + std::to_string(layers.value));
    }
  } else {
    plan = rule_plan(config, family, layers.value);
    if (family.linear == Linear::none) refuse_linear(config, family);
    if (family.linear != Linear::none) plan_linear(config, family, layers.value, plan);
  }
  find_window(config, plan);
  return plan;
}

namespace {

llm::LinearSpec read_linear(HfConfig& config, const Family& family) {
  llm::LinearSpec linear;
  const auto field = [&config](Names names) { return config.required(names).value; };
  if (family.linear == Linear::delta) {
    linear.key_heads = field({"linear_num_key_heads"});
    linear.key_dim = field({"linear_key_head_dim"});
    linear.value_heads = field({"linear_num_value_heads"});
    linear.value_dim = field({"linear_value_head_dim"});
    linear.conv = field({"linear_conv_kernel_dim"});
  } else if (family.linear == Linear::kda) {
    linear.key_heads = field({"linear_attn_config.num_heads"});
    linear.key_dim = field({"linear_attn_config.head_dim"});
    linear.conv = field({"linear_attn_config.short_conv_kernel_size"});
  } else if (family.linear == Linear::lightning) {
    linear.key_heads = field({"num_attention_heads"});
    linear.key_dim = field({"head_dim"});
  } else {
    linear.key_heads = field({"mamba_n_groups", "n_groups", "mamba_num_groups"});
    linear.key_dim = field({"mamba_d_state", "ssm_state_size", "mamba_state_dim"});
    linear.value_heads = field({"mamba_n_heads", "mamba_num_heads"});
    linear.value_dim = field({"mamba_d_head", "mamba_head_dim"});
    linear.conv = field({"mamba_d_conv", "conv_kernel"});
  }
  if (linear.value_heads == 0) linear.value_heads = linear.key_heads;
  if (linear.value_dim == 0) linear.value_dim = linear.key_dim;
  return linear;
}

void apply_shared(HfConfig& config, const LayerPlan& plan, llm::ModelSpec& model,
                  std::vector<Told<std::string>>& from) {
  const auto shared = config.number({"num_kv_shared_layers"}, 0);
  if (!shared || shared->value == 0) return;
  if (shared->value >= plan.mixers.size()) {
    config.error(config.find({"num_kv_shared_layers"}),
                 "`num_kv_shared_layers` leaves no layer that stores KV");
    return;
  }
  const auto first = plan.mixers.end() - shared->value;
  model.shared_kv = llm::SharedKvSpec{};
  const bool windows = model.window.has_value();
  for (auto layer = first; layer != plan.mixers.end(); ++layer) {
    if (windows && *layer == Mixer::window) {
      ++model.shared_kv->window_layers;
    } else {
      ++model.shared_kv->full_layers;
    }
  }
  from.push_back({"shared_kv", shared->from + ", the last layers"});
}

}  // namespace

void apply_layers(HfConfig& config, const Family& family, const LayerPlan& plan,
                  llm::ModelSpec& model, std::vector<Told<std::string>>& from) {
  const uint32_t windows = plan.count(Mixer::window);
  if (windows > 0 && plan.window >= model.max_context) {
    from.push_back({"layers", plan.window_from + " is no shorter than the context: no window"});
  } else if (windows > 0) {
    model.window = llm::WindowSpec{plan.window, windows};
    from.push_back({"window.tokens", plan.window_from});
    from.push_back({"window.layers", plan.from});
  }
  if (plan.count(Mixer::linear) > 0) {
    model.linear = read_linear(config, family);
    model.linear->layers = plan.count(Mixer::linear);
    from.push_back({"linear.layers", plan.from});
    const std::string format = config.text({"mamba_ssm_dtype", "mamba_ssm_cache_dtype"});
    const bool wide = format == "float32";
    model.linear->state = wide ? llm::StateFormat::fp32 : llm::StateFormat::bf16;
    from.push_back({"linear.state", format.empty() ? "no mamba_ssm_dtype: that of the model, as "
                                                     "vLLM does (SGLang: float32)"
                                                   : "mamba_ssm_dtype " + format});
  }
  apply_shared(config, plan, model, from);
}

}  // namespace tiercast::importers
