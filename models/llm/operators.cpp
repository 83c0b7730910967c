#include "models/llm/operators.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/portable_math.hpp"

namespace tiercast::llm {
namespace {

double us(Seconds time) { return time.value() * 1e6; }

// Two limits that overlap in part; square roots every machine rounds alike.
double norm2(double a, double b) { return std::sqrt(a * a + b * b); }

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
  const double filled =
      std::ceil(padded_m / tile.rows) * std::ceil(work.n / tile.cols) * split / machine.sms;
  const double waves = spec.waves * std::ceil(filled) + (1 - spec.waves) * std::max(filled, 1.0);
  const double math = 2 * tile.rows * tile.cols * depth / (spec.compute * work.peak / machine.sms);
  const double load =
      (tile.rows + tile.cols) * depth * work.operand_bytes / (spec.tile_load.value() * 1e-6);
  return waves * (std::max(math, load) + us(spec.tile));
}

double split_gemm_us(const GemmSpec& spec, const Machine& machine, const GemmWork& work,
                     double traffic) {
  static constexpr std::array<Tile, 6> kTiles{
      {{64, 64}, {64, 128}, {64, 256}, {128, 128}, {128, 192}, {128, 256}}};
  double best = INFINITY;
  for (const Tile tile : kTiles) {
    for (const double split : {1.0, 2.0, 4.0, 8.0, 16.0}) {
      if (split > 1 && spec.reduce == 0) break;
      double time = norm2(tiled(spec, machine, work, tile, split, work.m), traffic);
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
    return norm2(tiled(spec, machine, work, tile, 1, padded), traffic);
  };
  double best = work.m > 64 ? time({128, 128}) : time({64, 64});
  if (work.m <= 128) best = std::min(best, time({64, 128}));
  const double quantise = us(spec.quantise) * work.m / 1000 +
                          spec.quantise_passes * work.m * work.k / (spec.memory * machine.hbm);
  return best + quantise;
}

// The kernel that multiplies weights of a format.
template <typename Spec>
struct Kernel {
  const Spec& spec;
  double peak;           // FLOP per us
  double operand_bytes;  // of one activation as multiplied
};

bool eight_bits(WeightFormat format) {
  return format == WeightFormat::fp8 || format == WeightFormat::fp8_block;
}

Kernel<GemmSpec> gemm_kernel(const Machine& machine, WeightFormat format) {
  const KernelSpec& kernels = machine.kernels;
  const auto& eight = format == WeightFormat::fp8_block ? kernels.gemm_fp8_block : kernels.gemm_fp8;
  if (eight_bits(format) && eight) return {*eight, machine.fp8, 1};
  const bool four = format == WeightFormat::int4 || format == WeightFormat::nvfp4;
  if (format == WeightFormat::nvfp4 && kernels.gemm_nvfp4 && machine.fp4 > 0) {
    return {*kernels.gemm_nvfp4, machine.fp4, weight_bytes(format)};
  }
  if (four && kernels.gemm_int4) return {*kernels.gemm_int4, machine.bf16, 2};
  return {kernels.gemm_bf16, machine.bf16, 2};
}

Kernel<MoeKernelSpec> moe_kernel(const Machine& machine, WeightFormat format) {
  const KernelSpec& kernels = machine.kernels;
  if (eight_bits(format) && kernels.moe_fp8) return {*kernels.moe_fp8, machine.fp8, 1};
  if (format == WeightFormat::mxfp4) return {kernels.moe_mxfp4, machine.bf16, 2};
  if (format == WeightFormat::nvfp4 && kernels.moe_nvfp4 && machine.fp4 > 0) {
    return {*kernels.moe_nvfp4, machine.fp4, weight_bytes(format)};
  }
  if (weight_bytes(format) < 1) return {kernels.moe_int4, machine.bf16, 2};
  return {kernels.moe_bf16, machine.bf16, 2};
}

Cost busy(double us, double flops, double bytes) {
  return {.us = us, .flops = flops, .bytes = bytes};
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  us += other.us;
  communication_us += other.communication_us;
  sort_us += other.sort_us;
  idle_us += other.idle_us;
  flops += other.flops;
  bytes += other.bytes;
  return *this;
}

Cost operator*(Cost cost, double times) {
  cost.us *= times;
  cost.communication_us *= times;
  cost.sort_us *= times;
  cost.idle_us *= times;
  cost.flops *= times;
  cost.bytes *= times;
  return cost;
}

Cost Cost::stretched(double times) const {
  Cost slower = *this;
  slower.us *= times;
  slower.communication_us *= times;
  slower.sort_us *= times;
  return slower;
}

Machine::Machine(const hardware::GpuSpec& gpu, const KernelSpec& kernel_spec)
    : kernels(kernel_spec),
      bf16(gpu.bf16.value.value() * 1e-6),
      fp8(gpu.fp8 ? gpu.fp8->value.value() * 1e-6 : bf16),
      fp4(gpu.fp4 ? gpu.fp4->value.value() * 1e-6 : 0),
      hbm(gpu.hbm_bandwidth.value.value() * 1e-6),
      nvlink((gpu.nvlink ? gpu.nvlink->value : gpu.host_link.value).value() * 1e-6),
      sms(gpu.sms.value) {}

Cost gemm(const Machine& machine, WeightFormat format, double m, double n, double k) {
  const WeightFormat stored = linear_format(format);
  const Kernel<GemmSpec> kernel = gemm_kernel(machine, stored);
  const GemmSpec& spec = kernel.spec;
  const double traffic_bytes =
      m * k * kernel.operand_bytes + k * n * weight_bytes(stored) + 2 * m * n;
  const double traffic = traffic_bytes / (spec.memory * machine.hbm);
  const GemmWork work{m, n, k, kernel.operand_bytes, kernel.peak};
  const double time = kernel.operand_bytes < 2 ? padded_gemm_us(spec, machine, work, traffic)
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

Routed routed(Routing routing, const MoeSpec& moe, double tokens, double held) {
  const double chance = static_cast<double>(moe.top) / moe.experts;
  if (routing == Routing::balanced) return {1, held * std::min(1.0, tokens * chance)};
  // Eight classes of experts, from one to the next more popular by the eighth root of the span.
  constexpr int kClasses = 8;
  const double root16 = std::sqrt(std::sqrt(std::sqrt(std::sqrt(std::max(2.0, 0.8 * tokens)))));
  std::array<double, kClasses> popular{};
  double mean = 0, square = 0;
  for (double weight = root16; double& mine : popular) {
    mine = weight;
    mean += weight / kClasses;
    square += weight * weight / kClasses;
    weight *= root16 * root16;
  }
  // The busiest GPU is the largest of so many nearly normal numbers.
  double imbalance = 1;
  if (held < moe.experts) {
    constexpr double kMostOfTwo = 0.56, kMostPerDoubling = 0.39;
    const double doublings = portable_log(moe.experts / held) / portable_log(2);
    const double most = kMostOfTwo + kMostPerDoubling * (doublings - 1);
    const double spread = std::sqrt(square / (mean * mean) - 1);
    imbalance = std::clamp(1 + most * spread / std::sqrt(held), 1.0, 1 / chance);
  }
  double hit = 0;
  for (const double weight : popular) {
    const double missed = 1 - std::min(1.0, chance * weight / mean);
    hit += (1 - power(missed, static_cast<uint64_t>(tokens))) / kClasses;
  }
  return {imbalance, held * std::min(1.0, hit * imbalance)};
}

Cost experts(const Machine& machine, const ModelSpec& model, WeightFormat format, double tokens,
             double held, double intermediate, double imbalance, Routing routing) {
  const MoeSpec& moe = *model.moe;
  const Kernel<MoeKernelSpec> kernel = moe_kernel(machine, format);
  const MoeKernelSpec& spec = kernel.spec;
  const double active = routed(routing, moe, tokens, held).active;
  const double all_rows = tokens * moe.top;
  const double rows = all_rows * held / moe.experts * imbalance;
  const double size = model.mlp_matrices() * model.hidden * intermediate;
  const double flops = 2 * size * (rows + active * spec.pad_rows);
  const double weights = active * size * weight_bytes(format);
  const double row_bytes = 4.0 * model.hidden + 6 * intermediate;
  const double split = held < moe.experts ? us(spec.split_launch) : 0;
  const double time =
      us(spec.launch) + split + us(spec.expert) * active +
      norm2(weights / (spec.memory * machine.hbm), flops / (spec.compute * kernel.peak)) +
      (rows / spec.activation + all_rows * spec.gather) * row_bytes / machine.hbm;
  return busy(time, 2 * size * rows * machine.bf16 / kernel.peak, weights + rows * row_bytes);
}

}  // namespace tiercast::llm
