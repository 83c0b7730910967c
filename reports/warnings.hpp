// What a reader of a result must mind, in sentences.
#pragma once

#include <string>
#include <vector>

#include "reports/result.hpp"

namespace tiercast::reports {

/// Why requests were refused, by number and reason; empty where none was.
std::string refusals_text(const Result& result);
/// That a run served nothing, and why; empty where it served anything, or nothing came.
std::string nothing_served_text(const Result& result);
/// The lines below `mind`; what nothing_served_text says is not among them.
std::vector<std::string> warnings_of(const Result& result);

}  // namespace tiercast::reports
