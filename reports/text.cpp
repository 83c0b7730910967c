#include "reports/text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "reports/figures.hpp"
#include "reports/tier_text.hpp"
#include "reports/warnings.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

enum class Ink { title, good, bad };

/// Lines of text, coloured where asked.
class Page {
 public:
  explicit Page(bool color) : color_(color) {}

  std::string ink(Ink ink, std::string_view text) const {
    if (!color_) return std::string(text);
    const int code = ink == Ink::title ? 1 : ink == Ink::good ? 32 : 31;
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
  }
  void title(std::string_view text) {
    text_ += text_.empty() ? "" : "\n";
    text_ += ink(Ink::title, text) + "\n";
  }
  void line(std::string_view text) {
    text_ += text;
    text_ += '\n';
  }
  /// A name and what there is to say; nothing for an empty `text`.
  void entry(std::string_view name, std::string_view text) {
    if (!text.empty()) line(fmt::format("  {:<11} {}", name, text));
  }
  std::string take() { return std::move(text_); }

 private:
  bool color_;
  std::string text_;
};

void show_setting(const Result& result, const RunSetting& setting, Page& page) {
  const ModelFacts& model = result.model;
  page.title(printable(result.scenario));
  page.entry("model", fmt::format("{}, weights {}, KV {} ({} B per token)", printable(model.name),
                                  model.weights_dtype, model.kv_dtype,
                                  show_count(model.kv_bytes_per_token)));
  page.entry("hardware", printable(setting.hardware));
  page.entry("engine", printable(setting.engine));
  page.entry("policy", printable(setting.policy));
  page.entry("workload", printable(setting.workload));
}

// ` (112 ms to 121 ms)` behind a figure; nothing where it has no band.
template <typename Show>
std::string band_text(const std::optional<Interval>& band, Show show) {
  return band ? fmt::format(" ({} to {})", show(band->low), show(band->high)) : std::string();
}

std::string median_and_tail(const std::optional<Distribution>& values,
                            const DistributionBand& band) {
  if (!values) return "-";
  return fmt::format("{} median{}, {} at p99{}", show_ms(values->p50), band_text(band.p50, show_ms),
                     show_ms(values->p99), band_text(band.p99, show_ms));
}

std::string throughput(const Result& result) {
  const Metrics& metrics = result.metrics;
  if (!metrics.output_tokens_per_s) return "-";
  std::string text = show_number(*metrics.output_tokens_per_s);
  if (result.bands) text += band_text(result.bands->output_tokens_per_s, show_number);
  text += " output tokens/s";
  if (metrics.output_tokens_per_s_per_gpu) {
    text += fmt::format(" ({} per GPU)", show_number(*metrics.output_tokens_per_s_per_gpu));
  }
  text += fmt::format(", {} requests/s", show_number(*metrics.requests_per_s));
  if (metrics.goodput_requests_per_s) {
    text += fmt::format(", {} within limits", show_number(*metrics.goodput_requests_per_s));
  }
  return text;
}

std::string energy_line(const EnergyUse& energy) {
  std::string text = show_or_dash(energy.j_per_output_token, show_joules);
  text += band_text(energy.band_j_per_output_token, show_joules) + " per output token";
  if (energy.j_per_task) text += fmt::format(", {} per task", show_joules(*energy.j_per_task));
  text += fmt::format("; nodes, fabric and storage {}, of it GPUs {}, idle watts {}; facility {}",
                      show_joules(energy.scope.node_and_fabric_j), show_joules(energy.scope.gpu_j),
                      show_joules(energy.split.occupied_j + energy.split.unoccupied_j),
                      show_joules(energy.scope.facility_j));
  if (energy.watts_mean) text += fmt::format("; {} mean", show_watts(*energy.watts_mean));
  if (energy.gpu_watts_mean) {
    text += fmt::format(", of it GPUs {}", show_watts(*energy.gpu_watts_mean));
  }
  if (energy.carbon_kg) text += fmt::format("; {} kg CO2e", show_number(*energy.carbon_kg));
  return text;
}

std::string cost_line(const CostUse& cost) {
  std::string text = show_or_dash(cost.usd_per_million_output_tokens, show_number);
  text += band_text(cost.band_usd_per_million_output_tokens, show_number);
  text += " USD per million output tokens";
  if (cost.usd_per_task) text += fmt::format(", {} USD per task", show_number(*cost.usd_per_task));
  return text + fmt::format("; {} USD/h", show_number(cost.usd_per_hour));
}

// What the bands above are of; those of energy and cost are over watts and prices too.
std::string bands_line(const Bands& bands) {
  constexpr size_t kShown = 3;
  std::vector<std::string> parts = bands.rests_on;
  if (parts.size() > kShown) parts.resize(kShown);
  std::string text = "of estimates: three runs, all of them fast, as given, slow; widest: " +
                     printable(join(parts)) + (bands.rests_on.size() > kShown ? ", ..." : "");
  if (bands.outside.empty()) return text;
  return text +
         "; chance moves as far (as given they lie outside of both ends): " + join(bands.outside);
}

void show_headline(const Result& result, Page& page) {
  page.title("forecast");
  const std::string nothing = nothing_served_text(result);
  if (!nothing.empty()) page.line("  " + page.ink(Ink::bad, "!") + " " + nothing);
  const Bands bands = result.bands.value_or(Bands{});
  page.entry("TTFT", median_and_tail(result.metrics.ttft_ms, bands.ttft_ms));
  page.entry("TPOT", median_and_tail(result.metrics.tpot_ms, bands.tpot_ms));
  page.entry("throughput", throughput(result));
  if (result.energy) page.entry("energy", energy_line(*result.energy));
  if (result.cost) page.entry("cost", cost_line(*result.cost));
  page.entry("requests",
             fmt::format("{} of {} completed; {} input tokens, {} output tokens",
                         show_count(result.requests.completed), show_count(result.requests.offered),
                         show_count(result.tokens.input), show_count(result.tokens.output)));
  if (result.bands) page.entry("band", bands_line(bands));
}

void percentile_row(std::string_view name, const std::optional<Distribution>& values,
                    double ms_per_unit, Page& page) {
  if (!values) return;
  std::string row = fmt::format("  {:<23}", name);
  for (const double value : {values->mean, values->p50, values->p90, values->p95, values->p99,
                             values->p999, values->max}) {
    row += fmt::format("{:>10}", show_ms(value * ms_per_unit));
  }
  page.line(row);
}

void show_percentiles(const Metrics& metrics, Page& page) {
  page.title(fmt::format("{:<25}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}", "latency", "mean",
                         "p50", "p90", "p95", "p99", "p99.9", "max"));
  percentile_row("to first token (TTFT)", metrics.ttft_ms, 1, page);
  percentile_row("per output token (TPOT)", metrics.tpot_ms, 1, page);
  percentile_row("between tokens (ITL)", metrics.itl_ms, 1, page);
  percentile_row("end to end", metrics.e2e_ms, 1, page);
  percentile_row("queue", metrics.queue_ms, 1, page);
  percentile_row("task", metrics.task_s, 1e3, page);
}

struct Part {
  std::string name;
  double ttft_ms = 0;
  double e2e_ms = 0;
};

std::vector<Part> parts_of(const TimeSplit& ttft, const TimeSplit& e2e) {
  std::vector<Part> parts = {{"route", ttft.route, e2e.route},
                             {"queue", ttft.queue, e2e.queue},
                             {"metadata", ttft.metadata, e2e.metadata}};
  for (const LoadTime& load : e2e.load) {
    const auto early = std::find_if(ttft.load.begin(), ttft.load.end(),
                                    [&](const LoadTime& other) { return other.tier == load.tier; });
    const LoadTime before = early == ttft.load.end() ? LoadTime{} : *early;
    parts.push_back(
        {"load " + printable(load.tier), before.wait + before.move, load.wait + load.move});
  }
  parts.insert(parts.end(), {{"prefill", ttft.prefill, e2e.prefill},
                             {"interference", ttft.interference, e2e.interference},
                             {"hand-off", ttft.handoff, e2e.handoff},
                             {"decode", ttft.decode, e2e.decode},
                             {"engine", ttft.engine, e2e.engine}});
  std::erase_if(parts, [](const Part& part) { return part.ttft_ms == 0 && part.e2e_ms == 0; });
  return parts;
}

std::string bar(double value_ms, double whole_ms) {
  constexpr double kBarWidth = 20;
  const double share = whole_ms > 0 ? value_ms / whole_ms : 0;
  const auto filled = static_cast<size_t>(std::lround(share * kBarWidth));
  return fmt::format("{:>9} {:>4.0f} % {:<20}", show_ms(value_ms), 100 * share,
                     std::string(filled, '#'));
}

void show_attribution(const Attribution& attribution, Page& page) {
  if (!attribution.ttft_ms || !attribution.e2e_ms) return;
  const std::vector<Part> parts = parts_of(*attribution.ttft_ms, *attribution.e2e_ms);
  double ttft_ms = 0;
  double e2e_ms = 0;
  for (const Part& part : parts) {
    ttft_ms += part.ttft_ms;
    e2e_ms += part.e2e_ms;
  }
  page.title(fmt::format("{:<26}{:<40}{}", "where the time went, mean", "to the first token",
                         "to the last token"));
  for (const Part& part : parts) {
    std::string row = fmt::format("  {:<16}{}   {}", part.name, bar(part.ttft_ms, ttft_ms),
                                  bar(part.e2e_ms, e2e_ms));
    row.erase(row.find_last_not_of(' ') + 1);
    page.line(row);
  }
}

std::string tier_line(const TierUse& tier, const Warmup& warmup) {
  std::string text =
      fmt::format("{} pool{} of {}", tier.pools, tier.pools == 1 ? "" : "s", pool_text(tier));
  if (tier.fill) text += fmt::format(", {} full at the end", show_percent(*tier.fill));
  const std::string evicted = eviction_text(tier, warmup);
  if (evicted.empty()) return text + ", nothing evicted";
  return text + fmt::format(", first eviction {}, {} blocks evicted", evicted,
                            show_count(tier.evicted_blocks));
}

std::string preemption_line(const Result& result) {
  const RequestCounts& requests = result.requests;
  std::string text = fmt::format("{} request{}", show_count(requests.preempted),
                                 requests.preempted == 1 ? "" : "s");
  if (requests.preempted == 0) return text;
  const TokenCounts& tokens = result.tokens;
  const auto once = static_cast<double>(tokens.input - tokens.input_cached);
  text += fmt::format(", {} times in all", show_count(requests.preemptions));
  if (once > 0) {
    text += fmt::format("; prefill computed {} tokens, {} times what was missing",
                        show_count(tokens.input_computed),
                        show_number(static_cast<double>(tokens.input_computed) / once));
  }
  return text;
}

std::string router_line(const RouterUse& router) {
  return fmt::format(
      "its late index sent {} of {} requests elsewhere, past {} blocks; {} expected blocks were "
      "gone",
      show_count(router.misrouted), show_count(router.requests), show_count(router.missed_blocks),
      show_count(router.stale_hit_blocks));
}

void show_cache(const Result& result, const RunSetting& setting, Page& page) {
  const CacheUse& cache = result.cache;
  page.title("KV cache");
  page.entry("hits", fmt::format("{} of input tokens, {} of whole blocks",
                                 show_or_dash(cache.token_hit_ratio, show_percent),
                                 show_or_dash(cache.block_hit_ratio, show_percent)));
  if (cache.by_tier.size() > 1) {
    for (const std::string& row : tier_table(result)) page.line(row);
    for (const std::string& line : tier_notes(result)) page.line(line);
  } else {
    for (const TierUse& tier : cache.by_tier) page.entry(tier.tier, tier_line(tier, result.warmup));
  }
  if (result.router) page.entry("router", router_line(*result.router));
  page.entry("preempted", preemption_line(result));
  std::string blocks =
      fmt::format("{} per instance", show_count(result.model.kv_blocks_per_instance));
  if (!setting.kv_blocks.empty()) blocks += ": " + printable(setting.kv_blocks);
  page.entry("KV blocks", blocks);
}

// The queue's parts are named in JSON by the setting or resource that binds.
std::string waited_for(const std::string& resource) {
  return resource == "step" ? "the next step" : resource;
}

std::string wait_text(const std::string& resource) {
  return resource == "gpu" ? resource : "queue for " + waited_for(resource);
}

std::string role_line(const RoleUse& role) {
  std::string text =
      fmt::format("{} instance{}, gpu runs steps {} of the time, queues add {}", role.instances,
                  role.instances == 1 ? "" : "s", show_or_dash(role.gpu_busy, show_percent),
                  show_or_dash(role.queue_ms, show_ms));
  std::vector<std::string> waits;
  for (const auto& [cause, wait_ms] : role.waits_ms) {
    if (wait_ms.value_or(0) > 0) waits.push_back(waited_for(cause) + " " + show_ms(*wait_ms));
  }
  return waits.empty() ? text : text + " (" + join(waits) + ")";
}

void show_bottlenecks(const Result& result, Page& page) {
  const std::vector<Bottleneck>& bottlenecks = result.bottlenecks;
  std::vector<std::string> texts;
  for (const Bottleneck& found : bottlenecks) {
    if (found.link) continue;
    if (!found.busy && found.adds_ms.value_or(0) == 0) continue;
    std::string text = wait_text(found.resource);
    if (found.busy) text += fmt::format(" runs steps {} of the time", show_percent(*found.busy));
    if (found.adds_ms) {
      text += fmt::format("{} adds {}", found.busy ? "," : "", show_ms(*found.adds_ms));
    }
    texts.push_back(std::move(text));
  }
  page.entry("waits", join(texts, "; "));
  for (const RoleUse& role : result.roles) page.entry(role.role, role_line(role));
  page.entry("links", links_text(bottlenecks));
  page.entry("indices", indices_text(result.cache.indices));
}

void show_findings(const Result& result, Page& page) {
  const std::vector<std::string> warnings = warnings_of(result);
  if (!warnings.empty()) page.title("mind");
  for (const std::string& warning : warnings) {
    page.line("  " + page.ink(Ink::bad, "!") + " " + printable(warning));
  }
  if (!result.thresholds.empty()) page.title("thresholds");
  for (const ThresholdOutcome& threshold : result.thresholds) {
    page.line(fmt::format(
        "  {} {} (is {})",
        threshold.pass ? page.ink(Ink::good, "met     ") : page.ink(Ink::bad, "breached"),
        printable(threshold.expr), threshold.value ? show_number(*threshold.value) : "not known"));
  }
}

std::string identity(const Result& result) {
  std::string text =
      fmt::format("digest {}, scenario {}, seed {}, simulated {}", result.digest,
                  result.scenario_hash, result.seed, show_ms(result.simulated_s * 1e3));
  if (result.run.cpu_s) text += fmt::format(", CPU {}", show_ms(*result.run.cpu_s * 1e3));
  return text;
}

}  // namespace

std::string to_text(const Result& result, const TextOptions& options) {
  Page page(options.color);
  show_setting(result, options.setting, page);
  show_headline(result, page);
  show_percentiles(result.metrics, page);
  show_attribution(result.attribution, page);
  show_bottlenecks(result, page);
  show_cache(result, options.setting, page);
  show_findings(result, page);
  page.line("");
  page.line(identity(result));
  return page.take();
}

}  // namespace tiercast::reports
