#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/policy/tape_reader.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// What a policy answers to the calls of a tape.
struct TapeVerdict {
  enum class Kind : uint8_t {
    identical,  ///< throughout
    differs,    ///< from `what` on
    cut,        ///< identical as far as the tape goes, which has no end
    bad_tape,   ///< `error` says where
    no_policy   ///< it cannot be created as the tape says; `error` says why
  };
  Kind kind = Kind::identical;
  uint64_t calls = 0;        ///< answered alike
  uint64_t checkpoints = 0;  ///< met, both ends included
  /// Of them, with the digest of the tape. All must be where `same_build`; another build, version
  /// or policy may keep its state otherwise and still answer alike.
  uint64_t equal_states = 0;
  bool same_build = false;
  std::string error;
  // differs:
  uint64_t call = 0;   ///< its number, from 1; of a state: that of the call before
  uint64_t place = 0;  ///< byte of the tape
  int64_t now_ns = 0;
  std::string what;      ///< the call, or "the state"
  std::string recorded;  ///< its answer on the tape
  std::string replayed;
};

/// Gives a new instance of the policy the calls of the tape, up to the first it answers otherwise.
/// Entries that the policy lacks answer with the contract's defaults. build: of a policy that is
/// not the library's own, as tp_tape.policy_build.
TapeVerdict replay_tape(TapeReader& tape, const tp_cache_table& policy,
                        std::string_view build = {});
TapeVerdict replay_tape(TapeReader& tape, const tp_placement_table& policy,
                        std::string_view build = {});

}  // namespace tiercast::policy
