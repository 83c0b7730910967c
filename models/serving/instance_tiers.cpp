// What an instance does with the tiers below its memory: fetching, storing, waiting for both.
#include <algorithm>
#include <utility>

#include "models/serving/instance.hpp"
#include "models/serving/request_view.hpp"
#include "sim/base/check.hpp"

namespace tiercast::serving {

using tiering::TierEvent;

// What each run would cost to compute, in steps of its own, and the first half of all.
tiering::Splitting Instance::fill_compute_times(std::span<tp_run> runs) const {
  const uint32_t b = spec_.block_tokens;
  uint32_t blocks = 0;
  for (tp_run& run : runs) {
    run.compute_ns = ceil_ns(alone_.prompt_ticks(run.count * b, run.first * b));
    blocks += run.count;
  }
  if (!spec_.chunked_prefill || runs.empty()) return {};
  return {true, ceil_ns(alone_.prompt_ticks(blocks / 2 * b, runs.front().first * b))};
}

// The request has just joined the queue: what a lower tier holds of it may come nearer meanwhile.
void Instance::prefetch_for(int64_t now_ns, Waiting& last) {
  Sequence& sequence = sequences_[last.id];
  if (sequence.handed_by != tiering::kNone) return;
  sync(now_ns);
  const RequestRecord& record = (*log_)[sequence.request];
  sequence.leaf = store_->enter(last.content.path(), record.id);
  const uint32_t hit = usable_hit(sequence);
  const uint32_t prompt_blocks = (sequence.target_tokens - 1) / spec_.block_tokens;
  const std::span<tp_run> runs =
      tiers_->find(now_ns, engine_, sequence.leaf, hit, prompt_blocks, tiering::IndexView::checked);
  if (runs.empty()) return;
  const tiering::Splitting splitting = fill_compute_times(runs);
  sequence.staging = tiers_->prefetch(now_ns, engine_, last.id, request_view(record, spec_),
                                      sequence.leaf, hit, prompt_blocks, splitting);
}

void Instance::park(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  sequence.waits.queue_ns += now_ns - sequence.queued_since_ns;
  if (sequence.park_order == 0) sequence.park_order = ++parks_;
  ++parked_;
}

void Instance::resume(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  sequence.queued_since_ns = now_ns;
  --parked_;
  const auto where = std::find_if(ready_.begin(), ready_.end(), [&](SequenceId other) {
    return sequences_[other].park_order > sequence.park_order;
  });
  const bool head = where == ready_.begin();
  ready_.insert(where, id);
  if (head) head_changed(now_ns);
}

// Asks the index and the placement policy what of the prompt is worth fetching, and starts that.
// Sequences in `held` are admitted at once: prefilled_tokens counts what their step waits for.
Instance::Fetching Instance::fetch_for(int64_t now_ns, SequenceId id, uint32_t hit,
                                       uint32_t budget) {
  Sequence& sequence = sequences_[id];
  if (sequence.staging) {  // from where it will be, not once more from where it was
    sequence.staging_since_ns = now_ns;
    park(now_ns, id);
    return Fetching::parked;
  }
  const uint32_t prompt_blocks = (sequence.target_tokens - 1) / spec_.block_tokens;
  if (hit >= prompt_blocks || !spec_.prefix_caching) return Fetching::nothing;
  if (tiers_->asks_index(engine_) && !sequence.looked_up) {
    sequence.looked_up = true;
    tiers_->look_up(now_ns, engine_, id, prompt_blocks - hit);
    park(now_ns, id);
    return Fetching::parked;
  }
  const std::span<tp_run> runs =
      tiers_->find(now_ns, engine_, sequence.leaf, hit, prompt_blocks,
                   sequence.misled ? tiering::IndexView::checked : tiering::IndexView::told);
  if (runs.empty()) return Fetching::nothing;
  const tiering::Splitting splitting = fill_compute_times(runs);
  const tp_request request = request_view((*log_)[sequence.request], spec_);
  const tiering::TierManager::Plan plan =
      tiers_->plan(now_ns, engine_, request, hit, prompt_blocks, splitting);
  if (plan.end == hit) return Fetching::nothing;

  const bool split = plan.head_end > hit;
  const bool parked = !split && plan.mode == tiering::LoadMode::parked;
  const uint64_t spare = running_ > 0 ? spec_.watermark_blocks : 0;
  uint64_t needed = plan.own_blocks + pool_.unpinned_blocks(sequence.leaf, hit) + spare;
  if (split) {
    needed += plan.head_end - hit;
  } else if (!parked) {
    sequence.prefilled_tokens = plan.end * spec_.block_tokens;
    const uint32_t left = sequence.target_tokens - sequence.prefilled_tokens;
    if (!spec_.chunked_prefill && budget < left) {
      cause_ = WaitCause::tokens;
      return Fetching::refused;
    }
    needed += frames_needed(sequence, std::min(left, budget));
  }
  if (needed > pool_.available_blocks()) {
    cause_ = WaitCause::blocks;
    return Fetching::refused;
  }
  if (tiers_->read_in_vain(now_ns, engine_, id, sequence.leaf)) {
    sequence.misled = true;
    park(now_ns, id);
    return Fetching::parked;
  }
  tiers_->count_unseen(engine_, sequence.leaf, plan.end, prompt_blocks);
  pool_.pin(now_ns, sequence.leaf, hit, &request, newly_asked(sequence));
  sequence.pinned = true;
  sequence.fetching = true;
  if (split) {
    pool_.take(now_ns, plan.head_end - hit, sequence.head);
    pool_.take(now_ns, plan.own_blocks, sequence.tail);
    tiers_->fetch(now_ns, engine_, id, sequence.leaf, sequence.tail, &request);
    sequence.loaded_blocks = plan.end - plan.head_end;
    sequence.in_head = true;
    sequence.tail_first = plan.head_end;
    sequence.tail_end = plan.end;
    sequence.tail_mode = plan.mode;
    return Fetching::split;
  }
  pool_.take(now_ns, plan.own_blocks, sequence.pending);
  tiers_->fetch(now_ns, engine_, id, sequence.leaf, sequence.pending, &request);
  sequence.loaded_blocks = plan.end - hit;
  if (parked) {
    park(now_ns, id);
    return Fetching::parked;
  }
  hold_for(sequence, plan.mode);
  return Fetching::held;
}

// Blocks that another engine has computed come over, as far as they are not here already. The
// request is parked meanwhile, and the other engine keeps them until this transfer ends.
Instance::Fetching Instance::fetch_handed(int64_t now_ns, SequenceId id, uint32_t hit) {
  Sequence& sequence = sequences_[id];
  const tiering::BlockRange range{hit, std::max(hit, sequence.handed_blocks) - hit};
  const uint32_t blocks = tiers_->not_arriving(engine_, sequence.leaf, range);
  const uint64_t spare = running_ > 0 ? spec_.watermark_blocks : 0;
  if (blocks + pool_.unpinned_blocks(sequence.leaf, hit) + spare > pool_.available_blocks()) {
    cause_ = WaitCause::blocks;
    return Fetching::refused;
  }
  tp_request room;
  pool_.pin(now_ns, sequence.leaf, hit, asker((*log_)[sequence.request], room),
            newly_asked(sequence));
  sequence.pinned = true;
  pool_.take(now_ns, blocks, sequence.pending);
  tiers_->hand_off(now_ns, sequence.handed_by, engine_, id, sequence.leaf, range, sequence.pending);
  sequence.handed_by = tiering::kNone;
  sequence.handing_over = true;
  park(now_ns, id);
  return Fetching::parked;
}

void Instance::place_loaded(int64_t now_ns, SequenceId id,
                            std::span<const tiering::BlockRange> ranges) {
  for (const tiering::BlockRange& range : ranges) {
    place_from(now_ns, id, sequences_[id].pending, range.first, range.count);
  }
  pool_.announce(now_ns);
}

void Instance::loaded(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  Sequence& sequence = sequences_[event.owner];
  const tiering::FetchTime time = tiers_->time(now_ns, event.ticket);
  sequence.fetching = false;
  sequence.load_tier = time.tier;
  if (sequence.in_head) return tail_loaded(now_ns, event, more);
  if (sequence.tail.empty()) {
    place_loaded(now_ns, event.owner, tiers_->own(event.ticket));
  } else {
    place_tail(now_ns, event.owner);
  }
  tiers_->close(now_ns, event.ticket, more);
  if (sequence.holds) {
    sequence.holds = false;
    --held_loads_;
    release_hold(now_ns);
    return;
  }
  if (sequence.handing_over) {
    sequence.handing_over = false;
    sequence.waits.handoff_ns += time.total_ns;
  } else {
    sequence.waits.load_move_ns += time.move_ns;
    sequence.waits.load_wait_ns += time.total_ns - time.move_ns;
    sequence.load.resize(counts_.e2e_load.size());
    sequence.load[time.tier] += {time.total_ns - time.move_ns, time.move_ns};
  }
  resume(now_ns, event.owner);
}

void Instance::staged(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  Sequence& sequence = sequences_[event.owner];
  sequence.staging = false;
  const uint32_t tier = tiers_->time(now_ns, event.ticket).tier;
  tiers_->close(now_ns, event.ticket, more);
  if (sequence.staging_since_ns < 0) return;
  const int64_t waited_ns = now_ns - std::exchange(sequence.staging_since_ns, -1);
  sequence.waits.load_wait_ns += waited_ns;
  sequence.load.resize(counts_.e2e_load.size());
  sequence.load[tier] += {waited_ns, 0};
  resume(now_ns, event.owner);
}

// A copy that used the GPU's cores has ended beside a running step: what it took is made up for by
// the first step that begins from now on.
void Instance::slow_down(int64_t now_ns, int64_t slowed_ns) {
  if (slowed_ns == 0 || work_ == Work::none || work_ == Work::held) return;
  slowed_ticks_ += Int128{slowed_ns} * llm::kTicksPerNs;
  if (work_ == Work::segment) cut_segment(now_ns);
}

Int128 Instance::take_slowed() {
  counts_.slowed_ticks += slowed_ticks_;
  return std::exchange(slowed_ticks_, 0);
}

void Instance::on_tier_event(int64_t now_ns, const TierEvent& event, std::vector<TierEvent>& more) {
  sync(now_ns);
  count_areas(now_ns);
  slow_down(now_ns, event.slowed_ns);
  switch (event.kind) {
    case TierEvent::Kind::looked_up:
      sequences_[event.owner].waits.metadata_ns += tiers_->time(now_ns, event.ticket).total_ns;
      tiers_->close(now_ns, event.ticket, more);
      resume(now_ns, event.owner);
      break;
    case TierEvent::Kind::loaded:
      loaded(now_ns, event, more);
      break;
    case TierEvent::Kind::staged:
      staged(now_ns, event, more);
      break;
    case TierEvent::Kind::stored:
      stored(now_ns, event.node);
      break;
    case TierEvent::Kind::written_back:
      --write_backs_;
      release_hold(now_ns);
      break;
  }
  // Where nothing runs, any of these may be what the line waits for.
  if (work_ == Work::none && !(waiting_.empty() && ready_.empty())) retry_admission(now_ns);
}

// Most often the request still runs and keeps its blocks: then nothing has changed for the line.
void Instance::stored(int64_t now_ns, kvstore::NodeId node) {
  --stores_;
  const uint32_t available = pool_.available_blocks();
  pool_.unpin(now_ns, node);
  store_->leave(node);
  if (cause_ != WaitCause::blocks || pool_.available_blocks() == available) return;
  if (waiting_.empty() && ready_.empty()) return;
  cause_ = WaitCause::step;
  retry_admission(now_ns);
}

// Blocks [first, end) as far as they are complete; transfers that read them keep the way pinned.
void Instance::store_blocks(int64_t now_ns, const Sequence& sequence, uint32_t phase,
                            uint32_t first, uint32_t end) {
  if (tiers_ == nullptr || !spec_.prefix_caching) return;
  end = std::min(end, pool_.hit_blocks(sequence.leaf));
  if (end <= first) return;
  const tp_request request = request_view((*log_)[sequence.request], spec_);
  const uint32_t transfers =
      tiers_->store(now_ns, engine_, request, phase, sequence.leaf, first, end - first);
  for (uint32_t i = 0; i < transfers; ++i) {
    pool_.pin(now_ns, sequence.leaf, 0);
    store_->hold(sequence.leaf);
  }
  stores_ += transfers;
}

void Instance::write_back_departed(int64_t now_ns) {
  if (departed_.empty()) return;
  write_backs_ += tiers_->write_back(now_ns, engine_, departed_);
}

// Nothing runs and the first in line does not fit: who was parked last gives its frames back.
bool Instance::make_way(int64_t now_ns) {
  if (ready_.empty() || parked_ > 0 || stores_ > 0 || write_backs_ > 0) return false;
  const SequenceId id = ready_.back();
  TIERCAST_CHECK(ready_.size() > 1 || !waiting_.empty() || sequences_[id].pinned,
                 "a request does not fit an empty instance");
  ready_.pop_back();
  Sequence& sequence = sequences_[id];
  if (sequence.pinned) release_frames(now_ns, id);
  sequence.prefilled_tokens = 0;
  sequence.loaded_blocks = 0;
  sequence.park_order = 0;
  waiting_.push_front({id, {}});
  return true;
}

// A step that needs blocks to come, or frames to be written back first, starts when they have.
void Instance::hold_or_schedule() {
  if (held_loads_ + write_backs_ == 0 || work_ == Work::none) return;
  if (write_backs_ > 0) held_layerwise_ = false;
  if (work_ == Work::segment) segment_steps_ = 1;
  pool_stands_to_ns_ = kNever;
  work_ = Work::held;
  held_from_ = clock_;
  next_boundary_ns_ = kNever;
}

// The last of what a step waited for has come. Layer by layer, compute and load overlap:
//   end = max(start + C + L / layers, start + L + C / layers)
// for a load of L and a computation of C; else the step starts when all is there.
void Instance::release_hold(int64_t now_ns) {
  if (work_ != Work::held || held_loads_ + write_backs_ > 0) return;
  const Int128 there = std::max(held_from_, Int128{now_ns} * llm::kTicksPerNs);
  const Int128 compute = series_.first;
  Int128 end = there + compute;
  if (held_layerwise_) {
    const Int128 layers = spec_.layers;
    end = std::max(held_from_ + compute + (there - held_from_ + layers - 1) / layers,
                   there + (compute + layers - 1) / layers);
  }
  hold_ticks_ = end - held_from_ - compute;
  counts_.stalled_ticks += hold_ticks_;
  series_.first += hold_ticks_;
  work_ = chunks_.empty() ? Work::segment : Work::step;
  next_boundary_ns_ = ceil_ns(clock_ + series_.first);
}

int64_t Instance::absorb(int64_t now_ns, const RequestRecord& record, const Content& content) {
  const kvstore::NodeId leaf = store_->enter(content.path(), record.id);
  const uint32_t b = spec_.block_tokens;
  const uint32_t prompt_blocks = (record.input_tokens - 1) / b;
  const uint32_t blocks = (record.input_tokens + record.output_tokens - 1) / b;
  const uint32_t hit = std::min(pool_.hit_blocks(leaf), prompt_blocks);
  const tp_request request = request_view(record, spec_);
  tell_arrival(now_ns, record);
  if (tiers_ != nullptr) {
    const std::span<tp_run> runs =
        tiers_->find(now_ns, engine_, leaf, hit, prompt_blocks, tiering::IndexView::checked);
    const tiering::Splitting splitting = fill_compute_times(runs);
    tiers_->plan(now_ns, engine_, request, hit, prompt_blocks, splitting);
    tiers_->absorb_plan(now_ns, engine_, leaf, &request);
  }
  tell(now_ns, record, TP_PHASE_SCHEDULE);
  pool_.pin(now_ns, leaf, hit, &request, record.input_tokens / b);
  std::vector<tp_span> frames;
  std::vector<tp_span> duplicates;
  pool_.take(now_ns, std::min(blocks - hit, pool_.available_blocks()), frames);
  pool_.place(now_ns, leaf, hit, frames, duplicates, &request);
  pool_.announce(now_ns);
  tell_end(now_ns, record);
  if (tiers_ != nullptr) {
    write_back_departed(now_ns);
    const uint32_t complete = pool_.hit_blocks(leaf);
    const uint32_t of_prompt = std::min(complete, record.input_tokens / b);
    if (of_prompt > 0) tiers_->store(now_ns, engine_, request, TP_STORE_PROMPT, leaf, 0, of_prompt);
    if (complete > of_prompt) {
      tiers_->store(now_ns, engine_, request, TP_STORE_OUTPUT, leaf, of_prompt,
                    complete - of_prompt);
    }
  }
  pool_.give_back(duplicates);
  pool_.unpin(now_ns, leaf);
  store_->leave(leaf);
  tp_run rest{hit, std::max(1u, prompt_blocks - hit), 0, 0, 0};
  fill_compute_times({&rest, 1});
  const int64_t from = record.input_tokens;
  return rest.compute_ns + ceil_ns(alone_.decode_ticks(from, from + record.output_tokens));
}

}  // namespace tiercast::serving
