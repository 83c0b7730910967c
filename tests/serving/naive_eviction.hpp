#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::tests {

/// A block as eviction sees it: its frame, and what a policy may be told about it.
struct NaiveBlock {
  uint32_t slot = 0;
  uint64_t key = 0;
  uint32_t depth = 0;
};

/// Whom to evict, told about single blocks in batch order.
class NaiveEviction {
 public:
  virtual ~NaiveEviction() = default;
  virtual void insert(int64_t now_ns, const std::vector<NaiveBlock>& blocks) = 0;
  virtual void touch(int64_t now_ns, const std::vector<uint32_t>& slots) = 0;
  virtual void drop(int64_t now_ns, const std::vector<uint32_t>& slots) = 0;
  virtual void evictable(int64_t now_ns, bool on, const std::vector<uint32_t>& slots) = 0;
  virtual std::vector<uint32_t> evict(int64_t now_ns, uint32_t count) = 0;
};

/// The product's policy, called directly through its table with spans of one block each.
class TableEviction : public NaiveEviction {
 public:
  TableEviction(const tp_cache_table& table, const std::string& config, const tp_pool& pool,
                uint64_t seed);

  void insert(int64_t now_ns, const std::vector<NaiveBlock>& blocks) override;
  void touch(int64_t now_ns, const std::vector<uint32_t>& slots) override;
  void drop(int64_t now_ns, const std::vector<uint32_t>& slots) override;
  void evictable(int64_t now_ns, bool on, const std::vector<uint32_t>& slots) override;
  std::vector<uint32_t> evict(int64_t now_ns, uint32_t count) override;

 private:
  const tp_cache_table* table_;
  tp_pool pool_;
  std::shared_ptr<tp_cache> policy_;
};

/// Least recently used, written down afresh: unused blocks in a list, the tail of a batch in front
/// of its head.
class ListLru : public NaiveEviction {
 public:
  void insert(int64_t, const std::vector<NaiveBlock>&) override {}
  void touch(int64_t, const std::vector<uint32_t>&) override {}
  void drop(int64_t, const std::vector<uint32_t>& slots) override;
  void evictable(int64_t now_ns, bool on, const std::vector<uint32_t>& slots) override;
  std::vector<uint32_t> evict(int64_t now_ns, uint32_t count) override;

 private:
  std::list<uint32_t> unused_;  // the next victim first
  std::map<uint32_t, std::list<uint32_t>::iterator> where_;
};

}  // namespace tiercast::tests
