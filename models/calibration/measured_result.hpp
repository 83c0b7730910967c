// What a load generator measured of a running server, in base units, whoever wrote it down.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/calibration/json_file.hpp"
#include "sim/base/units.hpp"

namespace tiercast::calibration {

/// Of a latency over requests (or gaps between tokens). Absent: not in the file.
struct MeasuredTimes {
  std::optional<Seconds> mean;
  std::optional<Seconds> p50;
  std::optional<Seconds> p90;
  std::optional<Seconds> p99;
};

/// One completed request, where the file has them.
struct MeasuredRequest {
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  Seconds ttft;
  std::vector<Seconds> gaps;  ///< between pieces of the answer; a piece may hold several tokens
};

struct MeasuredResult {
  std::string file;
  std::string tool;   ///< `vllm bench serve` or `AIPerf`
  std::string model;  ///< as the file names it, or empty
  MeasuredTimes ttft;
  MeasuredTimes tpot;  ///< (end to end - ttft) / (output tokens - 1), a value a request
  MeasuredTimes itl;   ///< every gap between pieces of an answer
  MeasuredTimes e2e;
  std::optional<Seconds> duration;
  std::optional<double> requests_per_s;
  std::optional<double> output_tokens_per_s;
  std::optional<double> total_tokens_per_s;  ///< input and output
  std::optional<std::int64_t> completed;
  std::optional<std::int64_t> failed;
  std::optional<std::int64_t> input_tokens;   ///< of all completed requests
  std::optional<std::int64_t> output_tokens;  ///< of all completed requests
  std::optional<double> offered_rate;         ///< requests a second; absent: not said, or no limit
  std::optional<std::int64_t> concurrency;    ///< limit of requests at a time
  std::vector<MeasuredRequest> requests;      ///< completed ones; empty: not in the file
};

/// Reads what `vllm bench serve --save-result` or AIPerf (`profile_export_aiperf.json`) wrote, told
/// apart by content. Percentiles that vLLM was not asked for are worked out of the per-request
/// lists of `--save-detailed`, interpolated as NumPy does. Nothing after reporting: unreadable, of
/// neither tool, values of a wrong type or sign, lists of unequal length, no request completed.
std::optional<MeasuredResult> read_measured_result(const std::string& file, Diagnostics& found);
std::optional<MeasuredResult> read_measured_result(std::unique_ptr<workload::ByteStream> bytes,
                                                   const std::string& file, Diagnostics& found);

/// What the readers of one tool give; `root` is the document.
void read_vllm_result(const JsonObject& root, MeasuredResult& result);
void read_aiperf_result(const JsonObject& root, MeasuredResult& result);

}  // namespace tiercast::calibration
