// Generated demand of sessions that wait for their answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include "models/workload/demand_source.hpp"
#include "models/workload/prefix_groups.hpp"
#include "models/workload/tenants.hpp"

namespace tiercast::workload {

/// `sessions` users, each with one session at a time; each `workflow_agents` of them in a row are a
/// workflow, whose first agent starts. The n-th session of user u has the number
/// n * sessions + u; all its lengths, turns and think times are functions of (spec, seed, number,
/// turn), so two systems face the same demand whichever is faster. Ids cover every full block of
/// input and output, so that a turn can reuse what the one before it generated.
class ClosedSource : public DemandSource {
 public:
  ClosedSource(const ClosedSpec& spec, const DemandOptions& options);

  bool peek(std::int64_t& arrival_ns) override;
  bool next(Request& request) override;
  void completed(std::uint64_t id, std::int64_t now_ns) override;
  std::span<const StepsToRun> steps_to_run() const override { return steps_; }
  bool ended() override;

 private:
  struct User {
    std::uint64_t session = 0;
    Prefix prefix;
    std::uint32_t turn = 0;
    std::int64_t turns = 0;            // of this session
    std::uint64_t context_tokens = 0;  // input and output of all turns before
    std::uint64_t new_tokens = 0;      // of this turn
    std::uint64_t output_tokens = 0;   // of this turn
    // Of the turn that runs, all else being of the next one then.
    std::int64_t think_ns = 0;
    bool goes_on = false;
    bool is_done = false;  // its last session is over
  };
  using Arrival = std::pair<std::int64_t, std::uint32_t>;  // time, user

  void begin_session(User& user, std::uint64_t session);
  void draw_turn(User& user) const;
  bool fits(const User& user) const;
  bool draw_next_turn(User& user) const;
  std::int64_t think_ns(const User& user) const;
  void schedule(std::int64_t arrival_ns, std::uint32_t user);
  template <class Visit>
  void for_next_agents(std::uint32_t user, Visit visit) const;

  ClosedSpec spec_;
  std::uint64_t seed_;
  std::uint32_t id_tokens_;
  std::uint64_t context_limit_;
  PrefixGroups groups_;
  Tenants tenants_;
  SessionOutlook outlook_;
  std::vector<User> users_;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  std::map<std::uint64_t, std::uint32_t> running_;  // request -> user
  std::int64_t latest_ns_ = 0;                      // last arrival taken
  std::vector<StepsToRun> steps_;                   // of the last completion's workflow
};

}  // namespace tiercast::workload
