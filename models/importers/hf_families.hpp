#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tiercast::importers {

/// Which layers have a window where a file has no `layer_types`.
enum class Windows : uint8_t {
  none,
  all,        ///< every layer, where sliding_window is set
  late,       ///< from max_window_layers on, where use_sliding_window is
  alternate,  ///< the first, the third, ...
  pattern,    ///< all but every n-th
  rotary      ///< those with rotary positions, in chunks (Llama 4)
};

/// Which layers have a constant state, and by which fields it is described.
enum class Linear : uint8_t { none, delta, lightning, kda, mamba2 };

/// What the model code of one `model_type` does that its config.json does not say.
struct Family {
  const char* type = nullptr;
  const char* config = nullptr;  ///< class whose defaults absent keys have
  bool tied = false;             ///< what an absent tie_word_embeddings means
  bool gated = true;
  bool bias = false;         ///< on attention's projections, whatever the file says
  bool expert_bias = false;  ///< on router and experts
  bool latent = false;       ///< multi-head latent attention
  bool wide = false;         ///< intermediate_size is the width of one expert
  bool shared = false;       ///< one expert is always shared
  bool four = false;         ///< MLPs are 4 x hidden wide where nothing is said
  Windows windows = Windows::none;
  uint32_t pattern = 0;
  Linear linear = Linear::none;
  std::vector<std::pair<const char*, uint32_t>> defaults = {};
};

/// Null where there is none.
const Family* find_family(std::string_view model_type);
std::vector<std::string> family_names();

/// Why a known model cannot be imported; empty for others.
std::string_view why_refused(std::string_view model_type);

}  // namespace tiercast::importers
