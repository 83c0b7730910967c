#include "models/workload/closed_source.hpp"

#include <algorithm>

#include "models/workload/law_moments.hpp"
#include "models/workload/numbers.hpp"
#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {
namespace {

constexpr Purpose kTurns{"workload.closed.turns"};
constexpr Purpose kInput{"workload.closed.input"};
constexpr Purpose kOutput{"workload.closed.output"};
constexpr Purpose kThink{"workload.closed.think"};

// (workflow + 1/2) / workflows of the ramp: even, and none exactly at its ends.
std::int64_t first_arrival_ns(std::int64_t ramp_ns, std::uint32_t workflow,
                              std::uint32_t workflows) {
  __extension__ typedef __int128 Int128;
  return static_cast<std::int64_t>(static_cast<Int128>(ramp_ns) * (2 * std::int64_t{workflow} + 1) /
                                   (2 * std::int64_t{workflows}));
}

// When a workflow's agent runs again depends on how long the others' turns take, which nobody
// knows beforehand.
SessionOutlook outlook_of(const ClosedSpec& spec) {
  if (spec.workflow_agents > 1) return {true, -1, -1};
  return {true, mean_of(spec.think, 0, kArrivalNsMax),
          quantile_of(spec.think, 0.9, 0, kArrivalNsMax)};
}

}  // namespace

ClosedSource::ClosedSource(const ClosedSpec& spec, const DemandOptions& options)
    : spec_(spec),
      seed_(options.seed),
      id_tokens_(spec.id_tokens.value_or(options.id_tokens)),
      context_limit_(static_cast<std::uint64_t>(
          spec.context_limit ? std::min(spec.context_limit->value(), kTokensMax) : kTokensMax)),
      groups_(spec.shared_prefix, options.seed),
      tenants_(spec.tenants, options.seed),
      outlook_(outlook_of(spec)),
      users_(spec.sessions) {
  for (std::uint32_t user = 0; user < spec_.sessions; ++user) begin_session(users_[user], user);
  const std::uint32_t workflows = spec_.sessions / spec_.workflow_agents;
  for (std::uint32_t workflow = 0; workflow < workflows; ++workflow) {
    schedule(first_arrival_ns(spec_.ramp.value(), workflow, workflows),
             workflow * spec_.workflow_agents);
  }
}

void ClosedSource::begin_session(User& user, std::uint64_t session) {
  constexpr std::int64_t kTurnsMax = 1'000'000'000;
  Stream turns(seed_, kTurns, session);
  user = {};
  user.session = session;
  user.turns = draw(spec_.turns, turns, 1, kTurnsMax);
  user.prefix = groups_.prefix_of(session);
  draw_turn(user);
  // Cut to fit: output and new tokens keep at least 1, the prefix gets what they leave.
  user.output_tokens = std::min(user.output_tokens, context_limit_ - 1);
  const std::uint64_t input_limit = context_limit_ - user.output_tokens;
  user.new_tokens = std::min(user.new_tokens, input_limit);
  user.prefix.tokens = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(user.prefix.tokens, input_limit - user.new_tokens));
  user.context_tokens = user.prefix.tokens;
}

void ClosedSource::draw_turn(User& user) const {
  Stream input(seed_, kInput, user.session, user.turn);
  Stream output(seed_, kOutput, user.session, user.turn);
  const bool first = user.turn == 0 && spec_.first_input_tokens.has_value();
  const Law<Tokens>& law = first ? *spec_.first_input_tokens : spec_.input_tokens;
  user.new_tokens = static_cast<std::uint64_t>(draw(law, input, 1, kTokensMax));
  user.output_tokens = static_cast<std::uint64_t>(draw(spec_.output_tokens, output, 1, kTokensMax));
}

bool ClosedSource::fits(const User& user) const {
  return user.context_tokens + user.new_tokens + user.output_tokens <= context_limit_;
}

// False where the session ends with the turn it is at.
bool ClosedSource::draw_next_turn(User& user) const {
  user.context_tokens += user.new_tokens + user.output_tokens;
  ++user.turn;
  if (user.turn >= user.turns) return false;
  draw_turn(user);
  return fits(user);
}

// Between this turn and what follows it.
std::int64_t ClosedSource::think_ns(const User& user) const {
  Stream think(seed_, kThink, user.session, user.turn);
  return draw(spec_.think, think, 0, kArrivalNsMax);
}

void ClosedSource::schedule(std::int64_t arrival_ns, std::uint32_t user) {
  if (spec_.duration && arrival_ns >= spec_.duration->value()) return;
  if (arrival_ns < kArrivalNsMax) arrivals_.emplace(arrival_ns, user);
}

// Visits those of a user's workflow who still take turns in the order of theirs, the user last.
template <class Visit>
void ClosedSource::for_next_agents(std::uint32_t user, Visit visit) const {
  const std::uint32_t agents = spec_.workflow_agents;
  const std::uint32_t first = user / agents * agents;
  for (std::uint32_t step = 1; step <= agents; ++step) {
    const std::uint32_t agent = first + (user - first + step) % agents;
    if (!users_[agent].is_done) visit(agent);
  }
}

bool ClosedSource::peek(std::int64_t& arrival_ns) {
  if (report_.delivered == spec_.requests || arrivals_.empty()) return false;
  arrival_ns = arrivals_.top().first;
  return true;
}

bool ClosedSource::ended() {
  return report_.delivered == spec_.requests || (arrivals_.empty() && running_.empty());
}

bool ClosedSource::next(Request& request) {
  std::int64_t arrival_ns = 0;
  if (!peek(arrival_ns)) return false;
  const std::uint32_t index = arrivals_.top().second;
  arrivals_.pop();
  User& user = users_[index];
  latest_ns_ = arrival_ns;
  request.id = report_.delivered++;
  request.arrival_ns = arrival_ns;
  request.session = user.session;
  tenants_.set_tenant(request, user.session);
  request.turn = user.turn;
  request.input_tokens = static_cast<std::uint32_t>(user.context_tokens + user.new_tokens);
  request.output_tokens = static_cast<std::uint32_t>(user.output_tokens);
  const std::uint64_t tokens = std::uint64_t{request.input_tokens} + request.output_tokens;
  set_ids(request, user.prefix, user.session, tokens, id_tokens_);
  // What follows does not depend on when this turn completes.
  user.think_ns = think_ns(user);
  user.goes_on = draw_next_turn(user);
  request.ends_session = !user.goes_on;
  request.outlook = outlook_;
  running_.emplace(request.id, index);
  return true;
}

void ClosedSource::completed(std::uint64_t id, std::int64_t now_ns) {
  const auto found = running_.find(id);
  TIERCAST_CHECK(found != running_.end(), "request {} completes but does not run", id);
  TIERCAST_CHECK(now_ns >= latest_ns_, "request {} completes at {} ns, before the arrival at {} ns",
                 id, now_ns, latest_ns_);
  const std::uint32_t index = found->second;
  running_.erase(found);
  User& user = users_[index];
  const std::int64_t arrival_ns = now_ns + std::min(user.think_ns, kArrivalNsMax - now_ns);
  user.is_done = !user.goes_on && !spec_.repeat;
  if (!user.goes_on && spec_.repeat) begin_session(user, user.session + spec_.sessions);
  steps_.clear();
  std::uint32_t steps = 0;
  for_next_agents(index, [&](std::uint32_t agent) {
    if (++steps == 1) schedule(arrival_ns, agent);
    if (spec_.workflow_agents > 1) steps_.push_back({users_[agent].session, steps});
  });
}

}  // namespace tiercast::workload
