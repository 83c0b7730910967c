#pragma once

#include <cstdint>

namespace tiercast::serving {

/// What becomes of a request longer than the engine's maximum length.
enum class OverLength : uint8_t { reject, truncate };

/// Who may find a cached block: everybody, or its tenant alone.
enum class Isolation : uint8_t { none, tenant };

/// A refused request comes back to its client this much later (an assumption). A client that would
/// ask again at once might do so for ever, without any time passing.
inline constexpr int64_t kRefusalPauseNs = 1'000'000'000;

/// One engine replica's scheduler, as vLLM v1 ships it: first come first served, a token budget per
/// step, chunked prefill beside decodes, preemption by recompute.
struct EngineSpec {
  uint32_t block_tokens = 16;
  uint32_t kv_blocks = 0;           ///< frames of the HBM pool
  uint32_t max_batched_tokens = 0;  ///< token budget of a step
  uint32_t max_sequences = 0;       ///< running at once; at most max_batched_tokens
  uint32_t max_model_tokens = 0;    ///< input + output of one request
  uint32_t watermark_blocks = 0;    ///< kept free when a request is admitted beside others
  /// False: a prompt runs whole, so max_batched_tokens >= max_model_tokens.
  bool chunked_prefill = true;
  /// From arrival to first token, as policies are told; the engine itself has no use for it.
  int64_t first_token_limit_ns = INT64_MAX;
  int64_t request_ns = 0;  ///< from a request's arrival at the server to its queue
  uint32_t layers = 1;     ///< of the model: how finely a layerwise load overlaps
  bool prefix_caching = true;
  Isolation isolation = Isolation::none;
  OverLength over_length = OverLength::reject;
  bool fuse = true;  ///< advance decode steps in closed form; false: one at a time
};

}  // namespace tiercast::serving
