#include "models/calibration/fit.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace tiercast::calibration {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr int kRoundsMax = 100;
constexpr int kTriesMax = 8;             // of one round, each damped more
constexpr double kLongestStep = 1;       // of one round, in the logarithm
constexpr double kSmallestTime = 1e-30;  // keeps logarithms finite

double log_ratio(double modelled, double measured) {
  return portable_log(std::max(modelled, kSmallestTime) / measured);
}

// Where the search stands.
class Search {
 public:
  explicit Search(const FitProblem& problem)
      : problem_(problem), values_(problem.unknowns.size()), modelled_(problem.measured.size()) {}

  Index unknowns() const { return static_cast<Index>(values_.size()); }
  Index rows() const { return static_cast<Index>(modelled_.size()); }

  Vector start() const {
    Vector at(unknowns());
    for (Index j = 0; j < unknowns(); ++j) at[j] = portable_log(unknown(j).start);
    return bounded(at);
  }

  Vector bounded(Vector at) const {
    for (Index j = 0; j < unknowns(); ++j) at[j] = std::clamp(at[j], low(j), high(j));
    return at;
  }

  Vector residuals(const Vector& at) {
    for (Index j = 0; j < unknowns(); ++j) values_[static_cast<std::size_t>(j)] = value(at, j);
    problem_.model(values_, modelled_);
    Vector r(rows());
    for (Index i = 0; i < rows(); ++i) {
      const auto row = static_cast<std::size_t>(i);
      r[i] = log_ratio(modelled_[row], problem_.measured[row]);
    }
    return r;
  }

  /// One column an unknown. The step leads away from the nearer bound.
  Matrix jacobian(const Vector& at, const Vector& r) {
    Matrix columns(rows(), unknowns());
    for (Index j = 0; j < unknowns(); ++j) {
      const double step = at[j] + problem_.step > high(j) ? -problem_.step : problem_.step;
      Vector moved = at;
      moved[j] += step;
      columns.col(j) = (residuals(moved) - r) / step;
    }
    return columns;
  }

  double value(const Vector& at, Index j) const {
    return std::clamp(portable_exp(at[j]), unknown(j).lowest, unknown(j).highest);
  }
  double low(Index j) const { return portable_log(unknown(j).lowest); }
  double high(Index j) const { return portable_log(unknown(j).highest); }

 private:
  const Unknown& unknown(Index j) const { return problem_.unknowns[static_cast<std::size_t>(j)]; }

  const FitProblem& problem_;
  std::vector<double> values_;
  std::vector<double> modelled_;
};

Vector weights(const Vector& r) {
  return (1 + (r / kKnee).array().square()).sqrt().inverse().matrix();
}

double loss_of(const Vector& r) {
  double sum = 0;
  for (const double residual : r) {
    const double x = residual / kKnee;
    sum += 2 * kKnee * kKnee * (std::sqrt(1 + x * x) - 1);
  }
  return sum;
}

// The sandwich's plain form: the inverse of the normal matrix of what is free, times the scatter.
void add_errors(const Matrix& jacobian, const Vector& r, FitResult& result) {
  std::vector<Index> free;
  for (Index j = 0; j < jacobian.cols(); ++j) {
    FittedValue& value = result.values[static_cast<std::size_t>(j)];
    if (jacobian.col(j).squaredNorm() == 0) value.state = FitState::unused;
    if (value.state == FitState::free) free.push_back(j);
  }
  const auto count = static_cast<Index>(free.size());
  if (count == 0 || jacobian.rows() <= count) return;
  Matrix chosen(jacobian.rows(), count);
  for (Index j = 0; j < count; ++j) chosen.col(j) = jacobian.col(free[static_cast<std::size_t>(j)]);
  const Vector weight = weights(r);
  const Matrix normal = chosen.transpose() * weight.asDiagonal() * chosen;
  const Eigen::LDLT<Matrix> solver(normal);
  if (solver.info() != Eigen::Success || solver.rcond() < 1e-14) return;
  const double scatter = weight.dot(r.cwiseAbs2()) / static_cast<double>(r.size() - count);
  const Matrix covariance = solver.solve(Matrix::Identity(count, count)) * scatter;
  for (Index j = 0; j < count; ++j) {
    const auto at = static_cast<std::size_t>(free[static_cast<std::size_t>(j)]);
    result.values[at].relative_error = std::sqrt(std::max(0.0, covariance(j, j)));
  }
}

}  // namespace

FitResult fit(const FitProblem& problem) {
  for (const Unknown& unknown : problem.unknowns) {
    TIERCAST_CHECK(unknown.lowest > 0 && unknown.lowest < unknown.highest && unknown.start > 0,
                   "an unknown without positive bounds");
  }
  Search search(problem);
  Vector at = search.start();
  Vector r = search.residuals(at);
  FitResult result{{}, loss_of(r), 0};
  double damping = 1e-2;
  for (bool better = search.unknowns() > 0; better && result.rounds < kRoundsMax; ++result.rounds) {
    const Matrix jacobian = search.jacobian(at, r);
    const Vector weight = weights(r);
    const Matrix normal = jacobian.transpose() * weight.asDiagonal() * jacobian;
    const Vector gradient = jacobian.transpose() * weight.cwiseProduct(r);
    better = false;
    for (int tries = 0; tries < kTriesMax; ++tries) {
      Matrix damped = normal;
      damped.diagonal() += damping * (normal.diagonal().array() + 1e-9).matrix();
      const Vector step =
          damped.ldlt().solve(-gradient).cwiseMax(-kLongestStep).cwiseMin(kLongestStep);
      const Vector trial = search.bounded(at + step);
      const Vector r_trial = search.residuals(trial);
      const double loss = loss_of(r_trial);
      if (loss < result.loss) {
        better = result.loss - loss > problem.enough * result.loss;
        at = trial;
        r = r_trial;
        result.loss = loss;
        damping = std::max(damping / 3, 1e-9);
        break;
      }
      damping *= 4;
    }
  }
  for (Index j = 0; j < search.unknowns(); ++j) {
    const FitState state = at[j] <= search.low(j)    ? FitState::lowest
                           : at[j] >= search.high(j) ? FitState::highest
                                                     : FitState::free;
    result.values.push_back({search.value(at, j), state, std::nullopt});
  }
  if (search.unknowns() > 0) add_errors(search.jacobian(at, r), r, result);
  return result;
}

}  // namespace tiercast::calibration
