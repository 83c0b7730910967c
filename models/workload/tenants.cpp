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
  if (spec->retain) retain_ns_ = spec->retain->value();
}

void Tenants::set_tenant(Request& request, std::uint64_t entity) const {
  request.tenant = 0;
  request.priority = 0;
  request.retain_ns = 0;
  if (!popularity_) return;
  Stream stream(seed_, kTenant, entity);
  request.tenant = popularity_->draw(stream);
  if (request.tenant >= priorities_.size()) return;
  request.priority = static_cast<std::uint32_t>(priorities_[request.tenant]);
  request.retain_ns = retain_ns_;
}

// For one tenant mix() is one to one, and for one id too.
void isolate(Request& request) {
  for (std::uint64_t& id : request.ids) id = mix(id, request.tenant);
}

}  // namespace tiercast::workload
