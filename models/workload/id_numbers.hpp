#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tiercast::workload {

/// Numbers ids from 0 in order of first appearance: open addressing, at most half full. Ids have a
/// scope, so that those of one session need not be those of another; 0 is everybody's.
class IdNumbers {
 public:
  std::uint32_t number(std::uint32_t scope, std::uint64_t id) {
    if (2 * std::size_t{size_} >= entries_.size()) grow();
    Entry& entry = find(scope, id);
    if (entry.number_plus_1 == 0) entry = {id, scope, ++size_};
    return entry.number_plus_1 - 1;
  }
  std::uint32_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t id = 0;
    std::uint32_t scope = 0;
    std::uint32_t number_plus_1 = 0;  // 0: empty
  };

  Entry& find(std::uint32_t scope, std::uint64_t id) {
    std::uint64_t mixed = (id ^ std::uint64_t{scope} << 40) * 0x9e3779b97f4a7c15u;
    mixed ^= mixed >> 32;
    std::size_t at = static_cast<std::size_t>(mixed) & (entries_.size() - 1);
    while (entries_[at].number_plus_1 != 0 &&
           (entries_[at].id != id || entries_[at].scope != scope)) {
      at = (at + 1) & (entries_.size() - 1);
    }
    return entries_[at];
  }

  void grow() {
    std::vector<Entry> before(entries_.empty() ? 1024 : 2 * entries_.size());
    std::swap(before, entries_);
    for (const Entry& entry : before) {
      if (entry.number_plus_1 != 0) find(entry.scope, entry.id) = entry;
    }
  }

  std::vector<Entry> entries_;
  std::uint32_t size_ = 0;
};

}  // namespace tiercast::workload
