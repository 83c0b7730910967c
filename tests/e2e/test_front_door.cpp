// The script ./tiercast on a small project of its own, so that nothing here depends on how this
// build was made. An apt-get that always fails stands before the real one: a test installs nothing.
#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace tiercast {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = R"(#include <stdio.h>
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) printf("[%s]", argv[i]);
  return argc;
}
)";

constexpr const char* kProject = R"cmake(cmake_minimum_required(VERSION 3.25)
project(small C)
add_executable(tiercast sim/cli/main.c)
enable_testing()
add_test(NAME sound COMMAND echo "All tests passed (9 assertions in 3 test cases)")
add_test(NAME other COMMAND true)
add_test(NAME mixed COMMAND sh -c
         "test $BROKEN = 0 || echo 'test cases: 7 | 5 passed | 2 failed'; exit $BROKEN")
add_test(NAME crash COMMAND sh -c "exit $BROKEN")
add_test(NAME long COMMAND false)
set_tests_properties(long PROPERTIES LABELS slow)
)cmake";

class SmallProject {
 public:
  SmallProject() {
    std::string pattern = (fs::temp_directory_path() / "tiercast-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "sim/cli");
    fs::create_directories(root_ / "bin");
    for (const char* name : {"tiercast", "CMakePresets.json"}) {
      fs::copy_file(tests::source_dir() / name, root_ / name);
    }
    write("CMakeLists.txt", kProject);
    write("sim/cli/main.c", kProgram);
    write("bin/apt-get", "#!/bin/sh\necho 'no package can be had here'\nexit 100\n");
    fs::permissions(root_ / "bin/apt-get", fs::perms::owner_all);
  }
  SmallProject(const SmallProject&) = delete;
  SmallProject& operator=(const SmallProject&) = delete;
  ~SmallProject() { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name) << text;
  }

  tests::Finished run(std::vector<std::string> arguments,
                      std::vector<std::string> environment = {}) const {
    arguments.insert(arguments.begin(), (root_ / "tiercast").string());
    environment.push_back("PATH=" + (root_ / "bin").string() + ":" + getenv("PATH"));
    environment.insert(environment.begin(), "CI=");
    return tests::run_process(arguments, environment);
  }

 private:
  fs::path root_;
};

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  const std::size_t start = text.find_last_of('\n', end);
  return text.substr(start + 1, end - start);
}

TEST_CASE("The front door builds once, hands over, and builds again when a source changed",
          "[e2e]") {
  const SmallProject project;
  const tests::Finished first = project.run({"run", "a b", "*"});
  INFO(first.err);
  CHECK(first.out == "[run][a b][*]");
  CHECK(first.exit_code == 4);
  CHECK_FALSE(first.err.empty());

  const tests::Finished again = project.run({});
  CHECK(again.out.empty());
  CHECK(again.exit_code == 1);
  CHECK(again.err.empty());

  project.write("sim/cli/main.c", "int main(void) { return 42; }\n");
  const tests::Finished changed = project.run({"run"});
  CHECK(changed.exit_code == 42);
  CHECK_FALSE(changed.err.empty());

  SECTION("a source that does not compile stops it before an outdated program runs") {
    project.write("sim/cli/main.c", "int main(void) { return 42 }\n");
    const tests::Finished broken = project.run({"run"});
    CHECK(broken.exit_code == 1);
    CHECK(broken.err.find("main.c:1") != std::string::npos);
    CHECK(broken.err.find("the build failed") != std::string::npos);
    CHECK(project.run({"run"}).exit_code == 1);
  }
  SECTION("a new file counts as a change") {
    project.write("sim/cli/more.c", "");
    CHECK_FALSE(project.run({"run"}).err.empty());
    CHECK(project.run({"run"}).err.empty());
  }
}

TEST_CASE("The front door asks for huge pages but leaves the user's own settings alone", "[e2e]") {
  const SmallProject project;
  project.write("sim/cli/main.c", R"(#include <stdio.h>
#include <stdlib.h>
int main(void) { return puts(getenv("GLIBC_TUNABLES")) < 0; }
)");
  CHECK(project.run({}, {"GLIBC_TUNABLES="}).out == "glibc.malloc.hugetlb=1\n");
  CHECK(project.run({}, {"GLIBC_TUNABLES=glibc.malloc.check=0"}).out == "glibc.malloc.check=0\n");
}

TEST_CASE("The front door's test command adds up and fails where a test does", "[e2e]") {
  const SmallProject project;
  const tests::Finished sound = project.run({"test"}, {"BROKEN=0"});
  INFO(sound.out << sound.err);
  // The 3 cases that `sound` reports; what reports none counts as one.
  CHECK(last_line(sound.out) == "6 passed, 0 failed");
  CHECK(sound.exit_code == 0);

  const tests::Finished broken = project.run({"test"}, {"BROKEN=3"});
  // 3 + 1 + 5 and, with the crash, 2 + 1.
  CHECK(last_line(broken.out) == "9 passed, 3 failed");
  CHECK(broken.exit_code == 1);

  CHECK(project.run({"test", "-R", "other"}, {"BROKEN=3"}).exit_code == 0);
  CHECK(project.run({"test", "-R", "nothing of this name"}).exit_code == 1);

  const tests::Finished slow = project.run({"test", "--slow"}, {"BROKEN=0"});
  CHECK(last_line(slow.out) == "6 passed, 1 failed");
  CHECK(slow.exit_code == 1);
}

}  // namespace
}  // namespace tiercast
