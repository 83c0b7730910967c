#include "reports/json.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace tiercast::reports {

namespace {

using Json = nlohmann::ordered_json;

/// Builds the document from the inside out: what is open lies on a stack.
class JsonSink final : public FieldSink {
 public:
  JsonSink() { open_.push_back({"", Json::object()}); }

  Json take() { return std::move(open_.back().value); }

  void open(std::string_view name) override {
    open_.push_back({std::string(name), Json::object()});
  }
  void open_list(std::string_view name) override {
    open_.push_back({std::string(name), Json::array()});
  }
  void open_item(std::string_view) override { open_.push_back({"", Json::object()}); }
  void close() override {
    Node done = std::move(open_.back());
    open_.pop_back();
    if (open_.back().value.is_array()) {
      open_.back().value.push_back(std::move(done.value));
    } else {
      put(done.name, std::move(done.value));
    }
  }

  void number(std::string_view name, std::optional<double> value, FieldUnit) override {
    put(name, value ? Json(*value) : Json());
  }
  void count(std::string_view name, std::optional<uint64_t> value, FieldUnit) override {
    put(name, value ? Json(*value) : Json());
  }
  void text(std::string_view name, std::string_view value) override { put(name, Json(value)); }
  void flag(std::string_view name, bool value) override { put(name, Json(value)); }
  void text_item(std::string_view value) override {
    open_.back().value.push_back(std::string(value));
  }
  void null(std::string_view name) override { put(name, Json()); }

 private:
  struct Node {
    std::string name;
    Json value;
  };

  void put(std::string_view name, Json value) {
    open_.back().value[std::string(name)] = std::move(value);
  }

  std::vector<Node> open_;
};

}  // namespace

std::string to_json(const Result& result, Parts parts) {
  JsonSink sink;
  walk(result, parts, sink);
  // Names may come from anywhere: broken UTF-8 is replaced, never a reason to fail.
  return sink.take().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tiercast::reports
