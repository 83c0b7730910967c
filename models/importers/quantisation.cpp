#include "models/importers/quantisation.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

using llm::WeightFormat;

const Node* in(const Node& map, const char* path) {
  const Node* node = at_path(map, path);
  return node == nullptr || node->is_null() ? nullptr : node;
}

std::string text_in(const Node& map, const char* path) {
  const Node* node = in(map, path);
  return node == nullptr || !node->is_scalar() ? "" : node->text;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

std::string bits_of(const Node& weights) {
  for (const char* key : {"bits", "num_bits", "w_bit"}) {
    const std::string bits = text_in(weights, key);
    if (!bits.empty()) return bits;
  }
  return {};
}

void warn_of_integers(HfConfig& config, const Node& at, const std::string& what) {
  config.warning(&at, what +
                          " has 8-bit integers: taken as fp8, which is as wide and as fast on "
                          "GPUs that have both");
}

/// 4-bit integers, or 8-bit ones as floats of 8 bits.
WeightFormat integers(HfConfig& config, const Node& at, const std::string& method,
                      const std::string& bits) {
  if (bits == "4") return WeightFormat::int4;
  if (bits == "8") {
    warn_of_integers(config, at, "`" + method + "`");
    return WeightFormat::fp8;
  }
  config.error(&at, "`" + method + "` with " + (bits.empty() ? "no `bits`" : bits + " bits") +
                        ": weights here have 16, 8 or 4");
  return WeightFormat::bf16;
}

WeightFormat fp8_format(HfConfig& config, const Node& at, const Node* block) {
  if (block == nullptr) return WeightFormat::fp8;
  const bool tiles = block->is_list() && block->items.size() == 2 &&
                     block->items[0].text == "128" && block->items[1].text == "128";
  if (!tiles) {
    config.warning(&at, "scales of fp8 are not per 128 x 128 weights: timed as if they were");
  }
  return WeightFormat::fp8_block;
}

/// One group of compressed-tensors.
WeightFormat group_format(HfConfig& config, const Node& group, const std::string& format) {
  const Node* weights = in(group, "weights");
  if (weights == nullptr) {
    config.error(&group, "a group of `config_groups` has no `weights`");
    return WeightFormat::bf16;
  }
  const std::string bits = text_in(*weights, "num_bits");
  const std::string type = text_in(*weights, "type");
  if (type == "float" && bits == "8") {
    const bool block = text_in(*weights, "strategy") == "block";
    return block ? fp8_format(config, *weights, in(*weights, "block_structure"))
                 : WeightFormat::fp8;
  }
  if (type == "float" && bits == "4") {
    const bool mx = holds(format, "mxfp4") || text_in(*weights, "group_size") == "32";
    return mx ? WeightFormat::mxfp4 : WeightFormat::nvfp4;
  }
  if (type == "int") return integers(config, *weights, "compressed-tensors", bits);
  config.error(weights,
               "`config_groups` has weights of type " + quote(type) + " and " + quote(bits) +
                   " bits, which is not known",
               "known: float of 8 or 4 bits, int of 8 or 4 bits");
  return WeightFormat::bf16;
}

WeightFormat compressed_tensors(HfConfig& config, const Node& given) {
  const Node* groups = in(given, "config_groups");
  if (groups == nullptr || !groups->is_map() || groups->entries.empty()) {
    config.error(&given, "`quantization_config` of compressed-tensors has no `config_groups`");
    return WeightFormat::bf16;
  }
  const std::string format = text_in(given, "format");
  std::optional<WeightFormat> agreed;
  for (const NodeEntry& group : groups->entries) {
    const std::string own = text_in(group.value, "format");
    const WeightFormat next = group_format(config, group.value, own.empty() ? format : own);
    if (agreed && *agreed != next) {
      config.error(&group.value, "`config_groups` mixes formats, and weights here have one");
    }
    agreed = next;
  }
  return *agreed;
}

WeightFormat modelopt(HfConfig& config, const Node& given) {
  std::string algorithm = text_in(given, "quant_algo");
  if (algorithm.empty()) algorithm = text_in(given, "quantization.quant_algo");
  if (algorithm == "FP8") return WeightFormat::fp8;
  if (algorithm == "FP8_PB_WO") return WeightFormat::fp8_block;
  if (algorithm == "NVFP4" || algorithm == "NVFP4_AWQ") return WeightFormat::nvfp4;
  if (algorithm == "W4A16_AWQ" || algorithm == "INT4_AWQ") return WeightFormat::int4;
  config.error(&given, "`quant_algo` " + quote(algorithm) + " of modelopt is not known",
               "known: FP8, FP8_PB_WO, NVFP4, W4A16_AWQ");
  return WeightFormat::bf16;
}

/// Modules in 16 bits beyond those that no format here changes.
void warn_of_ignored(HfConfig& config, const Node& given) {
  static constexpr std::array kAlways = {"lm_head", "embed",  "gate",    "router", "norm",
                                         "visual",  "vision", "mm_proj", "rotary", "conv"};
  for (const char* key : {"ignore", "modules_to_not_convert", "exclude_modules"}) {
    const Node* list = in(given, key);
    if (list == nullptr || !list->is_list()) continue;
    std::vector<std::string> others;
    for (const Node& item : list->items) {
      const bool usual = std::any_of(kAlways.begin(), kAlways.end(),
                                     [&](const char* part) { return holds(item.text, part); });
      if (!usual) others.push_back(item.text);
    }
    if (others.empty()) continue;
    config.warning(list, "`" + std::string(key) + "` leaves " + std::to_string(others.size()) +
                             " modules in 16 bits, " + quote(others.front()) +
                             " first: counted in the format of the others");
  }
}

void read_kv(const Node& given, Quantisation& result) {
  const Node* scheme = in(given, "kv_cache_scheme");
  if (scheme != nullptr && text_in(*scheme, "num_bits") == "8") {
    result.kv = llm::KvFormat::fp8;
    result.kv_from = "quantization_config.kv_cache_scheme";
  }
  for (const char* key : {"kv_cache_quant_algo", "quantization.kv_cache_quant_algo"}) {
    if (text_in(given, key) != "FP8") continue;
    result.kv = llm::KvFormat::fp8;
    result.kv_from = "quantization_config." + std::string(key);
  }
}

constexpr const char* kKnownMethods =
    "known: fp8, fbgemm_fp8, compressed-tensors, gptq, awq, auto-round, modelopt, mxfp4";

WeightFormat by_method(HfConfig& config, const Node& given, const std::string& method) {
  if (method == "fp8") return fp8_format(config, given, in(given, "weight_block_size"));
  if (method == "fbgemm_fp8") return WeightFormat::fp8;
  if (method == "mxfp4") return WeightFormat::mxfp4;
  if (method == "compressed-tensors") return compressed_tensors(config, given);
  if (method == "modelopt" || method == "modelopt_fp4") return modelopt(config, given);
  for (const char* known : {"gptq", "awq", "auto-round", "autoround", "intel/auto-round"}) {
    if (method == known) return integers(config, given, method, bits_of(given));
  }
  config.error(&given, "`quant_method` " + quote(method) + " is not known", kKnownMethods);
  return WeightFormat::bf16;
}

}  // namespace

Quantisation read_quantisation(HfConfig& config) {
  Quantisation result;
  const std::string type = config.text({"dtype", "torch_dtype"});
  const Node* given = config.find({"quantization_config"});
  if (given == nullptr) {
    result.weights_from = type.empty() ? "no dtype is given: 16 bits" : "dtype " + type;
    if (type == "float32") result.weights_from += ", which engines serve in 16 bits";
    return result;
  }
  std::string method = lower(text_in(*given, "quant_method"));
  if (method.empty() && in(*given, "quant_algo") != nullptr) method = "modelopt";
  result.weights = by_method(config, *given, method);
  result.weights_from = "quantization_config, quant_method " + method;
  if (result.weights != WeightFormat::mxfp4) warn_of_ignored(config, *given);
  read_kv(*given, result);
  return result;
}

std::optional<WeightFormat> format_of_method(const std::string& name) {
  const std::string method = lower(name);
  if (holds(method, "nvfp4") || holds(method, "fp4_online") || method == "modelopt_fp4") {
    return WeightFormat::nvfp4;
  }
  if (method == "mxfp4") return WeightFormat::mxfp4;
  if (method == "fp8" || method == "modelopt" || method == "modelopt_fp8" ||
      method == "fbgemm_fp8" || method == "ptpc_fp8" || method == "w8a8_fp8") {
    return WeightFormat::fp8;
  }
  if (method == "blockwise_int8" || method == "w8a8_int8") return WeightFormat::fp8;
  if (holds(method, "gptq") || holds(method, "awq") || method == "auto-round" ||
      method == "moe_wna16") {
    return WeightFormat::int4;
  }
  return std::nullopt;
}

}  // namespace tiercast::importers
