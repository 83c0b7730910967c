#include "models/workload/open_source.hpp"

#include <algorithm>
#include <cmath>

#include "models/workload/numbers.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {
namespace {

constexpr Purpose kGaps{"workload.open.gap"};
constexpr Purpose kInput{"workload.open.input"};
constexpr Purpose kOutput{"workload.open.output"};

// Seconds between request k - 1 and request k.
double gap_s(const ArrivalSpec& spec, std::uint64_t seed, std::uint64_t k) {
  const double mean_s = 1 / spec.rate.value();
  Stream stream(seed, kGaps, k);
  switch (spec.process) {
    case ArrivalProcess::poisson:
      return stream.exponential(mean_s);
    case ArrivalProcess::gamma: {
      const double variance = spec.cv.value_or(1) * spec.cv.value_or(1);
      return stream.gamma(1 / variance, variance * mean_s);
    }
    case ArrivalProcess::constant:
      break;
  }
  return mean_s;
}

}  // namespace

OpenSource::OpenSource(const OpenSpec& spec, const DemandOptions& options)
    : spec_(spec),
      seed_(options.seed),
      id_tokens_(spec.id_tokens.value_or(options.id_tokens)),
      groups_(spec.shared_prefix, options.seed),
      tenants_(spec.tenants, options.seed) {
  schedule();
}

// Rounds the sum of gaps, never one gap, so that long runs keep their rate.
void OpenSource::schedule() {
  const std::uint64_t k = report_.delivered;
  double at_s = 0;
  if (spec_.arrivals.process == ArrivalProcess::constant) {
    at_s = static_cast<double>(k) / spec_.arrivals.rate.value();
  } else {
    gaps_s_ += gap_s(spec_.arrivals, seed_, k);
    at_s = gaps_s_;
  }
  constexpr auto kMost = static_cast<double>(kArrivalNsMax);
  arrival_ns_ = static_cast<std::int64_t>(std::min(std::floor(at_s * 1e9 + 0.5), kMost));
}

bool OpenSource::ended() {
  return report_.delivered == spec_.requests || arrival_ns_ >= kArrivalNsMax ||
         (spec_.duration && arrival_ns_ >= spec_.duration->value());
}

bool OpenSource::peek(std::int64_t& arrival_ns) {
  if (ended()) return false;
  arrival_ns = arrival_ns_;
  return true;
}

bool OpenSource::next(Request& request) {
  if (ended()) return false;
  const std::uint64_t k = report_.delivered;
  Stream input(seed_, kInput, k);
  Stream output(seed_, kOutput, k);
  const Prefix prefix = groups_.prefix_of(k);
  request.id = request.session = k;
  request.arrival_ns = arrival_ns_;
  tenants_.set_tenant(request, k);
  request.turn = 0;
  request.input_tokens =
      static_cast<std::uint32_t>(prefix.tokens + draw(spec_.input_tokens, input, 1, kTokensMax));
  request.output_tokens =
      static_cast<std::uint32_t>(draw(spec_.output_tokens, output, 1, kTokensMax));
  // What comes behind the prefix is nobody else's: it needs no ids.
  set_ids(request, prefix, 0, prefix.tokens, id_tokens_);
  ++report_.delivered;
  schedule();
  return true;
}

}  // namespace tiercast::workload
