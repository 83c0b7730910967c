#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/small_vector.hpp"
#include "sim/base/random.hpp"

namespace tiercast {
namespace {

using kvstore::SmallVector;

constexpr Purpose kWalk{"test.small_vector"};

// Elements own memory, so that a sanitizer or a wrong value tells of one moved or destroyed twice.
using Element = std::unique_ptr<uint64_t>;

template <uint32_t kInside>
void walk(uint32_t seed) {
  Stream draw(1, kWalk, kInside, seed);
  SmallVector<Element, kInside> vector;
  std::vector<uint64_t> naive;
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(draw.below(naive.size() + 1));
    const bool inner = at < static_cast<std::ptrdiff_t>(naive.size());
    switch (draw.below(6)) {
      case 0:
        vector.push_back(std::make_unique<uint64_t>(i));
        naive.push_back(i);
        break;
      case 1: {
        const Element* const there =
            vector.insert(vector.begin() + at, std::make_unique<uint64_t>(i));
        REQUIRE(there == vector.begin() + at);
        naive.insert(naive.begin() + at, i);
        break;
      }
      case 2:
      case 3:
        if (!inner) break;
        vector.erase(vector.begin() + at);
        naive.erase(naive.begin() + at);
        break;
      case 4: {
        SmallVector<Element, kInside> other = std::move(vector);
        REQUIRE(vector.empty());
        if (draw.below(2) == 0) vector.push_back(std::make_unique<uint64_t>(i));
        vector = std::move(other);
        break;
      }
      case 5:
        if (draw.below(20) != 0) break;
        vector.resize_down(static_cast<uint32_t>(at));
        naive.resize(static_cast<size_t>(at));
        break;
    }
    REQUIRE(vector.size() == naive.size());
    for (size_t k = 0; k < naive.size(); ++k) REQUIRE(*vector[k] == naive[k]);
    if (!naive.empty()) REQUIRE(*vector.back() == naive.back());
  }
}

TEST_CASE("a small vector does what a vector does") {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    walk<0>(seed);
    walk<1>(seed);
    walk<3>(seed);
  }
}

TEST_CASE("a small vector takes over a range of any length") {
  SmallVector<uint64_t, 2> vector;
  std::vector<uint64_t> range;
  for (const size_t length : {1u, 2u, 7u, 0u, 3u}) {
    range.assign(length, length);
    vector.assign(range.data(), range.data() + range.size());
    CHECK(std::vector<uint64_t>(vector.begin(), vector.end()) == range);
  }
}

}  // namespace
}  // namespace tiercast
