#include "models/importers/engine_fragment.hpp"

#include <string_view>
#include <utility>

#include "models/importers/fragment.hpp"
#include "models/importers/quantisation.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/quantity.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

/// Settings one after another; neighbours whose dotted keys begin alike share a map.
void write_settings(const std::vector<Setting>& settings, std::size_t from, Fragment& out) {
  std::string open;
  for (std::size_t i = from; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    const std::size_t dot = setting.key.find('.');
    const std::string map = dot == std::string::npos ? "" : setting.key.substr(0, dot);
    if (map != open) {
      if (!open.empty()) out.close();
      if (!map.empty()) out.open(map);
      open = map;
    }
    out.value(setting.key.substr(map.empty() ? 0 : dot + 1), setting.value, setting.from);
  }
  if (!open.empty()) out.close();
}

void write_section(const std::string& name, const std::vector<Setting>& settings, Fragment& out) {
  if (settings.empty()) return;
  out.open(name);
  write_settings(settings, 0, out);
  out.close();
}

void write_model(const EngineFragment& fragment, Fragment& out) {
  if (!fragment.model_missing.empty()) {
    out.comment("model.name is missing: " + fragment.model_missing +
                " `tiercast import hf config.json` makes it of the model's config.json.");
  }
  write_section("model", fragment.model, out);
}

void write_tiers(const EngineFragment& fragment, Fragment& out) {
  if (fragment.tiers.empty()) return;
  out.open("tiers");
  out.item("hbm");
  for (const std::vector<Setting>& tier : fragment.tiers) {
    out.open_item(tier.front().key, tier.front().value, tier.front().from);
    write_settings(tier, 1, out);
    out.close();
  }
  out.close();
}

}  // namespace

ModelMatch set_model(const std::string& given, LaunchValues& values, const LaunchContext& context,
                     EngineFragment& out) {
  const ModelMatch match = match_model(given, context.models);
  if (given.empty()) {
    out.model_missing = "the line names no model.";
    values.found().warning(values.line().place, "the line names no model");
  } else if (match.model == nullptr) {
    out.model_missing = "no entry of the catalogue is called " + quote(given) + ".";
    values.found().warning(values.line().place,
                           "no model of the catalogue is called " + quote(given),
                           "`tiercast import hf config.json` makes one of its config.json; "
                           "`tiercast configs models` lists those there are");
  } else {
    out.model.push_back({"name", match.model->name, "as " + given + " is called here"});
  }
  const std::optional<std::string> method = values.text("quantization");
  if (method) {
    const auto format = format_of_method(*method);
    if (format) {
      out.model.push_back({"weights", name_of_choice(*format), "--quantization " + *method});
      return match;
    }
    if (!match.weights) {
      values.warning("quantization", "does not tell the format of weights: " + quote(*method),
                     "say model.weights, or import the model's config.json");
    }
  }
  if (match.weights) {
    out.model.push_back({"weights", name_of_choice(*match.weights), match.weights_from});
  }
  return match;
}

void set_kv_format(LaunchValues& values, EngineFragment& out) {
  const std::optional<std::string> type = values.text("kv-cache-dtype");
  if (!type || *type == "auto") return;
  const std::string from = "--kv-cache-dtype " + *type;
  if (type->starts_with("fp8")) {
    out.model.push_back({"kv", "fp8", from});
  } else if (*type == "bfloat16" || *type == "bf16" || *type == "float16" || *type == "half") {
    out.model.push_back({"kv", "bf16", from});
  } else {
    values.error("kv-cache-dtype", quote(*type) + " is no format that KV has here: bf16 or fp8");
  }
}

Setting capacity_setting(Bytes of_replica, const Degrees& degrees, const std::string& from) {
  const Bytes all{of_replica.value() / degrees.copies * degrees.dp};
  std::string words = from;
  if (degrees.copies > 1)
    words += ", a copy on each of " + std::to_string(degrees.copies) + " ranks";
  if (degrees.dp > 1) words += ", of each data-parallel rank";
  return {"capacity", format_quantity(to_quantity(all)), words};
}

std::string write_fragment(const EngineFragment& fragment, const LaunchLine& line) {
  Fragment out;
  out.comment("Launch line of " + fragment.engine +
              ", read by `tiercast import`; behind each value "
              "stands the flag it comes from, or that it is the engine's default.");
  write_model(fragment, out);
  write_section("engine", fragment.settings, out);
  write_tiers(fragment, out);
  write_section("policy", fragment.policy, out);
  for (const std::string& remark : fragment.remarks) out.comment(remark);
  if (!line.left_out.empty()) {
    out.comment("Left out:");
    for (const std::string& words : line.left_out) out.comment("  " + words);
  }
  if (!line.idle.empty()) out.comment("Without a bearing on a forecast: " + join(line.idle) + ".");
  out.comment(
      "With `name`, `cluster` and `workload` this is a scenario; `tiercast explain SCENARIO "
      "derived` then prints its KV blocks, which the server's log calls " +
      fragment.blocks_in_log + ".");
  return out.text();
}

}  // namespace tiercast::importers
