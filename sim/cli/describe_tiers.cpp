// What `explain` says of tiers below GPU memory, of hand-offs and of switches.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "models/scenario/pace_times.hpp"
#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_times.hpp"
#include "reports/figures.hpp"
#include "reports/table.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/describe.hpp"

namespace tiercast::cli {

namespace {

using reports::show_bytes;
using reports::show_count;

std::string time_text(int64_t time_ns) {
  return reports::show_ms(static_cast<double>(time_ns) * 1e-6);
}

std::string pools_text(const scenario::TierTimes& tier) {
  if (tier.pools == 0) return "reads the host memory of other nodes";
  return fmt::format("{} pool{} of {} blocks ({})", tier.pools, tier.pools == 1 ? "" : "s",
                     show_count(tier.pool_blocks),
                     show_bytes(static_cast<double>(tier.pool_bytes)));
}

std::string way_text(const scenario::TierWay& way) {
  std::string text = fmt::format(
      "{}/s, bound by {}; before that {}: set-up {}, metadata {}, first operation {}",
      show_bytes(static_cast<double>(way.bytes_per_s)), way.bound, time_text(way.before_ns()),
      time_text(way.set_up_ns), time_text(way.metadata_ns), time_text(way.first_operation_ns));
  if (way.block_bytes_per_s) {
    text += fmt::format("; one block alone {}/s",
                        show_bytes(static_cast<double>(*way.block_bytes_per_s)));
  }
  if (way.convert_ns > 0) text += "; converting one takes " + time_text(way.convert_ns);
  if (way.acknowledge_ns > 0) text += "; acknowledged after " + time_text(way.acknowledge_ns);
  if (way.tail_ns > 0) text += "; late by " + time_text(way.tail_ns) + " behind a slow device";
  if (way.wait_ns > 0) text += "; waits " + time_text(way.wait_ns) + " more at most behind others";
  return text;
}

// At which lengths loading is faster than computing.
std::string faster_text(const scenario::TierTimes& tier) {
  const std::vector<scenario::TokenRange>& ranges = tier.load_faster;
  if (ranges.empty()) return "at no length";
  std::vector<std::string> texts;
  for (const scenario::TokenRange& range : ranges) {
    const bool to_the_end = range.last == tier.longest_tokens;
    const bool from_the_start = &range == &ranges.front() && range.first == tier.block_tokens;
    if (to_the_end && from_the_start) return "at any length";
    const std::string first = show_count(range.first);
    const std::string last = show_count(range.last);
    if (to_the_end) {
      texts.push_back("from " + first + " tokens on");
    } else if (from_the_start) {
      texts.push_back("up to " + last + " tokens");
    } else {
      texts.push_back((first == last ? "at " : "from " + first + " to ") + last + " tokens");
    }
  }
  return join(texts);
}

// What a load does to the step that it is for.
std::string mode_words(tiering::LoadMode mode) {
  switch (mode) {
    case tiering::LoadMode::parked:
      return "";
    case tiering::LoadMode::in_step:
      return " (a step waits for all of it): ";
    case tiering::LoadMode::layerwise:
      return " (a step begins with the first layer; the table's times are until the last): ";
  }
  return "";
}

// Ways out of memory before the devices that are no faster than the devices' own.
std::string cached_text(const scenario::TierTimes& tier) {
  std::string text = way_text(*tier.cached_load);
  if (tier.cached_load->bytes_per_s <= tier.load.bytes_per_s) {
    text += "; moves no faster than from the drives: " + tier.cached_load->bound + " bounds both";
  }
  return text;
}

std::string index_text(const scenario::IndexTimes& index) {
  std::string text =
      index.station.empty()
          ? "at client: engines know what is there"
          : fmt::format("at {}: {}, {} server{} of {} an object, round trip {}", index.at,
                        index.station, show_count(index.servers), index.servers == 1 ? "" : "s",
                        time_text(index.operation_ns), time_text(index.round_trip_ns));
  if (!index.opened.empty()) text += "; loads open objects at " + index.opened;
  if (!index.told.empty()) text += "; stores wait for " + join(index.told, " and ");
  return text;
}

void add_lines(const std::vector<std::string>& lines, std::string& text) {
  for (const std::string& line : lines) text += line + "\n";
}

std::vector<std::string> prefix_rows(const scenario::TierTimes& tier,
                                     const std::optional<scenario::TierBand>& band) {
  std::vector<std::vector<std::string>> rows = {
      {"tokens", "bytes", "lookup", "before", "moving", "load"}};
  if (band) rows[0].insert(rows[0].end(), {"low", "high"});
  rows[0].insert(rows[0].end(), {"late", "store", "recompute"});
  for (size_t i = 0; i < tier.prefixes.size(); ++i) {
    const scenario::PrefixTimes& prefix = tier.prefixes[i];
    std::vector<std::string>& row = rows.emplace_back();
    row = {show_count(prefix.tokens),   show_bytes(static_cast<double>(prefix.bytes)),
           time_text(prefix.lookup_ns), time_text(prefix.opening_ns + tier.load.before_ns()),
           time_text(prefix.moving_ns), time_text(prefix.load_ns)};
    if (band) {
      row.push_back(time_text(band->loads[i].low_ns));
      row.push_back(time_text(band->loads[i].high_ns));
    }
    row.push_back(reports::show_percent(prefix.tail_probability));
    row.push_back(prefix.store_ns ? time_text(*prefix.store_ns) : "-");
    row.push_back(time_text(prefix.recompute_ns));
  }
  return reports::table_lines(rows, "    ");
}

std::string span_text(const scenario::Span& span) {
  return time_text(span.low_ns) + " to " + time_text(span.high_ns);
}

// The band of tier `t`, and which parts make it.
std::string band_text(const scenario::TierBands& bands, const scenario::TierTimes& tier, size_t t) {
  constexpr size_t kShown = 4;
  if (!bands.problem.empty()) {
    return fmt::format("    estimates  no band: {}\n", printable(bands.problem));
  }
  if (!bands.tiers[t]) return "";
  const std::vector<scenario::PartSpan> parts = scenario::parts_of_tier(bands, t);
  const uint32_t tokens = parts.empty() ? tier.prefixes.back().tokens : parts.front().tokens;
  std::string text;
  for (size_t i = 0; i < tier.prefixes.size(); ++i) {
    if (tier.prefixes[i].tokens != tokens) continue;
    text = fmt::format("    estimates  load of {} tokens {}", show_count(tokens),
                       span_text(bands.tiers[t]->loads[i]));
  }
  size_t shown = 0;
  for (const scenario::PartSpan& part : parts) {
    const scenario::Span& span = *part.loads[t];
    // What three digits do not show is left to the JSON.
    if (time_text(span.low_ns) == time_text(span.high_ns)) break;
    if (++shown > kShown) break;
    text += fmt::format("; {} alone {}", printable(part.part.path), span_text(span));
  }
  text += shown > kShown ? "; ...\n" : "\n";
  const scenario::TierBand& band = *bands.tiers[t];
  for (size_t i = 0; i < tier.prefixes.size(); ++i) {
    if (tier.prefixes[i].tokens != tokens || !band.recomputes[i].is_wide()) continue;
    text += fmt::format("               recomputing them {}\n", span_text(band.recomputes[i]));
  }
  return text;
}

std::string faster_line(const scenario::TierTimes& tier,
                        const std::optional<scenario::TierBand>& band) {
  const std::string given = faster_text(tier);
  std::string text = "    loading is faster than computing " + given;
  if (!band) return text + "\n";
  const std::string fast = faster_text(band->fast);
  const std::string slow = faster_text(band->slow);
  if (fast == given && slow == given) return text + ", at both ends too\n";
  return text + fmt::format("; all fast: {}; all slow: {}\n", fast, slow);
}

std::string tier_text(const std::vector<scenario::TierTimes>& tiers, size_t t,
                      const scenario::TierBands& bands, tiering::LoadMode mode) {
  const scenario::TierTimes& tier = tiers[t];
  std::string text = fmt::format("  {:<10} {}, {}\n    objects    {}, {} B a token\n", tier.name,
                                 tier.stack, pools_text(tier), tier.objects, tier.token_bytes);
  if (!tier.usable) {
    return text + "    the engine does not hold KV like this: nothing is found or stored here\n";
  }
  text += fmt::format("    load       {}{}\n",
                      mode == tiering::LoadMode::parked ? "" : load_mode(mode) + mode_words(mode),
                      way_text(tier.load));
  text += "    index      " + index_text(tier.index) + "\n";
  if (tier.index_delay_ns > 0) {
    text += fmt::format(
        "               {} late: what came is not seen, what left costs a read in vain of {}\n",
        time_text(tier.index_delay_ns), time_text(tier.index.in_vain_ns));
  }
  if (tier.cached_load) text += fmt::format("    cached     {}\n", cached_text(tier));
  if (tier.store) text += fmt::format("    store      {}\n", way_text(*tier.store));
  add_lines(prefix_rows(tier, bands.tiers[t]), text);
  text += band_text(bands, tier, t);
  return text + faster_line(tier, bands.tiers[t]);
}

std::string network_text(const scenario::FabricNetwork& network,
                         const hardware::FabricSpec& fabric) {
  const std::string crossed = network.storage && network.gpus ? "nodes, their GPUs and storage"
                              : network.storage               ? "nodes and storage"
                                                              : "GPUs of nodes";
  std::string text = fmt::format("  {:<10} between {}: {} ports used, ", network.name, crossed,
                                 show_count(network.ports));
  if (network.size.leaves == 0) return text + "no switch, for it joins fewer than two boxes\n";
  if (!network.has_uplinks()) {
    return text + fmt::format(
                      "one {} of {}: no transfer goes by an uplink, so routing and "
                      "oversubscription change nothing\n",
                      fabric.kind == hardware::FabricKind::flat ? "switch" : "leaf",
                      fabric.switches.ports);
  }
  const ledger::FabricSize& size = network.size;
  return text + fmt::format("{} leaves of {}, {} spine{}, {} uplinks a leaf of {}/s each\n",
                            size.leaves, fabric.switches.ports, size.spines,
                            size.spines == 1 ? "" : "s", size.uplinks,
                            show_bytes(fabric.switches.port_bandwidth.value.value()));
}

}  // namespace

std::string load_mode(tiering::LoadMode mode) {
  switch (mode) {
    case tiering::LoadMode::parked:
      return "parked";
    case tiering::LoadMode::in_step:
      return "in-step";
    case tiering::LoadMode::layerwise:
      return "layerwise";
  }
  return "";
}

std::string tiers_text(const Prepared& prepared) {
  const scenario::ScenarioSpec& spec = prepared.scenario.spec;
  const std::vector<scenario::TierTimes> tiers = scenario::tier_times(spec, prepared.world);
  if (tiers.empty()) return "tiers: GPU memory alone\n";
  const scenario::TierBands bands = scenario::tier_bands(prepared.scenario, prepared.world, tiers);
  std::string text = "tiers, for one request alone on the first instance:\n";
  for (size_t t = 0; t < tiers.size(); ++t) {
    text += tier_text(tiers, t, bands, spec.tiers[t + 1].load);
  }
  const auto has_band = [](const std::optional<scenario::TierBand>& band) { return !!band; };
  if (std::any_of(bands.tiers.begin(), bands.tiers.end(), has_band)) {
    text +=
        "  low, high: the load with all figures that have a range at their fast end, and at their "
        "slow end\n";
  }
  return text +
         "  load = lookup + before + moving (and converting, where objects differ); lookups come "
         "before any load, whichever tier then gives; before holds opening objects, where asking "
         "did not\n"
         "  late: share of such loads that meet a slow device; `load` says by how much\n";
}

std::string handoff_text(const Prepared& prepared) {
  std::string text;
  const std::vector<scenario::HandOffTimes> times =
      scenario::handoff_times(prepared.scenario.spec, prepared.world);
  const auto spans = scenario::handoff_spans(prepared.scenario, times);
  for (size_t w = 0; w < times.size(); ++w) {
    const scenario::HandOffTimes& way = times[w];
    if (text.empty()) {
      text = "hand-off of a prompt to a decode instance, with nothing beside it:\n";
    }
    text += fmt::format("  {}, {}\n    links      {}\n    way        {}\n",
                        way.inside_node ? "inside a node" : "between nodes", way.stack,
                        join(way.links), way_text(way.way));
    std::vector<std::vector<std::string>> rows = {{"tokens", "bytes", "before", "moving", "all"}};
    if (!spans.empty()) rows[0].insert(rows[0].end(), {"low", "high"});
    for (size_t i = 0; i < way.prompts.size(); ++i) {
      const scenario::HandOffTimes::Prompt& prompt = way.prompts[i];
      rows.push_back({show_count(prompt.tokens), show_bytes(static_cast<double>(prompt.bytes)),
                      time_text(way.way.before_ns()), time_text(prompt.moving_ns),
                      time_text(prompt.total_ns)});
      if (spans.empty()) continue;
      rows.back().push_back(time_text(spans[w][i].low_ns));
      rows.back().push_back(time_text(spans[w][i].high_ns));
    }
    add_lines(reports::table_lines(rows, "    "), text);
  }
  return text;
}

std::string fabric_text(const scenario::ScenarioSpec& spec) {
  if (!spec.cluster.fabric) return "";
  const hardware::FabricSpec& fabric = *spec.cluster.fabric;
  std::string text = fmt::format("fabric, {} of {}, routing {}:\n", name_of_choice(fabric.kind),
                                 fabric.switches.title, name_of_choice(fabric.routing));
  const std::vector<scenario::FabricNetwork> networks = scenario::fabric_networks(spec);
  if (networks.empty()) return text + "  no tier and no hand-off crosses it\n";
  for (const scenario::FabricNetwork& network : networks) text += network_text(network, fabric);
  return text;
}

}  // namespace tiercast::cli
