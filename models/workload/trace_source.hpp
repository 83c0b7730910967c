// Replay of a trace file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/workload/demand_source.hpp"
#include "models/workload/trace_reader.hpp"

namespace tiercast::workload {

/// What a trace reader gives, after window, smoothing, limit and time scale (see TraceSpec), one
/// session per request. Holds one request ahead, or one clock tick's worth when smoothing.
class TraceSource : public DemandSource {
 public:
  TraceSource(const TraceSpec& spec, std::uint64_t seed, std::unique_ptr<ByteStream> bytes);

  bool peek(std::int64_t& arrival_ns) override;
  bool next(Request& request) override;
  bool ended() override;

 private:
  bool read_in_window(Request& out);
  bool fill();
  void gather_tick();
  void spread_tick();
  Request& tick_slot();

  TraceSpec spec_;
  std::uint64_t seed_;
  TraceReader reader_;
  Request ahead_;  // read, but of a later tick than tick_
  bool has_ahead_ = false;
  bool drained_ = false;       // the reader, or the window
  std::vector<Request> tick_;  // requests to hand out: [tick_begin_, tick_end_); slots are reused
  std::size_t tick_begin_ = 0;
  std::size_t tick_end_ = 0;
  std::uint64_t ticks_ = 0;
  std::vector<std::int64_t> offsets_ns_;
};

}  // namespace tiercast::workload
