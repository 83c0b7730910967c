#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/tree.hpp"

namespace tiercast::tidy {

/// A room of the house. Includes point to a lower floor, or on the same floor to an earlier room.
struct Room {
  std::string_view name;
  std::string_view path;
  int floor;
};

/// Every room, from the ground up.
const std::vector<Room>& rooms();

/// The room a path lies in; nullptr for what is outside the house (tests, configs).
const Room* room_of(std::string_view path);
const Room* room_named(std::string_view name);

/// The `May depend on:` line of a room's README.
struct DependsLine {
  std::vector<std::string> names;  // "nothing" and "standard library" give no name
  std::size_t line = 0;
};

/// The README of the room, nullptr where there is none.
const SourceFile* readme_of(const Tree& tree, const Room& room);

/// Empty where the README has no such line.
std::optional<DependsLine> depends_line(const SourceFile& readme);

}  // namespace tiercast::tidy
