#include "models/workload/tenants.hpp"

#include "sim/base/hash.hpp"

namespace tiercast::workload {

namespace {
constexpr Purpose kTenant{"workload.tenant"};
}

Tenants::Tenants(const std::optional<TenantsSpec>& spec, std::uint64_t seed) : seed_(seed) {
  if (!spec) return;
  popularity_.emplace(spec->count, spec->zipf);
  if (spec->priorities) priorities_ = *spec->priorities;
}

std::uint32_t Tenants::tenant_of(std::uint64_t entity) const {
  if (!popularity_) return 0;
  Stream stream(seed_, kTenant, entity);
  return popularity_->draw(stream);
}

std::uint32_t Tenants::priority_of(std::uint32_t tenant) const {
  return tenant < priorities_.size() ? static_cast<std::uint32_t>(priorities_[tenant]) : 0;
}

// For one tenant mix() is one to one, and for one id too.
void isolate(Request& request) {
  for (std::uint64_t& id : request.ids) id = mix(id, request.tenant);
}

}  // namespace tiercast::workload
