#include "tests/e2e/program.hpp"

#include <fstream>
#include <sstream>
#include <stdlib.h>

#include <catch2/catch.hpp>

#include "tests/support/paths.hpp"

namespace tiercast::e2e {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string pattern = (fs::temp_directory_path() / "tiercast-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  root_ = pattern;
}

std::string Folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(root_ / name, std::ios::binary) << text;
  return path(name);
}

tests::Finished tiercast(Words arguments) {
  REQUIRE_FALSE(tests::program().empty());
  arguments.insert(arguments.begin(), tests::program().string());
  const std::string configs = (tests::source_dir() / "configs").string();
  return tests::run_process(arguments,
                            {"XDG_CONFIG_HOME=/dev/null", "TIERCAST_CONFIGS=" + configs});
}

std::string output_of(const Words& arguments) {
  const tests::Finished done = tiercast(arguments);
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.err.empty());
  return done.out;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

Words keys_of(const Json& object) {
  Words keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

Json json_of(const Words& more) {
  Words words = more;
  words.insert(words.end(), {"--format", "json"});
  return Json::parse(output_of(words));
}

std::string quickstart() { return (tests::source_dir() / "scenarios/quickstart.yaml").string(); }
fs::path trace() { return tests::shared_dir() / "traces/mooncake_conversation.jsonl.gz"; }

}  // namespace tiercast::e2e
