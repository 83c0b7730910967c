// Who requests belong to, and content that tenants do not share.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/workload/request.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {

/// Tenants of generated demand. Without a spec all requests are of tenant 0.
class Tenants {
 public:
  Tenants(const std::optional<TenantsSpec>& spec, std::uint64_t seed);

  /// Of a request (session, in a closed loop): a function of its number and the seed alone.
  std::uint32_t tenant_of(std::uint64_t entity) const;
  /// 0: it tells none.
  std::uint32_t priority_of(std::uint32_t tenant) const;

 private:
  std::optional<ZipfTable> popularity_;
  std::vector<std::int64_t> priorities_;
  std::uint64_t seed_;
};

/// Gives every content id the request's tenant as salt, as vLLM's `cache_salt` does: equal content
/// of two tenants has different ids from then on, and of one tenant equal ones as before.
void isolate(Request& request);

}  // namespace tiercast::workload
