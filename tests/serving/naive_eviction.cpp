#include "tests/serving/naive_eviction.hpp"

#include <array>
#include <stdexcept>

namespace tiercast::tests {

namespace {

std::vector<tp_span> singles(const std::vector<uint32_t>& slots) {
  std::vector<tp_span> spans;
  for (const uint32_t slot : slots) spans.push_back({slot, 1});
  return spans;
}

void expect_ok(int code, const char* call) {
  if (code != TP_OK) throw std::runtime_error(std::string("naive stepper: refused ") + call);
}

}  // namespace

TableEviction::TableEviction(const tp_cache_table& table, const std::string& config,
                             const tp_pool& pool, uint64_t seed)
    : table_(&table), pool_(pool) {
  tp_cache* policy = nullptr;
  std::array<char, 200> error{};
  expect_ok(table.create(config.c_str(), &pool, seed, &policy, error.data(), error.size()),
            error.data());
  policy_ = std::shared_ptr<tp_cache>(policy, table.destroy);
}

void TableEviction::insert(int64_t now_ns, const std::vector<NaiveBlock>& blocks) {
  std::vector<tp_span> spans;
  std::vector<tp_block> views;
  for (const NaiveBlock& block : blocks) {
    tp_block view{};
    view.size = sizeof(tp_block);
    view.flags = TP_BLOCK_PINNED;
    view.key = {block.key, 0};
    view.parent_slot = UINT32_MAX;
    view.depth = block.depth;
    view.tokens = pool_.block_tokens;
    view.bytes = pool_.block_bytes;
    view.expires_ns = INT64_MAX;
    views.push_back(view);
    spans.push_back({block.slot, 1});
  }
  expect_ok(
      table_->on_insert(policy_.get(), now_ns, nullptr, spans.data(), spans.size(), views.data()),
      "on_insert");
}

void TableEviction::touch(int64_t now_ns, const std::vector<uint32_t>& slots) {
  const std::vector<tp_span> spans = singles(slots);
  expect_ok(table_->on_touch(policy_.get(), now_ns, nullptr, spans.data(), spans.size()),
            "on_touch");
}

void TableEviction::drop(int64_t now_ns, const std::vector<uint32_t>& slots) {
  const std::vector<tp_span> spans = singles(slots);
  expect_ok(
      table_->on_remove(policy_.get(), now_ns, TP_REMOVED_DROPPED, spans.data(), spans.size()),
      "on_remove");
}

void TableEviction::evictable(int64_t now_ns, bool on, const std::vector<uint32_t>& slots) {
  if (table_->on_evictable == nullptr) return;
  const std::vector<tp_span> spans = singles(slots);
  expect_ok(table_->on_evictable(policy_.get(), now_ns, on ? 1 : 0, spans.data(), spans.size()),
            "on_evictable");
}

std::vector<uint32_t> TableEviction::evict(int64_t now_ns, uint32_t count) {
  std::vector<tp_span> spans(count);
  tp_victims victims{};
  expect_ok(table_->select(policy_.get(), now_ns, count, spans.data(), spans.size(), &victims),
            "select");
  expect_ok(table_->commit(policy_.get(), now_ns, victims.token, nullptr), "commit");
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < victims.span_count; ++i) {
    for (uint32_t k = 0; k < spans[i].count; ++k) slots.push_back(spans[i].first_slot + k);
  }
  const std::vector<tp_span> gone = singles(slots);
  expect_ok(table_->on_remove(policy_.get(), now_ns, TP_REMOVED_EVICTED, gone.data(), gone.size()),
            "on_remove");
  return slots;
}

void ListLru::drop(int64_t, const std::vector<uint32_t>& slots) {
  for (const uint32_t slot : slots) {
    unused_.erase(where_.at(slot));
    where_.erase(slot);
  }
}

void ListLru::evictable(int64_t now_ns, bool on, const std::vector<uint32_t>& slots) {
  if (!on) {
    drop(now_ns, slots);
    return;
  }
  for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) {
    where_[*slot] = unused_.insert(unused_.end(), *slot);
  }
}

std::vector<uint32_t> ListLru::evict(int64_t now_ns, uint32_t count) {
  const auto end = std::next(unused_.begin(), count);
  const std::vector<uint32_t> slots(unused_.begin(), end);
  drop(now_ns, slots);
  return slots;
}

}  // namespace tiercast::tests
