#include "reports/warnings.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "reports/figures.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

std::string estimates_text(const std::vector<std::string>& estimates) {
  constexpr size_t kShown = 4;
  const std::vector<std::string> shown(
      estimates.begin(),
      estimates.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, estimates.size())));
  return fmt::format("{} figure{} estimates: {}{}", estimates.size(),
                     estimates.size() == 1 ? " is among the" : "s are", join(shown),
                     estimates.size() > kShown ? ", ..." : "");
}

}  // namespace

std::string refusals_text(const Result& result) {
  std::vector<std::string> reasons;
  if (const uint64_t count = result.requests.too_long; count > 0) {
    reasons.push_back(
        fmt::format("{} longer, input and output together, than engine.max_model_tokens allows",
                    show_count(count)));
  }
  if (const uint64_t count = result.requests.too_large; count > 0) {
    reasons.push_back(fmt::format("{} with more KV than the {} blocks of an instance hold",
                                  show_count(count),
                                  show_count(result.model.kv_blocks_per_instance)));
  }
  return join(reasons);
}

std::string nothing_served_text(const Result& result) {
  if (!result.requests.none_served()) return "";
  const std::string reasons = refusals_text(result);
  return fmt::format("nothing was served: all {} requests were refused{}",
                     show_count(result.requests.offered), reasons.empty() ? "" : ": " + reasons);
}

std::vector<std::string> warnings_of(const Result& result) {
  std::vector<std::string> warnings;
  const RequestCounts& requests = result.requests;
  const bool served = !requests.none_served();
  if (requests.offered == 0) {
    warnings.push_back(
        "no request was offered: see run.duration and the workload's start and rate");
  } else if (!result.steady.ok && served) {
    warnings.push_back("not steady: " + result.steady.why);
  }
  const auto count = [&](uint64_t number, std::string_view what) {
    if (number == 0) return;
    warnings.push_back(fmt::format("{} of {} requests {}", show_count(number),
                                   show_count(requests.offered), what));
  };
  if (served) count(requests.rejected, "refused: " + refusals_text(result));
  count(requests.failed, "did not finish");
  count(requests.truncated, "cut to the longest that the model takes");
  const std::vector<std::string>& caveats = result.provenance.caveats;
  warnings.insert(warnings.end(), caveats.begin(), caveats.end());
  const std::vector<std::string>& estimates = result.provenance.sensitive_to;
  if (!estimates.empty()) warnings.push_back(estimates_text(estimates));
  return warnings;
}

}  // namespace tiercast::reports
