#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sim/config/settings.hpp"

using namespace tiercast;
using namespace tiercast::config;
using Catch::Contains;

namespace {

/// Sets a variable for a scope.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
};

/// A file with a text for a scope.
class File {
 public:
  explicit File(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("tiercast_settings_" + std::to_string(getpid()) + ".ini")) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("variables are settings by their names", "[settings]") {
  const Variable seed("TIERCAST_SEED", "18");
  const Variable format("TIERCAST_FORMAT", "json");
  const Variable color("TIERCAST_COLOR", "auto");
  const Variable quiet("TIERCAST_QUIET", "true");
  const Variable empty("TIERCAST_JOBS", "");
  const Variable harness("TIERCAST_BIN", "/bin/true");
  const Variable foreign("TIERCASTLE_SEED", "x");
  Diagnostics found;
  const Settings settings = environment_settings(found);
  INFO(found.render());
  CHECK_FALSE(found.has_errors());
  CHECK(settings.seed == 18U);
  CHECK(settings.format == OutputFormat::json);
  CHECK(settings.color == ColorMode::automatic);
  CHECK(settings.quiet == true);
  CHECK_FALSE(settings.jobs.has_value());
  CHECK_FALSE(settings.out.has_value());
}

TEST_CASE("unknown variables and wrong values are named", "[settings]") {
  const Variable unknown("TIERCAST_SEDE", "1");
  const Variable wrong("TIERCAST_JOBS", "many");
  const Variable format("TIERCAST_FORMAT", "jsno");
  Diagnostics found;
  environment_settings(found);
  const std::string text = found.render();
  CHECK(found.error_count() == 3);
  CHECK_THAT(text, Contains("TIERCAST_SEDE: error: unknown key `sede`") && Contains("`seed`"));
  CHECK_THAT(text, Contains("TIERCAST_JOBS: error: jobs: `many` is not a whole number"));
  CHECK_THAT(text, Contains("did you mean `json`"));
}

TEST_CASE("the defaults file is lines of name = value", "[settings]") {
  const File file("# mine\nseed = 7\n\n  jobs=3   # few\nout = /tmp/results\n");
  Diagnostics found;
  const Settings settings = file_settings(file.path(), found);
  INFO(found.render());
  CHECK_FALSE(found.has_errors());
  CHECK(settings.seed == 7U);
  CHECK(settings.jobs == 3);
  CHECK(settings.out == "/tmp/results");
  CHECK_FALSE(file_settings("/nonexistent/config.ini", found).seed.has_value());
  CHECK_FALSE(found.has_errors());
}

TEST_CASE("mistakes in the defaults file have their line", "[settings]") {
  const File file("seed = 7\nsede = 1\nseed = 8\njobs = 0\n");
  Diagnostics found;
  file_settings(file.path(), found);
  const std::string text = found.render();
  CHECK(found.error_count() == 3);
  CHECK_THAT(text, Contains(":2:1: error: unknown key `sede`"));
  CHECK_THAT(text, Contains(":3:1: error: `seed` is given twice"));
  CHECK_THAT(text, Contains(":4:1: error: jobs: `0` is out of range"));

  const File broken("seed 7\n");
  Diagnostics complaints;
  file_settings(broken.path(), complaints);
  CHECK_THAT(complaints.render(), Contains("not a defaults file"));
}

TEST_CASE("earlier sources win, and the file has its usual place", "[settings]") {
  Settings first;
  first.seed = 1;
  Settings second;
  second.seed = 2;
  second.jobs = 3;
  const Settings both = overlay(first, second);
  CHECK(both.seed == 1U);
  CHECK(both.jobs == 3);
  const Variable home("HOME", "/someone");
  {
    const Variable xdg("XDG_CONFIG_HOME", "/etc/x");
    CHECK(settings_path() == "/etc/x/tiercast/config.ini");
  }
  CHECK(settings_path() == "/someone/.config/tiercast/config.ini");
}
