#include "models/importers/hf_config.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

std::string first_of(Names names) { return *names.begin(); }

bool empty_value(const Node& node) {
  if (node.is_null()) return true;
  if (node.is_list()) return node.items.empty();
  if (node.is_map()) return node.entries.empty();
  return node.text.empty() || node.text == "false" || node.text == "0" || node.text == "0.0";
}

std::string kind_of(const Node& node) {
  if (node.is_list()) return "a list";
  if (node.is_map()) return "an object";
  return quote(node.text);
}

}  // namespace

const Node* HfConfig::look(Names names, std::string* name) {
  const Node* there = nullptr;
  for (const char* candidate : names) {
    read_.insert(split_path(candidate).front());
    const Node* node = there == nullptr ? at_path(*root_, candidate) : nullptr;
    if (node == nullptr || node->is_null()) continue;
    there = node;
    if (name != nullptr) *name = candidate;
  }
  return there;
}

const Node* HfConfig::find(Names names) { return look(names, nullptr); }

std::optional<uint32_t> HfConfig::whole(const Node& node, const std::string& name,
                                        uint32_t lowest) {
  int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, fault] = std::from_chars(node.text.data(), end, value);
  const bool number = node.is_scalar() && !node.quoted && fault == std::errc{} && stop == end;
  if (number && value >= lowest && value <= std::numeric_limits<uint32_t>::max()) {
    return static_cast<uint32_t>(value);
  }
  error(&node, "`" + name + "` must be a whole number from " + std::to_string(lowest) +
                   " on, not " + kind_of(node));
  return std::nullopt;
}

std::optional<Told<uint32_t>> HfConfig::number(Names names, uint32_t lowest) {
  std::string name;
  const Node* node = look(names, &name);
  if (node != nullptr) {
    const std::optional<uint32_t> value = whole(*node, name, lowest);
    if (!value) return Told<uint32_t>{lowest, name};  // reported; what follows need not repeat it
    return Told<uint32_t>{*value, name};
  }
  for (const char* candidate : names) {
    for (const Default& standing : defaults_) {
      if (standing.key != candidate || root_->find(candidate) != nullptr) continue;
      return Told<uint32_t>{standing.value,
                            standing.key + " is absent: the default of " + standing.of};
    }
  }
  return std::nullopt;
}

Told<uint32_t> HfConfig::required(Names names, uint32_t lowest) {
  std::optional<Told<uint32_t>> given = number(names, lowest);
  if (given) return *given;
  error(nullptr, "`" + first_of(names) + "` is missing",
        "a config.json of Hugging Face has it; nothing is assumed in its place");
  return {lowest, ""};
}

std::optional<Told<double>> HfConfig::real(Names names) {
  std::string name;
  const Node* node = look(names, &name);
  if (node == nullptr) return std::nullopt;
  double value = 0;
  const char* end = node->text.data() + node->text.size();
  const auto [stop, fault] = std::from_chars(node->text.data(), end, value);
  const bool number = node->is_scalar() && !node->quoted && fault == std::errc{} && stop == end;
  if (number && std::isfinite(value)) return Told<double>{value, name};
  error(node, "`" + name + "` must be a number, not " + kind_of(*node));
  return std::nullopt;
}

std::optional<bool> HfConfig::flag(Names names) {
  std::string name;
  const Node* node = look(names, &name);
  if (node == nullptr) return std::nullopt;
  if (node->is_scalar() && !node->quoted && node->text == "true") return true;
  if (node->is_scalar() && !node->quoted && node->text == "false") return false;
  error(node, "`" + name + "` must be true or false, not " + kind_of(*node));
  return std::nullopt;
}

std::string HfConfig::text(Names names) {
  std::string name;
  const Node* node = look(names, &name);
  if (node == nullptr) return {};
  if (node->is_scalar() && node->quoted) return node->text;
  error(node, "`" + name + "` must be a text, not " + kind_of(*node));
  return {};
}

std::optional<std::vector<std::string>> HfConfig::list(Names names) {
  std::string name;
  const Node* node = look(names, &name);
  if (node == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  bool good = node->is_list();
  for (const Node& item : node->items) {
    good = good && item.is_scalar();
    texts.push_back(item.text);
  }
  if (good) return texts;
  error(node, "`" + name + "` must be a list of names or numbers");
  return std::nullopt;
}

std::optional<Told<uint32_t>> HfConfig::uniform(Names names, uint32_t layers, uint32_t lowest) {
  std::string name;
  const Node* node = look(names, &name);
  if (node == nullptr || !node->is_list()) return number(names, lowest);
  if (node->items.empty() || node->items.size() != layers) {
    error(node, "`" + name + "` must be a whole number, or a list of one for each of the " +
                    std::to_string(layers) + " layers");
    return Told<uint32_t>{lowest, name};
  }
  for (const Node& item : node->items) {
    if (item.text == node->items.front().text) continue;
    error(node, "`" + name + "` differs between layers, and a model here has one for all");
    return Told<uint32_t>{lowest, name};
  }
  const std::optional<uint32_t> value = whole(node->items.front(), name, lowest);
  return Told<uint32_t>{value.value_or(lowest), name + ", equal in all layers"};
}

void HfConfig::stand_in(std::string key, uint32_t value, std::string_view of) {
  defaults_.push_back({std::move(key), value, std::string(of)});
}

void HfConfig::error(const Node* at, const std::string& message, const std::string& hint) {
  found_->error(at == nullptr ? root_->place : at->place, message, hint);
}

void HfConfig::warning(const Node* at, const std::string& message, const std::string& hint) {
  found_->warning(at == nullptr ? root_->place : at->place, message, hint);
}

std::vector<std::string> HfConfig::unread() const {
  std::vector<std::string> names;
  for (const NodeEntry& entry : root_->entries) {
    if (!read_.contains(entry.key)) names.push_back(entry.key);
  }
  return names;
}

const Node* HfConfig::meaningful(const std::string& key) const {
  const Node* node = root_->find(key);
  return node == nullptr || empty_value(*node) ? nullptr : node;
}

std::string name_list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    text += "`" + names[i] + "`";
  }
  return text;
}

}  // namespace tiercast::importers
