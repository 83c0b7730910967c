// What policies hear of all engines alike: what blocks cost, and when sessions run again.
#include <span>

#include "models/serving/cluster.hpp"
#include "models/serving/request_view.hpp"

namespace tiercast::serving {

// What views of policies that read blocks say of computing them again.
void Cluster::tell_costs(const llm::StepTable& table) {
  if (!instances_.front()->pool().reads_blocks() && !(tiers_ && tiers_->reads_costs())) return;
  const AloneCost alone(table);
  const uint32_t b = spec_.engine.block_tokens;
  for (uint32_t depth = 0; depth < spec_.engine.max_model_tokens / b; ++depth) {
    recompute_ns_.push_back(static_cast<uint64_t>(ceil_ns(alone.prompt_ticks(b, depth * b))));
  }
  for (const std::unique_ptr<Instance>& instance : instances_) instance->tell_all(recompute_ns_);
  if (tiers_ != nullptr) tiers_->tell_all(recompute_ns_);
}

void Cluster::complete(const RequestRecord& record, int64_t now_ns) {
  source_->completed(record.id, now_ns);
  const bool anybody_hears = instances_.front()->pool().hears_of_requests() ||
                             (tiers_ != nullptr && tiers_->hears_of_requests());
  if (!anybody_hears) return;
  const std::span<const workload::StepsToRun> steps = source_->steps_to_run();
  steps_to_run_.insert(steps_to_run_.end(), steps.begin(), steps.end());
}

// An agent's turn changes when all others of its workflow run, whose blocks may be anywhere.
void Cluster::tell_steps(int64_t now_ns) {
  for (const workload::StepsToRun& next : steps_to_run_) {
    const tp_hint hint{TP_HINT_STEPS_TO_RUN, 0, next.steps};
    const uint64_t session = session_number(next.session);
    for (const std::unique_ptr<Instance>& instance : instances_) {
      instance->hint(now_ns, session, {&hint, 1});
    }
    if (tiers_ != nullptr) tiers_->hint(now_ns, session, {&hint, 1});
  }
  steps_to_run_.clear();
}

}  // namespace tiercast::serving
