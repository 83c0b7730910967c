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

  /// Sets whose a request is, and what follows from that. `entity`: the request's number, or its
  /// session's in a closed loop, of which all is a function beside the seed.
  void set_tenant(Request& request, std::uint64_t entity) const;

 private:
  std::optional<ZipfTable> popularity_;
  std::vector<std::int64_t> priorities_;
  std::int64_t retain_ns_ = 0;
  std::uint64_t seed_;
};

/// Gives every content id the request's tenant as salt, as vLLM's `cache_salt` does: equal content
/// of two tenants has different ids from then on, and of one tenant equal ones as before.
void isolate(Request& request);

}  // namespace tiercast::workload
