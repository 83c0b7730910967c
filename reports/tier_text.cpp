#include "reports/tier_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "reports/figures.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

std::string bytes_or_dash(const std::optional<uint64_t>& bytes) {
  return bytes ? show_bytes(static_cast<double>(*bytes)) : std::string("-");
}

}  // namespace

std::string eviction_text(const TierUse& tier, const Warmup& warmup) {
  if (!tier.first_eviction_s) return "";
  const double from_start_s = *tier.first_eviction_s - warmup.functional_s;
  return from_start_s < 0 ? "in warm-up" : "at " + show_ms(from_start_s * 1e3);
}

std::vector<std::string> tier_table(const Result& result) {
  constexpr std::string_view kRow = "  {:<11} {:>10}{:>9}{:>16}{:>9}{:>11}{:>11}{:>9}";
  std::vector<std::string> rows = {fmt::format(fmt::runtime(kRow), "tier", "capacity", "full",
                                               "first eviction", "hits", "read", "written",
                                               "busy")};
  const auto input = static_cast<double>(result.tokens.input);
  for (const TierUse& tier : result.cache.by_tier) {
    const std::string evicted = eviction_text(tier, result.warmup);
    std::optional<double> hits;
    if (input > 0) hits = static_cast<double>(tier.hit_tokens) / input;
    rows.push_back(fmt::format(fmt::runtime(kRow), printable(tier.tier),
                               show_bytes(static_cast<double>(tier.capacity_bytes)),
                               show_or_dash(tier.fill, show_percent),
                               evicted.empty() ? "-" : evicted, show_or_dash(hits, show_percent),
                               bytes_or_dash(tier.read_bytes), bytes_or_dash(tier.written_bytes),
                               show_or_dash(tier.busy, show_percent)));
    if (!tier.index) continue;
    rows.push_back(fmt::format(
        "    its index is {} late: {} reads in vain ({} in all) of {} blocks, {} blocks not seen",
        show_ms(tier.index->delay_ms), show_count(tier.index->stale_reads),
        show_ms(tier.index->stale_ms), show_count(tier.index->stale_hit_blocks),
        show_count(tier.index->unseen_blocks)));
  }
  return rows;
}

std::vector<std::string> device_lines(const Result& result) {
  std::vector<std::string> lines;
  for (const TierUse& tier : result.cache.by_tier) {
    if (!tier.device_imbalance) continue;
    lines.push_back(fmt::format("  {}: the fullest of {} drives moved {:.2f} x the mean of all",
                                printable(tier.tier), tier.devices, *tier.device_imbalance));
  }
  return lines;
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

}  // namespace tiercast::reports
