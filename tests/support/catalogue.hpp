#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/field_table.hpp"
#include "sim/config/document.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::tests {

/// The shipped catalogue, read strictly: anything wrong with an entry fails the test.
class Catalogue {
 public:
  template <class S>
  S load(const std::string& kind, const std::string& name) {
    return load_part<S>(kind, name, "");
  }

  /// What an entry says under `key`; all of it where that is empty.
  template <class S>
  S load_part(const std::string& kind, const std::string& name, const std::string& key) {
    Diagnostics found;
    S spec;
    Node resolved;
    const Node* entry = find(kind, name, found);
    if (entry != nullptr && !key.empty()) entry = entry->find(key);
    Reader reader(found, lookup(found));
    const bool good = entry != nullptr && reader.read(*entry, spec, resolved);
    INFO(found.render());
    REQUIRE(good);
    REQUIRE(found.error_count() == 0);
    return spec;
  }

  /// The entries of a kind, by name.
  static std::vector<std::string> names(const std::string& kind) {
    std::vector<std::string> found;
    for (const auto& file : std::filesystem::directory_iterator(source_dir() / "configs" / kind)) {
      if (file.path().extension() == ".yaml") found.push_back(file.path().stem().string());
    }
    std::sort(found.begin(), found.end());
    REQUIRE_FALSE(found.empty());
    return found;
  }

  CatalogueLookup lookup(Diagnostics& found) {
    return [this, &found](std::string_view kind, std::string_view name, const Place&) {
      return find(std::string(kind), std::string(name), found);
    };
  }

 private:
  const Node* find(const std::string& kind, const std::string& name, Diagnostics& found) {
    const auto known = entries_.find({kind, name});
    if (known != entries_.end()) return &known->second;
    const std::string path = (source_dir() / "configs" / kind / (name + ".yaml")).string();
    std::optional<Node> document = config::read_document(path, Origin::catalogue, found);
    if (!document) return nullptr;
    return &entries_.emplace(std::pair{kind, name}, std::move(*document)).first->second;
  }

  std::map<std::pair<std::string, std::string>, Node> entries_;
};

}  // namespace tiercast::tests
