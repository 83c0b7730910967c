#include "models/calibration/served_cases.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::calibration {

using namespace table;

const FieldTable<MeasuredFigure>& MeasuredFigure::fields() {
  using S = MeasuredFigure;
  static const auto table = FieldTable<S>(
      "measured", "One figure of a run.",
      {
          field("metric", &S::metric, required, "Number of a result, e.g. ttft_ms.mean."),
          field("value", &S::value, required, above(0), "In that number's unit."),
      });
  return table;
}

const FieldTable<ServedCase>& ServedCase::fields() {
  using S = ServedCase;
  static const auto table = FieldTable<S>(
      "case", "A served run that was measured.",
      {
          field("id", &S::id, required, "Its name."),
          field("scenario", &S::scenario, required, "Scenario file, from this file's folder."),
          field("set", &S::set, by_default("[]"), "Flags that make the scenario that run."),
          field("kind", &S::kind, by_default(""), "Which parameters bear on it."),
          field("group", &S::group, by_default(""), "Cases left out together, e.g. of one model."),
          field("measured", &S::measured, required, fewest(1), "What was measured."),
          field("weight", &S::weight, by_default("1"), between(1, 1000),
                "Times it counts in the fit."),
          field("apart", &S::apart, by_default(""),
                "Why it is told apart and not fitted; empty: it is fitted."),
      });
  return table;
}

const FieldTable<ServedParameter>& ServedParameter::fields() {
  using S = ServedParameter;
  static const auto table = FieldTable<S>(
      "parameter", "A number of the scenario that is fitted.",
      {
          field("path", &S::path, required, "Where it is, e.g. engine.overhead.step."),
          field("kind", &S::kind, by_default(""), "Cases of this kind have it; empty: all."),
          field("start", &S::start, required, "Where the search begins, with unit."),
          field("lowest", &S::lowest, required, "Bound, above 0."),
          field("highest", &S::highest, required, "Bound."),
      });
  return table;
}

const FieldTable<ServedCases>& ServedCases::fields() {
  using S = ServedCases;
  static const auto table = FieldTable<S>(
      "served", "Served runs that were measured, and what is fitted to them.",
      {
          field("title", &S::title, by_default(""), "Name for people."),
          field("source", &S::source, by_default(""), "Where the measurements are from."),
          field("cases", &S::cases, required, fewest(1), "The runs."),
          field("parameters", &S::parameters, by_default("[]"), "What is fitted; none: nothing."),
      });
  return table;
}

}  // namespace tiercast::calibration
