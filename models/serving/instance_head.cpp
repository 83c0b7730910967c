// A head that is computed while the blocks behind it, the tail, load.
#include <algorithm>
#include <utility>

#include "models/serving/instance.hpp"

namespace tiercast::serving {

using tiering::TierEvent;

// The next step starts once what the sequence fetches is there.
void Instance::hold_for(Sequence& sequence, tiering::LoadMode mode) {
  held_layerwise_ = mode == tiering::LoadMode::layerwise && (held_loads_ == 0 || held_layerwise_);
  ++held_loads_;
  sequence.holds = true;
}

void Instance::place_tail(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  place_from(now_ns, id, sequence.tail, sequence.tail_first,
             sequence.tail_end - sequence.tail_first);
  pool_.announce(now_ns);
}

// The last in the running order has computed its head. True: it goes on behind the tail, which is
// there, or which the step is held for. False: it waits, and others go on.
bool Instance::leave_head(int64_t now_ns, uint32_t budget) {
  Sequence& sequence = sequences_[run_last_];
  const uint32_t behind = sequence.tail_end * spec_.block_tokens;
  if (sequence.fetching) {
    const uint32_t tokens = std::min(sequence.target_tokens - behind, budget);
    const uint32_t frames = (tokens + spec_.block_tokens - 1) / spec_.block_tokens;
    if (sequence.tail_mode == tiering::LoadMode::parked || frames > pool_.available_blocks()) {
      if (sequence.stalled_from < 0) sequence.stalled_from = clock_;
      return false;
    }
    hold_for(sequence, sequence.tail_mode);
  } else if (sequence.tail_ticket != tiering::kNone) {
    place_tail(now_ns, run_last_);
    tiers_->close_behind(now_ns, std::exchange(sequence.tail_ticket, tiering::kNone));
  }
  if (sequence.stalled_from >= 0) {
    const Int128 stalled = clock_ - std::exchange(sequence.stalled_from, Int128{-1});
    sequence.ticks.load += stalled;
    sequence.phase_alone += stalled;
  }
  sequence.in_head = false;
  sequence.prefilled_tokens = behind;
  return true;
}

// The tail has come. Its blocks are placed behind the head's, so not before those are.
void Instance::tail_loaded(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  Sequence& sequence = sequences_[event.owner];
  if (sequence.stalled_from < 0) {
    sequence.tail_ticket = event.ticket;
    return;
  }
  place_tail(now_ns, event.owner);
  tiers_->close(now_ns, event.ticket, more);
  if (work_ == Work::none) {
    clock_ = std::max(clock_, Int128{now_ns} * llm::kTicksPerNs);
    next_boundary_ns_ = now_ns;
  } else if (work_ == Work::segment) {
    cut_segment(now_ns);
  }
}

}  // namespace tiercast::serving
