#include "models/policy/tape_replay.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "models/policy/build_id.hpp"
#include "models/policy/replayed.hpp"

namespace tiercast::policy {
namespace {

bool same_spans(const std::vector<tp_span>& a, const std::vector<tp_span>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const tp_span& x, const tp_span& y) {
    return x.first_slot == y.first_slot && x.count == y.count;
  });
}

bool same_answer(const TapeCall& a, const TapeCall& b) {
  return a.code == b.code && a.wakeup_ns == b.wakeup_ns && a.told_spans == b.told_spans &&
         same_spans(a.spans, b.spans) && same_placement_answer(a.placement, b.placement) &&
         (a.op == TapeOp::commit || a.verdicts == b.verdicts);
}

std::string hexadecimal(uint64_t number) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
  return text;
}

const char* kind_words(TapeKind kind) {
  return kind == TapeKind::placement ? "a placement policy" : "a cache policy";
}

template <class Table>
TapeVerdict replay(TapeReader& tape, TapeKind replayed_kind, const Table& policy,
                   std::string_view build) {
  TapeVerdict verdict;
  const auto ends = [&](TapeVerdict::Kind kind) {
    verdict.kind = kind;
    return verdict;
  };
  const auto bad_tape = [&] {
    verdict.error = tape.error();
    return ends(tape.item() == TapeReader::Item::cut ? TapeVerdict::Kind::cut
                                                     : TapeVerdict::Kind::bad_tape);
  };
  if (!tape.error().empty()) {
    bad_tape();
    return ends(TapeVerdict::Kind::bad_tape);  // not even a header
  }
  const TapeHeader& header = tape.header();
  const tp_info& info = *policy.info();
  verdict.same_build = header.policy == info.name && header.policy_build == build &&
                       (!build.empty() || header.library_build == library_build) &&
                       header.policy_version == (info.version != nullptr ? info.version : "");
  if (replayed_kind != header.kind) {
    verdict.error = std::string("the tape is of ") + kind_words(header.kind) + ", and `" +
                    info.name + "` is " + kind_words(replayed_kind);
    return ends(TapeVerdict::Kind::no_policy);
  }
  const std::unique_ptr<Replayed> replay = replayed(header, policy);
  verdict.error = replay->create();
  if (!verdict.error.empty()) return ends(TapeVerdict::Kind::no_policy);

  const auto differs = [&](std::string what, std::string recorded, std::string replayed) {
    verdict.call = tape.calls();
    verdict.place = tape.place();
    verdict.what = std::move(what);
    verdict.recorded = std::move(recorded);
    verdict.replayed = std::move(replayed);
    return ends(TapeVerdict::Kind::differs);
  };
  const auto check_state = [&](uint64_t recorded) {
    const uint64_t state = replay->state();
    ++verdict.checkpoints;
    if (state == recorded) ++verdict.equal_states;
    if (state == recorded || !verdict.same_build) return true;
    differs(tape.calls() == 0 ? "the state before the first call" : "the state behind it",
            hexadecimal(recorded), hexadecimal(state));
    return false;
  };
  if (replay->capabilities() != header.capabilities && verdict.same_build) {
    return differs("what it is capable of", std::to_string(header.capabilities),
                   std::to_string(replay->capabilities()));
  }
  if (!check_state(header.state)) return verdict;
  TapeCall again;
  while (true) {
    switch (tape.next()) {
      case TapeReader::Item::call: {
        const TapeCall& call = tape.call();
        replay->answer(call, again);
        if (!same_answer(call, again)) {
          verdict.now_ns = call.now_ns;
          return differs(call_text(call), answer_text(call), answer_text(again));
        }
        verdict.calls = tape.calls();
        verdict.now_ns = call.now_ns;
        break;
      }
      case TapeReader::Item::checkpoint:
        if (!check_state(tape.checkpoint().state)) return verdict;
        break;
      case TapeReader::Item::end:
        if (!check_state(tape.checkpoint().state)) return verdict;
        return ends(TapeVerdict::Kind::identical);
      case TapeReader::Item::cut:
      case TapeReader::Item::bad:
        return bad_tape();
    }
  }
}

}  // namespace

std::string create_error(const char* policy, const char* message, int code) {
  return "policy '" + std::string(policy) +
         "': " + (message[0] != '\0' ? message : "create: " + code_text(code));
}

TapeVerdict replay_tape(TapeReader& tape, const tp_cache_table& policy, std::string_view build) {
  return replay(tape, TapeKind::cache, policy, build);
}

TapeVerdict replay_tape(TapeReader& tape, const tp_placement_table& policy,
                        std::string_view build) {
  return replay(tape, TapeKind::placement, policy, build);
}

}  // namespace tiercast::policy
