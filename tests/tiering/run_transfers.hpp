#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "models/tiering/transfers.hpp"

namespace tiercast::tests {

using Ends = std::vector<std::pair<int64_t, tiering::TransferId>>;

/// Every end from now on, ids released as they come.
inline Ends run(tiering::Transfers& transfers) {
  Ends ends;
  std::vector<tiering::TransferId> ended;
  while (transfers.next_end_ns() != resources::kNever) {
    const int64_t now_ns = transfers.next_end_ns();
    ended.clear();
    transfers.advance(now_ns, ended);
    for (const tiering::TransferId id : ended) {
      ends.emplace_back(now_ns, id);
      transfers.release(id);
    }
  }
  return ends;
}

}  // namespace tiercast::tests
