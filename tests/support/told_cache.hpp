// A cache policy, written against the C table alone, that remembers what it is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::tests {

/// Every entry of the table, with every capability but SPANS. It answers TP_EINVAL, which hosts
/// make a fault, to what the contract rules out: time running backwards, a parent that is no
/// parent, hits that are not in the pool and misses that are, an insert by nobody while `strict`, a
/// request that is scheduled, preempted or finished out of turn, a second lookup of one prompt.
///
/// Config, `name=value` lines:
///   label=gpu   calls are written down under this name, see told_calls()
///   tick=100    wants to be woken this long after each call but ticks, then never
///   refuse=3    does not take in the fourth block of a prefix
///   moody=1     victims depend on every call so far and its time, else they are the lowest slots
///   strict=1    a pool of GPU memory: requests come in order and are behind all inserts
const tp_cache_table* told_cache();

/// What labelled instances were told since the last call of this, in order, one line a call:
/// label, time, call, and for each block key.hi/depth and what else the call says of it.
std::vector<std::string> told_calls();

/// Sums over all instances destroyed since the last call of this.
struct ToldSums {
  uint64_t hash = 0;  ///< of all calls with their times, blocks and requests
  uint64_t calls = 0, ticks = 0, lookups = 0, known_parents = 0, requests = 0, hints = 0,
           refused = 0;
  uint64_t inherited = 0, orphaned = 0;  ///< blocks inserted by nobody, with and without an owner

  bool operator==(const ToldSums&) const = default;
};
ToldSums told_sums();

}  // namespace tiercast::tests
