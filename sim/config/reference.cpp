#include <string>

#include "sim/base/text.hpp"
#include "sim/config/table_docs.hpp"
#include "sim/config/table_walk.hpp"

namespace tiercast::config {
namespace {

/// Text inside a cell of a Markdown table.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string presence_of(const FieldInfo& field) {
  switch (field.presence) {
    case Presence::required:
      return "required";
    case Presence::defaulted:
      return field.fallback.empty() ? "empty" : '`' + field.fallback + '`';
    case Presence::optional:
      return "absent: " + field.fallback;
    case Presence::unset:
      break;
  }
  return "";
}

std::string choices_of(const ValueType& type) {
  std::string text;
  for (const ChoiceInfo& choice : type.choices) {
    text += " `" + choice.name + "`: " + choice.meaning + ';';
  }
  if (!text.empty()) text.back() = '.';
  return text;
}

std::string row(const FieldInfo& field) {
  std::string text = "| `" + field.name + "` | " + cell(describe(field.type));
  if (const std::string range = describe_range(field); !range.empty()) text += ", " + cell(range);
  return text + " | " + cell(presence_of(field)) + " | " +
         cell(field.meaning + choices_of(field.type)) + " |\n";
}

std::string rules_of(const Table& table) {
  std::string text;
  if (!table.shorthand().empty()) {
    text += "- A single value stands for `{" + table.shorthand() + ": value}`.\n";
  }
  if (!table.catalogue().empty()) {
    text += "- `" + table.catalogue_key() + "` names an entry of the catalogue `" +
            table.catalogue() + "`; the other keys override it.\n";
  }
  for (const Table::Group& group : table.groups()) {
    text += std::string("- ") + (group.exactly_one ? "Exactly" : "At most") + " one of " +
            join(group.names) + ".\n";
  }
  for (const std::string& rule : table.rule_messages()) text += "- Rule: " + rule + ".\n";
  return text;
}

}  // namespace

std::string emit_reference(const Table& table) {
  const TableWalk walk(table);
  std::string text;
  for (const TableWalk::Entry& entry : walk.entries()) {
    text +=
        (text.empty() ? "## `" : "\n## `") + entry.name + "`\n\n" + entry.table->meaning() + "\n\n";
    text += "| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const FieldInfo& field : entry.table->fields()) text += row(field);
    if (const std::string rules = rules_of(*entry.table); !rules.empty()) text += '\n' + rules;
  }
  return text;
}

}  // namespace tiercast::config
