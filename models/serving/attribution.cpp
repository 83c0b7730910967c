#include "models/serving/attribution.hpp"

#include <algorithm>

namespace tiercast::serving {

namespace {

// Sum of f over the lengths [0, to), f being the group's decode time of one sequence.
Int128 sum_alone(const llm::AttentionGroup& group, int64_t to) {
  const int64_t window = group.window_tokens == 0 ? INT64_MAX : group.window_tokens;
  const int64_t grows_to = std::min(to, window);
  Int128 sum = 0;
  for (size_t i = 0; i < group.decode_time.size(); ++i) {
    const llm::Piece& piece = group.decode_time[i];
    if (piece.x_from >= grows_to) break;
    const int64_t end = i + 1 < group.decode_time.size()
                            ? std::min(grows_to, group.decode_time[i + 1].x_from)
                            : grows_to;
    const Int128 n = end - piece.x_from;
    sum += n * piece.cost_at + n * (n - 1) / 2 * piece.slope;
  }
  if (to > grows_to) sum += Int128{to - grows_to} * group.decode_ticks(window);
  return sum;
}

}  // namespace

int64_t ceil_ns(Int128 ticks) {
  return static_cast<int64_t>((ticks + (llm::kTicksPerNs - 1)) / llm::kTicksPerNs);
}

TimeParts to_parts(int64_t total_ns, const WaitParts& waits, const TickParts& ticks) {
  const int64_t computing_ns = total_ns - waits.total_ns();
  Int128 running = 0;
  int64_t given = 0;
  const auto next = [&](Int128 part) {
    running += part;
    const Int128 whole = running / llm::kTicksPerNs;
    const int64_t reached = static_cast<int64_t>(std::min<Int128>(whole, computing_ns));
    const int64_t share = reached - given;
    given = reached;
    return share;
  };
  TimeParts parts;
  parts.route_ns = waits.route_ns;
  parts.queue_ns = waits.queue_ns;
  parts.metadata_ns = waits.metadata_ns;
  parts.load_wait_ns = waits.load_wait_ns;
  parts.handoff_ns = waits.handoff_ns;
  parts.load_move_ns = waits.load_move_ns + next(ticks.load);
  parts.engine_ns = next(ticks.engine);
  parts.interference_ns = next(ticks.interference);
  parts.decode_ns = next(ticks.decode);
  parts.prefill_ns = computing_ns - given;
  return parts;
}

Int128 AloneCost::decode_ticks(int64_t from, int64_t to) const {
  Int128 sum = Int128{to - from} *
               (table_->token_ticks[1] + table_->sample_ticks[1] + table_->engine_ticks[1]);
  for (const llm::AttentionGroup& group : table_->groups) {
    sum += sum_alone(group, to) - sum_alone(group, from);
  }
  return sum;
}

int64_t AloneCost::prefill_ticks(uint32_t chunk, uint32_t context, bool samples) const {
  return table_->token_ticks[chunk] + table_->sample_ticks[samples ? 1 : 0] +
         table_->engine_ticks[1] + table_->prefill_attention_ticks(chunk, context);
}

Int128 AloneCost::prompt_ticks(uint32_t tokens, uint32_t context) const {
  Int128 ticks = 0;
  while (tokens > 0) {
    const uint32_t chunk = std::min(tokens, table_->max_tokens);
    ticks += prefill_ticks(chunk, context, false);
    context += chunk;
    tokens -= chunk;
  }
  return ticks;
}

}  // namespace tiercast::serving
