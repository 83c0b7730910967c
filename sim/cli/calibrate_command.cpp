#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/copies.hpp"
#include "models/calibration/fio.hpp"
#include "models/calibration/operators.hpp"
#include "models/scenario/catalogue.hpp"
#include "sim/base/field_table.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/served_command.hpp"
#include "sim/config/document.hpp"

namespace tiercast::cli {

namespace {

using calibration::Calibration;
using calibration::MeasuredTable;

/// Whose latent attention tables of MLA modules measure.
constexpr const char* kLatentModel = "deepseek-v3";

/// Entries of the catalogue that the command line names by flags.
class Entries {
 public:
  Entries(const Arguments& arguments, Diagnostics& found)
      : found_(found), catalogue_(configs_folder(arguments), found) {}

  template <class S>
  std::optional<S> read(const std::string& kind, const std::string& name, const char* flag) {
    const Node* entry = catalogue_.find(kind, name, {flag, 0, 0});
    if (entry == nullptr) return std::nullopt;
    S spec;
    Node resolved;
    Reader reader(found_, catalogue_.lookup());
    if (!reader.read(*entry, spec, resolved)) return std::nullopt;
    return spec;
  }

  /// Whether a new entry goes over its base: rules between fields may be broken by what was
  /// measured. Reported.
  template <class S>
  bool takes(const Calibration& made) {
    const auto document =
        config::parse_document(to_yaml(made), "the new entry", Origin::catalogue, found_);
    S spec;
    Node resolved;
    Reader reader(found_, catalogue_.lookup());
    return document && reader.read(*document, spec, resolved);
  }

 private:
  Diagnostics& found_;
  scenario::Catalogue catalogue_;
};

std::vector<MeasuredTable> read_tables(const Arguments& arguments, Diagnostics& found) {
  std::vector<MeasuredTable> tables;
  for (const std::string& file : arguments.inputs) {
    auto table = MeasuredTable::read(file, found);
    if (!table) continue;
    for (const std::string& condition : arguments.where) {
      const std::size_t equals = condition.find('=');
      if (equals == std::string::npos) {
        found.error({"--where", 0, 0}, "`" + condition + "` is no condition",
                    "write COLUMN=TEXT: rows whose COLUMN holds TEXT count");
        continue;
      }
      table->keep(condition.substr(0, equals), condition.substr(equals + 1), found);
    }
    tables.push_back(std::move(*table));
  }
  return tables;
}

calibration::FitOptions fit_options(const Arguments& arguments) {
  calibration::FitOptions options;
  options.leave_out = arguments.leave_out;
  return options;
}

std::optional<Calibration> operators(const Arguments& arguments, Diagnostics& found) {
  if (!arguments.gpu) {
    found.error({"--gpu", 0, 0}, "operator tables need the GPU that they were measured on",
                "--gpu NAME; `tiercast configs gpus` lists what there is");
    return std::nullopt;
  }
  Entries entries(arguments, found);
  const auto gpu = entries.read<hardware::GpuSpec>("gpus", *arguments.gpu, "--gpu");
  if (!gpu) return std::nullopt;
  const std::string base_name = arguments.base.value_or(gpu->kernels);
  const auto base = entries.read<llm::KernelSpec>("calibration", base_name, "--base");
  const auto latent = entries.read<llm::ModelSpec>("models", kLatentModel, "MLA tables");
  const std::vector<MeasuredTable> tables = read_tables(arguments, found);
  if (found.has_errors()) return std::nullopt;
  auto made = calibration::calibrate_operators({*arguments.gpu, *gpu, base_name, *base, *latent},
                                               tables, fit_options(arguments), found);
  return made && entries.takes<llm::KernelSpec>(*made) ? std::move(made) : std::nullopt;
}

std::optional<Calibration> fio(const Arguments& arguments, Diagnostics& found) {
  calibration::FioInput input;
  std::optional<hardware::DriveSpec> base;
  Entries entries(arguments, found);
  if (arguments.base) {
    base = entries.read<hardware::DriveSpec>("drives", *arguments.base, "--base");
    if (base) input = {*arguments.base, &*base};
  }
  std::vector<calibration::JsonFile> files;
  for (const std::string& file : arguments.inputs) {
    if (auto document = calibration::JsonFile::read(file, found)) {
      files.push_back(std::move(*document));
    }
  }
  if (found.has_errors()) return std::nullopt;
  auto made = calibration::calibrate_drive(input, files, found);
  // Without a base it is a part of an entry.
  return made && (!base || entries.takes<hardware::DriveSpec>(*made)) ? std::move(made)
                                                                      : std::nullopt;
}

/// What `--link` says, or the GPU's link to its host.
std::optional<BytesPerSecond> link_of(const Arguments& arguments, Entries& entries,
                                      Diagnostics& found) {
  if (arguments.link) {
    const QuantityResult rate = parse_quantity(*arguments.link, Dimension::bandwidth);
    if (rate && rate.quantity->si > 0) return to_unit<BytesPerSecond>(*rate.quantity);
    found.error({"--link", 0, 0}, rate ? "a link needs a bandwidth above 0" : rate.error,
                rate.hint);
    return std::nullopt;
  }
  if (!arguments.gpu) {
    found.error({"--link", 0, 0}, "copies need the bandwidth of the link that they went over",
                "--link 64GB/s, or --gpu NAME for that GPU's link to its host");
    return std::nullopt;
  }
  const auto gpu = entries.read<hardware::GpuSpec>("gpus", *arguments.gpu, "--gpu");
  if (!gpu) return std::nullopt;
  return gpu->host_link.value;
}

std::optional<Calibration> copies(const Arguments& arguments, Diagnostics& found) {
  Entries entries(arguments, found);
  const std::optional<BytesPerSecond> link = link_of(arguments, entries, found);
  if (!arguments.base) {
    found.error({"--base", 0, 0}, "copies need the stack that they are to describe",
                "--base NAME; `tiercast configs stacks` lists what there is");
    return std::nullopt;
  }
  const auto base = entries.read<hardware::StackSpec>("stacks", *arguments.base, "--base");
  const std::vector<MeasuredTable> tables = read_tables(arguments, found);
  if (found.has_errors()) return std::nullopt;
  auto made = calibration::calibrate_stack({*arguments.base, *base, *link}, tables,
                                           fit_options(arguments), found);
  return made && entries.takes<hardware::StackSpec>(*made) ? std::move(made) : std::nullopt;
}

}  // namespace

int calibrate_command(const Arguments& arguments) {
  Diagnostics found;
  if (*arguments.kind == "served") {
    const int code = calibrate_served(arguments, found);
    print(found, arguments);
    return code;
  }
  const std::optional<Calibration> result = *arguments.kind == "operators"
                                                ? operators(arguments, found)
                                            : *arguments.kind == "fio" ? fio(arguments, found)
                                                                       : copies(arguments, found);
  print(found, arguments);
  if (!result) return exit_bad_input;
  if (arguments.output) write_file(*arguments.output, to_yaml(*result));
  write_stdout(arguments.format == Format::json ? to_json(*result) : to_text(*result));
  return exit_ok;
}

}  // namespace tiercast::cli
