// What one transfer takes over a software path when nothing else uses it: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "models/hardware/stack_spec.hpp"
#include "sim/base/units.hpp"

namespace tiercast::hardware {

/// How KV lies in memory on one GPU, before a stack gathers it.
struct KvLayout {
  Tokens block_tokens;        ///< of one KV block
  uint32_t layers = 1;        ///< that hold KV
  Bytes token_bytes_a_layer;  ///< K and V of one token in one layer, on this GPU
};

/// Contiguous bytes of one operation: a block's part of a layer, a block or a chunk, by the stack's
/// granularity; divided by `fragments`; at most `max_operation`. At least 1.
Bytes operation_bytes(const StackSpec& stack, const KvLayout& layout);

/// Operations of at most `operation` bytes that `payload` takes, rounded up; 0 for no bytes.
int64_t operation_count(Bytes payload, Bytes operation);

/// What hardware gives: one device behind one link. `stack.efficiency` applies to the link alone,
/// since a device's datasheet states payload already.
struct TransferPath {
  Seconds device_latency;                          ///< of one operation
  BytesPerSecond link;                             ///< raw, one way; for several links their sum
  std::optional<BytesPerSecond> device_bandwidth;  ///< payload; absent: never the limit
};

/// What moves.
struct Payload {
  Bytes size;
  int64_t operations = 1;
  int64_t objects = 1;  ///< each pays the stack's metadata operations
  bool write = false;
};

/// The time of a transfer in parts that add up to `total`.
struct TransferTime {
  Seconds setup;        ///< once
  Seconds metadata;     ///< of the first object; later ones' is lane time, part of `issue`
  Seconds latency;      ///< device and path, of every wave of operations that waits for the last
  Seconds issue;        ///< lanes' work that bytes on the link do not hide
  Seconds move;         ///< bytes on the link
  Seconds acknowledge;  ///< writes only
  Seconds total() const { return setup + metadata + latency + issue + move + acknowledge; }
};

/// What CPUs that copy every byte `host_copies` times let through: copy_bandwidth / host_copies.
/// Absent where none copies.
std::optional<BytesPerSecond> copy_rate(const StackSpec& stack);

/// Payload rate of the path with endless operations under way:
///   min(link * efficiency, device, copy_rate).
BytesPerSecond payload_rate(const StackSpec& stack, const TransferPath& path);

/// The rate that operations of `operation` bytes sustain, which caps a flow's rate:
///   c / max(o / lanes, c / r, (o + L + c / r) / depth)
/// with c = operation, o = operation_time, L = device and path latency, r = payload_rate. Objects'
/// metadata is not in it. By the asymptotic bounds of closed queueing networks (Lazowska et al.,
/// Quantitative System Performance, 1984, ch. 5); exact for deterministic times.
BytesPerSecond rate_cap(const StackSpec& stack, const TransferPath& path, Bytes operation);

/// A transfer as a flow: `before`, then its bytes at `rate`.
struct FlowTime {
  Seconds before;
  BytesPerSecond rate;
};

/// The pipeline of transfer_time as a flow that opens so many objects first:
///   before = setup + metadata * objects + R - b,  rate = c / b
///   b = max(o / lanes, c / r, R / depth), the spacing that rate_cap keeps
/// so n operations take setup + metadata + R + (n - 1) b: what transfer_time says, exactly where
/// lanes or the link bind and at depth 1, and within R where the depth binds. Less than one
/// operation counts as that part of b.
FlowTime flow_time(const StackSpec& stack, const TransferPath& path, Bytes operation,
                   uint32_t objects);

/// One transfer alone: n equal operations of c = size / n bytes run through lanes, latency and
/// link as a deterministic pipeline that holds at most `depth` operations:
///   o = operation_time + metadata * (objects - 1) / n    lane time of an operation
///   R = o + L + c / r                                    one operation alone
///   b = max(o / lanes, c / r)                            spacing in a full pipeline
///   T = R + (n - 1) * b                                  where depth * b >= R
///   T = R * (1 + w) + ((n - 1) mod depth) * b            else, w = (n - 1) div depth
///   t = setup + metadata of the first object + T + acknowledge (writes)
/// Exact for one lane; with several lanes off by less than o, since lanes start together.
/// No bytes take no time. Valid without other traffic: flows beside it share links elsewhere.
TransferTime transfer_time(const StackSpec& stack, const TransferPath& path,
                           const Payload& payload);

}  // namespace tiercast::hardware
