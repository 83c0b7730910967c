#include "models/workload/block_accesses.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "models/workload/byte_stream.hpp"
#include "models/workload/demand_source.hpp"
#include "models/workload/id_numbers.hpp"
#include "models/workload/line_reader.hpp"
#include "models/workload/session_parser.hpp"

namespace tiercast::workload {
namespace {

class Collector {
 public:
  // False once there are more accesses than numbers for them.
  template <class Ids>
  bool add(const AccessingRequest& request, std::uint32_t scope, const Ids& first,
           std::size_t count) {
    if (count > UINT32_MAX - accesses_.blocks.size()) return false;
    for (std::size_t i = 0; i < count; ++i) {
      accesses_.blocks.push_back(numbers_.number(scope, first[i]));
    }
    accesses_.request_ends.push_back(accesses_.blocks.size());
    accesses_.requests.push_back(request);
    return true;
  }

  BlockAccesses take() {
    accesses_.distinct = numbers_.size();
    return std::move(accesses_);
  }
  bool empty() const { return accesses_.blocks.empty(); }

 private:
  BlockAccesses accesses_;
  IdNumbers numbers_;
};

std::optional<BlockAccesses> finish(Collector& collector, const std::string& file,
                                    Diagnostics& found) {
  if (!collector.empty()) return collector.take();
  found.error(
      {file, 0, 0}, "no request of the trace carries content ids",
      "`tiercast cache` replays blocks: it reads Mooncake JSONL and sessions with hash_ids");
  return std::nullopt;
}

void too_many(const std::string& file, Diagnostics& found) {
  found.error({file, 0, 0}, "the trace has more than 2^32 block accesses", "replay a part of it");
}

std::optional<BlockAccesses> read_requests(const TraceSpec& spec, Diagnostics& found) {
  const auto source = make_source(spec, {}, found);
  if (source == nullptr) return std::nullopt;
  Collector collector;
  Request request;
  std::int64_t at = 0;
  while (source->peek(at) && source->next(request)) {
    if (!collector.add({request.arrival_ns, 0, 0, false}, 0, request.ids, request.ids.size())) {
      too_many(spec.file, found);
      return std::nullopt;
    }
  }
  explain(source->report(), found);
  if (source->report().failed) return std::nullopt;
  return finish(collector, spec.file, found);
}

/// Sessions that run at a time, and whose call is next.
class Sessions {
 public:
  Sessions(const TraceSpec& spec, std::uint32_t concurrent, Diagnostics& found)
      : file_(spec.file),
        skip_(spec.on_bad_line == OnBadLine::skip),
        concurrent_(concurrent),
        found_(found),
        lines_(open_file(spec.file)) {}

  bool run(Collector& collector) {
    for (std::uint32_t i = 0; i < concurrent_ && start(0); ++i) {
    }
    while (!running_.empty()) {
      const auto next = std::min_element(running_.begin(), running_.end(), before);
      const SessionCall call = next->line.calls[next->next_call];
      const std::uint64_t* ids = next->line.ids.data() + call.first_id;
      const AccessingRequest request{next->time_ns(), next->first_id + call.agent, call.turn,
                                     call.calls_tool};
      if (!collector.add(request, next->line.local_ids ? next->number : 0, ids, call.id_count)) {
        too_many(file_, found_);
        return false;
      }
      if (++next->next_call < next->line.calls.size()) continue;
      const std::int64_t end_ns = next->time_ns();
      running_.erase(next);
      start(end_ns);
    }
    return !failed_;
  }

 private:
  struct Session {
    SessionLine line;
    std::uint32_t number = 0;    // from 1
    std::uint64_t first_id = 0;  // its own session id; those of its sub-agents follow
    std::int64_t start_ns = 0;
    std::size_t next_call = 0;

    std::int64_t time_ns() const {
      return start_ns + line.calls[std::min(next_call, line.calls.size() - 1)].time_ns;
    }
  };

  static bool before(const Session& a, const Session& b) {
    return std::pair(a.time_ns(), a.number) < std::pair(b.time_ns(), b.number);
  }

  // The next session of the file with a call in it.
  bool start(std::int64_t now_ns) {
    std::string_view text;
    while (!failed_) {
      const LineReader::Status status = lines_.next(text);
      if (status == LineReader::Status::end) return false;
      if (status == LineReader::Status::failed)
        return bad("cannot read on: " + lines_.error(), false);
      Session session;
      std::string reason = "the line is too long";
      if (status == LineReader::Status::too_long || !parser_.parse(text, session.line, reason)) {
        bad(reason, skip_);
        continue;
      }
      if (session.line.calls.empty()) continue;
      session.number = ++started_;
      session.first_id = next_id_;
      for (const SessionCall& call : session.line.calls) {
        next_id_ = std::max(next_id_, session.first_id + call.agent + 1);
      }
      session.start_ns = now_ns;
      // A sub-agent's calls stand at its marker, though they may be later than what follows it.
      if (concurrent_ > 1) {
        std::stable_sort(
            session.line.calls.begin(), session.line.calls.end(),
            [](const SessionCall& a, const SessionCall& b) { return a.time_ns < b.time_ns; });
      }
      running_.push_back(std::move(session));
      return true;
    }
    return false;
  }

  bool bad(const std::string& reason, bool passed_over) {
    const Place place{file_, static_cast<int>(lines_.line_number()), 0};
    if (passed_over) {
      found_.add({Severity::warning, place, reason, {}});
    } else {
      found_.error(place, reason, "`--on-bad-line skip` leaves bad lines out");
      failed_ = true;
    }
    return false;
  }

  std::string file_;
  bool skip_;
  std::uint32_t concurrent_;
  Diagnostics& found_;
  LineReader lines_;
  SessionParser parser_;
  std::vector<Session> running_;
  std::uint32_t started_ = 0;
  std::uint64_t next_id_ = 1;
  bool failed_ = false;
};

bool holds_sessions(const std::string& file) {
  LineReader lines(open_file(file));
  std::string_view line;
  return lines.next(line) == LineReader::Status::line && SessionParser().recognises(line);
}

}  // namespace

std::optional<BlockAccesses> read_block_accesses(const TraceSpec& spec, std::uint32_t concurrent,
                                                 Diagnostics& found) {
  const bool sessions = spec.format == TraceFormat::automatic && holds_sessions(spec.file);
  if (!sessions) return read_requests(spec, found);
  Collector collector;
  if (!Sessions(spec, concurrent, found).run(collector)) return std::nullopt;
  return finish(collector, spec.file, found);
}

}  // namespace tiercast::workload
