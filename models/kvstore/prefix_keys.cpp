// Which block a recorded frame holds: keys that stand for content and prefix.
#include <algorithm>

#include "models/kvstore/prefix_store.hpp"

namespace tiercast::kvstore {

namespace {
constexpr uint64_t kPrivateKey = uint64_t{1} << 63;
}  // namespace

tp_key PrefixStore::key_of(const Node& node, uint32_t depth) const {
  if (node.blocks == kOpenEnd) return {node.serial, kPrivateKey | depth};
  const uint32_t within = depth - node.depth;
  return {node.ids[within / blocks_per_id_], within % blocks_per_id_};
}

tp_key PrefixStore::key(PoolId pool, uint32_t slot) const {
  const Stretch at = stretch(pool, slot);
  return key_of(nodes_[at.node], at.depth);
}

// Of blocks that follow one another within one node.
void PrefixStore::keys_in(const Node& node, uint32_t depth, std::span<tp_key> out) const {
  for (uint32_t k = 0; k < out.size(); ++k) {
    // Neighbours mostly lie within one id.
    const bool follows = k > 0 && out[k - 1].lo + 1 < blocks_per_id_;
    out[k] = follows ? tp_key{out[k - 1].hi, out[k - 1].lo + 1} : key_of(node, depth + k);
  }
}

void PrefixStore::keys(PoolId pool, tp_span frames, std::span<tp_key> out) const {
  for (uint32_t done = 0; done < frames.count;) {
    const Stretch at = stretch(pool, frames.first_slot + done);
    const uint32_t count = std::min(at.count, frames.count - done);
    keys_in(nodes_[at.node], at.depth, out.subspan(done, count));
    done += count;
  }
}

void PrefixStore::keys_of(NodeId leaf, uint32_t depth, std::span<tp_key> out) const {
  for (const Step& step : way_from(leaf, depth)) {
    const auto wanted = static_cast<uint32_t>(out.size());
    const uint32_t count = std::min(wanted, step.end - depth);
    keys_in(nodes_[step.node], depth, out.first(count));
    if (count == wanted) return;
    out = out.subspan(count);
    depth += count;
  }
}

}  // namespace tiercast::kvstore
