#include "models/serving/cluster.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <optional>
#include <utility>

#include "models/serving/cluster_check.hpp"
#include "models/serving/request_view.hpp"
#include "models/serving/tier_outcome.hpp"
#include "models/serving/warmed_loads.hpp"
#include "models/workload/tenants.hpp"

namespace tiercast::serving {

namespace {

// check_cluster has made such a cache before: memory is all that can be missing.
tiering::BlockPool make_pool(const ClusterSpec& spec, kvstore::PrefixStore& store,
                             uint32_t instance) {
  std::string error;
  const tp_tape* const tape =
      spec.tapes == nullptr
          ? nullptr
          : &spec.tapes->open("hbm-instance" + std::to_string(instance), spec.eviction);
  std::optional<tiering::CheckedCache> cache = make_cache(spec, error, tape);
  if (!cache) throw std::bad_alloc();
  return {store, std::move(*cache), spec.engine.block_tokens, spec.block_bytes};
}

// check_cluster has made such a router before: memory is all that can be missing.
CheckedRouter made(std::optional<CheckedRouter> router) {
  if (!router) throw std::bad_alloc();
  return std::move(*router);
}

CheckedRouter router_of(const ClusterSpec& spec) {
  std::string error;
  return made(make_router(spec, error));
}

CheckedRouter make_decode_router() {
  std::string error;
  return made(CheckedRouter::create(*tp_find_builtin_router("least-loaded"), "", 0, error));
}

constexpr uint32_t kTierEntity = 0;
// Of facts of one time: who runs when is told before who does arrives.
constexpr uint32_t kStepsEntity = 0;
constexpr uint32_t kSourceEntity = 1;
constexpr uint32_t kHandOverEntity = 2;

}  // namespace

Cluster::Cluster(const ClusterSpec& spec, const llm::StepTable& table,
                 workload::DemandSource& source)
    : spec_(spec),
      source_(&source),
      map_(spec.id_tokens, spec.engine.block_tokens),
      store_(map_.blocks_per_id()),
      router_(router_of(spec)),
      queue_(std::max(spec.instances, kHandOverEntity + 1)),
      loads_(spec.instances),
      pool_stands_to_ns_(spec.instances, kNever),
      matched_blocks_(spec.instances),
      decode_router_(make_decode_router()),
      prompt_keys_(spec.id_tokens) {
  for (uint32_t i = 0; i < spec.instances; ++i) {
    instances_.push_back(
        std::make_unique<Instance>(spec_.engine, table, store_, make_pool(spec_, store_, i), log_));
  }
  if (spec_.tiers) {
    tiers_ = std::make_unique<tiering::TierManager>(*spec_.tiers, store_, spec_.seed, spec_.tapes);
    for (uint32_t i = 0; i < spec_.instances; ++i) instances_[i]->use_tiers(*tiers_, i);
  }
  tell_costs(table);
  for (uint32_t i = 0; i < spec_.prefill_instances; ++i) instances_[i]->only_prefill();
  for (uint32_t i = 0; i < spec_.instances; ++i) loads_[i] = worker_view(*instances_[i]);
  if (spec_.router_index_delay_ns > 0 && router_.wants_matches() && entry_instances() > 1) {
    router_index_ = std::make_unique<RouterIndex>(store_, spec_.engine.block_tokens,
                                                  spec_.router_index_delay_ns);
    for (uint32_t i = 0; i < entry_instances(); ++i) router_index_->watch(*instances_[i]);
    informed_router_.emplace(router_of(spec_));
  }
  if (router_index_ != nullptr || (router_.wants_tiers() && tiers_ != nullptr)) {
    matched_blocks_.resize(store_.pools());  // what the index knows of, and lower tiers
  }
  context_.seed = spec.seed;
}

Outcome Cluster::run() {
  const RunContextScope scope(context_);
  warm_up();
  int64_t end_ns = spec_.warmup_ns;
  schedule_arrival(spec_.warmup_ns);
  while (!queue_.empty()) {
    const engine::Event event = queue_.pop();
    end_ns = event.time_ns;
    context_.now_ns = event.time_ns;
    if (tiers_ != nullptr) tiers_->pass_time(event.time_ns);
    switch (event.phase) {
      case engine::Phase::fact:
        if (event.entity == kSourceEntity) arrival(event.time_ns);
        if (event.entity == kHandOverEntity) hand_over(event.time_ns);
        if (event.entity == kStepsEntity) tell_steps(event.time_ns);
        break;
      case engine::Phase::transfer:
        transfers(event.time_ns);
        break;
      case engine::Phase::boundary:
        boundary(event.time_ns, event.entity);
        break;
    }
    schedule_transfers();
  }
  return collect(end_ns);
}

void Cluster::schedule_arrival(int64_t not_before_ns) {
  int64_t next_ns = 0;
  if (!source_->peek(next_ns) || next_ns >= spec_.duration_ns) {
    queue_.cancel(engine::Phase::fact, kSourceEntity);
    return;
  }
  queue_.schedule(std::max(next_ns + spec_.engine.request_ns, not_before_ns), engine::Phase::fact,
                  kSourceEntity);
}

// Whatever an event did to an instance: what others read of it, and when it is to be called next.
void Cluster::take_note(uint32_t i) {
  const Instance& instance = *instances_[i];
  loads_[i] = worker_view(instance);
  pool_stands_to_ns_[i] = instance.pool_stands_to_ns();
  if (instance.next_boundary_ns() == kNever) {
    queue_.cancel(engine::Phase::boundary, i);
  } else {
    queue_.schedule(instance.next_boundary_ns(), engine::Phase::boundary, i);
  }
}

void Cluster::schedule_transfers() {
  if (tiers_ == nullptr) return;
  const int64_t next_ns = tiers_->next_event_ns();
  if (next_ns == resources::kNever) {
    queue_.cancel(engine::Phase::transfer, kTierEntity);
  } else {
    queue_.schedule(next_ns, engine::Phase::transfer, kTierEntity);
  }
}

// What ends at now_ns, and what engines make of it; one event may bring more.
void Cluster::transfers(int64_t now_ns) {
  tier_events_.clear();
  told_.clear();
  tiers_->advance(now_ns, tier_events_);
  for (size_t i = 0; i < tier_events_.size(); ++i) {
    const tiering::TierEvent event = tier_events_[i];
    instances_[event.engine]->on_tier_event(now_ns, event, tier_events_);
    told_.push_back(event.engine);
  }
  for (const uint32_t instance : told_) take_note(instance);
}

// Cuts or refuses what cannot run; a refused request is over at once.
bool Cluster::accept(RequestRecord& record) {
  const uint64_t limit = spec_.engine.max_model_tokens;
  if (uint64_t{record.input_tokens} + record.output_tokens > limit) {
    if (spec_.engine.over_length == OverLength::reject) {
      ++outcome_.rejected_too_long;
      return false;
    }
    record.input_tokens = static_cast<uint32_t>(std::min<uint64_t>(record.input_tokens, limit - 1));
    record.output_tokens = static_cast<uint32_t>(
        std::min<uint64_t>(record.output_tokens, limit - record.input_tokens));
    record.truncated = true;
    ++outcome_.truncated;
  }
  const uint64_t tokens = uint64_t{record.input_tokens} + record.output_tokens - 1;
  const uint64_t block = spec_.engine.block_tokens;
  if ((tokens + block - 1) / block > spec_.engine.kv_blocks) {
    ++outcome_.rejected_too_large;
    return false;
  }
  return true;
}

// Of a request that was cut, ids name what they did as far as its first tokens are the same: to the
// end, where only the output is shorter.
void Cluster::cut_content(const RequestRecord& record) {
  const bool input_cut = record.input_tokens < request_.input_tokens;
  const uint64_t named = uint64_t{record.input_tokens} + (input_cut ? 0 : record.output_tokens);
  if (workload::id_covered_tokens(request_) <= named) return;
  request_.ids.resize(named / request_.id_tokens);
  request_.last_id_tokens = request_.id_tokens;
}

void Cluster::next_request() {
  source_->next(request_);
  if (spec_.engine.isolation == Isolation::tenant) workload::isolate(request_);
}

RequestRecord Cluster::record_of(const workload::Request& request) {
  RequestRecord record;
  record.id = request.id;
  record.session = request.session;
  record.tenant = request.tenant;
  record.priority = request.priority;
  record.retain_ns = request.retain_ns;
  record.ends_session = request.ends_session;
  record.turn = request.turn;
  record.outlook = request.outlook;
  record.arrival_ns = request.arrival_ns;
  record.input_tokens = request.input_tokens;
  record.output_tokens = request.output_tokens;
  return record;
}

// Requests before the timed window run through router, caches and policies at their arrival. For a
// closed loop, and to a router that goes by load, each is over after what it would take alone.
void Cluster::warm_up() {
  if (spec_.warmup_ns == 0) return;
  if (tiers_ != nullptr) tiers_->set_timed(false);
  WarmedLoads warmed(loads_);
  int64_t next_ns = 0;
  int64_t now_ns = 0;
  while (source_->peek(next_ns) && next_ns < spec_.warmup_ns && next_ns < spec_.duration_ns) {
    now_ns = std::max(now_ns, next_ns);
    context_.now_ns = now_ns;
    if (tiers_ != nullptr) tiers_->pass_time(now_ns);
    next_request();
    RequestRecord record = record_of(request_);
    if (!accept(record)) {
      complete(record, now_ns + kRefusalPauseNs);
      tell_steps(now_ns);
      continue;
    }
    if (record.truncated) cut_content(record);
    const Content content = map_.content(request_);
    warmed.end_before(now_ns);
    const uint32_t chosen = choose(now_ns, record, content);
    const int64_t end_ns = now_ns + instances_[chosen]->absorb(now_ns, record, content);
    warmed.begin(chosen, record.input_tokens, end_ns);
    complete(record, end_ns);
    tell_steps(now_ns);
    ++outcome_.warmed_requests;
  }
  warmed.end_before(resources::kNever);
  outcome_.truncated = 0;
  outcome_.rejected_too_long = 0;
  outcome_.rejected_too_large = 0;
  if (router_index_ != nullptr) router_index_->reset_counts();
  if (tiers_ != nullptr) tiers_->set_timed(true);
  for (const std::unique_ptr<Instance>& instance : instances_) instance->open(spec_.warmup_ns);
}

void Cluster::arrival(int64_t now_ns) {
  next_request();
  RequestRecord record = record_of(request_);
  const bool accepted = accept(record);
  if (!accepted) record.state = RequestState::rejected;
  const uint64_t index = log_.size();
  log_.push_back(record);
  if (accepted) {
    if (record.truncated) cut_content(record);
    Content content = map_.content(request_);
    const uint32_t chosen = choose(now_ns, record, content);
    log_[index].instance = chosen;
    instances_[chosen]->arrive(now_ns, index, std::move(content));
    take_note(chosen);
  } else {
    complete(record, now_ns + kRefusalPauseNs);
    schedule_steps(now_ns + 1);
  }
  schedule_arrival(now_ns);
}

void Cluster::find_matches(int64_t now_ns, const Content& content) {
  if (!content.ids.empty()) {
    for (uint32_t i = 0; i < spec_.instances; ++i) {
      if (pool_stands_to_ns_[i] >= now_ns) continue;
      instances_[i]->sync(now_ns);
      pool_stands_to_ns_[i] = instances_[i]->pool_stands_to_ns();
    }
    if (router_index_ != nullptr) router_index_->catch_up(now_ns);
  }
  store_.match(content.path(), matched_blocks_);
  for (uint32_t i = 0; i < spec_.instances; ++i) {
    loads_[i].device_tokens = matched_blocks_[i] * spec_.engine.block_tokens;
  }
  if (tiers_ != nullptr && router_.wants_tiers()) {
    match_tiers(*tiers_, matched_blocks_, spec_.engine.block_tokens, loads_);
  }
}

// Requests go to prefill instances first, where there are any.
uint32_t Cluster::entry_instances() const {
  return spec_.prefill_instances > 0 ? spec_.prefill_instances : spec_.instances;
}

// Prompts computed a nanosecond ago go to the least loaded decode instance, in order of arrival.
void Cluster::hand_over(int64_t now_ns) {
  std::sort(handed_over_.begin(), handed_over_.end(),
            [](const HandOver& a, const HandOver& b) { return a.request < b.request; });
  const uint32_t first = spec_.prefill_instances;
  for (const HandOver& prompt : handed_over_) {
    const std::span decoders = std::span(loads_).subspan(first);
    const tp_prompt whole =
        prompt_keys_.of(log_[prompt.request].input_tokens, spec_.engine.block_tokens, {}, false);
    const uint32_t chosen = first + decode_router_.route(now_ns, nullptr, whole, decoders);
    log_[prompt.request].instance = chosen;
    instances_[chosen]->arrive_handed(now_ns, prompt);
    take_note(chosen);
  }
  handed_over_.clear();
}

uint32_t Cluster::choose(int64_t now_ns, const RequestRecord& record, const Content& content) {
  const uint32_t candidates = entry_instances();
  if (candidates == 1) return 0;
  if (router_.wants_matches()) find_matches(now_ns, content);
  const std::span<tp_worker> loads = std::span(loads_).first(candidates);
  count_active_blocks(spec_.engine.block_tokens, loads);
  const tp_request request = request_view(record, spec_.engine);
  const tp_prompt prompt = prompt_keys_.of(record.input_tokens, spec_.engine.block_tokens, content,
                                           router_.wants_keys());
  if (router_index_ == nullptr) return router_.route(now_ns, &request, prompt, loads);
  return router_index_->route(now_ns, router_, *informed_router_, &request, prompt, matched_blocks_,
                              loads);
}

void Cluster::boundary(int64_t now_ns, uint32_t instance) {
  completed_.clear();
  instances_[instance]->boundary(now_ns, completed_);
  take_note(instance);
  std::vector<HandOver>& handed = instances_[instance]->handed_over();
  if (!handed.empty()) {
    std::move(handed.begin(), handed.end(), std::back_inserter(handed_over_));
    handed.clear();
    // As with completions: other instances may have passed boundaries of this nanosecond.
    queue_.schedule(now_ns + 1, engine::Phase::fact, kHandOverEntity);
  }
  if (completed_.empty()) return;
  for (const uint64_t request : completed_) complete(log_[request], now_ns);
  // Facts of now_ns are over: other instances may have passed boundaries of this nanosecond.
  schedule_arrival(now_ns + 1);
  schedule_steps(now_ns + 1);
}

void Cluster::schedule_steps(int64_t at_ns) {
  if (steps_to_run_.empty()) return;
  queue_.schedule(at_ns, engine::Phase::fact, kStepsEntity);
}

Outcome Cluster::collect(int64_t end_ns) {
  std::vector<uint64_t> pool_digests;
  outcome_.start_ns = spec_.warmup_ns;
  outcome_.end_ns = end_ns;
  for (const std::unique_ptr<Instance>& instance : instances_) {
    instance->close(end_ns);
    const tiering::BlockPool& pool = instance->pool();
    outcome_.instances.push_back(
        {instance->counts(), pool.counts(), pool.capacity_blocks(), pool.present_blocks()});
    outcome_.itl_ns.merge(instance->itl_ns());
    outcome_.itl_ticks += instance->itl_ticks();
    outcome_.effort.steps += instance->counts().steps;
    outcome_.effort.advances += instance->counts().advances;
    outcome_.effort.policy_calls += pool.policy_calls();
    pool_digests.push_back(pool.digest());
  }
  if (tiers_ != nullptr) collect_tiers(*tiers_, outcome_);
  if (router_index_ != nullptr) outcome_.router = router_index_->counts();
  outcome_.effort.events = queue_.popped();
  outcome_.log = std::move(log_);
  outcome_.digest = digest_of(outcome_, pool_digests, tiers_ != nullptr ? tiers_->digest() : 0);
  return std::move(outcome_);
}

}  // namespace tiercast::serving
