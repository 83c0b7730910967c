// The software path of a transfer: what a library, a protocol and its layout cost between two
// memories.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::hardware {

/// How many bytes of KV lie together, and so go in one operation.
enum class Granularity { layer, block, chunk };
std::vector<Choice<Granularity>> choices(Granularity);

/// What a path has at its far end; the near one is GPU memory.
enum class Reach : uint8_t {
  host_memory,     ///< of the GPU's own node
  drive,           ///< of the GPU's own node
  dpu_flash,       ///< flash behind DPUs, over the network
  file_service,    ///< over the network
  object_service,  ///< over the network
  peer_memory,     ///< host memory of other nodes
  gpu_memory       ///< of other engines
};
std::vector<Choice<Reach>> choices(Reach);

/// One software path. What it costs is here; what devices and links cost is theirs. Each field is a
/// switch: a scenario that overrides one asks what that overhead is worth.
struct StackSpec {
  std::string use;
  std::string title;
  std::vector<Reach> reaches;  ///< at least one
  Granularity granularity = Granularity::block;
  std::optional<Tokens> chunk_tokens;  ///< of one chunk, where the granularity is `chunk`
  uint32_t fragments = 1;              ///< pieces of each, two where K and V lie apart
  std::optional<Bytes> max_operation;  ///< longer operations are split; absent: no limit
  Figure<Seconds> setup;               ///< once a transfer
  Figure<Seconds> operation_time;      ///< initiator's serial time for one operation, on one lane
  uint32_t lanes = 1;                  ///< operations issued at the same time: threads, queues
  uint32_t depth = 1;                  ///< operations in flight, of all lanes together
  Figure<Seconds> operation_latency;   ///< of client and network, beside device's or service's own
  uint32_t metadata_operations = 0;    ///< round trips for one object before its bytes move
  Figure<Seconds> metadata_latency;    ///< of one such round trip, beside the service's own time
  Figure<Seconds> acknowledge;         ///< a write's wait after its last byte, beside write_latency
  Figure<double> efficiency;           ///< share of the link's bandwidth that payload gets
  Figure<double> duplex;               ///< both ways together, in units of one way alone
  uint32_t host_copies = 0;            ///< extra passes of every byte through host memory
  std::optional<Figure<BytesPerSecond>> copy_bandwidth;  ///< of one CPU pass; absent: DMA copies
  Figure<Seconds> core_time;                             ///< of a host core, for one operation
  std::optional<Figure<BytesPerSecond>> core_bandwidth;  ///< that keeps one core busy
  Figure<double> gpu_interference;  ///< share by which a step slows down beside the copy
  bool bypass_host = false;         ///< bytes do not touch host memory (GPUDirect)

  static const FieldTable<StackSpec>& fields();

  bool reaches_to(Reach end) const;
};

}  // namespace tiercast::hardware
