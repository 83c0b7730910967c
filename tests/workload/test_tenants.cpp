// Tenants of generated demand: how many requests are whose, and that nothing else changes.
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/closed_source.hpp"
#include "models/workload/open_source.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

constexpr int kRequests = 20'000;

std::vector<Request> drain(DemandSource& source) {
  std::vector<Request> out;
  std::int64_t arrival_ns = 0;
  while (source.peek(arrival_ns)) {
    source.next(out.emplace_back());
    source.completed(out.back().id, arrival_ns + 1);
  }
  return out;
}

std::vector<Request> open_demand(const std::optional<TenantsSpec>& tenants) {
  OpenSpec spec;
  spec.arrivals.rate = per_second(100);
  spec.input_tokens = UniformLaw<Tokens>{tokens(10), tokens(90)};
  spec.output_tokens = FixedLaw<Tokens>{tokens(5)};
  SharedPrefixSpec prefix;
  prefix.tokens = FixedLaw<Tokens>{tokens(64)};
  spec.shared_prefix = prefix;
  spec.requests = kRequests;
  spec.tenants = tenants;
  OpenSource source(spec, {1, 16});
  return drain(source);
}

}  // namespace

TEST_CASE("Tenants have their shares, and the demand stays as it is", "[open][oracle]") {
  const std::vector<Request> plain = open_demand({});
  const std::vector<Request> shared_out = open_demand(TenantsSpec{5, 0.6, {}, {}});
  REQUIRE(plain.size() == shared_out.size());
  std::vector<int> counts(5, 0);
  bool same = true;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const Request& a = plain[i];
    const Request& b = shared_out[i];
    same = same && a.arrival_ns == b.arrival_ns && a.input_tokens == b.input_tokens &&
           a.ids == b.ids && a.tenant == 0;
    ++counts.at(b.tenant);
  }
  CHECK(same);
  double norm = 0;
  for (int k = 1; k <= 5; ++k) norm += std::pow(k, -0.6);
  for (int k = 1; k <= 5; ++k) {
    const double p = std::pow(k, -0.6) / norm;
    CHECK(counts[static_cast<std::size_t>(k - 1)] / double{kRequests} ==
          Approx(p).margin(5 * std::sqrt(p * (1 - p) / kRequests)));
  }
}

TEST_CASE("A session is one tenant's, and has its priority", "[closed]") {
  ClosedSpec spec;
  spec.sessions = 40;
  spec.turns = FixedLaw<std::int64_t>{4};
  spec.think = FixedLaw<Nanoseconds>{nanoseconds(1000)};
  spec.input_tokens = FixedLaw<Tokens>{tokens(10)};
  spec.output_tokens = FixedLaw<Tokens>{tokens(5)};
  spec.tenants = TenantsSpec{3, 0, std::vector<std::int64_t>{80, 20}, nanoseconds(7)};
  spec.requests = 1000;
  ClosedSource source(spec, {1, 16});
  std::map<std::uint64_t, std::uint32_t> tenant_of;
  std::map<std::uint32_t, int> seen;
  bool one = true;
  bool told = true;
  for (const Request& request : drain(source)) {
    one = one && tenant_of.emplace(request.session, request.tenant).first->second == request.tenant;
    ++seen[request.tenant];
    told = told && request.priority == std::vector<std::uint32_t>{80, 20, 0}.at(request.tenant) &&
           request.retain_ns == (request.priority > 0 ? 7 : 0);
  }
  CHECK(one);
  CHECK(told);
  CHECK(seen.size() == 3);
}
