// Generated demand that comes whatever the system does.
#pragma once

#include <cstdint>

#include "models/workload/demand_source.hpp"
#include "models/workload/prefix_groups.hpp"
#include "models/workload/tenants.hpp"

namespace tiercast::workload {

/// Request k is a function of (spec, seed, k). Gaps are Poisson (exponential), Gamma with the
/// spec's coefficient of variation, or constant (request k at k / rate, the first at 0).
class OpenSource : public DemandSource {
 public:
  OpenSource(const OpenSpec& spec, const DemandOptions& options);

  bool peek(std::int64_t& arrival_ns) override;
  bool next(Request& request) override;
  bool ended() override;

 private:
  void schedule();

  OpenSpec spec_;
  std::uint64_t seed_;
  std::uint32_t id_tokens_;
  PrefixGroups groups_;
  Tenants tenants_;
  std::int64_t arrival_ns_ = 0;  // of the next request
  double gaps_s_ = 0;            // sum of all gaps so far, unrounded
};

}  // namespace tiercast::workload
