#include "sim/config/emit_yaml.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/hash.hpp"
#include "sim/base/text.hpp"

namespace tiercast::config {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Text that YAML reads as itself without quotes: words, numbers, units, paths.
bool is_plain(const std::string& text) {
  if (text.empty() || !(is_word(text.front()) || text.front() == '/' || text.front() == '.')) {
    if (!(text.size() > 1 && text.front() == '-' && is_word(text[1]))) return false;
  }
  static constexpr std::array kNulls = {"null", "Null", "NULL"};
  if (std::find(kNulls.begin(), kNulls.end(), text) != kNulls.end()) return false;
  // Neither a document marker nor a blank at the end.
  if (text.starts_with("...") || text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_word(c) || std::string_view("_-./%+ ()").find(c) != std::string_view::npos;
  });
}

/// The escape that a character of UTF-8 text needs inside double quotes, or empty: control
/// characters, and those that parse_document refuses in plain sight.
std::string escape_of(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character == "\"" || character == "\\") return '\\' + std::string(character);
  if (character == "\n") return "\\n";
  if (character == "\xE2\x80\xA8") return "\\u2028";
  if (character == "\xE2\x80\xA9") return "\\u2029";
  if (character == "\xEF\xBB\xBF") return "\\ufeff";
  const auto last = static_cast<unsigned char>(character.back());
  const bool c1 = character.size() == 2 && first == 0xC2 && last < 0xA0;
  if (first >= 0x20 && first != 0x7F && !c1) return {};
  std::array<char, 8> escape{};
  std::snprintf(escape.data(), escape.size(), "\\x%02x", last);
  return escape.data();
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text));
    const std::string escape = escape_of(text.substr(0, length));
    result += escape.empty() ? text.substr(0, length) : std::string_view(escape);
    text.remove_prefix(length);
  }
  return result + '"';
}

std::string scalar_text(const Node& node) {
  if (node.is_null()) return "null";
  return node.quoted || !is_plain(node.text) ? quoted(node.text) : node.text;
}

std::string key_text(const std::string& key) { return is_plain(key) ? key : quoted(key); }

class Emitter {
 public:
  explicit Emitter(Comments comments) : comments_(comments) {}

  std::string take() { return std::move(text_); }

  void entries(const Node& map, int indent) {
    for (const NodeEntry& entry : map.entries) {
      if (is_absent(entry.value)) {
        absent(entry, indent);
        continue;
      }
      text_ += std::string(static_cast<std::size_t>(indent), ' ') + key_text(entry.key) + ':';
      value(entry.value, indent);
    }
  }

  /// What stands after `key:` or `-`; nested blocks go two columns further in.
  void value(const Node& node, int indent) {
    if (node.is_map() && !node.entries.empty()) {
      text_ += '\n';
      entries(node, indent + 2);
    } else if (node.is_list() && !node.items.empty()) {
      text_ += '\n';
      items(node, indent + 2);
    } else {
      text_ += ' ';
      text_ += node.is_map() ? "{}" : node.is_list() ? "[]" : scalar_text(node);
      comment(node);
    }
  }

  void items(const Node& list, int indent) {
    for (const Node& item : list.items) {
      text_ += std::string(static_cast<std::size_t>(indent), ' ') + '-';
      value(item, indent);
    }
  }

 private:
  static bool is_absent(const Node& node) { return node.is_null() && !node.note.empty(); }

  void absent(const NodeEntry& entry, int indent) {
    if (comments_ == Comments::none) return;
    text_ += std::string(static_cast<std::size_t>(indent), ' ') + "# " + entry.key +
             ": not given: " + entry.value.note + '\n';
  }

  void comment(const Node& node) {
    if (comments_ == Comments::origins) {
      text_ += "  # ";
      if (node.origin == Origin::default_value) {
        text_ += name_of(node.origin);
      } else {
        text_ += node.origin == Origin::catalogue ? "catalogue " : "";
        text_ += printable(to_text({node.place.file, node.place.line, 0}));
      }
    }
    text_ += '\n';
  }

  Comments comments_;
  std::string text_;
};

void canonical(const Node& node, std::string& text) {
  switch (node.kind) {
    case NodeKind::null:
      text += '~';
      return;
    case NodeKind::scalar:
      text += quoted(node.text);
      return;
    case NodeKind::list:
      text += '[';
      for (const Node& item : node.items) {
        canonical(item, text);
        text += ',';
      }
      text += ']';
      return;
    case NodeKind::map:
      break;
  }
  std::vector<const NodeEntry*> sorted;
  for (const NodeEntry& entry : node.entries) {
    if (!entry.value.is_null()) sorted.push_back(&entry);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const NodeEntry* a, const NodeEntry* b) { return a->key < b->key; });
  text += '{';
  for (const NodeEntry* entry : sorted) {
    text += quoted(entry->key) + ':';
    canonical(entry->value, text);
    text += ',';
  }
  text += '}';
}

}  // namespace

std::string to_yaml(const Node& root, Comments comments) {
  Emitter emitter(comments);
  if (root.is_map() && !root.entries.empty()) {
    emitter.entries(root, 0);
  } else if (root.is_list() && !root.items.empty()) {
    emitter.items(root, 0);
  } else {
    emitter.value(root, 0);
  }
  return emitter.take();
}

std::string canonical_text(const Node& root) {
  std::string text;
  canonical(root, text);
  return text;
}

std::string canonical_hash(const Node& root) {
  StreamHash hash;
  hash.add_text(canonical_text(root));
  return to_hex(hash.digest128());
}

}  // namespace tiercast::config
