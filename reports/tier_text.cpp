#include "reports/tier_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "reports/figures.hpp"
#include "reports/table.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

std::string bytes_or_dash(const std::optional<uint64_t>& bytes) {
  return bytes ? show_bytes(static_cast<double>(*bytes)) : std::string("-");
}

std::string index_text(const IndexUse& index) {
  std::string text =
      fmt::format("its index hears {} late: {} blocks were computed though they lay there",
                  show_ms(index.delay_ms), show_count(index.unseen_blocks));
  if (index.stale_reads == 0) return text + ", no read was in vain";
  return text + fmt::format(", {} read{} of {} that had left took {} in vain",
                            show_count(index.stale_reads), index.stale_reads == 1 ? "" : "s",
                            show_count(index.stale_hit_blocks), show_ms(index.stale_ms));
}

// Of the links that a tier has to itself; null where none carried anything.
const Bottleneck* busiest_link(const Result& result, const std::string& tier) {
  const Bottleneck* busiest = nullptr;
  for (const Bottleneck& found : result.bottlenecks) {
    if (!found.link || !found.resource.starts_with(tier + ".") || found.busy.value_or(0) <= 0) {
      continue;
    }
    if (busiest == nullptr || found.busy > busiest->busy) busiest = &found;
  }
  return busiest;
}

bool is_of_drives(const Bottleneck& link) {
  return link.resource.find(".drives") != std::string::npos;
}

}  // namespace

std::string eviction_text(const TierUse& tier, const Warmup& warmup) {
  if (!tier.first_eviction_s) return "";
  const double from_start_s = *tier.first_eviction_s - warmup.functional_s;
  return from_start_s < 0 ? "in warm-up" : "at " + show_ms(from_start_s * 1e3);
}

std::string pool_text(const TierUse& tier) {
  if (tier.capacity_bytes == 0 || tier.pools == 0) return "-";
  return show_bytes(static_cast<double>(tier.capacity_bytes) / static_cast<double>(tier.pools));
}

std::vector<std::string> tier_table(const Result& result) {
  std::vector<std::vector<std::string>> rows = {
      {"tier", "capacity", "full", "first eviction", "hits", "read", "written", "busy"}};
  const auto input = static_cast<double>(result.tokens.input);
  for (const TierUse& tier : result.cache.by_tier) {
    const std::string evicted = eviction_text(tier, result.warmup);
    const std::string pool = pool_text(tier);
    std::optional<double> hits;
    if (input > 0) hits = static_cast<double>(tier.hit_tokens) / input;
    rows.push_back({printable(tier.tier),
                    tier.pools > 1 && pool != "-" ? show_count(tier.pools) + " x " + pool : pool,
                    show_or_dash(tier.fill, show_percent), evicted.empty() ? "-" : evicted,
                    show_or_dash(hits, show_percent), bytes_or_dash(tier.read_bytes),
                    bytes_or_dash(tier.written_bytes), show_or_dash(tier.busy, show_percent)});
  }
  return table_lines(rows, "  ");
}

std::vector<std::string> tier_notes(const Result& result) {
  std::vector<std::string> notes;
  for (const TierUse& tier : result.cache.by_tier) {
    const std::string name = printable(tier.tier);
    if (tier.index) notes.push_back("  " + name + ": " + index_text(*tier.index));
    if (tier.card_cache) {
      std::string text = fmt::format("  {}: memory of its DPUs gave {} of what was read", name,
                                     show_or_dash(tier.card_cache->hit_ratio, show_percent));
      if (const Bottleneck* link = busiest_link(result, tier.tier)) {
        if (!is_of_drives(*link)) {
          text += fmt::format("; its busiest link, {} at {}, carries that too",
                              printable(link->resource), show_percent(*link->busy));
        }
      }
      notes.push_back(std::move(text));
    }
    if (tier.wear_years) {
      notes.push_back(fmt::format("  {}: written to like this, its drives last {} years", name,
                                  show_number(*tier.wear_years)));
    }
    if (!tier.device_imbalance) continue;
    notes.push_back(fmt::format("  {}: the busiest of {} drives moved {:.2f} x the mean of all",
                                name, tier.devices, *tier.device_imbalance));
  }
  return notes;
}

std::string links_text(const std::vector<Bottleneck>& bottlenecks) {
  constexpr size_t kShown = 5;
  std::vector<Bottleneck> links;
  for (const Bottleneck& found : bottlenecks) {
    if (found.link && found.busy.value_or(0) > 0) links.push_back(found);
  }
  std::stable_sort(links.begin(), links.end(),
                   [](const Bottleneck& a, const Bottleneck& b) { return a.busy > b.busy; });
  std::vector<std::string> texts;
  for (const Bottleneck& found : links) {
    if (texts.size() == kShown) {
      texts.push_back("...");
      break;
    }
    std::string text =
        fmt::format("{} busy {}", printable(found.resource), show_percent(*found.busy));
    if (found.adds_ms.value_or(0) > 0) {
      text += fmt::format(" (waiting for its tier adds {})", show_ms(*found.adds_ms));
    }
    texts.push_back(std::move(text));
  }
  return join(texts, "; ");
}

std::string indices_text(const std::vector<ServersUse>& indices) {
  std::vector<std::string> texts;
  for (const ServersUse& use : indices) {
    if (use.jobs == 0) continue;
    texts.push_back(fmt::format("{} busy {}, {} operations, one in line waits {}",
                                printable(use.servers), show_or_dash(use.busy, show_percent),
                                show_count(use.operations), show_or_dash(use.wait_ms, show_ms)));
  }
  return join(texts, "; ");
}

}  // namespace tiercast::reports
