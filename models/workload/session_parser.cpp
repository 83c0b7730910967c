#include "models/workload/session_parser.hpp"

#include <utility>

#include <simdjson.h>

namespace tiercast::workload {
namespace {

namespace json = simdjson::dom;

bool read_time(const json::object& object, std::int64_t& out, std::string& reason) {
  json::element value;
  double seconds = 0;
  if (object["t"].get(value) || value.get(seconds)) {
    reason = "a call without a time `t` in seconds";
    return false;
  }
  if (!(seconds >= 0 && seconds <= 1e9)) {
    reason = "a call's time `t` is not from 0 to 10^9 s";
    return false;
  }
  out = static_cast<std::int64_t>(seconds * 1e9 + 0.5);
  return true;
}

}  // namespace

struct SessionParser::Impl {
  json::parser parser;

  // The line as an object; `what` went wrong otherwise.
  bool object_of(std::string_view line, json::object& object, std::string& reason) {
    json::element document;
    const auto error = parser.parse(line.data(), line.size(), false).get(document);
    if (error) {
      reason = std::string("the line is not valid JSON (") + simdjson::error_message(error) + ")";
      return false;
    }
    if (document.get(object)) {
      reason = "the line is not a JSON object";
      return false;
    }
    return true;
  }

  static bool read_ids(const json::object& call, SessionLine& out, std::string& reason) {
    json::array ids;
    if (call["hash_ids"].get(ids)) {
      reason = "a call without the list `hash_ids`";
      return false;
    }
    for (const json::element element : ids) {
      std::uint64_t id = 0;
      if (element.get(id)) {
        reason = "a call's hash_ids hold something that is not an integer from 0 to 2^64 - 1";
        return false;
      }
      out.ids.push_back(id);
    }
    return true;
  }

  /// agent 0: the session itself.
  static bool read_requests(const json::object& owner, std::int64_t start_ns, std::uint32_t agent,
                            SessionLine& out, std::string& reason) {
    const bool nested = agent != 0;
    std::uint32_t agents = 0;
    std::uint32_t turn = 0;
    json::array requests;
    if (owner["requests"].get(requests)) {
      reason = nested ? "a sub-agent without a list of `requests`"
                      : "the field `requests` is missing or no list";
      return false;
    }
    for (const json::element element : requests) {
      json::object request;
      std::int64_t time_ns = 0;
      if (element.get(request)) {
        reason = "`requests` holds something that is no object";
        return false;
      }
      if (!read_time(request, time_ns, reason)) return false;
      std::string_view type;
      if (!request["type"].get(type) && type == "subagent") {
        if (nested) {
          reason = "a sub-agent inside a sub-agent";
          return false;
        }
        if (!read_requests(request, time_ns, ++agents, out, reason)) return false;
        continue;
      }
      const std::size_t first = out.ids.size();
      if (!read_ids(request, out, reason)) return false;
      std::string_view stop;
      const bool calls_tool = !request["stop"].get(stop) && stop == "tool_use";
      out.calls.push_back(
          {start_ns + time_ns, agent, turn++, calls_tool, first, out.ids.size() - first});
    }
    return true;
  }
};

SessionParser::SessionParser() : impl_(std::make_unique<Impl>()) {}
SessionParser::~SessionParser() = default;

bool SessionParser::recognises(std::string_view line) {
  json::object object;
  json::array requests;
  std::string ignored;
  return impl_->object_of(line, object, ignored) && !object["requests"].get(requests);
}

bool SessionParser::parse(std::string_view line, SessionLine& out, std::string& reason) {
  out = {};
  json::object object;
  if (!impl_->object_of(line, object, reason)) return false;
  std::string_view scope = "global";
  json::element given;
  if (!object["hash_id_scope"].get(given) &&
      (given.get(scope) || (scope != "global" && scope != "local"))) {
    reason = "hash_id_scope is neither `global` nor `local`";
    return false;
  }
  out.local_ids = scope == "local";
  return Impl::read_requests(object, 0, 0, out, reason);
}

}  // namespace tiercast::workload
