#pragma once

#include <cstddef>
#include <functional>

namespace tiercast::cli {

/// Calls work(0) to work(count - 1), each once, on up to `jobs` threads (0: as many as the machine
/// has); the calls must not touch what another one writes. An exception of the lowest index is
/// thrown again once all threads have ended; further calls are not begun after one.
void for_each_index(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& work);

}  // namespace tiercast::cli
