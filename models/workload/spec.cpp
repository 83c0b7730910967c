#include "models/workload/spec.hpp"

#include <cmath>

#include "models/workload/prefix_groups.hpp"
#include "sim/base/field_table.hpp"

namespace tiercast::workload {
namespace {

constexpr const char* kIdTokensMeaning =
    "Tokens of one content id: content is shared in whole blocks of this size.";
constexpr const char* kTenantsMeaning =
    "Whom requests belong to; see engine.isolation for what that bears on.";
constexpr const char* kDurationMeaning = "No request arrives from this time on.";
constexpr const char* kRequestsMeaning = "Most requests in all.";

}  // namespace

std::vector<Choice<TraceFormat>> choices(TraceFormat) {
  return {{"auto", TraceFormat::automatic, "told from the first line"},
          {"mooncake", TraceFormat::mooncake, "JSON lines with hash_ids"},
          {"azure", TraceFormat::azure, "CSV of the Azure LLM inference traces"},
          {"csv", TraceFormat::csv, "CSV with a header; columns found by name"}};
}

std::vector<Choice<OnBadLine>> choices(OnBadLine) {
  return {{"fail", OnBadLine::fail, "a bad line makes the trace no good"},
          {"skip", OnBadLine::skip, "bad lines are left out and counted"}};
}

std::vector<Choice<ArrivalProcess>> choices(ArrivalProcess) {
  return {{"poisson", ArrivalProcess::poisson, "exponential gaps"},
          {"gamma", ArrivalProcess::gamma, "Gamma gaps with a coefficient of variation"},
          {"constant", ArrivalProcess::constant, "equal gaps"}};
}

const FieldTable<TraceSpec>& TraceSpec::fields() {
  using namespace table;
  using S = TraceSpec;
  static const auto trace =
      FieldTable<S>(
          "trace", "Replay of a recorded trace: plain, gzip or zstd.",
          {field("file", &S::file, required, "Path of the trace."),
           field("format", &S::format, by_default("auto"), "How lines are read."),
           field("block_tokens", &S::block_tokens, by_default("512"), at_least(1),
                 "Tokens that one of the trace's content ids stands for."),
           field("on_bad_line", &S::on_bad_line, by_default("fail"),
                 "What a line that cannot be used does."),
           field("start", &S::start, by_default("0s"), at_least(0),
                 "Requests before this time of the trace are left out; it becomes time 0."),
           field("end", &S::end, absent_means("the trace's end"), above(0),
                 "Requests from this time of the trace on are left out."),
           field("smooth", &S::smooth, by_default("0s"), at_least(0),
                 "Clock tick of the trace (3s for Mooncake): requests with one time stamp are "
                 "spread at random over the tick."),
           field("limit", &S::limit, absent_means("all"), at_least(1), kRequestsMeaning),
           field("time_scale", &S::time_scale, by_default("1"), above(0), at_most(1e6),
                 "Factor on all times: 2 halves the rate.")})
          .shorthand("file")
          .must("start must be before end",
                [](const S& spec) { return !spec.end || spec.start < *spec.end; });
  return trace;
}

const FieldTable<ArrivalSpec>& ArrivalSpec::fields() {
  using namespace table;
  using S = ArrivalSpec;
  static const auto arrivals =
      FieldTable<S>("arrivals", "How requests come.",
                    {field("process", &S::process, by_default("poisson"), "Law of the gaps."),
                     field("rate", &S::rate, required, above(0), at_most(1e9),
                           "Mean requests per time, e.g. 4/s."),
                     field("cv", &S::cv, absent_means("1"), at_least(0.01), at_most(100),
                           "Coefficient of variation of the gaps.")})
          .must("cv goes with process: gamma",
                [](const S& spec) { return !spec.cv || spec.process == ArrivalProcess::gamma; });
  return arrivals;
}

const FieldTable<SharedPrefixSpec>& SharedPrefixSpec::fields() {
  using namespace table;
  using S = SharedPrefixSpec;
  static const auto prefix = FieldTable<S>(
      "shared_prefix", "Prompts that start alike.",
      {field("groups", &S::groups, by_default("1"), at_least(1), at_most(1'000'000),
             "Number of different prefixes."),
       field("tokens", &S::tokens, required, "Length, drawn once a group."),
       field("zipf", &S::zipf, by_default("1"), at_least(0), at_most(10),
             "The k-th group is chosen with a chance proportional to k^-zipf; 0: all alike."),
       field("share", &S::share, by_default("1"), at_least(0), at_most(1),
             "Fraction of requests (sessions, in a closed loop) that have a prefix.")});
  return prefix;
}

const FieldTable<TenantsSpec>& TenantsSpec::fields() {
  using namespace table;
  using S = TenantsSpec;
  static const auto tenants =
      FieldTable<S>(
          "tenants", "Whom requests belong to.",
          {field("count", &S::count, required, at_least(1), at_most(1'000'000),
                 "How many there are."),
           field("zipf", &S::zipf, by_default("0"), at_least(0), at_most(10),
                 "The k-th one's share of requests (sessions, in a closed loop) is "
                 "proportional to k^-zipf; 0: all alike."),
           field("priorities", &S::priorities, absent_means("none is told"), at_least(1),
                 at_most(100), fewest(1),
                 "Of the k-th one's requests and their blocks, larger is kept longer; "
                 "tenants behind the list's end tell none."),
           field("retain", &S::retain, absent_means("for good"), above(0),
                 "A request's blocks keep its priority for so long from its arrival on.")})
          .shorthand("count")
          .must("retain goes with priorities",
                [](const S& spec) { return !spec.retain || spec.priorities; })
          .must("there must be no more priorities than tenants", [](const S& spec) {
            return !spec.priorities || spec.priorities->size() <= spec.count;
          });
  return tenants;
}

const FieldTable<OpenSpec>& OpenSpec::fields() {
  using namespace table;
  using S = OpenSpec;
  static const auto open = FieldTable<S>(
      "open", "Requests that come whatever the system does.",
      {field("arrivals", &S::arrivals, required, "Rate and law of the gaps."),
       field("input_tokens", &S::input_tokens, required,
             "Input of a request beyond its shared prefix; at least 1."),
       field("output_tokens", &S::output_tokens, required, "Output of a request; at least 1."),
       field("shared_prefix", &S::shared_prefix, absent_means("nothing is shared"),
             "Tokens in front that several requests have in common."),
       field("tenants", &S::tenants, absent_means("one"), kTenantsMeaning),
       field("id_tokens", &S::id_tokens, absent_means("the engine's block size"), at_least(1),
             kIdTokensMeaning),
       field("duration", &S::duration, absent_means("until the run ends"), above(0),
             kDurationMeaning),
       field("requests", &S::requests, absent_means("no limit"), at_least(1), kRequestsMeaning)});
  return open;
}

const FieldTable<ClosedSpec>& ClosedSpec::fields() {
  using namespace table;
  using S = ClosedSpec;
  static const auto closed =
      FieldTable<S>(
          "closed", "Sessions whose next turn waits for the answer to the last.",
          {field("sessions", &S::sessions, required, at_least(1), at_most(10'000'000),
                 "Sessions at any one time."),
           field("workflow_agents", &S::workflow_agents, by_default("1"), at_least(1),
                 at_most(1000),
                 "So many sessions are the agents of one workflow and take turns round and round: "
                 "when one has its answer, the next one's turn comes a think time later. Policies "
                 "hear after how many turns each runs again."),
           field("turns", &S::turns, required, "Requests of one session."),
           field("think", &S::think, required,
                 "Time from an answer to the session's next turn; in a workflow, to the next "
                 "agent's."),
           field("input_tokens", &S::input_tokens, required,
                 "New input of a turn, behind all earlier input and output."),
           field("first_input_tokens", &S::first_input_tokens, absent_means("as input_tokens"),
                 "New input of the first turn, beyond the shared prefix."),
           field("output_tokens", &S::output_tokens, required, "Output of a turn."),
           field("shared_prefix", &S::shared_prefix, absent_means("nothing is shared"),
                 "Tokens in front that several sessions have in common."),
           field("tenants", &S::tenants, absent_means("one"), kTenantsMeaning),
           field("context_limit", &S::context_limit, absent_means("a billion tokens"), at_least(2),
                 "A session ends before a turn whose input and output exceed this."),
           field("ramp", &S::ramp, by_default("0s"), at_least(0),
                 "First arrivals are spread evenly over this time."),
           field("repeat", &S::repeat, by_default("true"),
                 "A session that ends is followed by a new one after a think time."),
           field("id_tokens", &S::id_tokens, absent_means("the engine's block size"), at_least(1),
                 kIdTokensMeaning),
           field("duration", &S::duration, absent_means("until the run ends"), above(0),
                 kDurationMeaning),
           field("requests", &S::requests, absent_means("no limit"), at_least(1),
                 kRequestsMeaning)})
          .must("sessions must be a multiple of workflow_agents",
                [](const S& spec) { return spec.sessions % spec.workflow_agents == 0; });
  return closed;
}

}  // namespace tiercast::workload
