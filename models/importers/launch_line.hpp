#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/importers/told.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::importers {

/// What follows a flag.
enum class Takes : uint8_t {
  one,
  truth,  ///< `true`, `false` or nothing
  many    ///< everything up to the next flag
};

struct Flag {
  const char* name = nullptr;  ///< without dashes in front
  Takes takes = Takes::one;
  std::vector<const char*> also = {};
  const char* unmodelled = nullptr;  ///< told, and left out: why
};

/// What an engine's command line knows.
struct EngineFlags {
  std::vector<Flag> flags;  ///< that a forecast depends on
  // Names parted by blanks, of flags without a bearing on a forecast, by what follows them.
  std::string_view idle_switches;
  std::string_view idle_values;
  std::string_view idle_lists;
  /// Words after which the engine's own arguments begin, parted by blanks; `a+b` are two in a row.
  std::string_view programs;
};

struct GivenFlag {
  std::string written;  ///< as it stands, with its dashes
  std::vector<std::string> values;
  Place place;
  bool negated = false;  ///< `--no-...`
};

/// A launch line once read: flags by their names.
struct LaunchLine {
  std::map<std::string, GivenFlag> flags;
  std::map<std::string, std::string> environment;
  std::vector<std::string> words;     ///< that belong to no flag
  std::vector<std::string> idle;      ///< without a bearing on a forecast
  std::vector<std::string> left_out;  ///< not modelled or not known, in whole sentences
  Place place;
};

/// Reads words; flags that are not known, not modelled or given twice are warned about.
LaunchLine read_launch_line(std::string_view text, const std::string& file,
                            const EngineFlags& engine, Diagnostics& found);

/// The values of a launch line, with what is wrong with them.
class LaunchValues {
 public:
  LaunchValues(const LaunchLine& line, Diagnostics& found) : line_(line), found_(found) {}

  const GivenFlag* find(const std::string& name) const;
  std::optional<std::string> text(const std::string& name) const;
  /// Also `32k` (thousands) and `32K` (1,024s), as both engines read them.
  std::optional<Told<int64_t>> whole(const std::string& name, int64_t lowest, int64_t highest);
  std::optional<Told<double>> real(const std::string& name, double lowest, double highest);
  /// Of a switch: true where it is given and not negated.
  std::optional<Told<bool>> truth(const std::string& name);
  /// A JSON object.
  std::optional<Node> json(const std::string& name);

  void error(const std::string& name, const std::string& message, const std::string& hint = {});
  void warning(const std::string& name, const std::string& message, const std::string& hint = {});
  const LaunchLine& line() const { return line_; }
  Diagnostics& found() { return found_; }

 private:
  const LaunchLine& line_;
  Diagnostics& found_;
};

}  // namespace tiercast::importers
