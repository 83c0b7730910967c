// What a whole run costs, process start to exit: processor time, memory and counters, against the
// limits that hold for one thread of a release build:
//
//   w1        <= 0.04 s, of which reading, serving and summarising (loop_ms) <= 0.02 s;
//             <= 6,500 advances
//   w1all     <= 0.4 s, <= 64 MB
//   mooncake  <= 0.3 s
//
// The traces lie in TIERCAST_SHARED (see tests/bench/scenarios); without them a case is skipped.
// Build the program in release first, then: build/bench/bench_runs
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <benchmark/benchmark.h>

namespace {

std::string program() {
  const char* told = std::getenv("TESTED_TIERCAST");
  return told != nullptr ? told : TIERCAST_SOURCE_DIR "/build/release/tiercast";
}

struct Usage {
  bool good = false;
  double cpu_s = 0;
  double peak_mb = 0;
  double loop_s = 0;
  double advances = 0;
};

/// A number of the result's `run` object, which holds no other of this name.
double number_of(const std::string& json, const std::string& name) {
  const size_t run = json.rfind("\"run\":");
  const size_t at = run == std::string::npos ? run : json.find("\"" + name + "\":", run);
  return at == std::string::npos ? -1 : std::atof(json.c_str() + at + name.size() + 3);
}

std::string text_of(std::FILE* file) {
  std::string text;
  std::array<char, 4096> part{};
  std::rewind(file);
  while (const size_t got = std::fread(part.data(), 1, part.size(), file)) {
    text.append(part.data(), got);
  }
  return text;
}

/// Runs a scenario in a process of its own.
Usage run_once(const std::string& scenario) {
  const std::string path = program();
  std::FILE* out = std::tmpfile();
  if (out == nullptr) return {};
  const pid_t child = fork();
  if (child == 0) {
    if (dup2(fileno(out), STDOUT_FILENO) < 0) _exit(127);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(127);
    execl(path.c_str(), path.c_str(), "run", scenario.c_str(), "--format", "json",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  const bool waited = child >= 0 && wait4(child, &status, 0, &usage) == child;
  const std::string result = text_of(out);
  std::fclose(out);
  if (!waited) return {};
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return {WIFEXITED(status) && WEXITSTATUS(status) == 0,
          seconds(usage.ru_utime) + seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) * 1024e-6, number_of(result, "wall_s"),
          number_of(result, "advances")};
}

void whole_process(benchmark::State& state, const char* scenario) {
  const std::string file =
      std::string(TIERCAST_SOURCE_DIR "/tests/bench/scenarios/") + scenario + ".yaml";
  Usage best;
  for ([[maybe_unused]] auto once : state) {
    const Usage usage = run_once(file);
    if (!usage.good) {
      state.SkipWithError("the run failed: is the program built, and TIERCAST_SHARED there?");
      return;
    }
    state.SetIterationTime(usage.cpu_s);
    if (!best.good || usage.loop_s < best.loop_s) best = usage;
  }
  state.counters["peak_MB"] = best.peak_mb;
  state.counters["loop_ms"] = best.loop_s * 1e3;  // wall time, the least seen
  state.counters["advances"] = best.advances;
}

BENCHMARK_CAPTURE(whole_process, w1, "w1")
    ->UseManualTime()
    ->Iterations(20)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_process, w1all, "w1all")
    ->UseManualTime()
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_process, mooncake, "mooncake")
    ->UseManualTime()
    ->Iterations(10)
    ->Unit(benchmark::kMillisecond);

}  // namespace
