#include "models/importers/model_names.hpp"

#include <map>
#include <set>
#include <string_view>

namespace tiercast::importers {
namespace {

using llm::WeightFormat;

/// Formats as names of repositories end in them; nothing: tells no format by itself.
const std::map<std::string, std::optional<WeightFormat>, std::less<>>& format_words() {
  static const std::map<std::string, std::optional<WeightFormat>, std::less<>> words = {
      {"fp8", WeightFormat::fp8},     {"w8a8", WeightFormat::fp8},    {"int8", WeightFormat::fp8},
      {"w8a16", WeightFormat::fp8},   {"nvfp4", WeightFormat::nvfp4}, {"fp4", WeightFormat::nvfp4},
      {"mxfp4", WeightFormat::mxfp4}, {"int4", WeightFormat::int4},   {"w4a16", WeightFormat::int4},
      {"awq", WeightFormat::int4},    {"gptq", WeightFormat::int4},   {"4bit", WeightFormat::int4},
      {"bf16", WeightFormat::bf16},   {"fp16", WeightFormat::bf16},   {"dynamic", std::nullopt},
      {"block", std::nullopt},        {"quantized", std::nullopt},    {"autoround", std::nullopt},
      {"kv", std::nullopt},           {"marlin", std::nullopt}};
  return words;
}

bool says_nothing(std::string_view word) {
  static const std::set<std::string_view> words = {"instruct", "chat", "it", "hf", "base", "meta"};
  return words.contains(word);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Lower-case words of the last part of a path.
std::vector<std::string> words_of(std::string_view name) {
  while (!name.empty() && name.back() == '/') name.remove_suffix(1);
  const std::size_t folders = name.rfind("--");  // as caches of repositories are called
  if (folders != std::string_view::npos) name.remove_prefix(folders + 2);
  name = name.substr(name.find_last_of('/') + 1);
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool version =
        i > 0 && i + 1 < name.size() && is_digit(name[i - 1]) && is_digit(name[i + 1]);
    const bool parts = c == '-' || c == '_' || c == ' ' || c == ':' || (c == '.' && !version);
    if (parts && !words.back().empty()) words.emplace_back();
    if (!parts) words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

/// What is left of a name to compare.
std::string key_of(std::string_view name) {
  std::string key;
  for (const std::string& word : words_of(name)) {
    if (!says_nothing(word) && !format_words().contains(word)) key += word;
  }
  return key;
}

/// `owner/name` of an address of Hugging Face within a source; empty without one.
std::string_view repository_of(std::string_view source) {
  constexpr std::string_view kHub = "huggingface.co/";
  const std::size_t at = source.find(kHub);
  if (at == std::string_view::npos) return {};
  std::string_view rest = source.substr(at + kHub.size());
  const std::size_t owner = rest.find('/');
  if (owner == std::string_view::npos) return {};
  return rest.substr(0, rest.find_first_of("/, ", owner + 1));
}

}  // namespace

ModelMatch match_model(const std::string& given, const std::vector<CatalogueModel>& models) {
  ModelMatch match;
  for (const std::string& word : words_of(given)) {
    const auto format = format_words().find(word);
    if (format == format_words().end() || !format->second) continue;
    match.weights = format->second;
    match.weights_from = "`" + word + "` in the model's name; its config.json would tell for sure";
  }
  const std::string key = key_of(given);
  if (key.empty()) return match;
  for (const CatalogueModel& model : models) {
    for (const std::string_view known :
         {std::string_view(model.name), std::string_view(model.title),
          repository_of(model.source)}) {
      if (match.model == nullptr && !known.empty() && key_of(known) == key) match.model = &model;
    }
  }
  return match;
}

}  // namespace tiercast::importers
