#pragma once

#include <cstdint>

#include "models/serving/instance.hpp"
#include "models/workload/request.hpp"

namespace tiercast::serving {

/// How content ids of `id_tokens` tokens map to engine blocks.
///
/// A larger id divides into blocks_per_id() blocks; smaller ids group, and the last of a group
/// names the block, because an id stands for its prefix too. Sizes must divide one another.
class ContentMap {
 public:
  /// id_tokens = 0: requests carry no ids.
  ContentMap(uint32_t id_tokens, uint32_t block_tokens);

  static bool compatible(uint32_t id_tokens, uint32_t block_tokens);
  uint32_t blocks_per_id() const { return blocks_per_id_; }

  /// The cacheable content of a request: whole engine blocks only, within its input and output. A
  /// partial last id keeps its whole blocks and matches only ids cut at the same length.
  Content content(const workload::Request& request) const;

 private:
  uint32_t id_tokens_;
  uint32_t blocks_per_id_ = 1;
  uint32_t ids_per_block_ = 1;
};

}  // namespace tiercast::serving
