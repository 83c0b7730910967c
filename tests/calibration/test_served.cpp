#include <cmath>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "models/calibration/served_fit.hpp"
#include "models/calibration/served_report.hpp"

using namespace tiercast;
using namespace tiercast::calibration;

namespace {

// A server whose steps take `step` and `sequence` for each of n: what runs are forecast to be.
double value_of(const std::vector<std::string>& flags, const std::string& name, double otherwise) {
  for (const std::string& flag : flags) {
    if (flag.starts_with(name + "=")) {
      const double number = std::strtod(flag.c_str() + name.size() + 1, nullptr);
      return flag.ends_with("ns") ? number * 1e-6 : number;  // in ms
    }
  }
  return otherwise;
}

double step_ms(const ServedRun& run) {
  const double n = value_of(run.served->set, "n", 1);
  return value_of(run.set, "step", 1) + value_of(run.set, "sequence", 0) * n;
}

std::vector<std::vector<double>> forecast_all(const std::vector<ServedRun>& runs) {
  std::vector<std::vector<double>> all;
  for (const ServedRun& run : runs) all.push_back({step_ms(run)});
  return all;
}

ServedCase measured(double n, double ms, const std::string& group = "a") {
  ServedCase one;
  one.id = group + std::to_string(static_cast<int>(n));
  one.set = {"n=" + std::to_string(n)};
  one.group = group;
  one.measured = {{"tpot_ms.mean", ms}};
  return one;
}

ServedCases of_known_server() {
  ServedCases cases;
  for (const double n : {1.0, 4.0, 16.0, 64.0, 256.0}) {
    cases.cases.push_back(measured(n, 2.5 + 0.02 * n));
  }
  cases.parameters = {{"step", "", "1ms", "10us", "20ms"}, {"sequence", "", "1us", "100ns", "1ms"}};
  return cases;
}

}  // namespace

TEST_CASE("parameters of a server are found from its served runs") {
  const ServedCases cases = of_known_server();
  Diagnostics found;
  const auto result = fit_served(cases, forecast_all, false, found);
  REQUIRE(result);
  REQUIRE(result->parameters.size() == 2);
  CHECK(result->parameters[0].value.si == Approx(2.5e-3).epsilon(0.01));
  CHECK(result->parameters[1].value.si == Approx(20e-6).epsilon(0.01));
  for (const ServedForecast& one : result->forecasts) CHECK(std::abs(one.error()) < 0.01);
}

TEST_CASE("a group left out is forecast by what the others tell") {
  ServedCases cases = of_known_server();
  for (const double n : {8.0, 32.0, 128.0}) {  // of another server, 40 % slower
    cases.cases.push_back(measured(n, 1.4 * (2.5 + 0.02 * n), "b"));
  }
  Diagnostics found;
  const auto result = fit_served(cases, forecast_all, true, found);
  REQUIRE(result);
  for (const ServedForecast& one : result->forecasts) {
    REQUIRE(one.left_out);
    const double left_out = *one.left_out / one.measured->value - 1;
    if (one.served->group == "b") CHECK(left_out == Approx(1 / 1.4 - 1).margin(0.01));
    if (one.served->group == "a") CHECK(left_out > 0.3);
  }
}

TEST_CASE("what is told apart is forecast and not fitted") {
  ServedCases cases = of_known_server();
  cases.cases.push_back(measured(2, 1000));
  cases.cases.back().apart = "KV memory is full";
  Diagnostics found;
  const auto result = fit_served(cases, forecast_all, false, found);
  REQUIRE(result);
  CHECK(result->parameters[0].value.si == Approx(2.5e-3).epsilon(0.01));
  CHECK(result->forecasts.back().error() < -0.99);
  CHECK_THAT(to_text(cases, *result), Catch::Contains("apart: KV memory is full"));
  CHECK_THAT(to_markdown(cases, *result),
             Catch::Contains("| a2 (apart) | `tpot_ms.mean` | 1000 |"));
}

TEST_CASE("a parameter of one kind leaves the cases of others alone") {
  ServedCases cases = of_known_server();
  for (ServedCase& one : cases.cases) one.kind = "new";
  cases.parameters[0].kind = "new";
  cases.parameters[1].kind = "old";
  Diagnostics found;
  const auto result = fit_served(cases, forecast_all, false, found);
  REQUIRE(result);
  CHECK(result->parameters[1].state == FitState::unused);
  CHECK(result->parameters[0].state == FitState::free);
}

TEST_CASE("a run that cannot be forecast ends the fit") {
  const ServedCases cases = of_known_server();
  Diagnostics found;
  const auto none = [](const std::vector<ServedRun>& runs) {
    return std::vector<std::vector<double>>(runs.size());
  };
  CHECK_FALSE(fit_served(cases, none, true, found));
}

TEST_CASE("bounds that are no numbers are refused") {
  ServedCases cases = of_known_server();
  for (const char* wrong : {"fast", "-1ms", "3", "50ms", "0ns"}) {
    cases.parameters[0].start = wrong;
    Diagnostics found;
    INFO(wrong);
    CHECK_FALSE(fit_served(cases, forecast_all, false, found));
    CHECK(found.error_count() == 1);
  }
}
