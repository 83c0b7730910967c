// One line of a trace of sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tiercast::workload {

/// A call of a session, or of one of its sub-agents.
struct SessionCall {
  std::int64_t time_ns = 0;  ///< from the session's start
  std::uint32_t agent = 0;   ///< 0: the session itself; its sub-agents from 1
  std::uint32_t turn = 0;    ///< of that agent, from 0
  bool calls_tool = false;   ///< `stop` says so
  std::size_t first_id = 0;  ///< in SessionLine::ids
  std::size_t id_count = 0;
};

struct SessionLine {
  bool local_ids = false;          ///< ids mean something within this session only
  std::vector<SessionCall> calls;  ///< in file order, a sub-agent's where its marker stands
  std::vector<std::uint64_t> ids;
};

/// Reads the lines of the Claude Code ("Weka") traces: an object with `hash_id_scope` (`global` or
/// `local`) and `requests`, each a call (`t` in seconds, `hash_ids`, perhaps `stop`) or a sub-agent
/// (`type: subagent`, `t`, and `requests` of its own, whose times count from the marker).
class SessionParser {
 public:
  SessionParser();
  ~SessionParser();

  /// Whether a trace's first line is of this kind.
  bool recognises(std::string_view line);
  /// False: `reason` says in one clause what is wrong. `line` has LineReader::kPadding readable
  /// bytes behind it.
  bool parse(std::string_view line, SessionLine& out, std::string& reason);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiercast::workload
