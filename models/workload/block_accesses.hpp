// The block accesses of a trace, for replays of one pool.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/workload/spec.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::workload {

/// What a trace says of a request besides its blocks.
struct AccessingRequest {
  std::int64_t time_ns = 0;
  std::uint64_t session = 0;  ///< from 1, each sub-agent its own; 0: the trace knows none
  std::uint32_t turn = 0;
  bool calls_tool = false;
};

/// Blocks by number, in order of first appearance; equal numbers mean equal content.
struct BlockAccesses {
  std::vector<std::uint32_t> blocks;        ///< request by request, each from its prefix's head
  std::vector<std::uint64_t> request_ends;  ///< index past each request's last block, ascending
  std::vector<AccessingRequest> requests;   ///< one each
  std::uint32_t distinct = 0;
};

/// Reads a whole trace of requests (Mooncake JSONL), in file order, or of sessions, one a line (the
/// format of the Claude Code traces): calls with `in`, `out` and `hash_ids`, sub-agents nested.
///
/// Of sessions, `concurrent` run at a time: the first so many start at once, each further one as
/// another ends. Calls come in order of their recorded times, those of one instant in file order.
/// With 1, the calls come in file order.
///
/// Ids count for a block and all before it in its request. Those of a session that says
/// `hash_id_scope: local` are its own. Answers nothing after reporting to `found`.
std::optional<BlockAccesses> read_block_accesses(const TraceSpec& spec, std::uint32_t concurrent,
                                                 Diagnostics& found);

}  // namespace tiercast::workload
