#include "tests/policy/taped.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy_tape.h"

namespace tiercast::tests {
namespace {

struct Creating {
  const tp_cache_table* policy = nullptr;
  tp_tape tape{};
};
Creating creating;

int append(void* host, const void* bytes, size_t size) {
  const auto* first = static_cast<const uint8_t*>(bytes);
  Tape& tape = *static_cast<Tape*>(host);
  tape.insert(tape.end(), first, first + size);
  return 0;
}

int create(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out, char* error,
           size_t error_size) {
  tp_cache* cache = nullptr;
  const int code = creating.policy->create(config, pool, seed, &cache, error, error_size);
  if (code != TP_OK) return code;
  tp_cache_table recording{};
  recording.size = sizeof recording;
  return tp_record_cache(creating.policy, cache, config, pool, seed, &creating.tape, &recording,
                         out, error, error_size);
}

}  // namespace

tp_cache_table taped(const tp_cache_table& policy, Tape& tape, uint32_t checkpoint_calls) {
  Tape aside;
  creating = {&policy, {sizeof(tp_tape), checkpoint_calls, "pool", &aside, append, nullptr}};
  const tp_pool pool{sizeof(tp_pool), 1, 16, 4096, 0, 0};
  tp_cache* cache = nullptr;
  REQUIRE(policy.create("", &pool, 0, &cache, nullptr, 0) == TP_OK);
  tp_cache_table recording{};
  recording.size = sizeof recording;
  tp_cache* recorder = nullptr;
  REQUIRE(tp_record_cache(&policy, cache, "", &pool, 0, &creating.tape, &recording, &recorder,
                          nullptr, 0) == TP_OK);
  recording.destroy(recorder);
  recording.create = create;
  creating.tape.host = &tape;
  return recording;
}

policy::TapeReader::Source source_of(const Tape& tape) {
  return [&tape, at = std::size_t{0}](void* buffer, std::size_t size) mutable {
    const std::size_t got = std::min(size, tape.size() - at);
    if (got != 0) std::memcpy(buffer, tape.data() + at, got);
    at += got;
    return got;
  };
}

}  // namespace tiercast::tests
