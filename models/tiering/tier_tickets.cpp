// Tickets: what a request fetches, who waits for it, and what becomes of that.
#include <algorithm>

#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

TicketId TierManager::open_ticket(int64_t now_ns, uint32_t engine, uint32_t owner,
                                  kvstore::NodeId leaf) {
  TicketId id;
  if (free_tickets_.empty()) {
    id = static_cast<TicketId>(tickets_.size());
    tickets_.emplace_back();
  } else {
    id = free_tickets_.back();
    free_tickets_.pop_back();
  }
  Ticket& ticket = tickets_[id];
  ticket.engine = engine;
  ticket.owner = owner;
  ticket.parts_left = 0;
  ticket.tells = TierEvent::Kind::loaded;
  ticket.started_ns = now_ns;
  ticket.last_unloaded_ns = 0;
  ticket.last_tier = 0;
  ticket.slowed_ns = 0;
  ticket.leaf = leaf;
  ticket.own.clear();
  ticket.waiters.clear();
  return id;
}

// Frames into which the ticket's own ranges come; others may wait for them from now on.
void TierManager::expect(TicketId id, std::span<const tp_span> frames) {
  const Ticket& ticket = tickets_[id];
  Engine& engine = engines_[ticket.engine];
  size_t at = 0;
  uint32_t used = 0;
  for (const BlockRange& range : ticket.own) {
    for (uint32_t done = 0; done < range.count;) {
      const tp_span frame = frames[at];
      const uint32_t n = std::min(range.count - done, frame.count - used);
      const tp_span part{frame.first_slot + used, n};
      store_->fill(ticket.leaf, engine.arriving, range.first + done, {&part, 1});
      std::fill_n(engine.ticket_of_slot.begin() + part.first_slot, n, id);
      done += n;
      used += n;
      if (used == frame.count) {
        ++at;
        used = 0;
      }
    }
  }
}

// Every ticket that brings part of the segment tells this one.
void TierManager::wait_for(TicketId id, const tp_segment& segment) {
  Ticket& ticket = tickets_[id];
  const Engine& engine = engines_[ticket.engine];
  frames_.clear();
  store_->frames_of(ticket.leaf, engine.arriving, segment.first, segment.count, frames_);
  TicketId last = kNone;
  for (const tp_span& frame : frames_) {
    for (uint32_t k = 0; k < frame.count; ++k) {
      const TicketId other = engine.ticket_of_slot[frame.first_slot + k];
      if (other == last) continue;
      last = other;
      tickets_[other].waiters.push_back(id);
      ++ticket.parts_left;
    }
  }
}

void TierManager::part_done(int64_t, TicketId id, const Job& job, std::vector<TierEvent>* events) {
  Ticket& ticket = tickets_[id];
  ticket.last_unloaded_ns = job.unloaded_ns;
  ticket.last_tier = job.from == kNone ? 0 : job.from + 1;
  if (--ticket.parts_left == 0) complete(id, *events);
}

void TierManager::complete(TicketId id, std::vector<TierEvent>& events) {
  const Ticket& ticket = tickets_[id];
  events.push_back({ticket.tells, ticket.engine, ticket.owner, id, ticket.leaf, ticket.slowed_ns});
}

FetchTime TierManager::time(int64_t now_ns, TicketId id) const {
  const Ticket& ticket = tickets_[id];
  const int64_t total = now_ns - ticket.started_ns;
  return {total, std::min(total, ticket.last_unloaded_ns), ticket.last_tier};
}

// Nothing of the ticket is on its way any more.
void TierManager::end_arrivals(Ticket& ticket) {
  const kvstore::PoolId arriving = engines_[ticket.engine].arriving;
  for (const BlockRange& range : ticket.own) {
    frames_.clear();
    store_->frames_of(ticket.leaf, arriving, range.first, range.count, frames_);
    store_->evict(arriving, frames_);
  }
  ticket.own.clear();
}

void TierManager::close_behind(int64_t now_ns, TicketId id) {
  end_arrivals(tickets_[id]);
  closing_.emplace_back(now_ns + 1, id);
}

void TierManager::close(int64_t now_ns, TicketId id, std::vector<TierEvent>& events) {
  Ticket& ticket = tickets_[id];
  end_arrivals(ticket);
  for (const TicketId waiter : ticket.waiters) {
    Ticket& other = tickets_[waiter];
    other.last_tier = ticket.last_tier;
    other.last_unloaded_ns =
        ticket.started_ns + ticket.last_unloaded_ns > other.started_ns
            ? std::min(now_ns, ticket.started_ns + ticket.last_unloaded_ns) - other.started_ns
            : 0;
    if (--other.parts_left == 0) complete(waiter, events);
  }
  free_tickets_.push_back(id);
}

}  // namespace tiercast::tiering
