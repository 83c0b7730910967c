// Collectives and the exchange of tokens between experts; definitions in operators.hpp.

#include <algorithm>
#include <cmath>

#include "models/llm/operators.hpp"

namespace tiercast::llm {
namespace {

double us(Seconds time) { return time.value() * 1e6; }

Cost talk(double us) { return {.us = us, .communication_us = us}; }

// `fabric`: bytes per us of one participant.
Cost over(const CollectiveSpec& spec, double fabric, uint32_t ranks, double bytes, double passes) {
  if (ranks < 2) return {};
  const double moved = passes * (ranks - 1) / ranks *
                       (bytes + std::sqrt(bytes * static_cast<double>(spec.half.value())));
  return talk(us(spec.launch) + us(spec.rank) * (ranks - 1) + moved / (spec.bandwidth * fabric));
}

Cost between(const Machine& machine, const Span& span, double bytes, double passes) {
  return over(machine.kernels.network, span.nic, span.nodes, bytes, passes);
}

// GPUs that a token's experts are on, were they drawn evenly.
double distinct_ranks(double top, double ranks) {
  double missed = 1;
  for (double i = 0; i < top; ++i) missed *= 1 - 1 / ranks;
  return ranks * (1 - missed);
}

double exchange_us(const Machine& machine, const ExchangeSpec& spec, double bytes, uint32_t ranks) {
  return us(spec.launch) + bytes * (ranks - 1) / ranks / (spec.bandwidth * machine.nvlink);
}

Cost exchange(const Machine& machine, ExchangeSpec ExpertExchangeSpec::*normal,
              ExchangeSpec ExpertExchangeSpec::*low_latency, double token_bytes, double top,
              double tokens, uint32_t ranks) {
  if (ranks < 2) return {};
  const auto& spec = machine.kernels.expert_exchange;
  if (!spec) return all_to_all(machine, ranks, tokens * top * token_bytes);
  const double to_ranks = tokens * distinct_ranks(top, ranks) * token_bytes;
  const double to_experts = tokens * top * token_bytes;
  return talk(std::min(exchange_us(machine, (*spec).*normal, to_ranks, ranks),
                       exchange_us(machine, (*spec).*low_latency, to_experts, ranks)));
}

}  // namespace

Cost collective(const CollectiveSpec& spec, const Machine& machine, uint32_t ranks, double bytes,
                double passes) {
  return over(spec, machine.nvlink, ranks, bytes, passes);
}

Cost all_reduce(const Machine& machine, uint32_t ranks, double bytes) {
  constexpr double kCustomKernelBytes = 8'388'608;
  const KernelSpec& kernels = machine.kernels;
  const double small =
      collective(kernels.all_reduce_small, machine, ranks, std::min(bytes, kCustomKernelBytes), 2)
          .us;
  const Cost cost =
      collective(bytes <= kCustomKernelBytes ? kernels.all_reduce_small : kernels.all_reduce,
                 machine, ranks, bytes, 2);
  // The switch of algorithm must not make a larger message cheaper.
  return talk(std::max(cost.us, small));
}

Cost all_gather(const Machine& machine, uint32_t ranks, double bytes) {
  return collective(machine.kernels.all_gather, machine, ranks, bytes, 1);
}

Cost reduce_scatter(const Machine& machine, uint32_t ranks, double bytes) {
  return collective(machine.kernels.reduce_scatter, machine, ranks, bytes, 1);
}

Cost all_to_all(const Machine& machine, uint32_t ranks, double bytes) {
  return collective(machine.kernels.all_to_all, machine, ranks, bytes, 1);
}

Cost all_reduce(const Machine& machine, const Span& span, double bytes) {
  if (span.nodes < 2) return all_reduce(machine, span.ranks, bytes);
  Cost cost = reduce_scatter(machine, span.ranks, bytes);
  cost += between(machine, span, bytes, 2);
  cost += all_gather(machine, span.ranks, bytes);
  return cost;
}

Cost all_gather(const Machine& machine, const Span& span, double bytes) {
  Cost cost = between(machine, span, bytes, 1);
  cost += all_gather(machine, span.ranks, bytes);
  return cost;
}

Cost reduce_scatter(const Machine& machine, const Span& span, double bytes) {
  Cost cost = reduce_scatter(machine, span.ranks, bytes);
  cost += between(machine, span, bytes, 1);
  return cost;
}

Cost all_to_all(const Machine& machine, const Span& span, double bytes) {
  Cost cost = all_to_all(machine, span.ranks, bytes / span.nodes);
  cost += between(machine, span, bytes * span.ranks, 1);
  return cost;
}

Cost expert_dispatch(const Machine& machine, double hidden, double top, double tokens,
                     uint32_t ranks) {
  constexpr double kScaled = 1 + 4.0 / 128;  // 8 bits, and a 4-byte scale per 128 numbers
  return exchange(machine, &ExpertExchangeSpec::dispatch, &ExpertExchangeSpec::low_latency_dispatch,
                  kScaled * hidden, top, tokens, ranks);
}

Cost expert_combine(const Machine& machine, double hidden, double top, double tokens,
                    uint32_t ranks) {
  return exchange(machine, &ExpertExchangeSpec::combine, &ExpertExchangeSpec::low_latency_combine,
                  2 * hidden, top, tokens, ranks);
}

}  // namespace tiercast::llm
