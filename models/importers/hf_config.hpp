#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/importers/told.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::importers {

/// Names that one and the same thing has in files of different models, the most usual one first.
using Names = std::initializer_list<const char*>;

/// The keys of a `config.json`. Each look-up checks type and range, reports what is wrong with
/// place, and remembers which keys were asked for. Null counts as absent.
class HfConfig {
 public:
  HfConfig(const Node& root, Diagnostics& found) : root_(&root), found_(&found) {}

  /// The first of `names` that is there; a name may be a dotted path.
  const Node* find(Names names);
  bool has(Names names) { return find(names) != nullptr; }

  /// Whole numbers from `lowest` up to what a spec holds. Where a class of models has a default for
  /// a key that files leave out, it stands in for that; null says that there is none.
  std::optional<Told<uint32_t>> number(Names names, uint32_t lowest = 1);
  /// Reports where there is none.
  Told<uint32_t> required(Names names, uint32_t lowest = 1);
  std::optional<Told<double>> real(Names names);
  std::optional<bool> flag(Names names);
  std::string text(Names names);
  /// A list of texts, or of whole numbers as text. Nothing where it is absent or no such list.
  std::optional<std::vector<std::string>> list(Names names);
  /// One number, or a list of `layers` equal ones.
  std::optional<Told<uint32_t>> uniform(Names names, uint32_t layers, uint32_t lowest = 1);

  /// What absent keys stand for, from now on: `value` as config class `of` has it.
  void stand_in(std::string key, uint32_t value, std::string_view of);

  void error(const Node* at, const std::string& message, const std::string& hint = {});
  void warning(const Node* at, const std::string& message, const std::string& hint = {});
  bool failed() const { return found_->has_errors(); }
  const Node& root() const { return *root_; }

  /// Keys that nothing asked for.
  std::vector<std::string> unread() const;
  /// Whether a value there says anything: neither null, false, zero nor empty.
  const Node* meaningful(const std::string& key) const;

 private:
  struct Default {
    std::string key;
    uint32_t value = 0;
    std::string of;
  };

  const Node* look(Names names, std::string* name);
  std::optional<uint32_t> whole(const Node& node, const std::string& name, uint32_t lowest);

  const Node* root_;
  Diagnostics* found_;
  std::set<std::string> read_;
  std::vector<Default> defaults_;
};

/// `a`, `b` or `c`.
std::string name_list(const std::vector<std::string>& names);

}  // namespace tiercast::importers
