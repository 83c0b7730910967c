#include "models/policy/tape_format.hpp"

#include "models/policy/tape_fields.hpp"

namespace tiercast::policy {
namespace {

constexpr uint8_t op_bits = 5;
constexpr int code_escape = 7;

template <class Io>
void call_in(Io& io, TapeContext& context, Field<Io, TapeCall> call) {
  const TapeOp op = call.op;
  if (op != TapeOp::abort && op != TapeOp::restore) {
    io.near(call.now_ns, context.now_ns);
    context.now_ns = call.now_ns;
  }
  switch (op) {
    case TapeOp::request:
      request_in<Io>(io, context, call);
      io.number(call.number);
      break;
    case TapeOp::insert:
      request_in<Io>(io, context, call);
      spans_in<Io>(io, call.spans);
      io.number(call.has_blocks);
      if (call.has_blocks) blocks_in<Io>(io, context, call.blocks);
      break;
    case TapeOp::touch:
      request_in<Io>(io, context, call);
      spans_in<Io>(io, call.spans);
      break;
    case TapeOp::remove:
    case TapeOp::evictable:
      io.number(call.number);
      spans_in<Io>(io, call.spans);
      break;
    case TapeOp::admit:
      request_in<Io>(io, context, call);
      blocks_in<Io>(io, context, call.blocks);
      verdicts_in<Io>(io, call);
      break;
    case TapeOp::select:
      io.number(call.number);
      io.number(call.out_capacity);
      if (call.code == TP_OK) spans_in<Io>(io, call.spans);
      if (call.code == TP_ESPACE) io.number(call.told_spans);
      break;
    case TapeOp::commit:
      io.number(call.own_token);
      verdicts_in<Io>(io, call);
      break;
    case TapeOp::abort:
      io.number(call.own_token);
      break;
    case TapeOp::tick:
      break;
    case TapeOp::wakeup:
      io.near(call.wakeup_ns, call.now_ns);
      break;
    case TapeOp::lookup:
      request_in<Io>(io, context, call);
      blocks_in<Io>(io, context, call.blocks);
      io.number(call.hits);
      break;
    case TapeOp::hint:
      io.number(call.session);
      hints_in<Io>(io, call.hints);
      break;
    case TapeOp::restore:
      io.bytes(call.state);
      break;
    case TapeOp::place:
    case TapeOp::demote:
    case TapeOp::plan_fetch:
    case TapeOp::prefetch:
    case TapeOp::admit_write:
    case TapeOp::transfer:
      if constexpr (Io::reads) {
        decode_placement(io, context, call);
      } else {
        encode_placement(io, context, call);
      }
      break;
    case TapeOp::checkpoint:
    case TapeOp::end:
      break;
  }
}

template <class Io>
void header_in(Io& io, Field<Io, TapeHeader> header, int version) {
  io.bytes(header.policy);
  io.bytes(header.policy_version);
  io.bytes(header.library_version);
  io.bytes(header.library_build);
  io.bytes(header.config);
  io.fixed(header.config_digest);
  io.bytes(header.pool_name);
  io.number(header.pool.capacity_blocks);
  io.number(header.pool.block_tokens);
  io.number(header.pool.block_bytes);
  io.number(header.pool.slot_count);
  io.number(header.seed);
  io.number(header.capabilities);
  io.number(header.checkpoint_calls);
  io.fixed(header.state);
  if (version == 1) return;
  io.bytes(header.policy_build);
  io.number(header.kind);
  if (header.kind > TapeKind::placement) io.refuse("the tape of a policy of no known kind");
}

}  // namespace

void encode(TapeEncoder& to, const TapeHeader& header) { header_in(to, header, tape_magic.back()); }

void decode(TapeDecoder& from, TapeHeader& header, int tape_version) {
  header.pool.size = sizeof header.pool;
  header_in(from, header, tape_version);
  if (from.good() && header.config_digest != checksum(header.config.data(), header.config.size())) {
    from.refuse("a configuration that is not the one its digest is of");
  }
}

void encode(TapeEncoder& to, TapeContext& context, const TapeCall& call) {
  const bool plain = call.code >= 0 && call.code < code_escape;
  to.number(static_cast<uint32_t>(call.op) | static_cast<uint32_t>(plain ? call.code : code_escape)
                                                 << op_bits);
  if (!plain) to.near(int64_t{call.code}, int64_t{0});
  call_in(to, context, call);
}

void decode(TapeDecoder& from, TapeContext& context, TapeCall& call) {
  call.clear();
  uint32_t first = 0;
  from.number(first);
  const uint32_t op = first & ((1u << op_bits) - 1);
  int64_t code = first >> op_bits;
  if (code > code_escape) from.refuse("a record of no known kind");
  if (code == code_escape) from.near(code, int64_t{0});
  call.op = static_cast<TapeOp>(op);
  call.code = static_cast<int>(code);
  if (call.code != code) from.refuse("a code too large");
  if (from.good() && tape_entry_name(call.op).empty()) from.refuse("a record of no known kind");
  if (from.good()) call_in(from, context, call);
}

void encode(TapeEncoder& to, TapeOp op, const TapeCheckpoint& checkpoint) {
  to.number(op);
  to.number(checkpoint.calls);
  to.fixed(checkpoint.state);
}

void decode(TapeDecoder& from, TapeCheckpoint& checkpoint) {
  from.number(checkpoint.calls);
  from.fixed(checkpoint.state);
}

void TapeCall::clear() {
  op = TapeOp::end;
  code = TP_OK;
  now_ns = 0;
  has_request = has_blocks = own_token = has_verdicts = false;
  request = {};
  hits = session = out_capacity = 0;
  number = told_spans = 0;
  wakeup_ns = 0;
  request_hints.clear();
  spans.clear();
  blocks.clear();
  hints.clear();
  verdicts.clear();
  state.clear();
  placement.clear();
}

void add_joined(std::vector<tp_span>& spans, tp_span span) {
  if (!spans.empty() && span.count != 0) {
    tp_span& last = spans.back();
    const uint64_t end = uint64_t{last.first_slot} + last.count;
    if (last.count != 0 && end == span.first_slot && end + span.count <= UINT32_MAX) {
      last.count += span.count;
      return;
    }
  }
  spans.push_back(span);
}

std::string_view tape_entry_name(TapeOp op) {
  switch (op) {
    case TapeOp::request:
      return "on_request";
    case TapeOp::insert:
      return "on_insert";
    case TapeOp::touch:
      return "on_touch";
    case TapeOp::remove:
      return "on_remove";
    case TapeOp::evictable:
      return "on_evictable";
    case TapeOp::admit:
      return "admit";
    case TapeOp::select:
      return "select";
    case TapeOp::commit:
      return "commit";
    case TapeOp::abort:
      return "abort";
    case TapeOp::tick:
      return "on_tick";
    case TapeOp::wakeup:
      return "next_wakeup";
    case TapeOp::lookup:
      return "on_lookup";
    case TapeOp::hint:
      return "on_hint";
    case TapeOp::restore:
      return "restore";
    case TapeOp::place:
      return "place";
    case TapeOp::demote:
      return "demote";
    case TapeOp::plan_fetch:
      return "plan_fetch";
    case TapeOp::prefetch:
      return "prefetch";
    case TapeOp::admit_write:
      return "admit";
    case TapeOp::transfer:
      return "on_transfer";
    case TapeOp::checkpoint:
    case TapeOp::end:
      break;
  }
  return {};
}

}  // namespace tiercast::policy
