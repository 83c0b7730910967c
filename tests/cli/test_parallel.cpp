#include <atomic>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/cli/parallel.hpp"

namespace {

using tiercast::cli::for_each_index;

TEST_CASE("each index is worked on once, whatever the number of threads") {
  const unsigned jobs = GENERATE(0u, 1u, 2u, 5u, 100u);
  std::vector<int> calls(37);
  for_each_index(calls.size(), jobs, [&](std::size_t i) { ++calls[i]; });
  CHECK(calls == std::vector<int>(37, 1));
  for_each_index(0, jobs, [](std::size_t) { FAIL("there is no index"); });
}

TEST_CASE("of several failures the lowest that happened is told, and nothing new begins") {
  const unsigned jobs = GENERATE(1u, 3u);
  std::atomic<int> begun{0};
  const auto work = [&](std::size_t i) {
    ++begun;
    if (i >= 2) throw std::runtime_error(std::to_string(i));
  };
  CHECK_THROWS_WITH(for_each_index(1000, jobs, work), Catch::Equals("2"));
  CHECK(begun < 1000);
}

}  // namespace
