// The program as a script meets it: run it, read what it says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"

namespace tiercast::e2e {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

/// A folder of its own that goes with the test.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(root_); }

  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;
  std::string path(const std::string& name) const { return (root_ / name).string(); }

 private:
  std::filesystem::path root_;
};

tests::Finished tiercast(Words arguments);
/// Standard output of a run that must end well and say nothing else.
std::string output_of(const Words& arguments);
/// The same with `--format json`.
Json json_of(const Words& arguments);

std::string read_file(const std::filesystem::path& path);
Words keys_of(const Json& object);

std::string quickstart();
/// A recorded trace with content ids; it may be absent.
std::filesystem::path trace();

}  // namespace tiercast::e2e
