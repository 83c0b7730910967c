#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"

namespace tiercast {
template <class E>
struct Choice;
template <class S>
class FieldTable;
}  // namespace tiercast

/// Settings that a user gives once instead of with every command: `TIERCAST_*` variables and the
/// defaults file. They are the same names as the flags; an unknown one is an error.
namespace tiercast::config {

enum class OutputFormat { text, json, csv, markdown, junit, github };
std::vector<Choice<OutputFormat>> choices(OutputFormat);
enum class ColorMode { automatic, always, never };
std::vector<Choice<ColorMode>> choices(ColorMode);

/// What was given; the flags go over the environment, the environment over the file.
struct Settings {
  std::optional<std::uint64_t> seed;
  std::optional<int> seeds;
  std::optional<int> jobs;
  std::optional<std::string> out;  ///< folder for result files
  std::optional<OutputFormat> format;
  std::optional<ColorMode> color;
  std::optional<bool> quiet;
  std::optional<std::string> configs;  ///< folder of the catalogue
  std::optional<std::string> shared;   ///< folder of traces and oracles beside the repository

  static const FieldTable<Settings>& fields();
};

/// The process's `TIERCAST_*` variables; empty ones count as not given.
Settings environment_settings(Diagnostics& found);

/// A defaults file: lines `name = value`, comments after `#`. A missing file gives no settings.
Settings file_settings(const std::string& path, Diagnostics& found);

/// `$XDG_CONFIG_HOME/tiercast/config.ini`, else `~/.config/tiercast/config.ini`, else empty.
std::string settings_path();

/// Each setting from `first` where it is given there, else from `second`.
Settings overlay(const Settings& first, const Settings& second);

/// Environment over defaults file.
Settings read_settings(Diagnostics& found);

}  // namespace tiercast::config
