#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/policy/slot_states.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::tests {

/// A small generator; statistical quality does not matter here.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t mixed = state_ += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
  }
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(bits() % bound); }
  bool chance(uint32_t percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

using Slots = std::vector<uint32_t>;
using SpanList = std::vector<tp_span>;

/// Slots in order as spans: ascending neighbours joined, or each alone.
SpanList as_spans(const Slots& slots, bool joined);
Slots as_slots(const SpanList& spans);
std::string text(const SpanList& spans);

/// A view that says nothing but the key.
tp_block view_of(uint64_t key);

/// What a policy is expected to do, written the obvious way, one block at a time.
class NaivePolicy {
 public:
  virtual ~NaivePolicy() = default;
  /// The time of all calls until it is told again.
  virtual void clock(int64_t /*now_ns*/) {}
  /// Keys that are not in the pool are asked for.
  virtual void lookup(const std::vector<uint64_t>& /*missing*/) {}
  /// All that is told of a block that enters; its key alone matters to most.
  virtual void insert_block(uint32_t slot, const tp_block& block) { insert(slot, block.key.lo); }
  virtual void insert(uint32_t /*slot*/, uint64_t /*key*/) {}
  /// The same with the request behind the call, NULL where there is none.
  virtual void insert_for(const tp_request* /*request*/, uint32_t slot, const tp_block& block) {
    insert_block(slot, block);
  }
  virtual void touch(uint32_t slot) = 0;
  virtual void tick() {}
  virtual void touch_for(const tp_request* /*request*/, uint32_t slot) { touch(slot); }
  virtual void request(const tp_request& /*request*/, uint32_t /*phase*/) {}
  virtual void hint(uint64_t /*session*/, const std::vector<tp_hint>& /*hints*/) {}
  virtual void remove(uint32_t slot) = 0;
  virtual void remove_for(uint32_t /*reason*/, uint32_t slot) { remove(slot); }
  virtual void set_evictable(bool on, uint32_t slot) = 0;
  /// The next victims in order. Nothing changes.
  virtual Slots victims(uint32_t need) const = 0;
  /// Evicts the same again; refused[i] keeps the i-th where it was.
  virtual void commit(const std::vector<bool>& refused) = 0;
  /// Batches of span policies are walked from their tail.
  virtual bool tail_first() const = 0;
  /// Those of a touch at least.
  virtual bool touches_tail_first() const { return tail_first(); }
};

/// One instance of a policy, called with spans joined or one by one; fails the running test at any
/// answer that breaks the contract.
class Instance {
 public:
  /// slot_count 0: as many slots as blocks.
  Instance(const tp_cache_table& table, uint32_t capacity, const std::string& config, bool joined,
           uint32_t slot_count = 0);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Where the policy wants it; none of the keys is in the pool.
  void lookup(int64_t now_ns, const std::vector<uint64_t>& missing);
  /// keys: nothing else is known of the blocks.
  void insert(int64_t now_ns, const Slots& slots, const std::vector<uint64_t>& keys);
  void insert_blocks(int64_t now_ns, const Slots& slots, const std::vector<tp_block>& blocks,
                     const tp_request* request = nullptr);
  void touch(int64_t now_ns, const Slots& slots, const tp_request* request = nullptr);
  /// These two where the policy wants them.
  void request(int64_t now_ns, const tp_request& request, uint32_t phase);
  void hint(int64_t now_ns, uint64_t session, const std::vector<tp_hint>& hints);
  void remove(int64_t now_ns, uint32_t reason, const Slots& slots);
  void set_evictable(int64_t now_ns, bool on, const Slots& slots);
  /// Where the policy wants it.
  void tick(int64_t now_ns);
  SpanList select(int64_t now_ns, uint32_t need, uint64_t& token) const;
  uint64_t hash() const { return table_.hash_state(cache_); }
  std::vector<char> save() const;
  void restore(const std::vector<char>& state);

  const tp_cache_table& table() const { return table_; }
  tp_cache* cache() { return cache_; }

 private:
  const tp_cache_table& table_;
  bool joined_;
  tp_cache* cache_ = nullptr;
};

/// What a random host tells beside what every host must.
enum class Tale : uint8_t {
  all,
  no_hints,     ///< no phases of requests and no hints
  no_sessions,  ///< nor requests behind calls, nor views that tell more than keys
};

/// Random calls, the same to every instance and to the naive policy, where there is one; all must
/// agree on every answer and the instances on their hashes. Blocks are pinned and released,
/// looked up, touched, dropped, evicted, refused, left leaving for a while and brought back, time
/// ticks. Their
/// views tell a forest of parents over present blocks, depths, priorities, sessions, tenants, costs
/// and expiries, each unknown to some blocks. Requests of a few sessions are behind some calls, go
/// through their phases in any order, and carry hints or not; other hints come by themselves.
class RandomHost {
 public:
  RandomHost(uint64_t seed, uint32_t capacity, std::vector<Instance*> instances, NaivePolicy* naive,
             uint32_t slot_count = 0);

  void run(uint32_t steps);
  void tell(Tale tale) { told_ = tale; }
  /// Makes time run so many times as fast; a step takes one nanosecond on average before.
  void pace(int64_t factor) { pace_ = factor; }
  /// For a change of instances between runs.
  std::vector<Instance*>& instances() { return instances_; }
  uint64_t victims() const { return victims_; }

 private:
  void step();
  Slots pick(policy::SlotSet set, uint32_t count_max);
  uint64_t new_key();
  std::vector<tp_block> new_blocks(const Slots& slots);
  std::vector<tp_hint> new_hints();
  tp_request new_request(const std::vector<tp_hint>& hints);
  const tp_request* request_behind(const tp_request& request, uint32_t percent);
  void tell_requests();
  void insert();
  void touch();
  void tick();
  void remove();
  void set_evictable(bool on);
  void evict();
  void settle(const Slots& leaving);
  void tell_removed(uint32_t reason, const Slots& slots);
  void tell_evictable(bool on, const Slots& slots);

  Draw draw_;
  Draw tale_;  // of what views tell besides keys
  uint32_t capacity_;
  std::vector<Instance*> instances_;
  NaivePolicy* naive_;
  policy::SlotStates slots_;
  std::vector<uint64_t> keys_;    // by slot; 0 is none
  std::vector<uint32_t> depths_;  // by slot
  int64_t now_ns_ = 0;
  int64_t pace_ = 1;
  Tale told_ = Tale::all;
  uint64_t victims_ = 0;
};

}  // namespace tiercast::tests
