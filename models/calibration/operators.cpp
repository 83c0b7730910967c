#include "models/calibration/operators.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "models/calibration/operator_parts.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

Node error_entry(const std::string& part, const std::string& table, std::size_t rows, double median,
                 double p90) {
  Node entry = Node::map();
  entry.set("part", Node::scalar(part));
  entry.set("table", Node::scalar(table));
  entry.set("rows", Node::scalar(std::to_string(rows)));
  // What lies off the scale of the calibration's table stays at its end.
  entry.set("median", Node::scalar(percent_text(std::min(median, 1.0))));
  entry.set("p90", Node::scalar(percent_text(std::min(p90, 5.0))));
  return entry;
}

// The base's errors, replaced where a part was fitted anew.
Node errors_of(const llm::KernelSpec& base, const std::vector<PartFit>& parts) {
  Node list = Node::list();
  std::set<std::string> told;
  const auto add = [&](const PartFit& part) {
    list.items.push_back(
        error_entry(part.name, part.table, part.errors.rows, part.errors.median, part.errors.p90));
    told.insert(part.name);
  };
  const auto fitted = [&](const std::string& name) {
    return std::find_if(parts.begin(), parts.end(),
                        [&](const PartFit& part) { return part.name == name; });
  };
  for (const llm::FitErrorSpec& error : base.errors) {
    const auto part = fitted(error.part);
    if (part != parts.end()) {
      add(*part);
    } else {
      list.items.push_back(
          error_entry(error.part, error.table, error.rows, error.median, error.p90));
    }
  }
  for (const PartFit& part : parts) {
    if (!told.contains(part.name)) add(part);
  }
  return list;
}

// Sections of a calibration that hold parameters and that nothing here has told.
std::vector<std::string> untouched(const Node& entry) {
  static const std::set<std::string> kWords{"use", "title", "source", "fitted_on", "errors"};
  std::vector<std::string> names;
  for (const FieldInfo& field : llm::KernelSpec::fields().fields()) {
    if (kWords.contains(field.name) || entry.find(field.name) != nullptr) continue;
    names.push_back(field.name);
  }
  return names;
}

}  // namespace

std::optional<Calibration> calibrate_operators(const OperatorsInput& input,
                                               std::span<const MeasuredTable> tables,
                                               const FitOptions& options, Diagnostics& found) {
  Calibration result{"operators", {}, {}, Node::map()};
  std::vector<KnownTable> known;
  for (const MeasuredTable& table : tables) {
    const auto kind = kind_of(table, found);
    if (!kind) continue;
    known.push_back({*kind, &table});
    result.files.push_back(described(table));
  }
  OperatorModel model(input.gpu, input.base, input.latent_model);
  const std::vector<Part> parts = operator_parts(known, model, found);
  if (found.has_errors()) return std::nullopt;
  if (parts.empty()) {
    found.error({tables.front().file(), 0, 0},
                known.empty() ? "no table is of a kind that is known"
                              : "no row tells anything of the calibration",
                known.empty() ? "" : "models/calibration/README.md says which rows count");
    return std::nullopt;
  }
  for (const Part& part : parts) result.parts.push_back(fit_part(part, options));

  Node& entry = result.entry;
  entry.set("use", Node::scalar(input.base_name));
  entry.set("title", Node::scalar("Kernels as measured on " + input.gpu_name));
  entry.set("source",
            Node::scalar("tiercast calibrate operators over " + source_text(result.files)));
  entry.set("fitted_on", Node::scalar(input.gpu_name));
  for (const PartFit& part : result.parts) {
    for (const FittedParameter& parameter : part.parameters) {
      set_path(entry, parameter.path, format_quantity(parameter.value));
    }
  }
  entry.set("errors", errors_of(input.base, result.parts));
  const std::vector<std::string> rest = untouched(entry);
  if (!rest.empty()) {
    result.notes.push_back("Not in these tables, so as in " + input.base_name + ": " + join(rest) +
                           ".");
  }
  return result;
}

}  // namespace tiercast::calibration
