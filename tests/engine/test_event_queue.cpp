// The event queue against a sorted list, and the order of events of one nanosecond.
#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "sim/engine/event_queue.hpp"

using namespace tiercast;
using engine::Event;
using engine::EventQueue;
using engine::Phase;

namespace {

constexpr Purpose kOperations{"test.event_queue"};

// Pending events as (time, phase, entity), kept in order.
class NaiveQueue {
 public:
  using Entry = std::tuple<int64_t, Phase, uint32_t>;

  void schedule(int64_t time_ns, Phase phase, uint32_t entity) {
    cancel(phase, entity);
    entries_.push_back({time_ns, phase, entity});
    std::sort(entries_.begin(), entries_.end());
  }
  void cancel(Phase phase, uint32_t entity) {
    std::erase_if(entries_, [&](const Entry& e) {
      return std::get<1>(e) == phase && std::get<2>(e) == entity;
    });
  }
  int64_t pending_ns(Phase phase, uint32_t entity) const {
    for (const auto& [time_ns, p, e] : entries_) {
      if (p == phase && e == entity) return time_ns;
    }
    return -1;
  }
  bool empty() const { return entries_.empty(); }
  Entry pop() {
    const Entry first = entries_.front();
    entries_.erase(entries_.begin());
    return first;
  }

 private:
  std::vector<Entry> entries_;
};

NaiveQueue::Entry entry_of(const Event& event) {
  return {event.time_ns, event.phase, event.entity};
}

void walk(uint64_t number) {
  Stream draw(7, kOperations, number);
  const auto entities = static_cast<uint32_t>(draw.between(1, 40));
  const int64_t spread = draw.below(2) == 0 ? 3 : 1000;  // many ties, or few
  EventQueue queue(entities);
  NaiveQueue naive;
  int64_t now_ns = 0;
  uint64_t popped = 0;
  for (int i = 0; i < 600; ++i) {
    const auto entity = static_cast<uint32_t>(draw.below(entities));
    const Phase phase = draw.below(2) == 0 ? Phase::fact : Phase::boundary;
    const uint64_t what = draw.below(8);
    if (what < 5) {
      const int64_t at = now_ns + draw.between(0, spread);
      queue.schedule(at, phase, entity);
      naive.schedule(at, phase, entity);
    } else if (what == 5) {
      queue.cancel(phase, entity);
      naive.cancel(phase, entity);
    } else if (!naive.empty()) {
      const NaiveQueue::Entry expected = naive.pop();
      REQUIRE(entry_of(queue.pop()) == expected);
      REQUIRE(queue.popped() == ++popped);
      now_ns = std::get<0>(expected);
    }
    REQUIRE(queue.empty() == naive.empty());
    REQUIRE(queue.pending_ns(phase, entity) == naive.pending_ns(phase, entity));
  }
  while (!naive.empty()) REQUIRE(entry_of(queue.pop()) == naive.pop());
  REQUIRE(queue.empty());
}

}  // namespace

TEST_CASE("the event queue answers as a sorted list does", "[engine][oracle]") {
  for (uint64_t number = 0; number < 100; ++number) {
    INFO("walk " << number);
    walk(number);
  }
}

TEST_CASE("of one nanosecond facts come first, then entities in order", "[engine]") {
  EventQueue queue(3);
  queue.schedule(5, Phase::boundary, 0);
  queue.schedule(5, Phase::fact, 2);
  queue.schedule(4, Phase::boundary, 2);
  queue.schedule(5, Phase::fact, 1);
  const std::vector<NaiveQueue::Entry> expected{
      {4, Phase::boundary, 2}, {5, Phase::fact, 1}, {5, Phase::fact, 2}, {5, Phase::boundary, 0}};
  for (const NaiveQueue::Entry& entry : expected) CHECK(entry_of(queue.pop()) == entry);
  CHECK(queue.empty());
}

TEST_CASE("the order of scheduling never shows", "[engine]") {
  std::vector<NaiveQueue::Entry> events;
  for (uint32_t entity = 0; entity < 5; ++entity) {
    events.push_back({9, Phase::fact, entity});
    events.push_back({9, Phase::boundary, entity});
  }
  const auto drain = [&events](uint64_t number) {
    std::vector<NaiveQueue::Entry> shuffled = events;
    Stream draw(8, kOperations, number);
    for (size_t i = shuffled.size(); i > 1; --i)
      std::swap(shuffled[i - 1], shuffled[draw.below(i)]);
    EventQueue queue(5);
    for (const auto& [time_ns, phase, entity] : shuffled) queue.schedule(time_ns, phase, entity);
    std::vector<NaiveQueue::Entry> order;
    while (!queue.empty()) order.push_back(entry_of(queue.pop()));
    return order;
  };
  std::sort(events.begin(), events.end());
  for (uint64_t number = 0; number < 20; ++number) CHECK(drain(number) == events);
}

TEST_CASE("scheduling again moves the one pending event", "[engine]") {
  EventQueue queue(2);
  queue.schedule(10, Phase::boundary, 1);
  queue.schedule(3, Phase::boundary, 1);
  CHECK(queue.pending_ns(Phase::boundary, 1) == 3);
  queue.schedule(20, Phase::boundary, 1);
  queue.schedule(15, Phase::boundary, 0);
  CHECK(queue.pop().time_ns == 15);
  CHECK(queue.pop().time_ns == 20);
  CHECK(queue.empty());
  CHECK(queue.pending_ns(Phase::boundary, 1) == -1);
}

TEST_CASE("an event may be scheduled at the present instant", "[engine]") {
  EventQueue queue(2);
  queue.schedule(7, Phase::boundary, 1);
  queue.pop();
  queue.schedule(7, Phase::fact, 0);
  CHECK(queue.pop().time_ns == 7);
}
