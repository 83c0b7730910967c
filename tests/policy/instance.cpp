#include <array>

#include <catch2/catch.hpp>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

SpanList as_spans(const Slots& slots, bool joined) {
  SpanList spans;
  for (const uint32_t slot : slots) {
    if (joined && !spans.empty() && spans.back().first_slot + spans.back().count == slot) {
      ++spans.back().count;
    } else {
      spans.push_back({slot, 1});
    }
  }
  return spans;
}

Slots as_slots(const SpanList& spans) {
  Slots slots;
  for (const tp_span span : spans) {
    for (uint32_t i = 0; i < span.count; ++i) slots.push_back(span.first_slot + i);
  }
  return slots;
}

std::string text(const SpanList& spans) {
  std::string list;
  for (const tp_span span : spans) {
    list += " " + std::to_string(span.first_slot) + "+" + std::to_string(span.count);
  }
  return list;
}

Instance::Instance(const tp_cache_table& table, uint32_t capacity, const std::string& config,
                   bool joined, uint32_t slot_count)
    : table_(table), joined_(joined) {
  const tp_pool pool{sizeof(tp_pool), capacity, 16, 4096, slot_count, 0};
  std::array<char, 200> error{};
  const int code = table.create(config.c_str(), &pool, 7, &cache_, error.data(), error.size());
  INFO(error.data());
  REQUIRE(code == TP_OK);
}

Instance::~Instance() { table_.destroy(cache_); }

tp_block view_of(uint64_t key) {
  tp_block block{};
  block.size = sizeof block;
  block.key = {key * 31, key};
  block.parent_slot = UINT32_MAX;
  block.expires_ns = INT64_MAX;
  return block;
}

namespace {

std::vector<tp_block> views_of(const std::vector<uint64_t>& keys) {
  std::vector<tp_block> blocks;
  for (const uint64_t key : keys) blocks.push_back(view_of(key));
  return blocks;
}

}  // namespace

void Instance::lookup(int64_t now_ns, const std::vector<uint64_t>& missing) {
  if (table_.on_lookup == nullptr) return;
  const std::vector<tp_block> blocks = views_of(missing);
  REQUIRE(table_.on_lookup(cache_, now_ns, nullptr, blocks.data(), blocks.size(), 0) == TP_OK);
}

void Instance::insert(int64_t now_ns, const Slots& slots, const std::vector<uint64_t>& keys) {
  insert_blocks(now_ns, slots, views_of(keys));
}

void Instance::insert_blocks(int64_t now_ns, const Slots& slots,
                             const std::vector<tp_block>& blocks, const tp_request* request) {
  const SpanList spans = as_spans(slots, joined_);
  REQUIRE(table_.on_insert(cache_, now_ns, request, spans.data(), spans.size(), blocks.data()) ==
          TP_OK);
}

void Instance::touch(int64_t now_ns, const Slots& slots, const tp_request* request) {
  const SpanList spans = as_spans(slots, joined_);
  REQUIRE(table_.on_touch(cache_, now_ns, request, spans.data(), spans.size()) == TP_OK);
}

void Instance::request(int64_t now_ns, const tp_request& request, uint32_t phase) {
  if (table_.on_request == nullptr) return;
  REQUIRE(table_.on_request(cache_, now_ns, &request, phase) == TP_OK);
}

void Instance::hint(int64_t now_ns, uint64_t session, const std::vector<tp_hint>& hints) {
  if (table_.on_hint == nullptr) return;
  REQUIRE(table_.on_hint(cache_, now_ns, session, hints.data(), hints.size()) == TP_OK);
}

void Instance::remove(int64_t now_ns, uint32_t reason, const Slots& slots) {
  const SpanList spans = as_spans(slots, joined_);
  REQUIRE(table_.on_remove(cache_, now_ns, reason, spans.data(), spans.size()) == TP_OK);
}

void Instance::set_evictable(int64_t now_ns, bool on, const Slots& slots) {
  const SpanList spans = as_spans(slots, joined_);
  REQUIRE(table_.on_evictable(cache_, now_ns, on ? 1 : 0, spans.data(), spans.size()) == TP_OK);
}

void Instance::tick(int64_t now_ns) {
  if (table_.on_tick != nullptr) REQUIRE(table_.on_tick(cache_, now_ns) == TP_OK);
}

SpanList Instance::select(int64_t now_ns, uint32_t need, uint64_t& token) const {
  SpanList out(need);
  tp_victims victims{};
  REQUIRE(table_.select(cache_, now_ns, need, out.data(), out.size(), &victims) == TP_OK);
  REQUIRE(victims.block_count == need);
  REQUIRE(victims.span_count <= need);
  token = victims.token;
  out.resize(victims.span_count);
  return out;
}

std::vector<char> Instance::save() const {
  std::size_t size = 0;
  REQUIRE(table_.save(cache_, nullptr, 0, &size) == TP_OK);
  std::vector<char> state(size);
  REQUIRE(table_.save(cache_, state.data(), state.size(), &size) == TP_OK);
  REQUIRE(size == state.size());
  return state;
}

void Instance::restore(const std::vector<char>& state) {
  REQUIRE(table_.restore(cache_, state.data(), state.size()) == TP_OK);
}

}  // namespace tiercast::tests
