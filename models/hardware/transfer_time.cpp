#include "models/hardware/transfer_time.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace tiercast::hardware {
namespace {

Bytes gathered(const StackSpec& stack, const KvLayout& layout) {
  const Bytes token = layout.token_bytes_a_layer * layout.layers;
  switch (stack.granularity) {
    case Granularity::layer:
      return layout.token_bytes_a_layer * layout.block_tokens.value();
    case Granularity::block:
      return token * layout.block_tokens.value();
    case Granularity::chunk:
      TIERCAST_CHECK(stack.chunk_tokens, "a chunked stack without chunk_tokens");
      return token * stack.chunk_tokens->value();
  }
  TIERCAST_CHECK(false, "a granularity that is none of the three");
}

// One operation alone, and the time from one to the next where many are under way.
struct Pace {
  Seconds alone;
  Seconds spacing;
};

Pace pace(const StackSpec& stack, const TransferPath& path, Bytes operation) {
  TIERCAST_CHECK(operation > Bytes{}, "an operation without bytes");
  const Seconds lane = stack.operation_time.value;
  const Seconds move = operation / payload_rate(stack, path);
  const Seconds alone = lane + path.device_latency + stack.operation_latency.value + move;
  return {alone, std::max({lane / stack.lanes, move, alone / stack.depth})};
}

}  // namespace

Bytes operation_bytes(const StackSpec& stack, const KvLayout& layout) {
  Bytes operation = gathered(stack, layout) / stack.fragments;
  if (stack.max_operation) operation = std::min(operation, *stack.max_operation);
  return std::max(operation, bytes(1));
}

int64_t operation_count(Bytes payload, Bytes operation) {
  TIERCAST_CHECK(operation > Bytes{}, "an operation without bytes");
  return payload / operation + (payload % operation > Bytes{} ? 1 : 0);
}

std::optional<BytesPerSecond> copy_rate(const StackSpec& stack) {
  if (stack.host_copies == 0 || !stack.copy_bandwidth) return std::nullopt;
  return stack.copy_bandwidth->value / stack.host_copies;
}

BytesPerSecond payload_rate(const StackSpec& stack, const TransferPath& path) {
  BytesPerSecond rate = path.link * stack.efficiency.value;
  if (path.device_bandwidth) rate = std::min(rate, *path.device_bandwidth);
  return std::min(rate, copy_rate(stack).value_or(rate));
}

BytesPerSecond rate_cap(const StackSpec& stack, const TransferPath& path, Bytes operation) {
  const Seconds spacing = pace(stack, path, operation).spacing;
  return bytes_per_second(static_cast<double>(operation.value()) / spacing.value());
}

FlowTime flow_time(const StackSpec& stack, const TransferPath& path, Bytes operation,
                   uint32_t objects) {
  const Pace of_one = pace(stack, path, operation);
  const Seconds metadata = stack.metadata_latency.value * stack.metadata_operations * objects;
  return {stack.setup.value + metadata + of_one.alone - of_one.spacing,
          rate_cap(stack, path, operation)};
}

TransferTime transfer_time(const StackSpec& stack, const TransferPath& path,
                           const Payload& payload) {
  TransferTime time;
  if (payload.size <= Bytes{}) return time;
  TIERCAST_CHECK(payload.operations > 0 && payload.objects > 0, "bytes without an operation");

  const int64_t n = payload.operations;
  const auto count = static_cast<double>(n);
  const Seconds object_metadata = stack.metadata_latency.value * stack.metadata_operations;
  const Seconds lane = stack.operation_time.value +
                       object_metadata * (static_cast<double>(payload.objects - 1) / count);
  const Seconds latency = path.device_latency + stack.operation_latency.value;
  const Seconds move = payload.size / payload_rate(stack, path) / count;
  const Seconds alone = lane + latency + move;
  const Seconds spacing = std::max(lane / stack.lanes, move);

  time.setup = stack.setup.value;
  time.metadata = object_metadata;
  if (payload.write) time.acknowledge = stack.acknowledge.value;
  const bool full = !(spacing * stack.depth < alone);
  const int64_t waves = full ? 1 : 1 + (n - 1) / stack.depth;
  const int64_t spaced = full ? n - 1 : (n - 1) % stack.depth;
  // A wave pays one operation's latency, lane and link in turn; what follows it in the pipeline
  // pays the slower of lane and link, of which the link's part counts as moving bytes.
  time.latency = latency * waves;
  time.move = move * (waves + spaced);
  time.issue = lane * waves + (spacing - move) * spaced;
  return time;
}

}  // namespace tiercast::hardware
