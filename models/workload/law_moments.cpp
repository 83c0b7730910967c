#include "models/workload/law_moments.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/base/portable_math.hpp"

namespace tiercast::workload {
namespace {

template <class T>
double real_of(T amount) {
  return static_cast<double>(amount.value());
}
double real_of(std::int64_t count) { return static_cast<double>(count); }

std::int64_t nearest(double value) {
  constexpr double kMost = 0x1p62;
  return static_cast<std::int64_t>(std::floor(std::min(value, kMost) + 0.5));
}

// Where draws of a law are clipped.
struct Bounds {
  double low;
  double high;

  double clip(double x) const { return std::clamp(x, low, high); }

  template <class T>
  Bounds within(const std::optional<T>& min, const std::optional<T>& max) const {
    return {min ? clip(real_of(*min)) : low, max ? clip(real_of(*max)) : high};
  }
};

// Means are low + the integral from low to high of the chance that a draw is larger.
template <class T>
struct Mean {
  Bounds bounds;

  double operator()(const FixedLaw<T>& law) const { return bounds.clip(real_of(law.value)); }
  double operator()(const UniformLaw<T>& law) const {
    return bounds.clip((real_of(law.low) + real_of(law.high)) / 2);
  }
  double operator()(const ExponentialLaw<T>& law) const {
    const Bounds cut = bounds.within(law.min, law.max);
    const double mean = real_of(law.mean);
    return cut.low + mean * (portable_exp(-cut.low / mean) - portable_exp(-cut.high / mean));
  }
  double operator()(const LognormalLaw<T>& law) const {
    const Bounds cut = bounds.within(law.min, law.max);
    // The integrand peaks at z = 0 where it is clipped, at z = sigma where it is not.
    constexpr double kStep = 1.0 / 64;
    constexpr int kReach = 10 * 64;  // ten standard deviations: what lies beyond weighs 1e-23
    const int last = kReach + static_cast<int>(law.sigma / kStep);
    double sum = 0;
    double weights = 0;
    for (int i = -kReach; i <= last; ++i) {
      const double z = i * kStep;
      const double weight = portable_exp(-z * z / 2);
      weights += weight;
      sum += weight * cut.clip(real_of(law.median) * portable_exp(law.sigma * z));
    }
    return sum / weights;
  }
  double operator()(const ParetoLaw<T>& law) const {
    const Bounds cut = bounds.within<T>(std::nullopt, law.max);
    const double from = std::max(cut.low, real_of(law.minimum));
    if (from >= cut.high) return cut.high;
    const double beyond = portable_pow(real_of(law.minimum) / from, law.alpha);  // draws above it
    const double over = law.alpha - 1;
    const double ratio = portable_log(cut.high / from);
    // (1 - (from / high)^over) / over tends to log(high / from) as over goes to 0.
    constexpr double kNone = 1e-9;
    const double integral =
        std::abs(over) < kNone ? ratio : (1 - portable_exp(-over * ratio)) / over;
    return from + beyond * from * integral;
  }
  double operator()(const EmpiricalLaw<T>& law) const {
    double sum = 0;
    double weights = 0;
    for (std::size_t i = 0; i < law.values.size(); ++i) {
      const double weight = law.weights ? (*law.weights)[i] : 1;
      weights += weight;
      sum += weight * bounds.clip(real_of(law.values[i]));
    }
    return sum / weights;
  }
};

template <class T>
struct Quantile {
  double p;
  Bounds bounds;

  double operator()(const FixedLaw<T>& law) const { return bounds.clip(real_of(law.value)); }
  double operator()(const UniformLaw<T>& law) const {
    const double low = real_of(law.low);
    const double values = real_of(law.high) - low + 1;
    return bounds.clip(low + std::ceil(p * values) - 1);
  }
  double operator()(const ExponentialLaw<T>& law) const {
    return bounds.within(law.min, law.max).clip(-real_of(law.mean) * portable_log(1 - p));
  }
  double operator()(const LognormalLaw<T>& law) const {
    const double z = normal_quantile(p);
    return bounds.within(law.min, law.max).clip(real_of(law.median) * portable_exp(law.sigma * z));
  }
  double operator()(const ParetoLaw<T>& law) const {
    return bounds.within<T>(std::nullopt, law.max)
        .clip(real_of(law.minimum) * portable_pow(1 - p, -1 / law.alpha));
  }
  double operator()(const EmpiricalLaw<T>& law) const {
    std::vector<std::pair<double, double>> values;  // with their weights
    double left = 0;
    for (std::size_t i = 0; i < law.values.size(); ++i) {
      values.emplace_back(bounds.clip(real_of(law.values[i])), law.weights ? (*law.weights)[i] : 1);
      left += p * values.back().second;
    }
    std::sort(values.begin(), values.end());
    for (const auto& [value, weight] : values) {
      left -= weight;
      if (weight > 0 && left <= 0) return value;
    }
    return values.back().first;
  }
};

}  // namespace

template <class T>
std::int64_t mean_of(const Law<T>& law, std::int64_t lowest, std::int64_t highest) {
  return nearest(std::visit(Mean<T>{{real_of(lowest), real_of(highest)}}, law));
}

template <class T>
std::int64_t quantile_of(const Law<T>& law, double p, std::int64_t lowest, std::int64_t highest) {
  return nearest(std::visit(Quantile<T>{p, {real_of(lowest), real_of(highest)}}, law));
}

template std::int64_t mean_of<Nanoseconds>(const Law<Nanoseconds>&, std::int64_t, std::int64_t);
template std::int64_t quantile_of<Nanoseconds>(const Law<Nanoseconds>&, double, std::int64_t,
                                               std::int64_t);

}  // namespace tiercast::workload
