#include "tests/tidy/rooms.hpp"

#include <algorithm>

namespace tiercast::tidy {
namespace {

std::string trimmed(std::string_view text) {
  const std::string_view blanks = " \t`.*";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

bool names_no_room(std::string_view name) {
  return name.empty() || name == "nothing" || name == "none" || name == "standard library" ||
         name == "the standard library";
}

}  // namespace

const std::vector<Room>& rooms() {
  static const std::vector<Room> table = {
      {"base", "sim/base", 0},
      {"config", "sim/config", 1},
      {"engine", "sim/engine", 1},
      {"resources", "sim/resources", 1},
      {"study", "sim/study", 1},
      {"policy", "models/policy", 1},
      {"kvstore", "models/kvstore", 2},
      {"hardware", "models/hardware", 2},
      {"llm", "models/llm", 2},
      {"ledger", "models/ledger", 2},
      {"workload", "models/workload", 2},
      {"importers", "models/importers", 3},
      {"tiering", "models/tiering", 3},
      {"calibration", "models/calibration", 3},
      {"serving", "models/serving", 4},
      {"scenario", "models/scenario", 5},
      {"reports", "reports", 6},
      {"cli", "sim/cli", 7},
  };
  return table;
}

const Room* room_of(std::string_view path) {
  for (const Room& room : rooms()) {
    if (path.starts_with(room.path) && path.size() > room.path.size() &&
        path[room.path.size()] == '/') {
      return &room;
    }
  }
  return nullptr;
}

const Room* room_named(std::string_view name) {
  for (const Room& room : rooms()) {
    if (room.name == name) return &room;
  }
  return nullptr;
}

const SourceFile* readme_of(const Tree& tree, const Room& room) {
  const std::string path = std::string(room.path) + "/README.md";
  for (const SourceFile& file : tree) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

std::optional<DependsLine> depends_line(const SourceFile& readme) {
  for (std::size_t i = 0; i < readme.lines.size(); ++i) {
    std::string_view line = readme.lines[i];
    const std::size_t at = line.find("May depend on:");
    if (at == std::string_view::npos) continue;
    line.remove_prefix(at + std::string_view("May depend on:").size());
    DependsLine found{{}, i + 1};
    while (true) {
      const std::size_t comma = line.find(',');
      const std::string name = trimmed(line.substr(0, comma));
      if (!names_no_room(name)) found.names.push_back(name);
      if (comma == std::string_view::npos) break;
      line.remove_prefix(comma + 1);
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace tiercast::tidy
