#include "models/hardware/stack_spec.hpp"

#include <algorithm>

#include "sim/base/field_table.hpp"

namespace tiercast::hardware {

using namespace table;

namespace {
constexpr int kHour = 3600;  // seconds; whatever takes longer is a slip of the unit
}  // namespace

std::vector<Choice<Granularity>> choices(Granularity) {
  return {{"layer", Granularity::layer, "one layer's part of one KV block"},
          {"block", Granularity::block, "one KV block, all layers together"},
          {"chunk", Granularity::chunk, "`chunk_tokens` tokens, all layers together"}};
}

std::vector<Choice<Reach>> choices(Reach) {
  return {{"host-memory", Reach::host_memory, "host memory of the GPU's own node: dram"},
          {"drive", Reach::drive, "drives of the GPU's own node: nvme"},
          {"dpu-flash", Reach::dpu_flash, "flash behind DPUs on the network: context"},
          {"file-service", Reach::file_service, "a service that keeps files: external"},
          {"object-service", Reach::object_service, "a service that keeps objects: external"},
          {"peer-memory", Reach::peer_memory, "host memory of other nodes: peer"},
          {"gpu-memory", Reach::gpu_memory, "GPU memory of other engines: disaggregation"}};
}

bool StackSpec::reaches_to(Reach end) const {
  return std::find(reaches.begin(), reaches.end(), end) != reaches.end();
}

const FieldTable<StackSpec>& StackSpec::fields() {
  using S = StackSpec;
  static const auto table =
      FieldTable<StackSpec>(
          "stack", "The software path of a transfer.",
          {
              field("use", &S::use, by_default(""), "Catalogue entry to start from."),
              field("title", &S::title, by_default(""), "Name for people."),
              field("reaches", &S::reaches, required, fewest(1),
                    "What it has at its far end, so which tiers it serves."),
              field("granularity", &S::granularity, required,
                    "What lies together and goes in one operation."),
              field("chunk_tokens", &S::chunk_tokens, absent_means("needed by `chunk` only"),
                    between(1, 1'048'576), "Tokens of one chunk."),
              field("fragments", &S::fragments, by_default("1"), between(1, 64),
                    "Pieces of each of these: 2 where K and V lie apart."),
              field("max_operation", &S::max_operation, absent_means("no limit"), at_least(512),
                    "Longer operations are split into such pieces."),
              field("setup", &S::setup, required, between(0, kHour), "Once for each transfer."),
              field("operation_time", &S::operation_time, required, between(0, kHour),
                    "The initiator's serial time for one operation: call, launch, submission."),
              field("lanes", &S::lanes, required, between(1, 65536),
                    "Operations issued at the same time: threads, queues."),
              field("depth", &S::depth, required, between(1, 1048576),
                    "Operations in flight, of all lanes together."),
              field("operation_latency", &S::operation_latency, required, between(0, kHour),
                    "Of client and network for each operation; what a drive, DPU or service takes "
                    "is its own and comes on top."),
              field("metadata_operations", &S::metadata_operations, required, between(0, 64),
                    "Round trips for each object before its bytes move: lookup, open. Where a "
                    "service has an index, a load makes them when it looks up."),
              field("metadata_latency", &S::metadata_latency, required, between(0, kHour),
                    "Of one such round trip, beside the service's metadata_time."),
              field("acknowledge", &S::acknowledge, required, between(0, kHour),
                    "A write's wait after its last byte that the write_latency of drive or "
                    "service does not hold: a flush."),
              field("efficiency", &S::efficiency, required, above(0), at_most(1),
                    "Share of the link's bandwidth that payload gets."),
              field("duplex", &S::duplex, required, between(1, 2),
                    "What both ways together reach, in units of one way alone."),
              field("host_copies", &S::host_copies, required, between(0, 16),
                    "Extra passes of every byte through host memory, by CPUs if copy_bandwidth is "
                    "given."),
              field("copy_bandwidth", &S::copy_bandwidth, absent_means("copies need no CPU"),
                    above(0),
                    "What CPUs copy in one pass; passes share them, so bytes move at most at this "
                    "over host_copies."),
              field("core_time", &S::core_time, required, between(0, kHour),
                    "Time of a host core for one operation."),
              field("core_bandwidth", &S::core_bandwidth, absent_means("bytes cost no core time"),
                    above(0), "Bytes a second that keep one host core busy."),
              field("gpu_interference", &S::gpu_interference, required, between(0, 1),
                    "Share by which a step slows down beside the copy."),
              field("bypass_host", &S::bypass_host, required,
                    "Bytes go between device and GPU without touching host memory."),
          })
          .catalogue("stacks")
          .shorthand("use")
          .must("granularity `chunk` needs chunk_tokens",
                [](const StackSpec& stack) {
                  return stack.granularity != Granularity::chunk || stack.chunk_tokens.has_value();
                })
          .must("depth must be at least lanes: each lane has an operation in flight",
                [](const StackSpec& stack) { return stack.depth >= stack.lanes; })
          .must("bypass_host and host_copies contradict each other", [](const StackSpec& stack) {
            return !stack.bypass_host || stack.host_copies == 0;
          });
  return table;
}

}  // namespace tiercast::hardware
