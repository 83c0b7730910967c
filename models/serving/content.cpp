#include "models/serving/content.hpp"

#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::serving {

bool ContentMap::compatible(uint32_t id_tokens, uint32_t block_tokens) {
  return id_tokens == 0 || id_tokens % block_tokens == 0 || block_tokens % id_tokens == 0;
}

ContentMap::ContentMap(uint32_t id_tokens, uint32_t block_tokens) : id_tokens_(id_tokens) {
  TIERCAST_CHECK(compatible(id_tokens, block_tokens), "ids of {} tokens against blocks of {}",
                 id_tokens, block_tokens);
  if (id_tokens == 0) return;
  if (id_tokens >= block_tokens) {
    blocks_per_id_ = id_tokens / block_tokens;
  } else {
    ids_per_block_ = block_tokens / id_tokens;
  }
}

Content ContentMap::content(const workload::Request& request) const {
  Content content;
  if (request.ids.empty() || id_tokens_ == 0) return content;
  TIERCAST_CHECK(request.id_tokens == id_tokens_, "ids of {} tokens in a run with {}",
                 request.id_tokens, id_tokens_);
  const bool whole = request.last_id_tokens == id_tokens_;
  if (ids_per_block_ > 1) {
    const size_t ids = request.ids.size() - (whole ? 0 : 1);
    for (size_t k = ids_per_block_; k <= ids; k += ids_per_block_) {
      content.ids.push_back(request.ids[k - 1]);
    }
    content.last_blocks = 1;
    return content;
  }
  content.ids = request.ids;
  content.last_blocks = blocks_per_id_;
  if (whole) return content;
  content.last_blocks = request.last_id_tokens / (id_tokens_ / blocks_per_id_);
  if (content.last_blocks > 0) {
    content.ids.back() = mix(request.ids.back(), request.last_id_tokens);
  } else {
    content.ids.pop_back();
    content.last_blocks = blocks_per_id_;
  }
  return content;
}

}  // namespace tiercast::serving
