#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

/// Evictable blocks in order of use, and the session that each present block belongs to, for the
/// naive policies that know sessions: at most so many, the one used least recently forgotten.
class NaiveSessions {
 public:
  explicit NaiveSessions(std::size_t capacity) : capacity_(capacity) {}

  /// Answers the session forgotten for this one, or 0.
  uint64_t use(uint64_t session) {
    uint64_t forgotten = 0;
    if (!knows(session) && known_.size() == capacity_) {
      forgotten = known_.front();
      known_.pop_front();
      std::erase_if(owner, [&](const auto& owned) { return owned.second == forgotten; });
    }
    known_.remove(session);
    known_.push_back(session);
    return forgotten;
  }
  bool knows(uint64_t session) const {
    return std::find(known_.begin(), known_.end(), session) != known_.end();
  }
  uint64_t owner_of(uint32_t slot) const {
    const auto found = owner.find(slot);
    return found != owner.end() ? found->second : 0;
  }
  bool evictable(uint32_t slot) const {
    return std::find(order.begin(), order.end(), slot) != order.end();
  }
  void renew(uint32_t slot) {
    order.remove(slot);
    order.push_back(slot);
  }

  std::list<uint32_t> order;  // evictable blocks, the least recent first
  std::map<uint32_t, uint64_t> owner;

 private:
  std::size_t capacity_;
  std::list<uint64_t> known_;  // the least recently used first
};

inline uint64_t session_of(const tp_request* request) {
  return request != nullptr ? request->session : 0;
}
inline uint64_t session_of(const tp_request* request, const tp_block& block) {
  return block.session != 0 ? block.session : session_of(request);
}

/// The slots that a tail-first policy would evict next, in order, without evicting them.
inline std::string next_victims(Instance& cache, int64_t now_ns, uint32_t need) {
  uint64_t token = 0;
  std::string slots;
  for (const tp_span span : cache.select(now_ns, need, token)) {
    for (uint32_t i = span.count; i-- > 0;) slots += " " + std::to_string(span.first_slot + i);
  }
  REQUIRE(cache.table().abort(cache.cache(), token) == TP_OK);
  return slots;
}

/// A view of a session's block.
inline tp_block view_of(uint64_t key, uint64_t session) {
  tp_block block = view_of(key);
  block.session = session;
  return block;
}

inline tp_request request_of(uint64_t session, uint32_t tenant = 0) {
  tp_request request{};
  request.size = sizeof request;
  request.session = session;
  request.tenant = tenant;
  request.deadline_ns = INT64_MAX;
  return request;
}

}  // namespace tiercast::tests
