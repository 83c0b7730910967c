#include "tests/serving/outcome_difference.hpp"

#include <algorithm>

namespace tiercast::tests {

namespace {

using serving::InstanceOutcome;
using serving::Outcome;
using serving::RequestRecord;
using serving::TimeParts;

class Finder {
 public:
  void in(std::string place) { place_ = std::move(place); }

  void expect(const char* what, llm::Int128 a, llm::Int128 b) {
    if (!found_.empty() || a == b) return;
    found_ = place_ + what + ": " + to_text(a) + " against " + to_text(b);
  }

  void expect(const std::string& what, const TimeParts& a, const TimeParts& b) {
    expect((what + ".route").c_str(), a.route_ns, b.route_ns);
    expect((what + ".queue").c_str(), a.queue_ns, b.queue_ns);
    expect((what + ".prefill").c_str(), a.prefill_ns, b.prefill_ns);
    expect((what + ".interference").c_str(), a.interference_ns, b.interference_ns);
    expect((what + ".decode").c_str(), a.decode_ns, b.decode_ns);
    expect((what + ".engine").c_str(), a.engine_ns, b.engine_ns);
    expect((what + ".metadata").c_str(), a.metadata_ns, b.metadata_ns);
    expect((what + ".load_wait").c_str(), a.load_wait_ns, b.load_wait_ns);
    expect((what + ".load_move").c_str(), a.load_move_ns, b.load_move_ns);
    expect((what + ".handoff").c_str(), a.handoff_ns, b.handoff_ns);
  }

  void found(std::string text) {
    if (found_.empty()) found_ = std::move(text);
  }
  const std::string& result() const { return found_; }

 private:
  std::string place_;
  std::string found_;
};

void compare(Finder& finder, const RequestRecord& a, const RequestRecord& b) {
  finder.expect("id", a.id, b.id);
  finder.expect("session", a.session, b.session);
  finder.expect("arrival", a.arrival_ns, b.arrival_ns);
  finder.expect("instance", a.instance, b.instance);
  finder.expect("state", static_cast<int>(a.state), static_cast<int>(b.state));
  finder.expect("truncated", a.truncated, b.truncated);
  finder.expect("ends_session", a.ends_session, b.ends_session);
  finder.expect("input", a.input_tokens, b.input_tokens);
  finder.expect("output", a.output_tokens, b.output_tokens);
  finder.expect("admitted", a.admitted_ns, b.admitted_ns);
  finder.expect("cached", a.cached_tokens, b.cached_tokens);
  finder.expect("first_token", a.first_token_ns, b.first_token_ns);
  finder.expect("preemptions", a.preemptions, b.preemptions);
  finder.expect("finished", a.finished_ns, b.finished_ns);
  finder.expect("loaded", a.loaded_tokens, b.loaded_tokens);
  finder.expect("computed", a.computed_tokens, b.computed_tokens);
  finder.expect("ttft", a.ttft, b.ttft);
  finder.expect("e2e", a.e2e, b.e2e);
}

void compare(Finder& finder, const InstanceOutcome& a, const InstanceOutcome& b) {
  finder.expect("steps", a.counts.steps, b.counts.steps);
  finder.expect("prefill_tokens", a.counts.prefill_tokens, b.counts.prefill_tokens);
  finder.expect("decode_tokens", a.counts.decode_tokens, b.counts.decode_tokens);
  finder.expect("preemptions", a.counts.preemptions, b.counts.preemptions);
  finder.expect("completed", a.counts.completed, b.counts.completed);
  finder.expect("busy_ticks", a.counts.busy_ticks, b.counts.busy_ticks);
  finder.expect("dynamic_energy", a.counts.dynamic_energy, b.counts.dynamic_energy);
  for (size_t cause = 0; cause < serving::kWaitCauses; ++cause) {
    finder.expect("waiting_area", a.counts.waiting_area_ns[cause], b.counts.waiting_area_ns[cause]);
  }
  finder.expect("running_area", a.counts.running_area_ns, b.counts.running_area_ns);
  finder.expect("pool taken", a.pool.taken, b.pool.taken);
  finder.expect("pool placed", a.pool.placed, b.pool.placed);
  finder.expect("pool duplicated", a.pool.duplicated, b.pool.duplicated);
  finder.expect("pool evicted", a.pool.evicted, b.pool.evicted);
  finder.expect("pool dropped", a.pool.dropped, b.pool.dropped);
  finder.expect("pool returned", a.pool.returned, b.pool.returned);
  finder.expect("pool first_eviction", a.pool.first_eviction_ns, b.pool.first_eviction_ns);
  finder.expect("pool capacity", a.pool_capacity_blocks, b.pool_capacity_blocks);
  finder.expect("pool present", a.pool_present_blocks, b.pool_present_blocks);
}

}  // namespace

std::string to_text(llm::Int128 value) {
  if (value < 0) return "-" + to_text(-value);
  std::string text;
  do {
    text.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value > 0);
  std::reverse(text.begin(), text.end());
  return text;
}

std::string difference(const Outcome& a, const Outcome& b) {
  Finder finder;
  for (size_t i = 0; i < std::min(a.log.size(), b.log.size()); ++i) {
    finder.in("record " + std::to_string(i) + " ");
    compare(finder, a.log[i], b.log[i]);
  }
  for (size_t i = 0; i < std::min(a.instances.size(), b.instances.size()); ++i) {
    finder.in("instance " + std::to_string(i) + " ");
    compare(finder, a.instances[i], b.instances[i]);
  }
  finder.in("");
  finder.expect("records", static_cast<int64_t>(a.log.size()), static_cast<int64_t>(b.log.size()));
  finder.expect("instances", static_cast<int64_t>(a.instances.size()),
                static_cast<int64_t>(b.instances.size()));
  finder.expect("end", a.end_ns, b.end_ns);
  finder.expect("truncated", a.truncated, b.truncated);
  finder.expect("rejected_too_long", a.rejected_too_long, b.rejected_too_long);
  finder.expect("rejected_too_large", a.rejected_too_large, b.rejected_too_large);
  for (size_t t = 0; t < std::min(a.tiers.size(), b.tiers.size()); ++t) {
    const tiering::TierCounts& x = a.tiers[t].counts;
    const tiering::TierCounts& y = b.tiers[t].counts;
    finder.expect("tier stale reads", x.stale_reads, y.stale_reads);
    finder.expect("tier stale hits", x.stale_hit_blocks, y.stale_hit_blocks);
    finder.expect("tier unseen", x.unseen_blocks, y.unseen_blocks);
  }
  finder.expect("routed", a.router.requests, b.router.requests);
  finder.expect("stale hits", a.router.stale_hit_blocks, b.router.stale_hit_blocks);
  finder.expect("misrouted", a.router.misrouted, b.router.misrouted);
  finder.expect("missed", a.router.missed_blocks, b.router.missed_blocks);
  finder.expect("itl_ticks", a.itl_ticks, b.itl_ticks);
  finder.expect("itl count", a.itl_ns.count(), b.itl_ns.count());
  finder.expect("itl max", a.itl_ns.max(), b.itl_ns.max());
  if (!(a.itl_ns == b.itl_ns)) finder.found("itl histogram");
  if (a.digest != b.digest) finder.found("digest " + a.digest + " against " + b.digest);
  return finder.result();
}

}  // namespace tiercast::tests
