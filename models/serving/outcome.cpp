#include "models/serving/outcome.hpp"

#include "sim/base/hash.hpp"

namespace tiercast::serving {

namespace {

void add(StreamHash& hash, llm::Int128 value) {
  hash.add(static_cast<uint64_t>(value));
  hash.add(static_cast<uint64_t>(value >> 64));
}

void add(StreamHash& hash, const TimeParts& parts) {
  for (const int64_t part :
       {parts.route_ns, parts.queue_ns, parts.prefill_ns, parts.interference_ns, parts.decode_ns,
        parts.engine_ns, parts.metadata_ns, parts.load_wait_ns, parts.load_move_ns,
        parts.handoff_ns}) {
    hash.add(part);
  }
}

uint64_t instance_digest(const InstanceOutcome& instance, uint64_t pool_digest) {
  StreamHash hash;
  const InstanceCounts& counts = instance.counts;
  for (const uint64_t count : {counts.steps, counts.prefill_tokens, counts.decode_tokens,
                               counts.preemptions, counts.completed, pool_digest}) {
    hash.add(count);
  }
  for (const llm::Int128 total :
       {counts.busy_ticks, counts.dynamic_energy, counts.waiting_area_of_all_ns(),
        counts.running_area_ns, counts.loading_area_ns, counts.stalled_ticks}) {
    add(hash, total);
  }
  return hash.digest64();
}

}  // namespace

std::string digest_of(const Outcome& outcome, const std::vector<uint64_t>& pool_digests,
                      uint64_t tier_digest) {
  StreamHash hash;
  for (const RequestRecord& record : outcome.log) {
    hash.add(record.id);
    for (const int64_t stamp :
         {record.arrival_ns, record.admitted_ns, record.first_token_ns, record.finished_ns}) {
      hash.add(stamp);
    }
    for (const uint32_t count : {record.input_tokens, record.output_tokens, record.cached_tokens,
                                 record.computed_tokens, record.preemptions}) {
      hash.add(count);
    }
    hash.add(static_cast<uint32_t>(record.state));
    add(hash, record.ttft);
    add(hash, record.e2e);
  }
  uint64_t instances = 0;
  for (size_t i = 0; i < outcome.instances.size(); ++i) {
    instances += instance_digest(outcome.instances[i], pool_digests[i]);
  }
  hash.add(instances);
  add(hash, outcome.itl_ticks);
  hash.add(outcome.end_ns);
  hash.add(tier_digest);
  return to_hex(hash.digest128());
}

}  // namespace tiercast::serving
