#include "models/calibration/json_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/base/hash.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 64;

const char* type_name(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return "text";
  if (value.is_boolean()) return "true or false";
  return value.is_null() ? "null" : "a number";
}

// Line and column, from 1, of a byte.
Place place_at(const std::string& file, std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const std::size_t start = before.rfind('\n') + 1;  // 0 where there is none
  return {file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(before.size() - start) + 1};
}

// What nlohmann's message says after its number and its own idea of the place.
std::string reason(const Json::exception& error) {
  const std::string_view text = error.what();
  const std::size_t after = text.find(": ");
  std::string_view words = after == std::string_view::npos ? text : text.substr(after + 2);
  words = words.substr(0, words.find("; last read"));
  return printable(words);
}

// True where brackets nest deeper than any result does; quoted text is skipped.
bool too_deep(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
    } else if (text[i] == '[' || text[i] == '{') {
      if (++depth > kDepthMax) return true;
    } else if (text[i] == ']' || text[i] == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

JsonFile::JsonFile(std::string file, std::uint64_t content_hash, Json root)
    : file_(std::move(file)),
      content_hash_(content_hash),
      root_(std::make_unique<Json>(std::move(root))) {}
JsonFile::JsonFile(JsonFile&&) noexcept = default;
JsonFile::~JsonFile() = default;

std::optional<JsonFile> JsonFile::read(const std::string& file, Diagnostics& found) {
  return read(workload::open_file(file), file, found);
}

std::optional<JsonFile> JsonFile::read(std::unique_ptr<workload::ByteStream> bytes,
                                       const std::string& file, Diagnostics& found) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (std::size_t got = 0; (got = bytes->read(buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), got);
    if (text.size() > kJsonBytesMax) {
      found.error({file, 0, 0}, "more than 512 MiB of JSON");
      return std::nullopt;
    }
  }
  if (!bytes->error().empty()) {
    found.error({file, 0, 0}, bytes->error());
    return std::nullopt;
  }
  if (too_deep(text)) {
    found.error({file, 0, 0}, fmt::format("brackets nest deeper than {}", kDepthMax));
    return std::nullopt;
  }
  StreamHash hash;
  hash.add_bytes(text.data(), text.size());
  try {
    Json root = Json::parse(text);
    if (root.is_object()) return JsonFile(file, hash.digest64(), std::move(root));
    found.error({file, 0, 0},
                std::string("the document is ") + type_name(root) + ", not an object");
  } catch (const Json::parse_error& error) {
    found.error(place_at(file, text, error.byte > 0 ? error.byte - 1 : 0),
                "not JSON: " + reason(error));
  } catch (const Json::exception& error) {
    found.error({file, 0, 0}, "not JSON: " + reason(error));
  }
  return std::nullopt;
}

JsonObject::JsonObject(const JsonFile& file, Diagnostics& found)
    : JsonObject(file.root(), "", file.file(), found) {}

const Json* JsonObject::find(std::string_view key) const {
  const auto at = value_->find(std::string(key));
  return at == value_->end() || at->is_null() ? nullptr : &*at;
}

bool JsonObject::has(std::string_view key) const { return find(key) != nullptr; }

bool JsonObject::is_text(std::string_view key) const {
  const Json* item = find(key);
  return item != nullptr && item->is_string();
}

std::string JsonObject::path(std::string_view key) const {
  const std::string name = printable(key);
  return path_.empty() || name.empty() ? path_ + name : path_ + "." + name;
}

void JsonObject::error(std::string_view key, const std::string& message,
                       const std::string& hint) const {
  const std::string at = path(key);
  found_->error({*file_, 0, 0}, (at.empty() ? "" : "`" + at + "` ") + message, hint);
}

void JsonObject::warning(std::string_view key, const std::string& message,
                         const std::string& hint) const {
  const std::string at = path(key);
  found_->warning({*file_, 0, 0}, (at.empty() ? "" : "`" + at + "` ") + message, hint);
}

bool JsonObject::add_number(const Json& item, const std::string& at, double lowest, double highest,
                            std::vector<double>& out) const {
  if (!item.is_number()) {
    error(at, std::string("is ") + type_name(item) + ", not a number");
    return false;
  }
  const double value = item.get<double>();
  if (!(value >= lowest && value <= highest)) {
    error(at, fmt::format("is {:g}; from {:g} to {:g} make sense", value, lowest, highest));
    return false;
  }
  out.push_back(value);
  return true;
}

std::optional<double> JsonObject::number(std::string_view key, double lowest,
                                         double highest) const {
  const Json* item = find(key);
  std::vector<double> value;
  if (item == nullptr || !add_number(*item, std::string(key), lowest, highest, value)) {
    return std::nullopt;
  }
  return value.front();
}

std::optional<std::string> JsonObject::text(std::string_view key) const {
  const Json* item = find(key);
  if (item == nullptr) return std::nullopt;
  if (item->is_string()) return item->get<std::string>();
  error(key, std::string("is ") + type_name(*item) + ", not text");
  return std::nullopt;
}

std::optional<JsonObject> JsonObject::object(std::string_view key) const {
  const Json* item = find(key);
  if (item == nullptr) return std::nullopt;
  if (item->is_object()) return JsonObject(*item, path(key), *file_, *found_);
  error(key, std::string("is ") + type_name(*item) + ", not an object");
  return std::nullopt;
}

const Json* JsonObject::list(std::string_view key) const {
  const Json* item = find(key);
  if (item == nullptr || item->is_array()) return item;
  error(key, std::string("is ") + type_name(*item) + ", not a list");
  return nullptr;
}

std::vector<JsonObject> JsonObject::objects(std::string_view key) const {
  std::vector<JsonObject> all;
  const Json* items = list(key);
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
    const std::string at = fmt::format("{}[{}]", key, i);
    if ((*items)[i].is_object()) {
      all.push_back(JsonObject((*items)[i], path(at), *file_, *found_));
    } else {
      error(at, std::string("is ") + type_name((*items)[i]) + ", not an object");
    }
  }
  return all;
}

std::optional<std::vector<double>> JsonObject::numbers(std::string_view key, double lowest) const {
  const Json* items = list(key);
  if (items == nullptr) return std::nullopt;
  std::vector<double> all;
  for (std::size_t i = 0; i < items->size(); ++i) {
    if (!add_number((*items)[i], fmt::format("{}[{}]", key, i), lowest, 1e18, all)) {
      return std::nullopt;
    }
  }
  return all;
}

std::optional<std::vector<std::vector<double>>> JsonObject::number_lists(std::string_view key,
                                                                         double lowest) const {
  const Json* items = list(key);
  if (items == nullptr) return std::nullopt;
  std::vector<std::vector<double>> all(items->size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Json& inner = (*items)[i];
    if (!inner.is_array()) {
      error(fmt::format("{}[{}]", key, i), std::string("is ") + type_name(inner) + ", not a list");
      return std::nullopt;
    }
    for (std::size_t j = 0; j < inner.size(); ++j) {
      if (!add_number(inner[j], fmt::format("{}[{}][{}]", key, i, j), lowest, 1e18, all[i])) {
        return std::nullopt;
      }
    }
  }
  return all;
}

std::optional<std::vector<std::string>> JsonObject::texts(std::string_view key) const {
  const Json* items = list(key);
  if (items == nullptr) return std::nullopt;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < items->size(); ++i) {
    const Json& item = (*items)[i];
    if (!item.is_string() && !item.is_null()) {
      error(fmt::format("{}[{}]", key, i), std::string("is ") + type_name(item) + ", not text");
      return std::nullopt;
    }
    all.push_back(item.is_null() ? "" : item.get<std::string>());
  }
  return all;
}

}  // namespace tiercast::calibration
