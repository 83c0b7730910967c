#include "models/workload/prefix_groups.hpp"

#include <algorithm>

#include "models/workload/numbers.hpp"
#include "sim/base/check.hpp"

namespace tiercast::workload {
namespace {

constexpr Purpose kGroupTokens{"workload.prefix.tokens"};
constexpr Purpose kGroupChoice{"workload.prefix.group"};

}  // namespace

PrefixGroups::PrefixGroups(const std::optional<SharedPrefixSpec>& spec, std::uint64_t seed)
    : spec_(spec), seed_(seed) {
  if (spec_) popularity_.emplace(spec_->groups, spec_->zipf);
}

Prefix PrefixGroups::prefix_of(std::uint64_t entity) const {
  if (!spec_) return {};
  Stream choice(seed_, kGroupChoice, entity);
  if (choice.uniform() >= spec_->share) return {};
  const std::uint32_t group = popularity_->draw(choice);
  Stream length(seed_, kGroupTokens, group);
  return {group, static_cast<std::uint32_t>(draw(spec_->tokens, length, 1, kTokensMax))};
}

void set_ids(Request& request, const Prefix& prefix, std::uint64_t session, std::uint64_t tokens,
             std::uint32_t block_tokens) {
  const std::uint64_t blocks = tokens / block_tokens;
  const std::uint64_t shared = std::min<std::uint64_t>(prefix.tokens / block_tokens, blocks);
  TIERCAST_CHECK(session < kIdOwnersMax && blocks <= kIdBlocksMax,
                 "session {} with {} blocks has no ids left", session, blocks);
  request.ids.clear();
  for (std::uint64_t k = 0; k < shared; ++k) request.ids.push_back(shared_id(prefix.group, k));
  for (std::uint64_t k = shared; k < blocks; ++k) request.ids.push_back(private_id(session, k));
  request.id_tokens = blocks == 0 ? 0 : block_tokens;
  request.last_id_tokens = request.id_tokens;
}

}  // namespace tiercast::workload
