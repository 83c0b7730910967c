#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

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
    Diagnostics found;
    S spec;
    Node resolved;
    const Node* entry = find(kind, name, found);
    Reader reader(found, [&](std::string_view k, std::string_view n, const Place&) {
      return find(std::string(k), std::string(n), found);
    });
    const bool good = entry != nullptr && reader.read(*entry, spec, resolved);
    INFO(found.render());
    REQUIRE(good);
    REQUIRE(found.error_count() == 0);
    return spec;
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
