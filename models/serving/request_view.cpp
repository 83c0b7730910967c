#include "models/serving/request_view.hpp"

namespace tiercast::serving {

tp_request request_view(const RequestRecord& record, const EngineSpec& spec) {
  tp_request view{};
  view.size = sizeof(tp_request);
  view.tenant = record.tenant + 1;
  view.id = record.id;
  view.session = session_number(record.session);
  view.turn = record.turn;
  view.priority = record.priority;
  view.retain_ns = record.retain_ns;
  view.arrival_ns = record.arrival_ns;
  view.deadline_ns = spec.first_token_limit_ns < INT64_MAX - record.arrival_ns
                         ? record.arrival_ns + spec.first_token_limit_ns
                         : INT64_MAX;
  view.prompt_tokens = record.input_tokens;
  return view;
}

std::span<const tp_hint> session_hints(const RequestRecord& record, HintRoom& room) {
  if (!record.outlook.has_session) return {};
  size_t count = 0;
  const auto add = [&](uint32_t kind, int64_t value) { room[count++] = {kind, 0, value}; };
  if (record.ends_session) {
    add(TP_HINT_SESSION_ENDS, 1);
  } else {
    if (record.outlook.return_ns >= 0) add(TP_HINT_TOOL_RETURN_NS, record.outlook.return_ns);
    if (record.outlook.return_p90_ns >= 0) {
      add(TP_HINT_TOOL_RETURN_P90_NS, record.outlook.return_p90_ns);
    }
  }
  return std::span(room).first(count);
}

}  // namespace tiercast::serving
