#include "models/calibration/measured_result.hpp"

#include <utility>

namespace tiercast::calibration {
namespace {

std::optional<MeasuredResult> result_of(const JsonFile& document, Diagnostics& found) {
  const JsonObject root(document, found);
  MeasuredResult result;
  result.file = document.file();
  if (root.has("completed") && root.has("duration")) {
    result.tool = "vllm bench serve";
    read_vllm_result(root, result);
  } else if (root.has("request_latency") || root.has("request_throughput")) {
    result.tool = "AIPerf";
    read_aiperf_result(root, result);
  } else {
    root.error("", "this is a result of neither `vllm bench serve` nor AIPerf",
               "the one has `duration` and `completed`, the other `request_latency`");
    return std::nullopt;
  }
  if (found.has_errors()) return std::nullopt;
  if (result.completed == 0) {
    root.error("", "no request was completed: there is nothing to compare with");
    return std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<MeasuredResult> read_measured_result(const std::string& file, Diagnostics& found) {
  return read_measured_result(workload::open_file(file), file, found);
}

std::optional<MeasuredResult> read_measured_result(std::unique_ptr<workload::ByteStream> bytes,
                                                   const std::string& file, Diagnostics& found) {
  const auto document = JsonFile::read(std::move(bytes), file, found);
  if (!document) return std::nullopt;
  return result_of(*document, found);
}

}  // namespace tiercast::calibration
