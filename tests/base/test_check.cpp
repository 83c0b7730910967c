#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sim/base/check.hpp"

using namespace tiercast;

namespace {

struct Death {
  int status = 0;
  std::string message;
};

/// Runs `body` in a child process and gives how it ended and what it wrote to stderr.
template <class Body>
Death run_apart(Body body) {
  int ends[2] = {-1, -1};
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // not the test framework's
    dup2(ends[1], STDERR_FILENO);
    body();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  char buffer[256];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    death.message.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  waitpid(child, &death.status, 0);
  return death;
}

}  // namespace

TEST_CASE("a check that fails aborts and names the run", "[check]") {
  const Death death = run_apart([] {
    RunContext run{.seed = 42, .now_ns = 0, .replay = "tiercast run a.yaml --seed 42"};
    const RunContextScope scope(run);
    run.now_ns = 1234;  // the run moves on, the scope does not
    TIERCAST_CHECK(run.now_ns < 1000, "pool {} holds {} of {}", "hbm", 3, 2);
  });
  REQUIRE(WIFSIGNALED(death.status));
  CHECK(WTERMSIG(death.status) == SIGABRT);
  CHECK_THAT(death.message, Catch::Contains("test_check.cpp:"));
  CHECK_THAT(death.message, Catch::Contains("pool hbm holds 3 of 2"));
  CHECK_THAT(death.message, Catch::Contains("run.now_ns < 1000"));
  CHECK_THAT(death.message, Catch::Contains("seed 42, simulated time 1234 ns"));
  CHECK_THAT(death.message, Catch::Contains("tiercast run a.yaml --seed 42"));
}

TEST_CASE("a check outside a run names no run, and one that holds says nothing", "[check]") {
  const Death death = run_apart([] {
    const RunContext run{.seed = 7};
    { const RunContextScope scope(run); }
    TIERCAST_CHECK(true, "fine");
    TIERCAST_CHECK(false, "not fine");
  });
  CHECK(WIFSIGNALED(death.status));
  CHECK_THAT(death.message, Catch::Contains("not fine") && !Catch::Contains("seed"));
  CHECK_THAT(death.message, !Catch::Contains("error: fine"));
}

TEST_CASE("messages survive too few and too many arguments", "[check]") {
  CHECK(fill_braces("{} of {}", {1}) == "1 of {}");
  CHECK(fill_braces("only {}", {1, true}) == "only 1 true");
  CHECK(fill_braces("", {}) == "");
}
