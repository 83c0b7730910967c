// Shared prefixes of generated demand, and content ids that tell who shares what.
#pragma once

#include <cstdint>
#include <optional>

#include "models/workload/request.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/random.hpp"

namespace tiercast::workload {

/// Limits of generated content, from the layout of ids: one bit says shared or private, 33 bits the
/// group or session, 30 the block within.
inline constexpr std::uint64_t kIdOwnersMax = std::uint64_t{1} << 33;
inline constexpr std::uint64_t kIdBlocksMax = std::uint64_t{1} << 30;

/// The id of block `block` of what a group's members, or a session's turns, have in common.
constexpr std::uint64_t shared_id(std::uint64_t group, std::uint64_t block) {
  return (std::uint64_t{1} << 63) | (group << 30) | block;
}
constexpr std::uint64_t private_id(std::uint64_t session, std::uint64_t block) {
  return (session << 30) | block;
}

struct Prefix {
  std::uint32_t group = 0;
  std::uint32_t tokens = 0;  ///< 0: no shared prefix
};

class PrefixGroups {
 public:
  PrefixGroups(const std::optional<SharedPrefixSpec>& spec, std::uint64_t seed);

  /// The prefix of a request (session), a function of its number and the seed alone.
  Prefix prefix_of(std::uint64_t entity) const;

 private:
  std::optional<SharedPrefixSpec> spec_;
  std::uint64_t seed_;
  std::optional<ZipfTable> popularity_;
};

/// Sets the ids of the blocks of `block_tokens` that lie wholly inside the first `tokens` tokens:
/// shared where wholly inside the prefix, private to `session` beyond.
void set_ids(Request& request, const Prefix& prefix, std::uint64_t session, std::uint64_t tokens,
             std::uint32_t block_tokens);

}  // namespace tiercast::workload
