// One request as everything downstream sees it.
#pragma once

#include <cstdint>
#include <vector>

namespace tiercast::workload {

/// What can be said of a session before anything of it is drawn: what its client knows of its own
/// habits. Never what comes to pass.
struct SessionOutlook {
  bool has_session = false;         ///< the demand has sessions: `ends_session` means something
  std::int64_t return_ns = -1;      ///< mean time from an answer to the next turn; -1: unknown
  std::int64_t return_p90_ns = -1;  ///< what 9 of 10 of those times do not exceed
};

/// After how many turns of its workflow's agents, its own among them, a session runs: 1 is next.
struct StepsToRun {
  std::uint64_t session = 0;
  std::uint32_t steps = 0;
};

/// Content ids are opaque: equal ids mean an equal block *and* an equal prefix. `ids[k]` covers
/// tokens [k * id_tokens, (k + 1) * id_tokens) of the input followed by the output; content beyond
/// the last id is private to the request.
struct Request {
  std::uint64_t id = 0;             ///< dense, in order of arrival
  std::int64_t arrival_ns = 0;      ///< scheduled arrival
  std::uint32_t input_tokens = 0;   ///< at least 1
  std::uint32_t output_tokens = 0;  ///< at least 1
  std::uint32_t id_tokens = 0;      ///< tokens covered by one id; 0: no ids
  /// Tokens that ids.back() covers, 1 .. id_tokens: fewer than id_tokens where the input ends
  /// inside its last block. 0 without ids.
  std::uint32_t last_id_tokens = 0;
  std::vector<std::uint64_t> ids;
  std::uint64_t session = 0;  ///< requests of no session have one each: their own id
  std::uint32_t tenant = 0;
  std::uint32_t priority = 0;  ///< 1 to 100, larger is kept longer; 0: none is told
  std::int64_t retain_ns = 0;  ///< for so long from arrival on its blocks keep it; 0: for good
  std::uint32_t turn = 0;      ///< within the session, from 0
  bool ends_session = true;    ///< no turn follows it
  SessionOutlook outlook;
};

/// Tokens covered by all ids of a request.
inline std::uint64_t id_covered_tokens(const Request& request) {
  if (request.ids.empty()) return 0;
  return (request.ids.size() - 1) * std::uint64_t{request.id_tokens} + request.last_id_tokens;
}

}  // namespace tiercast::workload
