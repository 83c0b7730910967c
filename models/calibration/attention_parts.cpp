// Attention kernels, and modules of latent attention with the products around it. A row with `step`
// KV tokens behind it and `isl` 1 is a decode; one without is a prefill chunk.

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/labels.hpp"
#include "models/calibration/operator_parts.hpp"
#include "models/calibration/operator_tables.hpp"
#include "models/llm/layers.hpp"
#include "models/llm/step_table.hpp"

namespace tiercast::calibration {
namespace {

// Tables time kernels alone.
const llm::EngineOverheadSpec kNoSoftware{};

// One measurement: `batch` sequences of `tokens` new tokens after `context` cached ones.
struct Shape {
  std::size_t model;  // index
  llm::KvFormat kv;
  std::uint32_t window;  // 0 where it cuts nothing off: such calls run as without one
  double batch;
  double tokens;
  double context;
};

double decode_us(const llm::AttentionCost& cost, const Shape& shape) {
  const double length = shape.context + 1;
  const double read = shape.window == 0 ? length : std::min<double>(length, shape.window);
  return cost.launch.us + shape.batch * (cost.sequence.us + read * cost.decode_kv.us);
}

double prefill_us(const llm::AttentionCost& cost, const Shape& shape) {
  const auto rows = static_cast<std::int64_t>(shape.tokens);
  const auto context = static_cast<std::int64_t>(shape.context);
  const std::int64_t padded = (rows + cost.row_tile - 1) / cost.row_tile * cost.row_tile;
  const auto pairs = static_cast<double>(llm::attention_pairs(padded, context, shape.window));
  const auto reach = static_cast<double>(llm::attention_kv_tokens(rows, context, shape.window));
  const double chunk = cost.chunk.us + shape.tokens * cost.chunk_token.us +
                       reach * cost.chunk_kv.us + pairs * cost.chunk_pair.us;
  return cost.launch.us + shape.batch * chunk;
}

struct Row {
  Shape shape;
  double heads, kv_heads, dim;
  double us;
  std::string source;
  std::string gemm;  // format of the products of a module
};

llm::KvFormat kv_format(const std::string& dtype) {
  return dtype.starts_with("fp8") ? llm::KvFormat::fp8 : llm::KvFormat::bf16;
}

std::vector<Row> rows_of(Tables tables, bool module, Diagnostics& found) {
  std::vector<Row> rows;
  for (const MeasuredTable* table : tables) {
    const std::size_t dtype = table->column("kv_cache_dtype").value();
    const auto source = table->column("kernel_source");
    const auto gemm = table->column("gemm_type");
    const std::vector<double> batch = numbers(*table, "batch_size", 1, found);
    const std::vector<double> tokens = numbers(*table, "isl", 1, found);
    const std::vector<double> step = numbers(*table, "step", 0, found);
    const std::vector<double> heads = numbers(*table, "num_heads", 1, found);
    const std::vector<double> kv_heads = numbers_or(*table, "num_key_value_heads", 1, 1, found);
    const std::vector<double> dim = numbers_or(*table, "head_dim", 1, 0, found);
    const std::vector<double> window = numbers_or(*table, "window_size", 0, 0, found);
    const std::vector<double> us = latencies_us(*table, found);
    if (found.has_errors()) continue;
    for (std::size_t row = 0; row < table->rows(); ++row) {
      const double length = step[row] + tokens[row];
      rows.push_back({{0, kv_format(table->text(row, dtype)),
                       static_cast<std::uint32_t>(length > window[row] ? window[row] : 0),
                       batch[row], tokens[row], step[row]},
                      heads[row],
                      kv_heads[row],
                      dim[row],
                      us[row],
                      source ? table->text(row, *source) : "",
                      module && gemm ? table->text(row, *gemm) : ""});
    }
  }
  return rows;
}

bool is_decode(const Row& row) { return row.shape.tokens == 1 && row.shape.context > 0; }

// A part of the rows that `counts` takes, with a model for each distinct head shape.
template <class Counts, class MakeModel>
Part part_of(const std::vector<Row>& rows, std::string name, std::string table,
             std::vector<llm::ModelSpec>& models, std::vector<Shape>& shapes, Counts counts,
             MakeModel make_model) {
  Part part{std::move(name), std::move(table)};
  part.groupings = {Grouping("heads"),  Grouping("head_dim"), Grouping("batch"),
                    Grouping("tokens"), Grouping("window"),   Grouping("kv")};
  Grouping by_shape("");
  for (const Row& row : rows) {
    if (!counts(row)) continue;
    const std::string heads = whole(row.heads) + "/" + whole(row.kv_heads);
    by_shape.add(heads + " x " + whole(row.dim));
    if (by_shape.labels.size() > models.size()) models.push_back(make_model(row));
    shapes.push_back(row.shape);
    shapes.back().model = by_shape.group_of.back();
    part.measured.push_back(row.us);
    part.groupings[0].add(heads);
    part.groupings[1].add(whole(row.dim));
    part.groupings[2].add(size_class(row.shape.batch));
    part.groupings[3].add(size_class(is_decode(row) ? row.shape.context + 1 : row.shape.tokens));
    part.groupings[4].add(whole(row.shape.window));
    part.groupings[5].add(row.shape.kv == llm::KvFormat::fp8 ? "fp8" : "bf16");
  }
  return part;
}

llm::ModelSpec gqa_model(const Row& row) {
  llm::ModelSpec model;
  model.layers = 1;
  model.attention =
      llm::GqaSpec{static_cast<std::uint32_t>(row.heads), static_cast<std::uint32_t>(row.kv_heads),
                   static_cast<std::uint32_t>(row.dim), false};
  return model;
}

void add_gqa(const std::vector<Row>& rows, OperatorModel& model, std::string name,
             std::string table, bool decode, std::vector<Parameter> parameters,
             std::vector<Part>& parts) {
  std::vector<llm::ModelSpec> models;
  std::vector<Shape> shapes;
  const auto mine = [&](const Row& row) { return is_decode(row) == decode; };
  Part part = part_of(rows, std::move(name), std::move(table), models, shapes, mine, gqa_model);
  if (part.measured.empty()) return;
  part.parameters = std::move(parameters);
  part.modelled = [&machine = model.machine, decode, models = std::move(models),
                   shapes = std::move(shapes)](std::size_t row) {
    const Shape& shape = shapes[row];
    const llm::AttentionCost cost =
        llm::attention(machine, models[shape.model], shape.kv, 1, shape.window);
    return decode ? decode_us(cost, shape) : prefill_us(cost, shape);
  };
  parts.push_back(std::move(part));
}

}  // namespace

std::vector<Part> attention_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  const std::vector<Row> rows = rows_of(tables, false, found);
  llm::AttentionSpec& spec = model.kernels.attention;
  std::vector<Part> parts;
  // A step launches one attention kernel: decode sets its launch time for all.
  add_gqa(rows, model, "attention decode", "generation_attention", true,
          {{"attention.launch", &spec.launch, {9e-6, 1e-7, 50e-6}},
           {"attention.launch_dim", &spec.launch_dim, {2e-6, 1e-9, 20e-6}},
           {"attention.launch_fp8", &spec.launch_fp8, {1.5e-6, 1e-9, 20e-6}},
           {"attention.launch_window", &spec.launch_window, {2.5e-6, 1e-9, 20e-6}},
           {"attention.decode_memory", &spec.decode_memory, {0.9, 0.05, 0.98}},
           {"attention.decode_memory_fp8", &spec.decode_memory_fp8, {0.7, 0.05, 0.98}},
           {"attention.cta", &spec.cta, {3e-6, 1e-9, 30e-6}}},
          parts);
  add_gqa(rows, model, "attention prefill", "context_attention", false,
          {{"attention.prefill_compute", &spec.prefill_compute, {0.8, 0.05, 0.98}},
           {"attention.softmax_dims", &spec.softmax_dims, {40, 1, 200}},
           {"attention.prefill_write", &spec.prefill_write, {0.6, 0.02, 0.98}},
           {"attention.prefill_fp8", &spec.prefill_fp8, {1.3, 1, 4}},
           {"attention.prefill_cta", &spec.prefill_cta, {0.3e-6, 1e-9, 10e-6}},
           {"attention.kv_row", &spec.kv_row, {3e-6, 1e-9, 50e-6}},
           {"attention.kv_row_fp8", &spec.kv_row_fp8, {1.8, 1, 10}},
           {"attention.wide_head", &spec.wide_head, {2, 1, 10}}},
          parts);
  return parts;
}

std::vector<Part> mla_parts(Tables tables, OperatorModel& model, Diagnostics& found) {
  const std::vector<Row> rows = rows_of(tables, true, found);
  llm::MlaKernelSpec& spec = model.kernels.mla;
  const auto latent = [&](const Row& row) {
    llm::ModelSpec with_heads = model.latent_model;
    std::get<llm::MlaSpec>(with_heads.attention).heads = static_cast<std::uint32_t>(row.heads);
    return with_heads;
  };
  std::vector<Part> parts;
  const auto add = [&](std::string name, std::string table, bool decode,
                       std::vector<Parameter> parameters) {
    std::vector<llm::ModelSpec> models;
    std::vector<Shape> shapes;
    std::vector<llm::WeightFormat> formats;
    const auto counts = [&](const Row& row) {
      const bool eight = row.gemm == "fp8_block";
      if (is_decode(row) != decode || (!eight && row.gemm != "bfloat16")) return false;
      formats.push_back(eight ? llm::WeightFormat::fp8_block : llm::WeightFormat::bf16);
      return true;
    };
    Part part = part_of(rows, std::move(name), std::move(table), models, shapes, counts, latent);
    if (part.measured.empty()) return;
    part.parameters = std::move(parameters);
    part.modelled = [&model, decode, models = std::move(models), formats = std::move(formats),
                     shapes = std::move(shapes)](std::size_t row) {
      const Shape& shape = shapes[row];
      const llm::ModelSpec& latent_model = models[shape.model];
      const llm::StepTableInput input{.model = latent_model,
                                      .weights = formats[row],
                                      .parallel = {},
                                      .gpu = model.gpu,
                                      .kernels = model.kernels,
                                      .engine = kNoSoftware};
      const llm::AttentionCost cost =
          llm::attention(model.machine, latent_model, shape.kv, 1, shape.window);
      return llm::attention_projections(input, model.machine, shape.batch * shape.tokens).us +
             (decode ? decode_us(cost, shape) : prefill_us(cost, shape));
    };
    parts.push_back(std::move(part));
  };
  add("mla decode", "mla_generation_module", true,
      {{"mla.launch", &spec.launch, {75e-6, 1e-7, 150e-6}},
       {"mla.decode_memory", &spec.decode_memory, {0.9, 0.05, 0.98}},
       {"mla.decode_memory_fp8", &spec.decode_memory_fp8, {0.8, 0.05, 0.98}},
       {"mla.decode_compute", &spec.decode_compute, {0.7, 0.05, 0.98}},
       {"mla.decode_head", &spec.decode_head, {1e-6, 1e-9, 50e-6}}});
  add("mla prefill", "mla_context_module", false,
      {{"mla.prefill_compute", &spec.prefill_compute, {0.9, 0.05, 0.98}},
       {"mla.head_token", &spec.head_token, {1.5e-6, 1e-9, 20e-6}},
       {"mla.token", &spec.token, {28e-6, 1e-9, 300e-6}}});
  return parts;
}

}  // namespace tiercast::calibration
