// Parts: what is fitted, rounded, told by group and left out.

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/calibration/part.hpp"

using namespace tiercast;
using namespace tiercast::calibration;

namespace {

// a + b x, held outside of the part as a candidate's fields are.
struct Line {
  Seconds a{1e-6};
  double b = 1;
  std::vector<double> x{};
  Part part{"line", "made up"};

  Line() {
    part.parameters = {{"a", &a, {1e-6, 1e-9, 1}}, {"b", &b, {1, 0.01, 100}}};
    part.groupings = {Grouping("kind")};
    part.modelled = [this](std::size_t row) { return 1e6 * a.value() + b * x[row]; };
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void add(const std::string& group, double at, double measured) {
    x.push_back(at);
    part.measured.push_back(measured);
    part.groupings[0].add(group);
  }
};

double truth(double x) { return 3 + 0.5 * x; }

}  // namespace

TEST_CASE("a part's parameters are found and left rounded in its candidate") {
  Line line;
  for (int i = 1; i <= 40; ++i) line.add(i % 2 == 0 ? "even" : "odd", i, 1.000321 * truth(i));
  const PartFit result = fit_part(line.part, {});
  CHECK(result.name == "line");
  CHECK(result.rows_fitted == 40);
  CHECK(line.a.value() == 3.001e-6);
  CHECK(line.b == 0.5002);
  REQUIRE(result.parameters.size() == 2);
  CHECK(format_quantity(result.parameters[0].value) == "3001ns");
  CHECK(result.parameters[1].value.si == 0.5002);
  // Errors are of the rounded values.
  CHECK(result.errors.rows == 40);
  CHECK(result.errors.p90 > 0);
  CHECK(result.errors.p90 < 2e-4);
  REQUIRE(result.groups.size() == 2);
  CHECK(result.groups[0].label == "odd");
  CHECK(result.groups[0].errors.rows == 20);
}

TEST_CASE("a group that is left out is forecast by what the others say alone") {
  Line all;
  Line others;
  for (int i = 1; i <= 30; ++i) {
    const std::string group = i <= 10 ? "a" : i <= 20 ? "b" : "c";
    // The largest sizes run at half the speed, which the others do not know.
    const double measured = group == "c" ? 2 * truth(i) : truth(i);
    all.add(group, i, measured);
    if (group != "c") others.add(group, i, measured);
  }
  const PartFit whole = fit_part(all.part, {});
  FitOptions alone;
  alone.leave_out = false;
  const PartFit without = fit_part(others.part, alone);
  CHECK_FALSE(without.left_out);
  REQUIRE(whole.left_out_groups.size() == 3);
  const ErrorSummary& planted = whole.left_out_groups[2].errors;
  CHECK(whole.left_out_groups[2].label == "c");
  CHECK(planted.rows == 10);
  // Half the time, in every row, as the others alone say; the fit that saw them is nearer.
  CHECK(planted.median == Approx(0.5).epsilon(0.002));
  CHECK(planted.bias == Approx(-0.5).epsilon(0.002));
  CHECK(without.errors.p90 < 1e-3);
  CHECK(whole.groups[2].errors.median < 0.45);
  REQUIRE(whole.left_out);
  CHECK(whole.left_out->rows == 30);
  // What was left out does not stay in the candidate.
  CHECK(all.b == whole.parameters[1].value.si);
}

TEST_CASE("rows of a large part are chosen once and for all") {
  Line line;
  for (int i = 1; i <= 500; ++i) line.add("all", i, truth(i) * (i % 7 == 0 ? 1.1 : 1));
  FitOptions options;
  options.rows_max = 100;
  const PartFit first = fit_part(line.part, options);
  CHECK(first.rows_fitted == 100);
  CHECK(first.errors.rows == 500);
  line.a = Seconds{1e-6};
  line.b = 1;
  const PartFit second = fit_part(line.part, options);
  CHECK(first.parameters[0].value == second.parameters[0].value);
  CHECK(first.parameters[1].value == second.parameters[1].value);
  // One group: nothing to leave out.
  CHECK_FALSE(first.left_out);
}

TEST_CASE("a part without parameters tells its errors") {
  Line line;
  line.part.parameters.clear();
  for (int i = 1; i <= 5; ++i) line.add("all", i, 2 * (1 + i));
  const PartFit result = fit_part(line.part, {});
  CHECK(result.rows_fitted == 0);
  CHECK(result.errors.median == Approx(0.5));
  CHECK(result.errors.bias == Approx(-0.5));
}

TEST_CASE("errors are ranked by size and their sign is kept apart") {
  const ErrorSummary summary =
      summarise({-0.5, 0.1, -0.2, 0.3, 0.0, 0.4, -0.1, 0.2, 0.1, 0.1, 0.0});
  CHECK(summary.rows == 11);
  CHECK(summary.median == 0.1);
  CHECK(summary.p90 == 0.4);
  CHECK(summary.bias == 0.1);
}

TEST_CASE("values are rounded to what a document states") {
  Seconds time{0};
  double share = 0;
  Bytes size{};
  BytesPerSecond rate{0};
  CHECK(rounded(Target{&time}, 12.345678e-6) == 12.35e-6);
  CHECK(rounded(Target{&time}, 0.4e-9) == 0);
  CHECK(rounded(Target{&share}, 0.123456) == 0.1235);
  CHECK(rounded(Target{&size}, 1234567) == 1235000);
  CHECK(rounded(Target{&rate}, 3.35251e12) == 3.353e12);
  set(Target{&size}, 1234.6);
  CHECK(size == bytes(1235));
  CHECK(value_of(Target{&size}) == 1235);
}
