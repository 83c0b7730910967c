#include "sim/config/tree_builder.hpp"

#include <exception>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "sim/base/text.hpp"
#include "sim/config/source_check.hpp"
#include "sim/config/yaml_fault.hpp"

namespace tiercast::config {
namespace {

constexpr std::size_t kBytesPerNode = 64;

/// Ends parsing early, having reported why: reading on would cost too much or make no sense.
struct Stop : std::exception {};

std::size_t cost_of(const Node& node) {
  std::size_t cost = kBytesPerNode + node.text.size();
  for (const Node& item : node.items) cost += cost_of(item);
  for (const NodeEntry& entry : node.entries) cost += entry.key.size() + cost_of(entry.value);
  return cost;
}

/// Builds the tree from yaml-cpp's events, so that its own node graph (which keeps duplicate keys
/// and shares aliases) is never made.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::string file, Origin origin, Diagnostics& found,
              const DocumentLimits& limits)
      : lines_(text), file_(std::move(file)), origin_(origin), found_(found), limits_(limits) {}

  Node take_root() { return std::move(root_); }

  Place place(const YAML::Mark& mark) const { return lines_.place(file_, mark.line, mark.column); }

  /// Where the innermost list or mapping begins that opens with `bracket` and is not complete.
  std::optional<YAML::Mark> innermost(char bracket) const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
      if (lines_.from(frame->mark.line, frame->mark.column).starts_with(bracket))
        return frame->mark;
    }
    return std::nullopt;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    fail(place(mark), "a second document, or text outside of the document, begins here",
         "one file holds one document");
    throw Stop{};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.place = place(mark);
    node.origin = origin_;
    // The place of an absent value is after its key; yaml-cpp gives the next token's.
    if (expects_value() && node.place.line != frames_.back().key_place.line) {
      node.place = frames_.back().key_place;
    }
    finish(std::move(node), anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    const std::string_view source = lines_.from(mark.line, mark.column);
    if (!quote_is_closed(source)) {
      fail(place(mark), "the quote that opens here is never closed");
      throw Stop{};
    }
    Node node = Node::scalar(value, place(mark), origin_);
    node.quoted = tag == "!";
    finish(std::move(node), anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) {
      fail(place(mark), "this alias is inside of what it names");
      throw Stop{};
    }
    if (expects_key()) {
      fail(place(mark), "an alias cannot be a key");
      throw Stop{};
    }
    charge(target->second.cost, mark);
    place_value(target->second.node, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::list(place(mark), origin_), mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::map(place(mark), origin_), mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    bool has_key = false;  // a map's key is read and waits for its value
    std::string key;
    Place key_place;
    bool key_is_merge = false;
    bool has_merge = false;
    std::map<std::string, Place, std::less<>> seen;
    std::vector<std::pair<Place, Node>> merges;
  };
  struct Anchored {
    Node node;
    std::size_t cost = 0;
  };

  void fail(const Place& where, std::string message, std::string hint = {}) {
    found_.error(where, std::move(message), std::move(hint));
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().node.is_map() && !frames_.back().has_key;
  }
  bool expects_value() const {
    return !frames_.empty() && frames_.back().node.is_map() && frames_.back().has_key;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail(place(mark), "YAML tags are not supported: " + quote(tag), "leave the tag away");
  }

  void charge(std::size_t cost, const YAML::Mark& mark) {
    spent_ += cost;
    if (spent_ <= limits_.expanded_bytes) return;
    fail(place(mark), "the document is too large once its aliases are expanded");
    throw Stop{};
  }

  void open(Node node, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (expects_key()) {
      // yaml-cpp also takes an unclosed bracket for the beginning of a key.
      if (!bracket_is_closed(lines_.from(mark.line, mark.column))) {
        fail(place(mark), "the bracket that opens here is never closed");
      } else {
        fail(place(mark), "a key must be text, not a list or a mapping",
             "quote text that contains brackets or braces");
      }
      throw Stop{};
    }
    if (frames_.size() >= limits_.depth) {
      fail(place(mark), "nested more than " + std::to_string(limits_.depth) + " levels deep");
      throw Stop{};
    }
    charge(kBytesPerNode, mark);
    Frame frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    frame.mark = mark;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    for (auto& [where, merged] : frame.merges) merge(frame, where, merged);
    keep_anchor(frame.anchor, frame.node, frame.mark);
    place_value(std::move(frame.node), frame.mark);
  }

  /// A scalar or null is complete: it is a key or a value.
  void finish(Node node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    charge(cost_of(node), mark);
    keep_anchor(anchor, node, mark);
    if (expects_key()) {
      take_key(std::move(node));
    } else {
      place_value(std::move(node), mark);
    }
  }

  void keep_anchor(YAML::anchor_t anchor, const Node& node, const YAML::Mark& mark) {
    if (anchor == 0) return;
    const std::size_t cost = cost_of(node);
    charge(cost, mark);
    anchors_[anchor] = {node, cost};
  }

  void take_key(Node node) {
    Frame& frame = frames_.back();
    frame.has_key = true;
    frame.key = node.text;
    frame.key_place = node.place;
    frame.key_is_merge = node.text == "<<" && !node.quoted;
    if (!node.is_scalar() || node.text.empty()) fail(node.place, "a key must be text");
  }

  void place_value(Node node, const YAML::Mark& mark) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.is_list()) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    frame.has_key = false;
    if (frame.key_is_merge) {
      add_merges(frame, std::move(node), place(mark));
      return;
    }
    const auto [first, is_new] = frame.seen.emplace(frame.key, frame.key_place);
    if (is_new) {
      frame.node.entries.push_back({frame.key, frame.key_place, std::move(node)});
    } else {
      fail(frame.key_place, "duplicate key " + quote(frame.key),
           "it was given first in line " + std::to_string(first->second.line));
    }
  }

  void add_merges(Frame& frame, Node node, const Place& where) {
    if (std::exchange(frame.has_merge, true)) {
      fail(frame.key_place, "duplicate key `<<`", "write `<<: [*one, *two]`");
    }
    if (!node.is_list()) {
      frame.merges.emplace_back(where, std::move(node));
      return;
    }
    for (Node& item : node.items) frame.merges.emplace_back(where, std::move(item));
  }

  void merge(Frame& frame, const Place& where, const Node& merged) {
    if (!merged.is_map()) {
      fail(where, "`<<` merges mappings only", "write `<<: *name` or `<<: [*one, *two]`");
      return;
    }
    for (const NodeEntry& entry : merged.entries) {
      if (frame.seen.emplace(entry.key, entry.key_place).second) {
        frame.node.entries.push_back(entry);
      }
    }
  }

  SourceLines lines_;
  std::string file_;
  Origin origin_;
  Diagnostics& found_;
  DocumentLimits limits_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Node root_;
  int documents_ = 0;
  std::size_t spent_ = 0;
};

void report(const YAML::Exception& fault, const TreeBuilder& builder, Diagnostics& found) {
  YamlFault plain = in_plain_words(fault.msg);
  const YAML::Mark mark =
      plain.unclosed != 0 ? builder.innermost(plain.unclosed).value_or(fault.mark) : fault.mark;
  found.error(builder.place(mark), std::move(plain.message), std::move(plain.hint));
}

}  // namespace

std::optional<Node> build_tree(std::string_view text, const std::string& file, Origin origin,
                               Diagnostics& found, const DocumentLimits& limits) {
  TreeBuilder builder(text, file, origin, found, limits);
  bool any = false;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) any = true;
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    report(fault, builder, found);
    return std::nullopt;
  } catch (const std::exception& fault) {
    found.error({file, 0, 0}, std::string("not valid YAML: ") + fault.what());
    return std::nullopt;
  }
  Node root = builder.take_root();
  if (!any || root.is_null()) {
    found.error({file, 0, 0}, "the document is empty");
    return std::nullopt;
  }
  return root;
}

}  // namespace tiercast::config
