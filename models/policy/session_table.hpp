#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The sessions that a policy knows, each under a small index that it keeps while it is known.
/// Where there is no room for a new one, the session used least recently is forgotten. About 40
/// bytes a session; every step O(1) on average.
class SessionTable {
 public:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr uint32_t capacity_max = 65'536;

  /// Of every policy that has one.
  static constexpr Parameter parameter{
      "sessions",
      "sessions",
      ParameterKind::integer,
      capacity_max,
      1,
      capacity_max,
      "How many sessions are known at once, but no more than the pool has blocks or 64; for one "
      "more "
      "the one used least recently is forgotten, and its blocks with it."};
  static uint32_t capacity_for(const tp_pool& pool, const ParameterValues& values) {
    return std::min(values.integer(parameter.name), std::max(pool.capacity_blocks, 64u));
  }

  explicit SessionTable(uint32_t capacity)
      : records_(capacity), table_(std::bit_ceil(std::size_t{capacity} * 2)) {}

  uint32_t capacity() const { return static_cast<uint32_t>(records_.size()); }
  uint64_t id(uint32_t index) const { return records_[index].id; }

  uint32_t find(uint64_t id) const { return table_[place_of(id)] - 1; }

  /// The index of a session, which is the one used last from now on. A new one calls enter(index),
  /// before it forget(index) of the session whose index it gets, if any.
  template <class Forget, class Enter>
  uint32_t use(uint64_t id, Forget forget, Enter enter) {
    if (newest_ != 0 && records_[newest_ - 1].id == id) return newest_ - 1;
    uint32_t index = find(id);
    const bool is_new = index == none;
    if (is_new) {
      index = take_in(id, forget);
    } else {
      unlink(index);
    }
    records_[index].older = newest_;
    records_[index].newer = 0;
    (newest_ != 0 ? records_[newest_ - 1].newer : oldest_) = index + 1;
    newest_ = index + 1;
    if (is_new) enter(index);
    return index;
  }

  /// Calls visit(index) for each, the one used least recently first.
  template <class Visit>
  void for_sessions(Visit visit) const {
    for (uint32_t at = oldest_; at != 0; at = records_[at - 1].newer) visit(at - 1);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.records_.data(), self.records_.size());
    archive.items(self.table_.data(), self.table_.size());
    archive.value(self.count_);
    archive.value(self.oldest_);
    archive.value(self.newest_);
  }

 private:
  struct Record {
    uint64_t id;
    uint32_t older;  // index + 1, or 0
    uint32_t newer;
  };

  std::size_t home_of(uint64_t id) const {
    uint64_t mixed = (id ^ id >> 32) * 0xd6e8feb86659fd93u;
    mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
    return (mixed ^ mixed >> 32) & (table_.size() - 1);
  }
  std::size_t next(std::size_t place) const { return (place + 1) & (table_.size() - 1); }
  /// Of a session, or the empty place where it belongs.
  std::size_t place_of(uint64_t id) const {
    std::size_t place = home_of(id);
    while (table_[place] != 0 && records_[table_[place] - 1].id != id) place = next(place);
    return place;
  }

  template <class Forget>
  uint32_t take_in(uint64_t id, Forget forget) {
    uint32_t index = count_;
    if (count_ < capacity()) {
      ++count_;
    } else {
      index = oldest_ - 1;
      forget(index);
      unlink(index);
      erase(place_of(records_[index].id));
    }
    table_[place_of(id)] = index + 1;
    records_[index].id = id;
    return index;
  }

  void unlink(uint32_t index) {
    const Record record = records_[index];
    (record.older != 0 ? records_[record.older - 1].newer : oldest_) = record.newer;
    (record.newer != 0 ? records_[record.newer - 1].older : newest_) = record.older;
  }

  /// Empties a place of the table, and moves up what searches would no longer find.
  void erase(std::size_t hole) {
    const std::size_t mask = table_.size() - 1;
    for (std::size_t place = next(hole); table_[place] != 0; place = next(place)) {
      const std::size_t home = home_of(records_[table_[place] - 1].id);
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      table_[hole] = table_[place];
      hole = place;
    }
    table_[hole] = 0;
  }

  FlatArray<Record> records_;  // by index
  FlatArray<uint32_t> table_;  // open addressing: index + 1, or 0
  uint32_t count_ = 0;
  uint32_t oldest_ = 0;  // index + 1
  uint32_t newest_ = 0;
};

}  // namespace tiercast::policy
