#include "models/workload/trace_source.hpp"

#include <algorithm>
#include <utility>

#include "models/workload/numbers.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {
namespace {

constexpr Purpose kSmooth{"workload.trace.smooth"};

TraceReaderOptions reader_options(const TraceSpec& spec) {
  TraceReaderOptions options;
  options.format = spec.format;
  options.block_tokens = spec.block_tokens;
  options.on_bad_line = spec.on_bad_line;
  return options;
}

}  // namespace

TraceSource::TraceSource(const TraceSpec& spec, std::uint64_t seed,
                         std::unique_ptr<ByteStream> bytes)
    : spec_(spec), seed_(seed), reader_(std::move(bytes), reader_options(spec), report_) {
  report_.file = spec.file;
}

bool TraceSource::peek(std::int64_t& arrival_ns) {
  if (!fill()) return false;
  arrival_ns = scale_time(tick_[tick_begin_].arrival_ns, spec_.time_scale);
  return true;
}

bool TraceSource::next(Request& request) {
  if (!fill()) return false;
  Request& slot = tick_[tick_begin_++];
  slot.id = report_.delivered++;
  slot.session = slot.id;
  slot.arrival_ns = scale_time(slot.arrival_ns, spec_.time_scale);
  std::swap(request, slot);
  return true;
}

bool TraceSource::ended() { return !fill(); }

// Makes sure that a request lies ready. False at the end, and after a failure even when requests
// read before it were left.
bool TraceSource::fill() {
  if (report_.failed || report_.delivered == spec_.limit) return false;
  if (tick_begin_ < tick_end_) return true;
  tick_begin_ = tick_end_ = 0;
  if (spec_.smooth.value() == 0) {
    if (read_in_window(tick_slot())) tick_end_ = 1;
  } else {
    gather_tick();
  }
  return tick_end_ > 0 && !report_.failed;
}

bool TraceSource::read_in_window(Request& out) {
  while (!drained_ && reader_.next(out)) {
    if (spec_.end && out.arrival_ns >= spec_.end->value()) break;
    if (out.arrival_ns < spec_.start.value()) continue;
    out.arrival_ns -= spec_.start.value();
    return true;
  }
  drained_ = true;
  return false;
}

Request& TraceSource::tick_slot() {
  if (tick_end_ == tick_.size()) tick_.emplace_back();
  return tick_[tick_end_];
}

// Reads all requests of one time stamp, and the first of the next.
void TraceSource::gather_tick() {
  if (!has_ahead_ && !read_in_window(ahead_)) return;
  do {
    std::swap(tick_slot(), ahead_);
    ++tick_end_;
    has_ahead_ = read_in_window(ahead_);
  } while (has_ahead_ && ahead_.arrival_ns == tick_[0].arrival_ns);
  spread_tick();
}

// Independent uniform times given to the requests in file order: sorted, since who of a tick came
// first is all that is known.
void TraceSource::spread_tick() {
  const std::int64_t start_ns = tick_[0].arrival_ns;
  std::int64_t span_ns = std::min(spec_.smooth.value(), kArrivalNsMax - start_ns + 1);
  if (has_ahead_) span_ns = std::min(span_ns, ahead_.arrival_ns - start_ns);
  Stream stream(seed_, kSmooth, ticks_++);
  offsets_ns_.clear();
  for (std::size_t i = 0; i < tick_end_; ++i) offsets_ns_.push_back(stream.between(0, span_ns - 1));
  std::sort(offsets_ns_.begin(), offsets_ns_.end());
  for (std::size_t i = 0; i < tick_end_; ++i) tick_[i].arrival_ns += offsets_ns_[i];
}

}  // namespace tiercast::workload
