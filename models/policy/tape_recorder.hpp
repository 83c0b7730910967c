#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "models/policy/cache_adapter.hpp"
#include "models/policy/tape_writer.hpp"

namespace tiercast::policy {

/// A tape's words of itself, but for the state.
TapeHeader tape_header(TapeKind kind, const tp_info& info, std::string config, uint64_t seed,
                       const tp_tape& tape);

/// What recorders of every kind have in common: a policy, its tape, and the entries that all tables
/// have. `Derived` adds those of its kind. Recording throws nothing, but what a host's own table
/// throws passes through.
template <class Derived, class Table, class Policy>
class TapeRecorder {
 public:
  TapeRecorder(const Table& table, Policy* policy, const tp_tape& tape)
      : table_(table), policy_(policy), writer_(tape), checkpoint_calls_(tape.checkpoint_calls) {}

  void begin(TapeHeader header) {
    header.state = state();
    TapeEncoder to = writer_.encoder();
    encode(to, header);
  }

  /// The policy's entries in `made`, so that hosts find the same defaults.
  static void common_entries(const Table& inner, Table& made) {
    made.size = sizeof made;
    made.info = inner.info;
    made.destroy = destroy;
    if (inner.save != nullptr) made.save = save;
    if (inner.restore != nullptr) made.restore = restore;
    if (inner.hash_state != nullptr) made.hash_state = hash_state;
    if (inner.on_request != nullptr) made.on_request = on_request;
    if (inner.on_tick != nullptr) made.on_tick = on_tick;
    if (inner.next_wakeup != nullptr) made.next_wakeup = next_wakeup;
  }

 protected:
  static Derived& of(Policy* self) { return *reinterpret_cast<Derived*>(self); }
  static const Derived& of(const Policy* self) { return *reinterpret_cast<const Derived*>(self); }

  uint64_t state() const { return table_.hash_state != nullptr ? table_.hash_state(policy_) : 0; }

  // `fill` sets arguments and answers but for the code; false: they cannot be read.
  template <class Fill>
  int record(TapeOp op, int code, int64_t now_ns, Fill fill) noexcept {
    guarded([&] {
      call_.clear();
      call_.op = op;
      call_.code = code;
      call_.now_ns = now_ns;
      if (!fill(call_)) return;
      TapeEncoder to = writer_.encoder();
      encode(to, context_, call_);
      ++calls_;
      const bool checkpoint = checkpoint_calls_ != 0 && calls_ % checkpoint_calls_ == 0;
      if (checkpoint) mark(TapeOp::checkpoint);
      if (checkpoint || writer_.full()) writer_.flush();
    });
    return code;
  }

  Table table_;
  Policy* policy_;

 private:
  // Runs what may lack memory; then the tape ends here.
  template <class Act>
  void guarded(Act act) noexcept {
    if (!writer_.open()) return;
    try {
      act();
    } catch (const std::exception&) {
      writer_.give_up();
    }
  }

  void mark(TapeOp op) {
    TapeEncoder to = writer_.encoder();
    encode(to, op, TapeCheckpoint{calls_, state()});
  }

  static void destroy(Policy* self) {
    if (self == nullptr) return;
    const std::unique_ptr<Derived> recorder(&of(self));
    recorder->guarded([&] {
      recorder->mark(TapeOp::end);
      recorder->writer_.flush();
    });
    recorder->table_.destroy(recorder->policy_);
  }

  static int on_request(Policy* self, int64_t now_ns, const tp_request* request, uint32_t phase) {
    if (self == nullptr) return TP_EINVAL;
    Derived& to = of(self);
    return to.record(TapeOp::request, to.table_.on_request(to.policy_, now_ns, request, phase),
                     now_ns, [&](TapeCall& call) {
                       call.number = phase;
                       return copy_request(request, call);
                     });
  }

  static int on_tick(Policy* self, int64_t now_ns) {
    if (self == nullptr) return TP_EINVAL;
    Derived& to = of(self);
    return to.record(TapeOp::tick, to.table_.on_tick(to.policy_, now_ns), now_ns,
                     [](TapeCall&) { return true; });
  }

  // The policy is the same behind what it is only asked, but the tape is longer.
  static int64_t next_wakeup(const Policy* self, int64_t now_ns) {
    if (self == nullptr) return INT64_MAX;
    Derived& to = const_cast<Derived&>(of(self));
    const int64_t wakeup_ns = to.table_.next_wakeup(to.policy_, now_ns);
    to.record(TapeOp::wakeup, TP_OK, now_ns, [&](TapeCall& call) {
      call.wakeup_ns = wakeup_ns;
      return true;
    });
    return wakeup_ns;
  }

  static int save(const Policy* self, void* buffer, size_t capacity, size_t* size) {
    return self == nullptr ? TP_EINVAL
                           : of(self).table_.save(of(self).policy_, buffer, capacity, size);
  }

  static int restore(Policy* self, const void* buffer, size_t size) {
    if (self == nullptr) return TP_EINVAL;
    Derived& to = of(self);
    return to.record(TapeOp::restore, to.table_.restore(to.policy_, buffer, size), 0,
                     [&](TapeCall& call) {
                       if (buffer == nullptr) return false;
                       const auto* first = static_cast<const uint8_t*>(buffer);
                       call.state.assign(first, first + size);
                       return true;
                     });
  }

  static uint64_t hash_state(const Policy* self) { return self == nullptr ? 0 : of(self).state(); }

  TapeWriter writer_;
  uint32_t checkpoint_calls_;
  TapeCall call_;  // scratch
  TapeContext context_;
  uint64_t calls_ = 0;
};

/// A caller's struct as this version has it: 0 behind its end.
template <class Struct>
Struct whole(const Struct& given) {
  Struct copied{};
  std::memcpy(&copied, &given, std::min<std::size_t>(given.size, sizeof copied));
  return copied;
}

inline int refuse_recording_create(char* error, size_t error_size) {
  return refuse(TP_EINVAL, "a recording table makes no instances", error, error_size);
}

/// Puts a recorder's table and the recorder where the host wants them; the memory is the host's
/// then.
template <class Recorder, class Table, class Policy>
void hand_over(std::unique_ptr<Recorder> made, const Table& entries, Table* recording,
               Policy** recorder) {
  const uint32_t size = std::min<uint32_t>(recording->size, sizeof entries);
  std::memcpy(recording, &entries, size);
  recording->size = size;
  *recorder = reinterpret_cast<Policy*>(made.release());
}

}  // namespace tiercast::policy
