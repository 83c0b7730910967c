#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/llm/step_table.hpp"
#include "models/policy/tierpolicy.h"
#include "models/serving/checked_router.hpp"
#include "models/serving/content.hpp"
#include "models/serving/engine_spec.hpp"
#include "models/serving/instance.hpp"
#include "models/serving/outcome.hpp"
#include "models/serving/router_index.hpp"
#include "models/serving/worker_views.hpp"
#include "models/workload/demand_source.hpp"
#include "sim/base/check.hpp"
#include "sim/engine/event_queue.hpp"

namespace tiercast::serving {

/// A checked cluster: equal instances behind one router.
struct ClusterSpec {
  uint32_t instances = 1;
  uint32_t prefill_instances = 0;  ///< the first so many compute prompts only; 0: all do both
  EngineSpec engine;
  const tp_router_table* router = tp_find_builtin_router("round-robin");
  std::string router_config;
  int64_t router_index_delay_ns = 0;  ///< how late the router hears what GPU memory holds
  const tp_cache_table* eviction = nullptr;
  std::string eviction_config;  ///< `name=value` lines
  tiering::PolicyChecks policy_checks = tiering::PolicyChecks::answers;
  std::optional<tiering::TierSetSpec> tiers;  ///< below GPU memory
  int64_t warmup_ns = 0;  ///< requests arriving before it pass through the caches without time
  uint32_t block_bytes = 0;
  uint32_t id_tokens = 0;           ///< of the workload's content ids; 0: none
  tiering::Tapes* tapes = nullptr;  ///< where every pool records one; NULL: nowhere
  uint64_t seed = 1;
  int64_t duration_ns = INT64_MAX;  ///< arrivals from then on are not offered
};

/// Runs demand through the instances until everything admitted is done. One run per object.
///
/// Throws tiering::PolicyFault where a policy breaks its contract.
class Cluster {
 public:
  /// `spec` must be valid (see check_cluster); its tapes, `table` and `source` outlive the object.
  Cluster(const ClusterSpec& spec, const llm::StepTable& table, workload::DemandSource& source);

  Outcome run();

 private:
  void tell_costs(const llm::StepTable& table);
  void schedule_arrival(int64_t not_before_ns);
  void arrival(int64_t now_ns);
  void boundary(int64_t now_ns, uint32_t instance);
  void next_request();
  static RequestRecord record_of(const workload::Request& request);
  bool accept(RequestRecord& record);
  void cut_content(const RequestRecord& record);
  uint32_t choose(int64_t now_ns, const RequestRecord& record, const Content& content);
  void find_matches(int64_t now_ns, const Content& content);
  void take_note(uint32_t instance);
  void schedule_transfers();
  void transfers(int64_t now_ns);
  void warm_up();
  void hand_over(int64_t now_ns);
  void complete(const RequestRecord& record, int64_t now_ns);
  void schedule_steps(int64_t at_ns);
  void tell_steps(int64_t now_ns);
  uint32_t entry_instances() const;
  Outcome collect(int64_t end_ns);

  ClusterSpec spec_;
  workload::DemandSource* source_;
  ContentMap map_;
  kvstore::PrefixStore store_;
  std::unique_ptr<tiering::TierManager> tiers_;
  std::vector<uint64_t> recompute_ns_;  // of a block by its depth, where policies read it
  RequestLog log_;
  std::vector<std::unique_ptr<Instance>> instances_;
  CheckedRouter router_;
  std::optional<CheckedRouter> informed_router_;  // where the router's index is late
  std::unique_ptr<RouterIndex> router_index_;     // where the router's is late
  engine::EventQueue queue_;
  RunContext context_;
  Outcome outcome_;

  workload::Request request_;  // scratch
  // By instance, as it is now but for what it holds, which is the last routed request's.
  std::vector<tp_worker> loads_;
  std::vector<int64_t> pool_stands_to_ns_;
  std::vector<uint32_t> matched_blocks_;
  std::vector<uint64_t> completed_;
  std::vector<workload::StepsToRun> steps_to_run_;  // that policies have not heard of yet
  std::vector<tiering::TierEvent> tier_events_;
  std::vector<uint32_t> told_;  // instances that heard of one
  CheckedRouter decode_router_;
  PromptKeys prompt_keys_;
  std::vector<HandOver> handed_over_;  // prompts on their way to a decode instance
};

/// Why the spec's eviction policy makes no instance of its config; empty where it does.
std::string why_no_pool(const ClusterSpec& spec);
/// The same of its router.
std::string why_no_router(const ClusterSpec& spec);

/// Why the spec cannot run, one sentence each; empty when it can. Names are those of the scenario.
std::vector<std::string> check_cluster(const ClusterSpec& spec, const llm::StepTable& table);

}  // namespace tiercast::serving
