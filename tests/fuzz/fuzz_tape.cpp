// Any bytes as a decision tape, and any records inside chunks that are whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "sim/base/check.hpp"

namespace {

using namespace tiercast::policy;

TapeReader::Source source_of(const std::vector<uint8_t>& bytes) {
  return [&bytes, at = std::size_t{0}](void* buffer, std::size_t size) mutable {
    const std::size_t got = std::min(size, bytes.size() - at);
    if (got != 0) std::memcpy(buffer, bytes.data() + at, got);
    at += got;
    return got;
  };
}

/// A mutated byte shall not always end at a digest: these bytes as the payload of a chunk.
std::vector<uint8_t> framed(const std::uint8_t* data, std::size_t size) {
  std::vector<uint8_t> tape(tape_magic.begin(), tape_magic.end());
  const auto put = [&](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) tape.push_back(static_cast<uint8_t>(value >> 8 * i));
  };
  const auto payload = static_cast<uint32_t>(size);
  put(payload, 4);
  put(chunk_size_check(0, payload), 4);
  tape.insert(tape.end(), data, data + size);
  put(chunk_digest(0, data, size), 8);
  return tape;
}

void check(const std::vector<uint8_t>& tape) {
  TapeReader reader(source_of(tape));
  const TapeHeader& header = reader.header();
  while (reader.next() == TapeReader::Item::call || reader.item() == TapeReader::Item::checkpoint) {
    if (reader.item() != TapeReader::Item::call) continue;
    TIERCAST_CHECK(!call_text(reader.call()).empty(), "nothing to say of a call");
    TIERCAST_CHECK(!answer_text(reader.call()).empty(), "nothing to say of an answer");
  }
  const bool whole = reader.item() == TapeReader::Item::end;
  TIERCAST_CHECK(whole == reader.error().empty(), "an error without reason, or the reverse");
  TIERCAST_CHECK(reader.place() <= tape.size(), "a place behind the tape");
  if (!reader.error().empty() && reader.calls() == 0) return;
  constexpr uint32_t kSmall = 4096;  // a pool's memory is no reader's fault
  if (std::max(header.pool.capacity_blocks, header.pool.slot_count) > kSmall) return;
  TapeReader again(source_of(tape));
  if (header.kind == TapeKind::placement) {  // hosts of its policies keep to the contract's numbers
    const TapeVerdict verdict = replay_tape(again, *cache_policies().front().table);
    TIERCAST_CHECK(verdict.kind == TapeVerdict::Kind::no_policy, "a policy of another kind");
    return;
  }
  const CacheEntry* entry = find_cache_policy(header.policy);
  if (entry == nullptr) entry = &cache_policies().front();
  const TapeVerdict verdict = replay_tape(again, *entry->table);
  TIERCAST_CHECK(verdict.calls <= reader.calls(), "calls from nowhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(std::vector<uint8_t>(data, data + size));
  if (size > 0) check(framed(data, size));
  return 0;
}
