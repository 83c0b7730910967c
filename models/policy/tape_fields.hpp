#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "models/policy/tape_format.hpp"

/// Fields that records of every kind are made of, each written and read by one function.
namespace tiercast::policy {

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

inline bool same(const tp_hint& a, const tp_hint& b) {
  return a.kind == b.kind && a.value == b.value;
}

inline bool same_request(const TapeCall& call, const TapeContext& context) {
  const tp_request& a = call.request;
  const tp_request& b = context.request;
  return a.id == b.id && a.tenant == b.tenant && a.session == b.session && a.agent == b.agent &&
         a.turn == b.turn && a.priority == b.priority && a.arrival_ns == b.arrival_ns &&
         a.deadline_ns == b.deadline_ns && a.prompt_tokens == b.prompt_tokens &&
         a.retain_ns == b.retain_ns &&
         std::equal(call.request_hints.begin(), call.request_hints.end(),
                    context.request_hints.begin(), context.request_hints.end(), same);
}

// None, that of the record before that had one, or a new one, whose blocks may be retained for a
// time.
template <class Io>
void request_in(Io& io, TapeContext& context, Field<Io, TapeCall> call) {
  enum : uint8_t { none, as_before, anew, retained };
  uint8_t kind = none;
  if constexpr (!Io::reads) {
    if (call.has_request) {
      kind = same_request(call, context)   ? as_before
             : call.request.retain_ns == 0 ? anew
                                           : retained;
    }
  }
  io.number(kind);
  if constexpr (Io::reads) {
    if (kind > retained) io.refuse("a request of no known kind");
    call.has_request = kind != none;
    if (kind == as_before) {
      call.request = context.request;
      call.request_hints = context.request_hints;
    }
  }
  if (kind < anew) return;
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
  if (kind == retained) io.near(request.retain_ns, int64_t{0});
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

// A view is a mask of what is not as in `like`, and that. fields(view, like, visit) visits what it
// says; `like` is what it said from then on.
template <class Io, class View, class Like, class Fields>
void view_in(Io& io, View& view, Like& like, Fields fields, const char* unknown) {
  uint32_t unlike = 0;
  uint32_t bit = 1;
  if constexpr (!Io::reads) {
    fields(view, like, [&](const auto& value, auto expected) {
      if (value != expected) unlike |= bit;
      bit <<= 1;
    });
  }
  io.number(unlike);
  bit = 1;
  fields(view, like, [&](auto& value, auto expected) {
    if ((unlike & bit) != 0) {
      io.near(value, expected);
    } else if constexpr (Io::reads) {
      value = expected;
    }
    bit <<= 1;
  });
  if constexpr (Io::reads) {
    view.size = sizeof(View);
    if (unlike >= bit) io.refuse(unknown);
  }
  like = view;
}

template <class Io>
void blocks_in(Io& io, TapeContext& context, Field<Io, std::vector<tp_block>> blocks) {
  io.size(blocks);
  const auto fields = [](auto& block, const tp_block& like, auto visit) {
    block_fields(block, like, visit);
  };
  for (auto& block : blocks) {
    view_in(io, block, context.block, fields, "a block view of no known kind");
  }
}

template <class Io>
void verdicts_in(Io& io, Field<Io, TapeCall> call) {
  io.number(call.has_verdicts);
  if (call.has_verdicts) io.bytes(call.verdicts);
}

}  // namespace tiercast::policy
