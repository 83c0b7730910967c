#pragma once

#include <string_view>
#include <vector>

#include "tests/tidy/tree.hpp"

namespace tiercast::tidy {

/// A house rule: everything in the tree that breaks it.
struct Rule {
  std::string_view name;
  Findings (*check)(const Tree& tree);
};

/// Who may include whom: floors, README lists, the policy library's independence, third parties.
std::vector<Rule> include_rules();

/// What a room's folder holds: its README, the size of files, headers' guards, sources of figures.
std::vector<Rule> room_rules();

/// What the text itself may not contain: unfinished words, clocks, foreign randomness, stray
/// blanks.
std::vector<Rule> text_rules();

/// All of them.
std::vector<Rule> all_rules();

}  // namespace tiercast::tidy
