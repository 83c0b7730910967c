#include "models/importers/fragment.hpp"

#include <cmath>
#include <cstdio>
#include <utility>

#include "sim/base/node.hpp"
#include "sim/base/text.hpp"
#include "sim/config/emit_yaml.hpp"

namespace tiercast::importers {
namespace {

constexpr std::size_t kColumns = 100;
constexpr int kIndent = 2;

std::string entry(const std::string& key, const std::string& value) {
  Node map = Node::map();
  map.set(key, Node::scalar(value));
  std::string line = config::to_yaml(map);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

}  // namespace

void Fragment::line(const std::string& content, std::string_view comment, int depth) {
  text_ += std::string(static_cast<std::size_t>(depth * kIndent), ' ') + content;
  if (!comment.empty()) text_ += "  # " + printable(comment);
  text_ += '\n';
}

void Fragment::comment(std::string_view text) {
  const std::string indent(static_cast<std::size_t>(depth_ * kIndent), ' ');
  std::string words = printable(text);
  while (!words.empty()) {
    std::size_t end = words.size();
    const std::size_t width = kColumns - indent.size() - 2;
    if (end > width) {
      const std::size_t blank = words.rfind(' ', width);
      const std::size_t later = words.find(' ', width);
      end = blank != std::string::npos && blank > 0 ? blank : std::min(later, words.size());
    }
    text_ += indent + "# " + words.substr(0, end) + '\n';
    words.erase(0, end);
    words.erase(0, words.find_first_not_of(' '));
  }
}

void Fragment::open(const std::string& key, std::string_view comment) {
  line(key + ":", comment, depth_++);
}

void Fragment::value(const std::string& key, const std::string& value, std::string_view comment) {
  line(entry(key, value), comment, depth_);
}

void Fragment::item(const std::string& value, std::string_view comment) {
  line("- " + value, comment, depth_);
}

void Fragment::open_item(const std::string& key, const std::string& value,
                         std::string_view comment) {
  line("- " + entry(key, value), comment, depth_++);
}

std::string number_text(double value) {
  char text[32];
  if (std::floor(value) == value && std::fabs(value) < 1e15) {
    std::snprintf(text, sizeof text, "%.0f", value);
  } else {
    std::snprintf(text, sizeof text, "%.10g", value);
  }
  return text;
}

}  // namespace tiercast::importers
