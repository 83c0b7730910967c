#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "tests/tidy/rooms.hpp"
#include "tests/tidy/rules.hpp"

namespace tiercast::tidy {
namespace {

constexpr std::size_t kMaxLines = 400;

bool has_code(const Tree& tree, const Room& room) {
  return std::any_of(tree.begin(), tree.end(), [&](const SourceFile& file) {
    return is_code(file) && room_of(file.path) == &room;
  });
}

Findings readmes(const Tree& tree) {
  Findings findings;
  for (const Room& room : rooms()) {
    if (!has_code(tree, room)) continue;
    const std::string path = std::string(room.path) + "/README.md";
    const SourceFile* readme = readme_of(tree, room);
    if (readme == nullptr) {
      findings.push_back({path, 0, "the room has no README.md"});
    } else if (!depends_line(*readme)) {
      findings.push_back({path, 0, "no line \"May depend on: <rooms, comma separated>\""});
    }
  }
  return findings;
}

Findings depends_lines(const Tree& tree) {
  Findings findings;
  for (const Room& room : rooms()) {
    const SourceFile* readme = readme_of(tree, room);
    const auto listed = readme == nullptr ? std::nullopt : depends_line(*readme);
    if (!listed) continue;
    for (const std::string& name : listed->names) {
      const Room* other = room_named(name);
      if (other == nullptr) {
        findings.push_back({readme->path, listed->line, "no room is called \"" + name + "\""});
      } else if (other >= &room) {
        findings.push_back(
            {readme->path, listed->line, name + " is not below " + std::string(room.name)});
      }
    }
  }
  return findings;
}

// Every folder of code under sim/ and models/ is a room, and rooms have no rooms inside.
Findings known_rooms(const Tree& tree) {
  Findings findings;
  std::set<std::string> seen;
  for (const SourceFile& file : tree) {
    if (!is_code(file) || !starts_with_any(file.path, {"sim/", "models/"})) continue;
    const std::string folder = file.path.substr(0, file.path.rfind('/'));
    // An example is somebody else's program, not a room of ours.
    if (folder.ends_with("/example")) continue;
    const bool known = std::any_of(rooms().begin(), rooms().end(),
                                   [&](const Room& room) { return room.path == folder; });
    if (!known && seen.insert(folder).second) {
      findings.push_back({folder, 0, "the folder is no room of tests/tidy/rooms.cpp"});
    }
  }
  return findings;
}

Findings file_sizes(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!is_code(file) || file.lines.size() <= kMaxLines) continue;
    if (file.path == "models/policy/tierpolicy.h") continue;  // one contract, one header
    findings.push_back({file.path, kMaxLines + 1,
                        std::to_string(file.lines.size()) + " lines; split it where it has two "
                                                            "reasons to change"});
  }
  return findings;
}

Findings header_guards(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!is_header(file)) continue;
    const bool once =
        std::find(file.lines.begin(), file.lines.end(), "#pragma once") != file.lines.end();
    // A C header that others install may keep to the C standard.
    const bool guarded =
        file.path.ends_with(".h") &&
        std::any_of(file.lines.begin(), file.lines.end(),
                    [](const std::string& line) { return line.starts_with("#ifndef "); });
    if (!once && !guarded) findings.push_back({file.path, 1, "no #pragma once"});
  }
  return findings;
}

Findings catalogue_sources(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!file.path.starts_with("configs/") || !file.path.ends_with(".yaml")) continue;
    const bool sourced =
        std::any_of(file.lines.begin(), file.lines.end(), [](const std::string& line) {
          if (line == "sources:") return true;  // of all that is said, by path
          const std::size_t at = find_word(line, "source");
          return at != std::string::npos && line.find(':', at) != std::string::npos;
        });
    if (!sourced) findings.push_back({file.path, 0, "nothing here names its source"});
  }
  return findings;
}

// What DEPENDS says in the room's tiercast_room(...) of CMakeLists.txt.
struct BuildLine {
  std::set<std::string> names;
  std::size_t line = 0;
};

std::optional<BuildLine> build_line(const SourceFile& cmake, const Room& room) {
  const std::string start = "tiercast_room(" + std::string(room.name) + " ";
  for (std::size_t i = 0; i < cmake.lines.size(); ++i) {
    if (!cmake.lines[i].starts_with(start)) continue;
    std::string call = cmake.lines[i];
    for (std::size_t j = i + 1; call.find(')') == std::string::npos && j < cmake.lines.size();
         ++j) {
      call += " " + cmake.lines[j];
    }
    BuildLine found{{}, i + 1};
    std::istringstream words(call.substr(0, call.find(')')));
    bool listing = false;
    for (std::string word; words >> word;) {
      if (word == "LIBS") listing = false;
      // What the build generates is no room.
      if (listing && word != "build_info") found.names.insert(word);
      if (word == "DEPENDS") listing = true;
    }
    return found;
  }
  return std::nullopt;
}

Findings linked_dependencies(const Tree& tree) {
  Findings findings;
  const auto cmake = std::find_if(tree.begin(), tree.end(), [](const SourceFile& file) {
    return file.path == "CMakeLists.txt";
  });
  if (cmake == tree.end()) return findings;
  for (const Room& room : rooms()) {
    const SourceFile* readme = readme_of(tree, room);
    const auto listed = readme == nullptr ? std::nullopt : depends_line(*readme);
    if (!listed) continue;
    const auto built = build_line(*cmake, room);
    if (!built) {
      findings.push_back({cmake->path, 0, "no tiercast_room(" + std::string(room.name) + " ...)"});
    } else if (built->names != std::set<std::string>(listed->names.begin(), listed->names.end())) {
      findings.push_back(
          {cmake->path, built->line,
           "DEPENDS of " + std::string(room.name) + " differs from " + readme->path});
    }
  }
  return findings;
}

}  // namespace

std::vector<Rule> room_rules() {
  return {{"each room has a README with its dependencies", readmes},
          {"README dependencies are rooms below", depends_lines},
          {"the build links what the README lists", linked_dependencies},
          {"each folder of code is a known room", known_rooms},
          {"no code file is over 400 lines", file_sizes},
          {"headers are included once", header_guards},
          {"catalogue files name their sources", catalogue_sources}};
}

}  // namespace tiercast::tidy
