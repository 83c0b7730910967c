#include <algorithm>
#include <string>

#include "models/policy/tape_format.hpp"

namespace tiercast::policy {
namespace {

constexpr std::size_t shown_items = 8;

std::string spans_text(const std::vector<tp_span>& spans) {
  if (spans.empty()) return " nothing";
  std::string text;
  for (std::size_t i = 0; i < std::min(spans.size(), shown_items); ++i) {
    text +=
        " {" + std::to_string(spans[i].first_slot) + ", " + std::to_string(spans[i].count) + "}";
  }
  if (spans.size() > shown_items) {
    text += " and " + std::to_string(spans.size() - shown_items) + " more";
  }
  return text;
}

std::string verdicts_text(const std::vector<uint8_t>& verdicts) {
  std::string text = " ";
  for (std::size_t i = 0; i < std::min(verdicts.size(), 8 * shown_items); ++i) {
    text += verdicts[i] != 0 ? '1' : '0';
  }
  return verdicts.size() > 8 * shown_items ? text + "..." : text;
}

std::string arguments_text(const TapeCall& call) {
  switch (call.op) {
    case TapeOp::insert:
    case TapeOp::touch:
      return " of" + spans_text(call.spans);
    case TapeOp::remove:
      return ", reason " + std::to_string(call.number) + ", of" + spans_text(call.spans);
    case TapeOp::evictable:
      return (call.number != 0 ? " on, of" : " off, of") + spans_text(call.spans);
    case TapeOp::request:
      return ", request " + std::to_string(call.request.id) + ", phase " +
             std::to_string(call.number);
    case TapeOp::admit:
      return " of " + std::to_string(call.blocks.size()) + " blocks";
    case TapeOp::lookup:
      return " of " + std::to_string(call.blocks.size()) + " blocks, " + std::to_string(call.hits) +
             " of them there";
    case TapeOp::select:
      return " of " + std::to_string(call.number) + " victims";
    case TapeOp::commit:
    case TapeOp::abort:
      return std::string(call.own_token ? "" : " with a wrong token") +
             (call.has_verdicts ? ", accepting" + verdicts_text(call.verdicts) : "");
    case TapeOp::hint:
      return ", session " + std::to_string(call.session);
    case TapeOp::restore:
      return " of " + std::to_string(call.state.size()) + " bytes";
    default:
      return placement_arguments_text(call);
  }
}

}  // namespace

std::string code_text(int code) {
  switch (code) {
    case TP_OK:
      return "TP_OK";
    case TP_EINVAL:
      return "TP_EINVAL";
    case TP_ENOMEM:
      return "TP_ENOMEM";
    case TP_ESTATE:
      return "TP_ESTATE";
    case TP_EREFUSED:
      return "TP_EREFUSED";
    case TP_ESPACE:
      return "TP_ESPACE";
    default:
      return "unknown code " + std::to_string(code);
  }
}

std::string call_text(const TapeCall& call) {
  std::string text(tape_entry_name(call.op));
  if (call.op != TapeOp::abort && call.op != TapeOp::restore) {
    text += " at " + std::to_string(call.now_ns) + " ns";
  }
  return text + arguments_text(call);
}

std::string answer_text(const TapeCall& call) {
  if (call.op == TapeOp::wakeup) return std::to_string(call.wakeup_ns) + " ns";
  std::string text = code_text(call.code);
  if (call.op == TapeOp::select && call.code == TP_OK) text += spans_text(call.spans);
  if (call.op == TapeOp::select && call.code == TP_ESPACE) {
    text += ", " + std::to_string(call.told_spans) + " spans";
  }
  const bool admits = call.op == TapeOp::admit || call.op == TapeOp::admit_write;
  if (admits && call.code == TP_OK) text += verdicts_text(call.verdicts);
  return text + placement_answer_text(call);
}

}  // namespace tiercast::policy
