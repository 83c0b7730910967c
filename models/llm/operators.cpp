#include "models/llm/operators.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tiercast::llm {
namespace {

double us(Seconds time) { return time.value() * 1e6; }

// (a^4 + b^4)^(1/4) by square roots alone, which every machine rounds alike.
double norm4(double a, double b) { return std::sqrt(std::sqrt(a * a * a * a + b * b * b * b)); }

// x^n by repeated squaring.
double power(double x, uint64_t n) {
  double result = 1;
  for (; n != 0; n >>= 1, x *= x) {
    if ((n & 1) != 0) result *= x;
  }
  return result;
}

struct Tile {
  double rows;
  double cols;
};

struct GemmWork {
  double m, n, k;
  double operand_bytes;  // of one number as multiplied
  double peak;           // FLOP per us
};

// One choice of tile and split, without launch.
double tiled(const GemmSpec& spec, const Machine& machine, const GemmWork& work, Tile tile,
             double split, double padded_m) {
  const double depth = std::ceil(work.k / split);
  const double tiles = std::ceil(padded_m / tile.rows) * std::ceil(work.n / tile.cols) * split;
  const double waves = std::ceil(tiles / machine.sms);
  const double math = 2 * tile.rows * tile.cols * depth / (spec.compute * work.peak / machine.sms);
  const double load =
      (tile.rows + tile.cols) * depth * work.operand_bytes / (spec.tile_load.value() * 1e-6);
  return waves * (std::max(math, load) + us(spec.tile));
}

double split_gemm_us(const GemmSpec& spec, const Machine& machine, const GemmWork& work,
                     double traffic) {
  static constexpr std::array<Tile, 5> kTiles{
      {{64, 64}, {64, 128}, {64, 256}, {128, 128}, {128, 256}}};
  double best = INFINITY;
  for (const Tile tile : kTiles) {
    for (const double split : {1.0, 2.0, 4.0, 8.0, 16.0}) {
      if (split > 1 && spec.reduce == 0) break;
      double time = norm4(tiled(spec, machine, work, tile, split, work.m), traffic);
      if (split > 1) {
        time += split * work.m * work.n * 4 / (spec.reduce * machine.hbm) + us(spec.tile);
      }
      best = std::min(best, time);
    }
  }
  return best;
}

double padded_gemm_us(const GemmSpec& spec, const Machine& machine, const GemmWork& work,
                      double traffic) {
  const double padded = work.m <= 64 ? 64 : work.m <= 128 ? 128 : std::ceil(work.m / 256) * 256;
  const auto time = [&](Tile tile) {
    return norm4(tiled(spec, machine, work, tile, 1, padded), traffic);
  };
  double best = work.m > 64 ? time({128, 128}) : time({64, 64});
  if (work.m <= 128) best = std::min(best, time({64, 128}));
  const double quantise =
      us(spec.quantise) * work.m / 1000 + 3 * work.m * work.k / (spec.memory * machine.hbm);
  return best + quantise;
}

const GemmSpec* eight_bit(const KernelSpec& kernels, WeightFormat format) {
  const auto& spec = format == WeightFormat::fp8_block ? kernels.gemm_fp8_block : kernels.gemm_fp8;
  const bool eight = format == WeightFormat::fp8 || format == WeightFormat::fp8_block;
  return eight && spec ? &*spec : nullptr;
}

Cost busy(double us, double flops, double bytes) {
  return {.us = us, .flops = flops, .bytes = bytes};
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  us += other.us;
  communication_us += other.communication_us;
  idle_us += other.idle_us;
  flops += other.flops;
  bytes += other.bytes;
  return *this;
}

Cost operator*(Cost cost, double times) {
  return {cost.us * times, cost.communication_us * times, cost.idle_us * times, cost.flops * times,
          cost.bytes * times};
}

Cost Cost::stretched(double times) const {
  Cost slower = *this;
  slower.us *= times;
  slower.communication_us *= times;
  return slower;
}

Machine::Machine(const hardware::GpuSpec& gpu, const KernelSpec& kernel_spec)
    : kernels(kernel_spec),
      bf16(gpu.bf16.value.value() * 1e-6),
      fp8(gpu.fp8 ? gpu.fp8->value.value() * 1e-6 : bf16),
      hbm(gpu.hbm_bandwidth.value.value() * 1e-6),
      nvlink((gpu.nvlink ? gpu.nvlink->value : gpu.host_link.value).value() * 1e-6),
      sms(gpu.sms.value) {}

Cost gemm(const Machine& machine, WeightFormat format, double m, double n, double k) {
  const double weight = weight_bytes(linear_format(format));
  const GemmSpec* narrow = eight_bit(machine.kernels, linear_format(format));
  const double traffic_bytes = m * k * (narrow ? 1 : 2) + k * n * weight + 2 * m * n;
  const GemmSpec& spec = narrow ? *narrow : machine.kernels.gemm_bf16;
  const double traffic = traffic_bytes / (spec.memory * machine.hbm);
  const GemmWork work{m, n, k, narrow ? 1.0 : 2.0, narrow ? machine.fp8 : machine.bf16};
  const double time = narrow ? padded_gemm_us(spec, machine, work, traffic)
                             : split_gemm_us(spec, machine, work, traffic);
  // Power follows the work done, in 16-bit terms: an 8-bit product takes half the energy.
  const double flops = 2 * m * n * k * machine.bf16 / work.peak;
  return busy(us(spec.launch) + time, flops, traffic_bytes);
}

Cost elementwise(const Machine& machine, double bytes) {
  const double time = us(machine.kernels.elementwise_launch) +
                      bytes / (machine.kernels.elementwise_memory * machine.hbm);
  return busy(time, 0, bytes);
}

Cost experts(const Machine& machine, const ModelSpec& model, WeightFormat format, double tokens,
             double held, double intermediate, double imbalance) {
  const MoeSpec& moe = *model.moe;
  const KernelSpec& kernels = machine.kernels;
  const bool narrow = format == WeightFormat::fp8 || format == WeightFormat::fp8_block;
  const bool eight = narrow && kernels.moe_fp8;
  const bool four = weight_bytes(format) < 1;
  const MoeKernelSpec& spec = eight  ? *kernels.moe_fp8
                              : four ? kernels.moe_mxfp4
                                     : kernels.moe_bf16;
  const double peak = eight ? machine.fp8 : machine.bf16;
  const double missed =
      power(1 - static_cast<double>(moe.top) / moe.experts, static_cast<uint64_t>(tokens));
  const double active = held * (1 - missed);
  const double rows = tokens * moe.top * held / moe.experts * imbalance;
  const double size = model.mlp_matrices() * model.hidden * intermediate;
  const double flops = 2 * size * (rows + active * spec.pad_rows);
  const double weights = active * size * weight_bytes(format);
  const double moved = rows * (4.0 * model.hidden + 6 * intermediate);
  const double time = us(spec.launch) + us(spec.expert) * active +
                      norm4(weights / (spec.memory * machine.hbm), flops / (spec.compute * peak)) +
                      moved / (spec.activation * machine.hbm);
  return busy(time, 2 * size * rows * machine.bf16 / peak, weights + moved);
}

Cost collective(const CollectiveSpec& spec, const Machine& machine, uint32_t ranks, double bytes,
                double passes) {
  if (ranks < 2) return {};
  const double moved = passes * (ranks - 1) / ranks *
                       (bytes + std::sqrt(bytes * static_cast<double>(spec.half.value())));
  const double time =
      us(spec.launch) + us(spec.rank) * (ranks - 1) + moved / (spec.bandwidth * machine.nvlink);
  return {.us = time, .communication_us = time};
}

Cost all_reduce(const Machine& machine, uint32_t ranks, double bytes) {
  constexpr double kCustomKernelBytes = 8'388'608;
  const KernelSpec& kernels = machine.kernels;
  const double small =
      collective(kernels.all_reduce_small, machine, ranks, std::min(bytes, kCustomKernelBytes), 2)
          .us;
  Cost cost =
      collective(bytes <= kCustomKernelBytes ? kernels.all_reduce_small : kernels.all_reduce,
                 machine, ranks, bytes, 2);
  // The switch of algorithm must not make a larger message cheaper.
  cost.us = cost.communication_us = std::max(cost.us, small);
  return cost;
}

Cost all_gather(const Machine& machine, uint32_t ranks, double bytes) {
  return collective(machine.kernels.all_gather, machine, ranks, bytes, 1);
}

Cost all_to_all(const Machine& machine, uint32_t ranks, double bytes) {
  return collective(machine.kernels.all_to_all, machine, ranks, bytes, 1);
}

}  // namespace tiercast::llm
