#include "reports/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tiercast::reports {

namespace {

using serving::RequestRecord;
using serving::RequestState;
using serving::TimeParts;

constexpr std::string_view kRequestsHeader =
    "id,session,tenant,instance,state,truncated,preemptions,input_tokens,output_tokens,cached_"
    "tokens,"
    "loaded_tokens,computed_tokens,arrival_ns,admitted_ns,first_token_ns,finished_ns,"
    "ttft_ns,ttft_route_ns,ttft_queue_ns,ttft_metadata_ns,ttft_load_wait_ns,ttft_load_move_ns,"
    "ttft_prefill_ns,ttft_interference_ns,ttft_handoff_ns,ttft_decode_ns,ttft_engine_ns,"
    "e2e_ns,e2e_route_ns,e2e_queue_ns,e2e_metadata_ns,e2e_load_wait_ns,e2e_load_move_ns,"
    "e2e_prefill_ns,e2e_interference_ns,e2e_handoff_ns,e2e_decode_ns,e2e_engine_ns\n";
constexpr size_t kRowChars = 256;  // guess for reserving

/// Rows of cells at the end of a growing text.
class Rows {
 public:
  explicit Rows(size_t expected_chars) { text_.reserve(expected_chars); }

  void header(std::string_view line) { text_.append(line); }
  template <std::integral Number>
  void cell(Number value) {
    separate();
    std::array<char, 24> digits{};
    const auto [end, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    text_.append(digits.data(), end);
  }
  void cell(std::string_view value) {
    separate();
    text_.append(value);
  }
  void stamp(int64_t time_ns) {
    if (time_ns < 0) return cell(std::string_view{});
    cell(time_ns);
  }
  void end_row() {
    text_.push_back('\n');
    row_started_ = false;
  }
  std::string take() { return std::move(text_); }

 private:
  void separate() {
    if (row_started_) text_.push_back(',');
    row_started_ = true;
  }

  std::string text_;
  bool row_started_ = false;
};

std::string_view name_of(RequestState state) {
  switch (state) {
    case RequestState::offered:
      return "offered";
    case RequestState::completed:
      return "completed";
    case RequestState::rejected:
      return "rejected";
  }
  return "";
}

void part_cells(Rows& rows, const TimeParts& parts, bool known) {
  for (const int64_t part :
       {parts.total_ns(), parts.route_ns, parts.queue_ns, parts.metadata_ns, parts.load_wait_ns,
        parts.load_move_ns, parts.prefill_ns, parts.interference_ns, parts.handoff_ns,
        parts.decode_ns, parts.engine_ns}) {
    rows.stamp(known ? part : -1);
  }
}

void request_row(Rows& rows, const RequestRecord& record, int64_t start_ns) {
  rows.cell(record.id);
  rows.cell(record.session);
  rows.cell(record.tenant);
  if (record.state == RequestState::rejected) {
    rows.cell(std::string_view{});
  } else {
    rows.cell(record.instance);
  }
  rows.cell(name_of(record.state));
  rows.cell(record.truncated ? 1 : 0);
  for (const uint32_t count :
       {record.preemptions, record.input_tokens, record.output_tokens, record.cached_tokens,
        record.loaded_tokens, record.computed_tokens}) {
    rows.cell(count);
  }
  for (const int64_t time_ns :
       {record.arrival_ns, record.admitted_ns, record.first_token_ns, record.finished_ns}) {
    rows.stamp(time_ns < 0 ? -1 : time_ns - start_ns);
  }
  part_cells(rows, record.ttft, record.first_token_ns >= 0);
  part_cells(rows, record.e2e, record.finished_ns >= 0);
  rows.end_row();
}

int64_t last_time_ns(const serving::RequestLog& log, int64_t start_ns) {
  int64_t last_ns = start_ns;
  for (const RequestRecord& record : log) {
    last_ns = std::max({last_ns, record.arrival_ns, record.finished_ns});
  }
  return last_ns;
}

// First of 1, 2, 5 x 10^k of which 200 steps reach `end_ns`.
int64_t grid_step_ns(int64_t end_ns) {
  constexpr int64_t kMaxPoints = 200;
  const int64_t least_ns = end_ns / kMaxPoints + (end_ns % kMaxPoints != 0 ? 1 : 0);
  int64_t step_ns = 1;
  for (int turn = 0; step_ns < least_ns; turn = (turn + 1) % 3) {
    step_ns = turn == 1 ? step_ns / 2 * 5 : step_ns * 2;
  }
  return step_ns;
}

struct GridPoint {
  int64_t arrivals = 0;
  int64_t completions = 0;
  int64_t input_tokens = 0;   // of arrivals
  int64_t output_tokens = 0;  // of completions
  int64_t waiting = 0;        // change
  int64_t running = 0;        // change
};

}  // namespace

std::string requests_csv(const serving::RequestLog& log, int64_t start_ns) {
  Rows rows(kRequestsHeader.size() + log.size() * kRowChars);
  rows.header(kRequestsHeader);
  for (const RequestRecord& record : log) request_row(rows, record, start_ns);
  return rows.take();
}

std::string timeseries_csv(const serving::RequestLog& log, int64_t start_ns) {
  const int64_t end_ns = last_time_ns(log, start_ns) - start_ns;
  const int64_t step_ns = grid_step_ns(end_ns);
  const auto index_of = [=](int64_t time_ns) {
    return time_ns <= start_ns ? size_t{0}
                               : static_cast<size_t>((time_ns - start_ns - 1) / step_ns);
  };
  std::vector<GridPoint> grid(index_of(start_ns + end_ns) + 1);
  for (const RequestRecord& record : log) {
    GridPoint& arrived = grid[index_of(record.arrival_ns)];
    ++arrived.arrivals;
    if (record.state == RequestState::rejected) continue;
    arrived.input_tokens += record.input_tokens;
    ++arrived.waiting;
    if (record.admitted_ns < 0) continue;
    GridPoint& admitted = grid[index_of(record.admitted_ns)];
    --admitted.waiting;
    ++admitted.running;
    if (record.finished_ns < 0) continue;
    GridPoint& finished = grid[index_of(record.finished_ns)];
    --finished.running;
    ++finished.completions;
    finished.output_tokens += record.output_tokens;
  }
  Rows rows(grid.size() * kRowChars);
  rows.header("time_ns,arrivals,completions,waiting,running,input_tokens,output_tokens\n");
  int64_t waiting = 0;
  int64_t running = 0;
  for (size_t i = 0; i < grid.size(); ++i) {
    waiting += grid[i].waiting;
    running += grid[i].running;
    for (const int64_t value :
         {static_cast<int64_t>(i + 1) * step_ns, grid[i].arrivals, grid[i].completions, waiting,
          running, grid[i].input_tokens, grid[i].output_tokens}) {
      rows.cell(value);
    }
    rows.end_row();
  }
  return rows.take();
}

}  // namespace tiercast::reports
