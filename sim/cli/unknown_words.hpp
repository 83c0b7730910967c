#pragma once

#include <string>

namespace CLI {
class App;
}

/// CLI11 takes an unknown word for a stray value and then complains about something else, or gives
/// the help of what comes before it; these name the word.
namespace tiercast::cli {

/// Empty where the command is known.
std::string unknown_command(const CLI::App& app, int argc, const char* const* argv);
/// Empty where all flags of the command are known.
std::string unknown_flag(const CLI::App& app, int argc, const char* const* argv);

}  // namespace tiercast::cli
