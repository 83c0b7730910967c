#include "models/workload/law.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "sim/base/check.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {
namespace {

template <class T>
std::int64_t count_of(T amount) {
  if constexpr (std::is_integral_v<T>) {
    return amount;
  } else {
    return amount.value();
  }
}
template <class T>
double real_of(T amount) {
  return static_cast<double>(count_of(amount));
}

// Nearest integer of a variate >= 0, halves up; what no int64 holds is cut.
std::int64_t rounded(double variate) {
  constexpr double kMost = 0x1p62;
  return static_cast<std::int64_t>(std::floor(std::min(variate, kMost) + 0.5));
}

template <class T>
std::int64_t clipped(std::int64_t value, const std::optional<T>& min, const std::optional<T>& max) {
  if (max) value = std::min(value, count_of(*max));
  if (min) value = std::max(value, count_of(*min));
  return value;
}

// An index with probability proportional to its weight. Weights are >= 0 and not all 0.
std::size_t weighted_index(const std::vector<double>& weights, Stream& stream) {
  double left = stream.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t last = 0;  // of positive weight: where rounding leaves something over
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    if (left < weights[i]) return i;
    left -= weights[i];
    last = i;
  }
  return last;
}

template <class T>
struct Draw {
  Stream& stream;

  std::int64_t operator()(const FixedLaw<T>& law) const { return count_of(law.value); }
  std::int64_t operator()(const UniformLaw<T>& law) const {
    return stream.between(count_of(law.low), count_of(law.high));
  }
  std::int64_t operator()(const ExponentialLaw<T>& law) const {
    return clipped(rounded(stream.exponential(real_of(law.mean))), law.min, law.max);
  }
  std::int64_t operator()(const LognormalLaw<T>& law) const {
    return clipped(rounded(stream.lognormal(real_of(law.median), law.sigma)), law.min, law.max);
  }
  std::int64_t operator()(const ParetoLaw<T>& law) const {
    const double variate = stream.pareto(real_of(law.minimum), law.alpha);
    return clipped<T>(rounded(variate), std::nullopt, law.max);
  }
  std::int64_t operator()(const EmpiricalLaw<T>& law) const {
    const std::size_t index =
        law.weights ? weighted_index(*law.weights, stream) : stream.below(law.values.size());
    return count_of(law.values[index]);
  }
};

template <class L, class T>
bool ordered(const L& law) {
  return !law.min || !law.max || count_of(*law.min) <= count_of(*law.max);
}

template <class T>
bool weights_fit(const EmpiricalLaw<T>& law) {
  if (!law.weights) return true;
  const double sum = std::accumulate(law.weights->begin(), law.weights->end(), 0.0);
  return law.weights->size() == law.values.size() && sum > 0 && std::isfinite(sum);
}

// Tokens and turns come at least once, times may be none.
template <class T>
constexpr double kLowest = std::is_same_v<T, Nanoseconds> ? 0 : 1;

constexpr const char* kMinMeaning = "Smaller draws become this.";
constexpr const char* kMaxMeaning = "Larger draws become this.";
constexpr const char* kOrderRule = "min must not be above max";

}  // namespace

template <class T>
const FieldTable<FixedLaw<T>>& FixedLaw<T>::fields() {
  using namespace table;
  using S = FixedLaw<T>;
  static const auto fixed =
      FieldTable<S>("fixed", "Always the same.",
                    {field("value", &S::value, required, at_least(kLowest<T>), "The value.")})
          .shorthand("value");
  return fixed;
}

template <class T>
const FieldTable<UniformLaw<T>>& UniformLaw<T>::fields() {
  using namespace table;
  using S = UniformLaw<T>;
  static const auto uniform =
      FieldTable<S>("uniform", "Every whole value from low to high alike.",
                    {field("low", &S::low, required, at_least(kLowest<T>), "The smallest value."),
                     field("high", &S::high, required, at_least(kLowest<T>), "The largest value.")})
          .must("low must not be above high",
                [](const S& law) { return count_of(law.low) <= count_of(law.high); });
  return uniform;
}

template <class T>
const FieldTable<ExponentialLaw<T>>& ExponentialLaw<T>::fields() {
  using namespace table;
  using S = ExponentialLaw<T>;
  static const auto exponential =
      FieldTable<S>(
          "exponential", "Memoryless, rounded to whole values.",
          {field("mean", &S::mean, required, above(0), "Mean before clipping."),
           field("min", &S::min, absent_means("none"), at_least(kLowest<T>), kMinMeaning),
           field("max", &S::max, absent_means("unlimited"), at_least(kLowest<T>), kMaxMeaning)})
          .must(kOrderRule, ordered<S, T>);
  return exponential;
}

template <class T>
const FieldTable<LognormalLaw<T>>& LognormalLaw<T>::fields() {
  using namespace table;
  using S = LognormalLaw<T>;
  static const auto lognormal =
      FieldTable<S>(
          "lognormal", "The logarithm is normal; rounded to whole values.",
          {field("median", &S::median, required, above(0), "Half of the draws are below."),
           field("sigma", &S::sigma, required, between(0, 10),
                 "Standard deviation of the natural logarithm."),
           field("min", &S::min, absent_means("none"), at_least(kLowest<T>), kMinMeaning),
           field("max", &S::max, absent_means("unlimited"), at_least(kLowest<T>), kMaxMeaning)})
          .must(kOrderRule, ordered<S, T>);
  return lognormal;
}

template <class T>
const FieldTable<ParetoLaw<T>>& ParetoLaw<T>::fields() {
  using namespace table;
  using S = ParetoLaw<T>;
  static const auto pareto =
      FieldTable<S>(
          "pareto", "A power-law tail: more than x with chance (minimum / x)^alpha.",
          {field("minimum", &S::minimum, required, above(0), "The smallest value."),
           field("alpha", &S::alpha, required, between(0.1, 100.0),
                 "Tail exponent; the mean is finite above 1 only."),
           field("max", &S::max, absent_means("unlimited"), at_least(kLowest<T>), kMaxMeaning)})
          .must("minimum must not be above max", [](const S& law) {
            return !law.max || count_of(law.minimum) <= count_of(*law.max);
          });
  return pareto;
}

template <class T>
const FieldTable<EmpiricalLaw<T>>& EmpiricalLaw<T>::fields() {
  using namespace table;
  using S = EmpiricalLaw<T>;
  static const auto empirical =
      FieldTable<S>(
          "empirical", "One of a list of values.",
          {field("values", &S::values, required, at_least(kLowest<T>), fewest(1), "The values."),
           field("weights", &S::weights, absent_means("all alike"), at_least(0),
                 "How often each value comes, relative to the others.")})
          .must("there must be as many weights as values, and some above 0", weights_fit<T>);
  return empirical;
}

template <class T>
std::int64_t draw(const Law<T>& law, Stream& stream, std::int64_t lowest, std::int64_t highest) {
  TIERCAST_CHECK(lowest <= highest, "a law is drawn in an empty range");
  return std::clamp(std::visit(Draw<T>{stream}, law), lowest, highest);
}

template struct FixedLaw<Tokens>;
template struct FixedLaw<Nanoseconds>;
template struct FixedLaw<std::int64_t>;
template struct UniformLaw<Tokens>;
template struct UniformLaw<Nanoseconds>;
template struct UniformLaw<std::int64_t>;
template struct ExponentialLaw<Tokens>;
template struct ExponentialLaw<Nanoseconds>;
template struct ExponentialLaw<std::int64_t>;
template struct LognormalLaw<Tokens>;
template struct LognormalLaw<Nanoseconds>;
template struct LognormalLaw<std::int64_t>;
template struct ParetoLaw<Tokens>;
template struct ParetoLaw<Nanoseconds>;
template struct ParetoLaw<std::int64_t>;
template struct EmpiricalLaw<Tokens>;
template struct EmpiricalLaw<Nanoseconds>;
template struct EmpiricalLaw<std::int64_t>;

template std::int64_t draw<Tokens>(const Law<Tokens>&, Stream&, std::int64_t, std::int64_t);
template std::int64_t draw<Nanoseconds>(const Law<Nanoseconds>&, Stream&, std::int64_t,
                                        std::int64_t);
template std::int64_t draw<std::int64_t>(const Law<std::int64_t>&, Stream&, std::int64_t,
                                         std::int64_t);

}  // namespace tiercast::workload
