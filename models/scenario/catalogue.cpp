#include "models/scenario/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "sim/base/text.hpp"
#include "sim/config/document.hpp"

namespace tiercast::scenario {

namespace fs = std::filesystem;

namespace {

// Names become paths, so nothing that could leave the folder is one.
bool is_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

}  // namespace

std::vector<std::string> Catalogue::kinds() const {
  std::vector<std::string> found;
  std::error_code ignored;  // a missing catalogue has no kinds; find() says what is missing
  for (const fs::directory_entry& entry : fs::directory_iterator(root_, ignored)) {
    const std::string kind = entry.path().filename().string();
    if (entry.is_directory() && !names(kind).empty()) found.push_back(kind);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> Catalogue::names(std::string_view kind) const {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(root_) / std::string(kind), ignored)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path().stem().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string Catalogue::path(std::string_view kind, std::string_view name) const {
  return (fs::path(root_) / std::string(kind) / (std::string(name) + ".yaml")).string();
}

const Node* Catalogue::find(std::string_view kind, std::string_view name, const Place& where) {
  const std::string file = path(kind, name);
  std::error_code ignored;
  if (!is_name(name) || !fs::is_regular_file(file, ignored)) {
    const std::vector<std::string> known = names(kind);
    const std::string nearest = nearest_name(name, known);
    std::string hint = nearest.empty() ? "" : "did you mean `" + nearest + "`?";
    if (hint.empty() && known.empty()) hint = "no catalogue folder at " + root_;
    if (hint.empty()) hint = "`tiercast configs " + std::string(kind) + "` lists what there is";
    found_->error(
        where, "no `" + std::string(name) + "` among the catalogue's " + std::string(kind), hint);
    return nullptr;
  }
  const auto known = read_.find(file);
  if (known != read_.end()) return known->second.is_null() ? nullptr : &known->second;
  std::optional<Node> document = config::read_document(file, Origin::catalogue, *found_);
  const Node& kept = read_.emplace(file, document ? std::move(*document) : Node{}).first->second;
  return kept.is_null() ? nullptr : &kept;
}

}  // namespace tiercast::scenario
