#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/field_info.hpp"

namespace tiercast {

/// Finds the catalogue entry `name` of `kind` (e.g. "nodes", "dgx-h100"). Reports at `where`
/// and returns null when there is none.
using CatalogueLookup =
    std::function<const Node*(std::string_view kind, std::string_view name, const Place& where)>;

/// Reads a document tree into specs by their field tables. Everything wrong goes to the
/// diagnostics; nothing throws. The resolved tree gets every value in canonical form, defaults
/// included, with its origin: it is what `explain` prints and what is hashed.
///
///     Diagnostics found;
///     Reader reader(found);
///     LinkSpec spec;
///     Node resolved;
///     const bool good = reader.read(document, spec, resolved);
class Reader {
 public:
  explicit Reader(Diagnostics& found, CatalogueLookup catalogue = {})
      : found_(found), catalogue_(std::move(catalogue)) {}

  /// `S` declares `static const FieldTable<S>& fields()`.
  template <class S>
  bool read(const Node& given, S& spec, Node& resolved) {
    return object(S::fields(), given, resolved, &spec);
  }

  /// Reports at `place`, naming the dotted path being read. Returns false.
  bool fail(const Place& place, const std::string& message, std::string hint = {});

  struct FigureParts {
    Quantity value;
    FigureKind kind = FigureKind::scenario;
    std::string source;
    std::optional<std::pair<Quantity, Quantity>> range;
  };

  // What the typed half calls; each reports, resolves and returns whether `out` was set.
  bool integer(const ReadSite& site, std::int64_t& out);
  bool quantity(const ReadSite& site, Quantity& out);
  bool boolean(const ReadSite& site, bool& out);
  bool text(const ReadSite& site, std::string& out);
  bool choice(const ReadSite& site, std::size_t& index);
  bool figure(const ReadSite& site, FigureParts& out);
  bool parameters(const ReadSite& site, const std::vector<FieldInfo>& infos, ParameterValues& out);
  bool object(const Table& table, const Node& given, Node& resolved, void* spec);
  /// Checks that a list or a map of names was given, with enough entries.
  bool begin_list(const ReadSite& site);
  bool begin_named(const ReadSite& site);
  /// The index of the alternative that a one-of names; `inner` becomes its value.
  bool begin_one_of(const ReadSite& site, std::size_t& index, Node& inner);

  /// Keeps the path while an entry is read.
  class Step {
   public:
    Step(Reader& reader, std::string part) : reader_(reader) {
      reader_.path_.push_back(std::move(part));
    }
    ~Step() { reader_.path_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Reader& reader_;
  };

 private:
  const std::string* scalar_text(const ReadSite& site);
  bool in_range(const ReadSite& site, double value);
  bool figure_source(const ReadSite& site, FigureParts& out);
  bool figure_range(const ReadSite& site, FigureParts& out);
  bool parameter(const ReadSite& site, ParameterValue& out);
  bool check_keys(const Table& table, const Node& object);
  bool check_groups(const Table& table, const Node& object);
  bool expand_catalogue(const Table& table, Node& object, int depth);
  bool read_fields(const Table& table, const Node& object, Node& resolved, void* spec);
  bool read_rest(const Table& table, std::size_t index, const Node& object, Node& resolved,
                 void* spec);
  /// What stands for a field in `object`: its value, its default (made in `made`), or null, having
  /// reported when it must not be missing (`good` becomes false) and resolved when it may.
  const Node* value_of(const FieldInfo& field, const Node& object, Node& resolved, Node& made,
                       bool& good);

  Diagnostics& found_;
  CatalogueLookup catalogue_;
  std::vector<std::string> path_;
};

}  // namespace tiercast
