#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/reader.hpp"
#include "sim/base/text.hpp"

namespace tiercast {

bool Reader::figure(const ReadSite& site, FigureParts& out) {
  if (!site.given.is_map()) {
    if (site.given.is_scalar() && site.given.origin == Origin::catalogue) {
      return fail(
          site.given.place, "a catalogue figure needs a value, a kind and a source",
          "write {value: " + printable(site.given.text) + ", kind: datasheet, source: \"...\"}");
    }
    return quantity(site, out.value);
  }
  static const std::vector<std::string> keys = {"value", "kind", "source", "range"};
  bool good = true;
  for (const NodeEntry& entry : site.given.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    good = fail(entry.key_place, "unknown key " + quote(entry.key) + " of a figure",
                name_hint(entry.key, keys));
  }
  site.resolved = Node::map(site.given.place, site.given.origin);
  const Node* value = site.given.find("value");
  if (value == nullptr) {
    good = fail(site.given.place, "a figure needs a `value`");
  } else {
    const Step step(*this, "value");
    Node& resolved = site.resolved.set("value", {});
    good &= quantity({*this, site.field, site.type, *value, resolved}, out.value);
  }
  good &= figure_source(site, out);
  return good && figure_range(site, out);
}

bool Reader::figure_source(const ReadSite& site, FigureParts& out) {
  static const std::vector<std::string> kinds = {"measured", "datasheet", "derived", "estimate"};
  bool good = true;
  const Node* kind = site.given.find("kind");
  const auto known = std::find(kinds.begin(), kinds.end(), kind != nullptr ? kind->text : "");
  if (kind == nullptr || !kind->is_scalar()) {
    good = fail(site.given.place, "a figure needs a `kind`", "one of " + join(kinds));
  } else if (known == kinds.end()) {
    good = fail(kind->place, "unknown kind " + quote(kind->text) + " of a figure",
                name_hint(kind->text, kinds));
  } else {
    out.kind = static_cast<FigureKind>(known - kinds.begin());
    site.resolved.set("kind", *kind);
  }
  const Node* source = site.given.find("source");
  if (source == nullptr || !source->is_scalar() || source->text.empty()) {
    return fail(source != nullptr ? source->place : site.given.place, "a figure needs a `source`",
                "name the document, measurement or reasoning that it comes from");
  }
  out.source = source->text;
  site.resolved.set("source", *source);
  return good;
}

bool Reader::figure_range(const ReadSite& site, FigureParts& out) {
  const Node* range = site.given.find("range");
  if (range == nullptr || range->is_null()) {
    if (out.kind != FigureKind::estimate) return true;
    return fail(site.given.place, "an estimate needs a `range`",
                "give the lowest and the highest plausible value: range: [low, high]");
  }
  const Step step(*this, "range");
  if (!range->is_list() || range->items.size() != 2) {
    return fail(range->place, "expected two values: [low, high]");
  }
  Node resolved = Node::list(range->place, range->origin);
  resolved.items.resize(2);
  std::array<Quantity, 2> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!quantity({*this, site.field, site.type, range->items[i], resolved.items[i]}, ends[i])) {
      return false;
    }
  }
  if (ends[0].si > out.value.si || ends[1].si < out.value.si) {
    return fail(range->place, "the range must hold the value " + format_quantity(out.value));
  }
  out.range = {ends[0], ends[1]};
  site.resolved.set("range", std::move(resolved));
  return true;
}

}  // namespace tiercast
