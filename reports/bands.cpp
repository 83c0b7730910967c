#include "reports/bands.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tiercast::reports {

namespace {

std::optional<Interval> band(const std::optional<double>& main, const std::optional<double>& fast,
                             const std::optional<double>& slow) {
  if (!main || !fast || !slow) return std::nullopt;
  return Interval{std::min({*main, *fast, *slow}), std::max({*main, *fast, *slow})};
}

DistributionBand band(const std::optional<Distribution>& main,
                      const std::optional<Distribution>& fast,
                      const std::optional<Distribution>& slow) {
  if (!main || !fast || !slow) return {};
  const auto of = [&](double Distribution::*figure) {
    return band(*main.*figure, *fast.*figure, *slow.*figure);
  };
  return {of(&Distribution::mean), of(&Distribution::p50), of(&Distribution::p90),
          of(&Distribution::p95),  of(&Distribution::p99), of(&Distribution::p999)};
}

void widen(const std::optional<Interval>& other, std::optional<Interval>& band) {
  if (!band || !other) return;
  band = Interval{std::min(band->low, other->low), std::max(band->high, other->high)};
}

}  // namespace

Bands bands_of(const Result& main, const Result& fast, const Result& slow) {
  const auto of = [&](std::optional<Distribution> Metrics::*values) {
    return band(main.metrics.*values, fast.metrics.*values, slow.metrics.*values);
  };
  const auto rate = [&](std::optional<double> Metrics::*value) {
    return band(main.metrics.*value, fast.metrics.*value, slow.metrics.*value);
  };
  Bands bands;
  bands.ttft_ms = of(&Metrics::ttft_ms);
  bands.tpot_ms = of(&Metrics::tpot_ms);
  bands.itl_ms = of(&Metrics::itl_ms);
  bands.e2e_ms = of(&Metrics::e2e_ms);
  bands.queue_ms = of(&Metrics::queue_ms);
  bands.task_s = of(&Metrics::task_s);
  bands.output_tokens_per_s = rate(&Metrics::output_tokens_per_s);
  bands.computed_tokens_per_s = rate(&Metrics::computed_tokens_per_s);
  bands.requests_per_s = rate(&Metrics::requests_per_s);
  bands.goodput_requests_per_s = rate(&Metrics::goodput_requests_per_s);

  const auto check = [&](std::string name, const std::optional<double>& given,
                         const std::optional<double>& one, const std::optional<double>& other) {
    if (!given || !one || !other) return;
    if (*given < std::min(*one, *other) || *given > std::max(*one, *other)) {
      bands.outside.push_back(std::move(name));
    }
  };
  const auto check_of = [&](const char* name, std::optional<Distribution> Metrics::*values,
                            double Distribution::*figure) {
    const auto number = [&](const Result& result) -> std::optional<double> {
      const std::optional<Distribution>& distribution = result.metrics.*values;
      if (!distribution) return std::nullopt;
      return (*distribution).*figure;
    };
    check(name, number(main), number(fast), number(slow));
  };
  check_of("ttft_ms.p50", &Metrics::ttft_ms, &Distribution::p50);
  check_of("ttft_ms.p99", &Metrics::ttft_ms, &Distribution::p99);
  check_of("tpot_ms.p50", &Metrics::tpot_ms, &Distribution::p50);
  check_of("tpot_ms.p99", &Metrics::tpot_ms, &Distribution::p99);
  check("output_tokens_per_s", main.metrics.output_tokens_per_s, fast.metrics.output_tokens_per_s,
        slow.metrics.output_tokens_per_s);
  return bands;
}

void widen_bands(const Result& fast, const Result& slow, Result& main) {
  for (const Result* other : {&fast, &slow}) {
    if (main.energy && other->energy) {
      widen(other->energy->band_j_per_output_token, main.energy->band_j_per_output_token);
      widen(other->energy->band_j_per_task, main.energy->band_j_per_task);
    }
    if (main.cost && other->cost) {
      widen(other->cost->band_usd_per_million_output_tokens,
            main.cost->band_usd_per_million_output_tokens);
      widen(other->cost->band_usd_per_task, main.cost->band_usd_per_task);
    }
  }
  if (!main.energy || !main.energy->band_j_per_output_token) return;
  const double given = main.energy->j_per_output_token.value_or(0);
  if (given == 0) return;
  const Interval& joules = *main.energy->band_j_per_output_token;
  main.provenance.band = Interval{joules.low / given, joules.high / given};
}

}  // namespace tiercast::reports
