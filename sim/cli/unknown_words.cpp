#include "sim/cli/unknown_words.hpp"

#include <algorithm>
#include <vector>

#include <CLI/CLI.hpp>

#include "sim/base/text.hpp"

namespace tiercast::cli {

namespace {

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known,
                         const std::string& otherwise) {
  const std::string near = nearest_name(word, known);
  return (near.empty() ? otherwise : "did you mean `" + near + "`?") + "\n";
}

}  // namespace

std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  const std::string word = argv[1];
  std::vector<std::string> known;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) known.push_back(sub->get_name());
  if (std::find(known.begin(), known.end(), word) != known.end()) return "";
  return "no command `" + word + "`\n" +
         did_you_mean(word, known, "`tiercast --help` lists what there is");
}

std::string unknown_flag(const CLI::App& app, int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  const std::string first = argv[1];
  const CLI::App* command = app.get_subcommand(first);
  const auto deeper = command->get_subcommands(nullptr);
  if (!deeper.empty()) {  // `tape` and what it does
    if (argc < 3 || deeper.front()->get_name() != argv[2]) return "";
    command = deeper.front();
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (int i = 2; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (!word.starts_with("--") || word == "--") continue;
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    return "no flag `" + word + "` of `" + first + "`\n" +
           did_you_mean(word, known, "`tiercast " + first + " --help` lists what there is");
  }
  return "";
}

}  // namespace tiercast::cli
