#include "models/importers/hf_import.hpp"

#include <utility>
#include <vector>

#include "models/importers/fragment.hpp"
#include "models/importers/hf_model.hpp"
#include "models/importers/json_text.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/reader.hpp"
#include "sim/base/text.hpp"
#include "sim/config/document.hpp"

namespace tiercast::importers {
namespace {

/// The language model's own keys: those of `text_config` where it is nested, and what stands only
/// beside it.
std::optional<Node> language_model(const Node& root, Diagnostics& found, bool* nested) {
  if (!root.is_map()) {
    found.error(root.place, "a config.json is an object");
    return std::nullopt;
  }
  const Node* text = root.find("text_config");
  if (text == nullptr) text = root.find("llm_config");
  *nested = text != nullptr && text->is_map();
  if (!*nested) return root;
  Node model = *text;
  for (const char* outer : {"quantization_config", "torch_dtype", "dtype", "tie_word_embeddings",
                            "architectures", "_name_or_path"}) {
    const Node* node = root.find(outer);
    const Node* own = model.find(outer);
    if (node != nullptr && (own == nullptr || own->is_null())) model.set(outer, *node);
  }
  return model;
}

/// Writes fields with the words behind them.
class ModelWriter {
 public:
  ModelWriter(const HfModel& model, Fragment& out) : model_(model), out_(out) {}

  void write() {
    const llm::ModelSpec& spec = model_.spec;
    number("layers", spec.layers);
    number("hidden", spec.hidden);
    number("vocabulary", spec.vocabulary);
    if (spec.tied_embeddings) text("tied_embeddings", "true");
    number("max_context", spec.max_context);
    open("attention");
    std::visit([this](const auto& kind) { attention(kind); }, spec.attention);
    close();
    if (spec.window) window(*spec.window);
    if (spec.linear) linear(*spec.linear);
    if (spec.indexer) indexer(*spec.indexer);
    if (spec.shared_kv) shared_kv(*spec.shared_kv);
    if (spec.mlp_layers) number("mlp_layers", *spec.mlp_layers);
    if (!spec.gated) text("gated", "false");
    if (spec.intermediate > 0) number("intermediate", spec.intermediate);
    if (spec.moe) moe(*spec.moe);
    text("native_weights", name_of_choice(spec.native_weights));
    figure("published_parameters", llm::count_parameters(spec).total(),
           "counted from this shape; the model's page has the published number");
    if (spec.moe) {
      figure("published_active", llm::active_parameters(spec),
             "counted from this shape, input embedding left out");
    }
  }

 private:
  void open(const std::string& key) {
    path_.push_back(key);
    out_.open(key, model_.words(join(path_, ".")));
  }
  void close() {
    path_.pop_back();
    out_.close();
  }
  void text(const std::string& key, const std::string& value) {
    path_.push_back(key);
    out_.value(key, value, model_.words(join(path_, ".")));
    path_.pop_back();
  }
  void number(const std::string& key, uint32_t value) { text(key, std::to_string(value)); }

  void figure(const std::string& key, double value, const std::string& source) {
    out_.open(key);
    out_.value("value", number_text(value));
    out_.value("kind", "derived");
    out_.value("source", source);
    out_.close();
  }

  void attention(const llm::GqaSpec& gqa) {
    open("gqa");
    number("heads", gqa.heads);
    number("kv_heads", gqa.kv_heads);
    number("head_dim", gqa.head_dim);
    if (gqa.bias) text("bias", "true");
    close();
  }
  void attention(const llm::MlaSpec& mla) {
    open("mla");
    number("heads", mla.heads);
    if (mla.q_rank > 0) number("q_rank", mla.q_rank);
    number("kv_rank", mla.kv_rank);
    number("nope_dim", mla.nope_dim);
    number("rope_dim", mla.rope_dim);
    number("v_dim", mla.v_dim);
    close();
  }
  void window(const llm::WindowSpec& window) {
    open("window");
    number("tokens", window.tokens);
    number("layers", window.layers);
    close();
  }
  void linear(const llm::LinearSpec& linear) {
    open("linear");
    number("layers", linear.layers);
    number("key_heads", linear.key_heads);
    number("key_dim", linear.key_dim);
    number("value_heads", linear.value_heads);
    number("value_dim", linear.value_dim);
    if (linear.conv > 0) number("conv", linear.conv);
    text("state", name_of_choice(linear.state));
    close();
  }
  void indexer(const llm::IndexerSpec& indexer) {
    open("indexer");
    number("heads", indexer.heads);
    number("dim", indexer.dim);
    number("top", indexer.top);
    close();
  }
  void shared_kv(const llm::SharedKvSpec& shared) {
    open("shared_kv");
    if (shared.full_layers > 0) number("full_layers", shared.full_layers);
    if (shared.window_layers > 0) number("window_layers", shared.window_layers);
    close();
  }
  void moe(const llm::MoeSpec& moe) {
    open("moe");
    number("experts", moe.experts);
    number("top", moe.top);
    if (moe.shared > 0) number("shared", moe.shared);
    number("intermediate", moe.intermediate);
    if (moe.shared_intermediate) number("shared_intermediate", *moe.shared_intermediate);
    if (moe.dense_layers > 0) number("dense_layers", moe.dense_layers);
    if (moe.bias) text("bias", "true");
    close();
  }

  const HfModel& model_;
  Fragment& out_;
  std::vector<std::string> path_;
};

std::string title_of(const HfConfig& config, const HfOptions& options) {
  const Node* name = config.meaningful("_name_or_path");
  if (name != nullptr && name->is_scalar() && !name->text.starts_with("/")) return name->text;
  const Node* type = config.root().find("model_type");
  return (type == nullptr ? std::string("model") : type->text) + " of " + options.file;
}

void write_entry(const HfModel& model, const HfConfig& config, const HfOptions& options,
                 Fragment& out) {
  out.value("title", title_of(config, options));
  const Node* name = config.meaningful("_name_or_path");
  const bool hub = name != nullptr && name->is_scalar() && !name->text.starts_with("/");
  out.value("source",
            hub ? "https://huggingface.co/" + name->text + ", " + options.file : options.file);
  ModelWriter(model, out).write();
}

void write_unread(const HfConfig& config, Fragment& out) {
  const std::vector<std::string> rest = config.unread();
  if (!rest.empty()) out.comment("Not used: " + join(rest) + ".");
}

/// What the field tables say against the text: nothing that cannot be loaded is handed out.
bool loads(const std::string& entry, const HfConfig& config, Diagnostics& found) {
  Diagnostics faults;
  llm::ModelSpec spec;
  Node resolved;
  const auto document = config::parse_document(entry, "", Origin::scenario, faults);
  Reader reader(faults);
  if (document) reader.read(*document, spec, resolved);
  for (const Diagnostic& fault : faults.sorted()) {
    found.error(config.root().place, "no such model can be described here: " + fault.message);
  }
  return !faults.has_errors();
}

}  // namespace

std::optional<std::string> import_hf(std::string_view text, const HfOptions& options,
                                     Diagnostics& found) {
  const std::optional<Node> root = parse_json(text, options.file, found);
  if (!root) return std::nullopt;
  bool nested = false;
  const std::optional<Node> keys = language_model(*root, found, &nested);
  if (!keys) return std::nullopt;
  HfConfig config(*keys, found);
  config.has({"architectures"});
  config.has({"_name_or_path"});
  config.has({"transformers_version"});
  const std::optional<HfModel> model = read_hf_model(config, options.assume);
  if (!model) return std::nullopt;
  Fragment entry;
  write_entry(*model, config, options, entry);
  if (!loads(entry.text(), config, found)) return std::nullopt;

  Fragment out;
  out.comment("Model read from " + options.file +
              " by `tiercast import hf`; behind each value stands the key it comes from.");
  for (const std::string& remark : model->remarks) out.comment(remark);
  if (nested)
    out.comment("The language model alone: its encoders of images or sound are left out.");
  write_unread(config, out);
  if (options.catalogue) {
    if (model->format.kv) {
      out.comment("Its KV cache is meant to be fp8: a scenario says model.kv: fp8.");
    }
    write_entry(*model, config, options, out);
    return out.text();
  }
  out.open("model");
  out.open("name");
  write_entry(*model, config, options, out);
  out.close();
  if (model->format.kv) out.value("kv", name_of_choice(*model->format.kv), model->format.kv_from);
  out.close();
  return out.text();
}

}  // namespace tiercast::importers
