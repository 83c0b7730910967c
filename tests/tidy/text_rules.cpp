#include <algorithm>
#include <cctype>
#include <string>

#include "tests/tidy/rules.hpp"

namespace tiercast::tidy {
namespace {

// This folder has to spell out what it forbids. Words that searches outside this test look for,
// too, are put together from halves.
bool spells_rules(const SourceFile& file) { return file.path.starts_with("tests/tidy/"); }

Findings unfinished_words(const Tree& tree) {
  static const std::string half_words[][2] = {
      {"TO", "DO"}, {"FIX", "ME"}, {"X", "XX"}, {"HA", "CK"}};
  Findings findings;
  for (const SourceFile& file : tree) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const auto& halves : half_words) {
        const std::string word = halves[0] + halves[1];
        if (find_word(file.lines[i], word) == std::string_view::npos) continue;
        findings.push_back({file.path, i + 1, "unfinished: " + word});
      }
    }
  }
  return findings;
}

struct Ban {
  std::string_view text;
  std::string_view why;
  std::vector<std::string_view> allowed_under;
};

// Findings of banned text in code, comments aside, outside the folders where it is allowed.
Findings banned(const Tree& tree, const std::vector<Ban>& bans) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!is_code(file) || spells_rules(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string_view line = without_comment(file.lines[i]);
      for (const Ban& ban : bans) {
        if (starts_with_any(file.path, ban.allowed_under)) continue;
        if (find_word(line, ban.text) == std::string_view::npos) continue;
        findings.push_back({file.path, i + 1, std::string(ban.text) + ": " + std::string(ban.why)});
      }
    }
  }
  return findings;
}

Findings foreign_randomness(const Tree& tree) {
  const std::string_view why = "differs between libraries; use sim/base/random.hpp";
  Findings findings = banned(tree, {{"std::mt19937", why, {}},
                                    {"std::mt19937_64", why, {}},
                                    {"std::default_random_engine", why, {}},
                                    {"std::random_device", why, {}},
                                    {"std::shuffle", why, {}},
                                    {"std::rand", why, {}}});
  for (const SourceFile& file : tree) {
    if (!is_code(file) || spells_rules(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string_view line = without_comment(file.lines[i]);
      for (std::size_t at = line.find("std::"); at != std::string_view::npos;
           at = line.find("std::", at + 1)) {
        const std::string_view name = line.substr(at + 5);
        const std::size_t end =
            std::min(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), name.size());
        if (!name.substr(0, end).ends_with("_distribution")) continue;
        findings.push_back(
            {file.path, i + 1, std::string(name.substr(0, end)) + ": " + std::string(why)});
      }
    }
  }
  return findings;
}

Findings clocks(const Tree& tree) {
  const std::string_view why = "a run knows no time but its own";
  const std::vector<std::string_view> allowed = {"sim/cli/", "tests/"};
  return banned(tree, {{"system_clock", why, allowed},
                       {"steady_clock", why, allowed},
                       {"high_resolution_clock", why, allowed},
                       {"clock_gettime", why, allowed},
                       {"gettimeofday", why, allowed}});
}

Findings hash_order(const Tree& tree) {
  const std::string_view why = "its order is the library's; use an ordered or indexed structure";
  const std::vector<std::string_view> allowed = {"sim/base/", "sim/config/", "sim/study/",
                                                 "sim/cli/",  "reports/",    "tests/"};
  return banned(tree, {{"std::unordered_map", why, allowed},
                       {"std::unordered_set", why, allowed},
                       {"std::unordered_multimap", why, allowed}});
}

Findings threads(const Tree& tree) {
  const std::string_view why = "one run is one thread; runs beside each other belong to sim/cli";
  const std::vector<std::string_view> allowed = {"sim/cli/", "sim/study/", "tests/"};
  return banned(tree, {{"std::thread", why, allowed},
                       {"std::jthread", why, allowed},
                       {"std::async", why, allowed}});
}

// As the middle of a longer path or address, a folder's name means something else.
bool starts_path(std::string_view line, std::size_t at) {
  if (at == 0) return true;
  const char before = line[at - 1];
  return std::isalnum(static_cast<unsigned char>(before)) == 0 && before != '}' && before != '.';
}

Findings machine_places(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string_view line = file.lines[i];
      for (const std::string folder : {"work", "farm", "root", "home"}) {
        const std::size_t at = line.find("/" + folder + "/");
        if (at == std::string_view::npos || !starts_path(line, at)) continue;
        findings.push_back({file.path, i + 1, "a path of one machine: /" + folder});
      }
      for (const std::string host : {"deb.debian", "security.debian", "snapshot.debian", "npmjs",
                                     "pypi", "proxy.golang", "static.crates"}) {
        if (line.find(host + ".org") == std::string_view::npos &&
            line.find(host + ".io") == std::string_view::npos) {
          continue;
        }
        findings.push_back({file.path, i + 1, "a package host: " + host});
      }
    }
  }
  return findings;
}

Findings stray_blanks(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (line.find('\t') != std::string::npos) findings.push_back({file.path, i + 1, "a tab"});
      if (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) {
        findings.push_back({file.path, i + 1, "blanks at the end of the line"});
      }
    }
    if (!file.final_newline) {
      findings.push_back({file.path, file.lines.size(), "no newline at the end of the file"});
    }
  }
  return findings;
}

}  // namespace

std::vector<Rule> text_rules() {
  return {{"nothing is left unfinished", unfinished_words},
          {"randomness is our own", foreign_randomness},
          {"no clock inside a run", clocks},
          {"no hash order inside a run", hash_order},
          {"no threads inside a run", threads},
          {"no place of one machine is named", machine_places},
          {"no tabs or stray blanks", stray_blanks}};
}

std::vector<Rule> all_rules() {
  std::vector<Rule> rules = include_rules();
  for (const auto& more : {room_rules(), text_rules()}) {
    rules.insert(rules.end(), more.begin(), more.end());
  }
  return rules;
}

}  // namespace tiercast::tidy
