#include "models/policy/tape_format.hpp"

#include <algorithm>
#include <type_traits>

namespace tiercast::policy {
namespace {

constexpr uint8_t op_bits = 5;
constexpr int code_escape = 7;

template <class Io, class T>
using Field = std::conditional_t<Io::reads, T&, const T&>;

template <class Io>
void hints_in(Io& io, Field<Io, std::vector<tp_hint>> hints) {
  io.size(hints);
  for (auto& hint : hints) {
    io.number(hint.kind);
    io.near(hint.value, int64_t{0});
    if constexpr (Io::reads) hint.reserved = 0;
  }
}

bool same(const tp_hint& a, const tp_hint& b) { return a.kind == b.kind && a.value == b.value; }

bool same_request(const TapeCall& call, const TapeContext& context) {
  const tp_request& a = call.request;
  const tp_request& b = context.request;
  return a.id == b.id && a.tenant == b.tenant && a.session == b.session && a.agent == b.agent &&
         a.turn == b.turn && a.priority == b.priority && a.arrival_ns == b.arrival_ns &&
         a.deadline_ns == b.deadline_ns && a.prompt_tokens == b.prompt_tokens &&
         std::equal(call.request_hints.begin(), call.request_hints.end(),
                    context.request_hints.begin(), context.request_hints.end(), same);
}

// None, that of the record before that had one, or a new one.
template <class Io>
void request_in(Io& io, TapeContext& context, Field<Io, TapeCall> call) {
  enum : uint8_t { none, as_before, anew };
  uint8_t kind = none;
  if constexpr (!Io::reads) {
    if (call.has_request) kind = same_request(call, context) ? as_before : anew;
  }
  io.number(kind);
  if constexpr (Io::reads) {
    if (kind > anew) io.refuse("a request of no known kind");
    call.has_request = kind != none;
    if (kind == as_before) {
      call.request = context.request;
      call.request_hints = context.request_hints;
    }
  }
  if (kind != anew) return;
  const tp_request& before = context.request;
  auto& request = call.request;
  io.near(request.id, before.id);
  io.number(request.tenant);
  io.near(request.session, before.session);
  io.near(request.agent, before.agent);
  io.number(request.turn);
  io.number(request.priority);
  io.near(request.arrival_ns, before.arrival_ns);
  io.near(request.deadline_ns, before.deadline_ns);
  io.number(request.prompt_tokens);
  hints_in(io, call.request_hints);
  context.request = call.request;
  context.request_hints = call.request_hints;
}

template <class Io>
void spans_in(Io& io, Field<Io, std::vector<tp_span>> spans) {
  io.size(spans);
  uint32_t expected = 0;
  for (auto& span : spans) {
    io.near(span.first_slot, expected);
    io.number(span.count);
    expected = span.first_slot + span.count;
  }
}

// Visits what a view says, beside what it most likely says behind another.
template <class Block, class Visit>
void block_fields(Block& block, const tp_block& like, Visit visit) {
  visit(block.flags, like.flags);
  visit(block.key.hi, like.key.hi);
  visit(block.key.lo, like.key.lo + 1);
  visit(block.parent_slot, like.parent_slot);
  visit(block.depth, like.depth + 1);
  visit(block.tokens, like.tokens);
  visit(block.bytes, like.bytes);
  visit(block.tenant, like.tenant);
  visit(block.priority, like.priority);
  visit(block.session, like.session);
  visit(block.recompute_ns, like.recompute_ns);
  visit(block.expires_ns, like.expires_ns);
}

// A view is a mask of what is not as expected, and that.
template <class Io>
void blocks_in(Io& io, TapeContext& context, Field<Io, std::vector<tp_block>> blocks) {
  io.size(blocks);
  for (auto& block : blocks) {
    uint32_t unlike = 0;
    uint32_t bit = 1;
    if constexpr (!Io::reads) {
      block_fields(block, context.block, [&](const auto& value, auto expected) {
        if (value != expected) unlike |= bit;
        bit <<= 1;
      });
    }
    io.number(unlike);
    bit = 1;
    block_fields(block, context.block, [&](auto& value, auto expected) {
      if ((unlike & bit) != 0) {
        io.near(value, expected);
      } else if constexpr (Io::reads) {
        value = expected;
      }
      bit <<= 1;
    });
    if constexpr (Io::reads) {
      block.size = sizeof(tp_block);
      if (unlike >= bit) io.refuse("a block view of no known kind");
    }
    context.block = block;
  }
}

template <class Io>
void verdicts_in(Io& io, Field<Io, TapeCall> call) {
  io.number(call.has_verdicts);
  if (call.has_verdicts) io.bytes(call.verdicts);
}

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
    case TapeOp::checkpoint:
    case TapeOp::end:
      break;
  }
  return {};
}

}  // namespace tiercast::policy
