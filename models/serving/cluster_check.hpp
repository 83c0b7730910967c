#pragma once

#include <optional>
#include <string>

#include "models/serving/checked_router.hpp"
#include "models/serving/cluster.hpp"
#include "models/tiering/checked_cache.hpp"

namespace tiercast::serving {

/// A cache for the GPU memory of one instance, on tape where one is given; on failure nothing, and
/// one sentence in `error`.
std::optional<tiering::CheckedCache> make_cache(const ClusterSpec& spec, std::string& error,
                                                const tp_tape* tape = nullptr);
/// The cluster's router, likewise.
std::optional<CheckedRouter> make_router(const ClusterSpec& spec, std::string& error);

}  // namespace tiercast::serving
