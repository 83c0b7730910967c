#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "models/policy/cache_adapter.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/router.hpp"
#include "models/policy/saved_state.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The workers of a call, whatever the size of the caller's views.
class Workers {
 public:
  Workers(const tp_worker* first, std::size_t count)
      : first_(reinterpret_cast<const char*>(first)), count_(static_cast<uint32_t>(count)) {}

  uint32_t size() const { return count_; }
  const tp_worker& operator[](std::size_t i) const {
    const std::size_t stride = reinterpret_cast<const tp_worker*>(first_)->size;
    return *reinterpret_cast<const tp_worker*>(first_ + i * stride);
  }

 private:
  const char* first_;
  uint32_t count_;
};

/// The first of the workers for which cost(worker) is least.
template <class Cost>
uint32_t cheapest(const Workers& workers, Cost cost) {
  uint32_t best = 0;
  auto least = cost(workers[0]);
  for (uint32_t i = 1; i < workers.size(); ++i) {
    const auto costs = cost(workers[i]);
    if (!(costs < least)) continue;
    best = i;
    least = costs;
  }
  return best;
}

/// Tokens of prefill that the request leaves to the worker, all that wait there, and their context.
inline uint64_t prefill_and_load(const tp_prompt& prompt, const tp_worker& worker) {
  const uint32_t matched = std::min(worker.device_tokens, prompt.tokens);
  return (prompt.tokens - matched) + worker.queued_tokens + worker.outstanding_tokens;
}

/// Turns a router class into a table of the C contract. It has `name`, `capabilities`,
/// parameters(), a constructor from (ParameterValues, seed), hash(), archive() and
///
///     uint32_t route(int64_t now_ns, const tp_prompt&, const Workers&, double* costs);
///
/// with costs NULL where the caller wants none.
template <class P>
class RouterAdapter {
 public:
  static const tp_router_table* table() {
    static constexpr tp_router_table entries = {.size = sizeof(tp_router_table),
                                                .reserved = 0,
                                                .info = info,
                                                .create = create,
                                                .destroy = destroy,
                                                .save = save,
                                                .restore = restore,
                                                .hash_state = hash_state,
                                                .route = route};
    return &entries;
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.value(self.last_now_ns_);
    P::archive(self.policy_, archive);
  }

 private:
  RouterAdapter(const ParameterValues& values, uint64_t seed)
      : identity_(identity_of(P::name, values, seed)), policy_(values, seed) {}

  static const tp_info* info() noexcept {
    static constexpr tp_info facts = {.size = sizeof(tp_info),
                                      .abi_major = TP_ABI_MAJOR,
                                      .abi_minor = TP_ABI_MINOR,
                                      .capabilities = P::capabilities,
                                      .name = P::name.data(),
                                      .version = library_version};
    return &facts;
  }

  static int create(const char* config, uint64_t seed, tp_router** out, char* error,
                    size_t error_size) noexcept {
    const auto fail = [&](int code, std::string_view message) {
      return refuse(code, message, error, error_size);
    };
    if (config == nullptr || out == nullptr) return fail(TP_EINVAL, "create needs config and out");
    try {
      ParameterValues values(P::parameters());
      const std::string wrong = read_parameters(values, config);
      if (!wrong.empty()) return fail(TP_EINVAL, wrong);
      *out = reinterpret_cast<tp_router*>(new RouterAdapter(values, seed));
      return TP_OK;
    } catch (const std::exception&) {
      return fail(TP_ENOMEM, "not enough memory");
    }
  }

  static RouterAdapter* of(tp_router* self) { return reinterpret_cast<RouterAdapter*>(self); }
  static const RouterAdapter* of(const tp_router* self) {
    return reinterpret_cast<const RouterAdapter*>(self);
  }
  static void destroy(tp_router* self) noexcept { delete of(self); }

  static int save(const tp_router* self, void* buffer, size_t capacity, size_t* size) noexcept {
    if (self == nullptr || size == nullptr) return TP_EINVAL;
    return save_state(*of(self), of(self)->identity_, buffer, capacity, size);
  }
  static int restore(tp_router* self, const void* buffer, size_t size) noexcept {
    if (self == nullptr || buffer == nullptr) return TP_EINVAL;
    return restore_state(*of(self), of(self)->identity_, buffer, size);
  }
  static uint64_t hash_state(const tp_router* self) noexcept {
    if (self == nullptr) return 0;
    StateHash hash;
    hash.add(of(self)->identity_);
    of(self)->policy_.hash(hash);
    return hash.value();
  }

  static int route(tp_router* self, int64_t now_ns, const tp_request*, const tp_prompt* prompt,
                   const tp_worker* workers, size_t worker_count, uint32_t* chosen,
                   double* costs) noexcept {
    if (self == nullptr || prompt == nullptr || prompt->size < sizeof(tp_prompt) ||
        workers == nullptr || workers->size < sizeof(tp_worker) ||
        workers->size % alignof(tp_worker) != 0 || worker_count == 0 || worker_count > UINT32_MAX ||
        chosen == nullptr || prompt->block_tokens == 0 ||
        (prompt->key_count != 0 && (prompt->keys == nullptr || prompt->key_tokens == 0)) ||
        now_ns < of(self)->last_now_ns_) {
      return TP_EINVAL;
    }
    of(self)->last_now_ns_ = now_ns;
    *chosen = of(self)->policy_.route(now_ns, *prompt, Workers(workers, worker_count), costs);
    return TP_OK;
  }

  uint64_t identity_;
  int64_t last_now_ns_ = 0;
  P policy_;
};

/// The registry's entry of a router class.
template <class P>
RouterEntry router_entry(std::string_view description, std::string_view source) {
  return {P::name, description, source, P::parameters(), RouterAdapter<P>::table()};
}

}  // namespace tiercast::policy
