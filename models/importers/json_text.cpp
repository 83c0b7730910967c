#include "models/importers/json_text.hpp"

#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

/// How far the parser has read.
struct Position {
  int line = 1;
  int column = 0;
};

/// Characters that count lines and columns as they are read.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* at, Position* position) : at_(at), position_(position) {}
  reference operator*() const { return *at_; }
  CountedText& operator++() {
    if (*at_ == '\n') {
      ++position_->line;
      position_->column = 0;
    } else if ((static_cast<unsigned char>(*at_) & 0xC0U) != 0x80U) {
      ++position_->column;  // the first byte of a character
    }
    ++at_;
    return *this;
  }
  friend bool operator==(const CountedText& a, const CountedText& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  Position* position_;
};

/// What is left of a message of the parser once its own prefix is off: `[...] parse error at line
/// 1, column 2: ...`.
std::string plain_message(const std::string& what) {
  std::size_t start = what.find("] ");
  start = start == std::string::npos ? 0 : start + 2;
  if (what.compare(start, 11, "parse error") == 0) {
    const std::size_t colon = what.find(": ", start);
    if (colon != std::string::npos) start = colon + 2;
  }
  return printable(what.substr(start));
}

/// Makes a tree of the parser's events; each ends the reading by returning false.
class TreeMaker {
 public:
  TreeMaker(const std::string& file, const Position& position, std::size_t depth,
            Diagnostics& found)
      : file_(file), position_(position), deepest_(depth), found_(found) {}

  bool null() { return add(Node{}); }
  bool boolean(bool value) { return add(Node::scalar(value ? "true" : "false")); }
  bool number_integer(std::int64_t value) { return add(Node::scalar(std::to_string(value))); }
  bool number_unsigned(std::uint64_t value) { return add(Node::scalar(std::to_string(value))); }
  bool number_float(double, const std::string& text) { return add(Node::scalar(text)); }
  bool string(std::string& text) {
    Node node = Node::scalar(text);
    node.quoted = true;
    return add(std::move(node));
  }
  bool binary(nlohmann::json::binary_t&) { return false; }  // no part of JSON text
  bool start_object(std::size_t) { return open(Node::map()); }
  bool start_array(std::size_t) { return open(Node::list()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    const int written = static_cast<int>(name.size()) + 1;
    key_place_ = {file_, position_.line, std::max(1, position_.column - written)};
    key_ = name;
    if (!names_.back().insert(name).second) {
      found_.error(key_place_, "key " + quote(name) + " is given twice");
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    found_.error({file_, position_.line, std::max(1, position_.column)},
                 "not JSON: " + plain_message(error.what()));
    return false;
  }

  Node take() { return std::move(root_); }

 private:
  Place place() const {
    if (key_place_.line > 0) return key_place_;
    return {file_, position_.line, std::max(1, position_.column)};
  }

  bool open(Node node) {
    if (stack_.size() == deepest_) {
      found_.error(place(), "nested deeper than " + std::to_string(deepest_) + " levels");
      return false;
    }
    node.place = place();
    stack_.push_back(std::move(node));
    keys_.emplace_back(std::move(key_), key_place_);
    names_.emplace_back();
    key_.clear();
    return true;
  }

  bool close() {
    Node node = std::move(stack_.back());
    stack_.pop_back();
    key_ = std::move(keys_.back().first);
    key_place_ = keys_.back().second;
    keys_.pop_back();
    names_.pop_back();
    return put(std::move(node));
  }

  bool add(Node node) {
    node.place = place();
    return put(std::move(node));
  }

  bool put(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (stack_.back().is_list()) {
      stack_.back().items.push_back(std::move(node));
    } else {
      stack_.back().entries.push_back({key_, key_place_, std::move(node)});
    }
    return true;
  }

  const std::string& file_;
  const Position& position_;
  std::size_t deepest_;
  Diagnostics& found_;
  Node root_;
  std::vector<Node> stack_;
  std::vector<std::pair<std::string, Place>> keys_;  // of what is open
  std::vector<std::set<std::string>> names_;         // in what is open, so far
  std::string key_;
  Place key_place_;
};

}  // namespace

std::optional<Node> parse_json(std::string_view text, const std::string& file, Diagnostics& found,
                               const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    found.error({file, 0, 0}, "more than " + std::to_string(limits.bytes) + " bytes of JSON");
    return std::nullopt;
  }
  found.add_source(file, std::string(text));
  const std::size_t errors = found.error_count();
  Position position;
  TreeMaker maker(file, position, limits.depth, found);
  const CountedText first(text.data(), &position);
  const CountedText last(text.data() + text.size(), &position);
  const bool whole = nlohmann::json::sax_parse(first, last, &maker);
  if (!whole || found.error_count() > errors) return std::nullopt;
  return maker.take();
}

}  // namespace tiercast::importers
