#include "sim/base/reader.hpp"

#include <algorithm>
#include <charconv>

#include "sim/base/text.hpp"

namespace tiercast {
namespace {

Node resolved_scalar(const ReadSite& site, std::string text) {
  return Node::scalar(std::move(text), site.given.place, site.given.origin);
}

std::string_view kind_word(NodeKind kind) {
  switch (kind) {
    case NodeKind::null:
      return "nothing";
    case NodeKind::scalar:
      return "a single value";
    case NodeKind::list:
      return "a list";
    case NodeKind::map:
      return "a mapping";
  }
  return "";
}

std::string limits_hint(const ReadSite& site) {
  const std::string range = describe_range(site.field);
  if (!range.empty()) return "it must be " + range;
  return "it must be from " + std::to_string(site.type.lowest) + " to " +
         std::to_string(site.type.highest);
}

bool is_digits(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string expected(const ReadSite& site) { return "expected " + describe(site.type); }

bool leads_with_zero(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return is_digits(text) && text.size() > 1 && text.front() == '0';
}

bool parse_integer(std::string_view text, std::int64_t& out) {
  if (leads_with_zero(text)) return false;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool Reader::fail(const Place& place, const std::string& message, std::string hint) {
  const std::string path = join(path_, ".");
  found_.error(place, path.empty() ? message : printable(path) + ": " + message, std::move(hint));
  return false;
}

const std::string* Reader::scalar_text(const ReadSite& site) {
  if (site.given.is_scalar()) return &site.given.text;
  if (site.given.is_null()) {
    fail(site.given.place, "has no value", expected(site));
  } else {
    fail(site.given.place,
         std::string(kind_word(site.given.kind)) + " where " + describe(site.type) + " is needed");
  }
  return nullptr;
}

bool Reader::in_range(const ReadSite& site, double value) {
  const std::optional<Bound>& low = site.field.low;
  const std::optional<Bound>& high = site.field.high;
  const bool too_low = low && (value < low->value || (low->open && value == low->value));
  const bool too_high = high && (value > high->value || (high->open && value == high->value));
  if (!too_low && !too_high) return true;
  return fail(site.given.place,
              quote(site.given.text) + " is out of range: must be " + describe_range(site.field));
}

bool Reader::integer(const ReadSite& site, std::int64_t& out) {
  const std::string* text = scalar_text(site);
  if (text == nullptr) return false;
  if (site.given.quoted) {
    return fail(site.given.place, quote(*text) + " is text where a whole number is needed",
                "leave the quotes away");
  }
  if (!parse_integer(*text, out)) {
    if (leads_with_zero(*text)) {
      return fail(site.given.place, quote(*text) + " is not a whole number",
                  "leave leading zeros away: YAML 1.1 would read it as octal");
    }
    if (is_digits(*text)) {
      return fail(site.given.place, quote(*text) + " is out of range", limits_hint(site));
    }
    return fail(site.given.place, quote(*text) + " is not a whole number",
                "write decimal digits alone, e.g. 8");
  }
  if (out < site.type.lowest || out > site.type.highest) {
    return fail(site.given.place, quote(*text) + " is out of range", limits_hint(site));
  }
  if (!in_range(site, static_cast<double>(out))) return false;
  site.resolved = resolved_scalar(site, std::to_string(out));
  return true;
}

bool Reader::quantity(const ReadSite& site, Quantity& out) {
  const std::string* text = scalar_text(site);
  if (text == nullptr) return false;
  const QuantityResult parsed = parse_quantity(*text, site.type.dimension);
  if (!parsed) return fail(site.given.place, parsed.error, parsed.hint);
  out = *parsed.quantity;
  if (!in_range(site, out.si)) return false;
  site.resolved = resolved_scalar(site, format_quantity(out));
  return true;
}

bool Reader::boolean(const ReadSite& site, bool& out) {
  const std::string* text = scalar_text(site);
  if (text == nullptr) return false;
  if (site.given.quoted || (*text != "true" && *text != "false")) {
    return fail(site.given.place, quote(*text) + " is not true or false",
                "write true or false, lower case and without quotes");
  }
  out = *text == "true";
  site.resolved = resolved_scalar(site, *text);
  return true;
}

bool Reader::text(const ReadSite& site, std::string& out) {
  const std::string* text = scalar_text(site);
  if (text == nullptr) return false;
  const bool may_be_empty =
      site.field.presence == Presence::defaulted && site.field.fallback.empty();
  if (text->empty() && !may_be_empty) {
    return fail(site.given.place, "is empty", expected(site));
  }
  if (site.type.names && !text->empty()) {
    const std::vector<std::string> names = site.type.names();
    const UnfitNames& unfit = site.type.unfit;
    if (!contains(names, *text)) {
      if (unfit.names && contains(unfit.names(), *text)) {
        return fail(site.given.place, quote(*text) + " " + unfit.why, unfit.hint);
      }
      return fail(site.given.place, "unknown name " + quote(*text), name_hint(*text, names));
    }
  }
  out = *text;
  site.resolved = resolved_scalar(site, *text);
  site.resolved.quoted = site.given.quoted;
  return true;
}

bool Reader::choice(const ReadSite& site, std::size_t& index) {
  const std::string* text = scalar_text(site);
  if (text == nullptr) return false;
  const auto& choices = site.type.choices;
  const auto at = std::find_if(choices.begin(), choices.end(),
                               [&](const ChoiceInfo& choice) { return choice.name == *text; });
  if (at == choices.end()) {
    return fail(site.given.place, "unknown choice " + quote(*text),
                name_hint(*text, site.type.allowed_names()));
  }
  index = static_cast<std::size_t>(at - choices.begin());
  site.resolved = resolved_scalar(site, *text);
  return true;
}

bool Reader::begin_list(const ReadSite& site) {
  if (!site.given.is_list()) {
    return fail(
        site.given.place,
        std::string(kind_word(site.given.kind)) + " where " + describe(site.type) + " is needed",
        site.given.is_scalar() ? "write [" + printable(site.given.text) + "]" : "");
  }
  const std::vector<Node>& items = site.given.items;
  const auto gap =
      std::find_if(items.begin(), items.end(), [](const Node& item) { return item.is_null(); });
  if (site.given.patch && gap != items.end()) {
    return fail(gap->place,
                "index " + std::to_string(items.size() - 1) + " is beyond the end of the list",
                "it has " + std::to_string(gap - items.begin()) + " entries, counted from 0");
  }
  if (items.size() < site.field.fewest) {
    return fail(site.given.place,
                "needs at least " + std::to_string(site.field.fewest) + " entries");
  }
  site.resolved = Node::list(site.given.place, site.given.origin);
  return true;
}

bool Reader::begin_named(const ReadSite& site) {
  if (!site.given.is_map()) {
    return fail(site.given.place, std::string(kind_word(site.given.kind)) + " where " +
                                      describe(site.type) + " are needed");
  }
  if (site.given.entries.size() < site.field.fewest) {
    return fail(site.given.place,
                "needs at least " + std::to_string(site.field.fewest) + " entries");
  }
  site.resolved = Node::map(site.given.place, site.given.origin);
  return true;
}

bool Reader::begin_one_of(const ReadSite& site, std::size_t& index, Node& inner) {
  const Node& given = site.given;
  const std::vector<std::string> names = site.type.allowed_names();
  if (given.is_map() && given.entries.size() != 1) {
    return fail(given.place, "needs exactly one of the keys " + join(names));
  }
  if (!given.is_map() && !given.is_scalar()) {
    return fail(given.place, std::string(kind_word(given.kind)) + " where " + describe(site.type) +
                                 " is needed");
  }
  const std::string& name = given.is_map() ? given.entries.front().key : given.text;
  const Place& place = given.is_map() ? given.entries.front().key_place : given.place;
  const auto at = std::find(names.begin(), names.end(), name);
  const auto short_form = std::find_if(site.type.tables.begin(), site.type.tables.end(),
                                       [](TableRef table) { return !table().shorthand().empty(); });
  if (at != names.end()) {
    index = static_cast<std::size_t>(at - names.begin());
    inner = given.is_map() ? given.entries.front().value : Node{};
    // A bare name stands for the alternative with nothing set.
    if (inner.is_null()) inner = Node::map(place, given.origin);
  } else if (given.is_scalar() && short_form != site.type.tables.end()) {
    index = static_cast<std::size_t>(short_form - site.type.tables.begin());
    inner = given;
  } else {
    return fail(place, "unknown key " + quote(name), name_hint(name, names));
  }
  site.resolved = Node::map(given.place, given.origin);
  return true;
}

}  // namespace tiercast
