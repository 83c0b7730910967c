// What `explain` says of tiers below GPU memory.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "models/scenario/tier_times.hpp"
#include "reports/figures.hpp"
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

}  // namespace

std::string tiers_text(const std::vector<scenario::TierTimes>& tiers) {
  if (tiers.empty()) return "";
  std::string text = "tiers, for one request alone on the first instance:\n";
  constexpr std::string_view kRow = "    {:>9}{:>11}{:>11}{:>11}{:>11}{:>11}{:>9}{:>11}{:>12}\n";
  for (const scenario::TierTimes& tier : tiers) {
    text += fmt::format("  {:<10} {}, {}\n    objects    {}, {} B a token\n", tier.name, tier.stack,
                        pools_text(tier), tier.objects, tier.token_bytes);
    if (!tier.usable) {
      text += "    the engine does not hold KV like this: nothing is found or stored here\n";
      continue;
    }
    text += fmt::format("    load       {}\n", way_text(tier.load));
    if (tier.index_delay_ns > 0) {
      text += fmt::format(
          "    index      {} late: what came is not seen, what left costs a read in vain of {}\n",
          time_text(tier.index_delay_ns), time_text(std::max<int64_t>(1, tier.load.before_ns())));
    }
    if (tier.store) text += fmt::format("    store      {}\n", way_text(*tier.store));
    text += fmt::format(fmt::runtime(kRow), "tokens", "bytes", "lookup", "before", "moving", "load",
                        "late", "store", "recompute");
    for (const scenario::PrefixTimes& prefix : tier.prefixes) {
      text += fmt::format(
          fmt::runtime(kRow), show_count(prefix.tokens),
          show_bytes(static_cast<double>(prefix.bytes)), time_text(prefix.lookup_ns),
          time_text(tier.load.before_ns()), time_text(prefix.moving_ns), time_text(prefix.load_ns),
          reports::show_percent(prefix.tail_probability),
          prefix.store_ns ? time_text(*prefix.store_ns) : "-", time_text(prefix.recompute_ns));
    }
    text += "    loading is faster than computing " + faster_text(tier) + "\n";
  }
  return text + "  lookups come before any load, whichever tier then gives\n";
}

}  // namespace tiercast::cli
