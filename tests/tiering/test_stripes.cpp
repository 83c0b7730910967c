// Where blocks lie: dealt by hand and by a naive dealer, spread as chance would, read as fast as
// the devices they lie on.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/stripes.hpp"
#include "sim/base/random.hpp"
#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using tiering::StripePart;
using tiering::Stripes;
using tiering::StripeSums;

namespace {

constexpr Purpose kDraws{"test.stripes"};
using Bytes = std::vector<uint64_t>;

Stripes stripes(uint32_t devices, uint32_t width, uint64_t unit, uint32_t block_bytes,
                tiering::TierKind kind = tiering::TierKind::nvme) {
  tiering::TierSpec tier;
  tier.kind = kind;
  tier.block_bytes = block_bytes;
  tier.striping = {width, unit};
  tier.pools.resize(1);
  tier.pools[0].devices.resize(devices);
  return Stripes(tier);
}

Bytes bytes_of(const Stripes& stripes) { return {stripes.bytes().begin(), stripes.bytes().end()}; }

// Which device holds each byte of a block, one byte at a time.
std::vector<uint32_t> deal(const Stripes& stripes, uint32_t first) {
  std::vector<uint32_t> device_of;
  for (uint32_t n = 0; n < stripes.bytes().size(); ++n) {
    device_of.insert(device_of.end(), stripes.bytes()[n], (first + n) % stripes.devices());
  }
  return device_of;
}

// Node 0's drives alone, two of them.
tiering::TierSetSpec two_drives(uint32_t width) {
  SmallTiers options;
  options.drives = 2;
  options.width = width;
  tiering::TierSetSpec spec = small_tiers(options);
  spec.tiers = {spec.tiers[kDrives]};
  return spec;
}

// What `engine` takes to load a block that another engine of its node has stored, while `beside`
// does the same with a block of its own.
int64_t load_ns(uint32_t width, uint64_t id, uint64_t beside) {
  const auto spec = two_drives(width);
  TierHost host(spec);
  host.request(0, 0, {id});
  host.rest();
  host.request(100'000, 0, {beside});
  host.rest();
  host.empty_hbm(200'000, 0);
  const uint32_t first = host.request(300'000, 0, {id});
  const uint32_t second = host.request(300'000, 1, {beside});
  host.rest();
  CHECK(host.loaded_blocks(first) == 1);
  CHECK(host.loaded_blocks(second) == 1);
  return std::max(host.ended_ns(first), host.ended_ns(second)) - 300'000;
}

}  // namespace

TEST_CASE("a block is dealt to its devices in units", "[tiering]") {
  CHECK(bytes_of(stripes(4, 1, 0, 1000)) == Bytes{1000});
  CHECK(bytes_of(stripes(4, 3, 0, 1000)) == Bytes{333, 333, 334});
  CHECK(bytes_of(stripes(4, 3, 300, 1000)) == Bytes{400, 300, 300});
  CHECK(bytes_of(stripes(4, 4, 600, 1000)) == Bytes{600, 400});
  CHECK(bytes_of(stripes(4, 4, 1000, 1000)) == Bytes{1000});
  CHECK(bytes_of(Stripes(77)) == Bytes{77});
  for (uint64_t round = 0; round < 200; ++round) {
    Stream draw(1, kDraws, round);
    const auto width = static_cast<uint32_t>(draw.between(1, 9));
    const auto block = static_cast<uint32_t>(draw.between(1, 5000));
    const auto unit = static_cast<uint64_t>(draw.between(1, 700));
    Bytes dealt(width, 0);
    for (uint64_t at = 0; at < block; ++at) ++dealt[at / unit % width];
    while (dealt.back() == 0) dealt.pop_back();
    CHECK(bytes_of(stripes(9, width, unit, block)) == dealt);
  }
}

TEST_CASE("between two sets of devices every byte moves once", "[tiering]") {
  for (uint64_t round = 0; round < 60; ++round) {
    Stream draw(2, kDraws, round);
    const auto block = static_cast<uint32_t>(draw.between(1, 900));
    const auto set = [&](tiering::TierKind kind) {
      const auto devices = static_cast<uint32_t>(draw.between(1, 7));
      const auto width = static_cast<uint32_t>(draw.between(1, devices));
      return stripes(devices, width, draw.below(2) * draw.below(300), block, kind);
    };
    const Stripes from = set(tiering::TierKind::nvme);
    const Stripes to = set(tiering::TierKind::context);
    StripeSums sums;
    for (int again = 0; again < 2; ++again) {
      std::map<std::pair<uint32_t, uint32_t>, uint64_t> expected;
      sums.begin(from, to);
      for (uint64_t n = draw.below(20); n > 0; --n) {
        const tp_key key{draw.bits64(), draw.below(4)};
        sums.add(key);
        const auto gives = deal(from, from.first_device(key));
        const auto takes = deal(to, to.first_device(key));
        for (uint32_t at = 0; at < block; ++at) ++expected[{gives[at], takes[at]}];
      }
      std::vector<StripePart> parts;
      sums.parts(parts);
      std::map<std::pair<uint32_t, uint32_t>, uint64_t> found;
      for (const StripePart& part : parts) {
        CHECK(found.emplace(std::pair(part.from, part.to), part.bytes).second);
      }
      CHECK(found == expected);
    }
  }
}

// Of n blocks on N devices each device is first for a binomial number: the sum of squared
// deviations over the mean is chi-square with N - 1 degrees of freedom, of deviation sqrt(2(N-1)).
// With width w a device's share is that of the w firsts before it.
TEST_CASE("many blocks spread over devices as chance would have it", "[tiering]") {
  constexpr uint32_t kBlocks = 20'000;
  for (const uint32_t devices : {2u, 8u, 24u, 96u}) {
    for (const uint64_t blocks_per_id : {1u, 16u}) {  // ids in a row, or few with many blocks each
      const Stripes one = stripes(devices, 1, 0, 1000);
      std::vector<double> firsts(devices, 0);
      for (uint64_t n = 0; n < kBlocks; ++n) {
        ++firsts[one.first_device({n / blocks_per_id, n % blocks_per_id})];
      }
      const double mean = double(kBlocks) / devices;
      double chi2 = 0;
      for (const double count : firsts) chi2 += (count - mean) * (count - mean) / mean;
      const double freedom = devices - 1;
      INFO(devices << " devices, " << blocks_per_id << " blocks an id, chi2 " << chi2);
      CHECK(std::abs(chi2 - freedom) < 4 * std::sqrt(2 * freedom));

      const uint32_t width = devices / 2;
      const Stripes wide = stripes(devices, width, 0, 1000 * width);
      StripeSums sums;
      const Stripes nothing(1000 * width);
      sums.begin(wide, nothing);
      for (uint64_t n = 0; n < kBlocks; ++n) sums.add({n / blocks_per_id, n % blocks_per_id});
      std::vector<StripePart> parts;
      sums.parts(parts);
      REQUIRE(parts.size() == devices);
      for (uint32_t d = 0; d < devices; ++d) {
        double before = 0;
        for (uint32_t k = 0; k < width; ++k) before += firsts[(d + devices - k) % devices];
        CHECK(static_cast<double>(parts[d].bytes) == 1000 * before);
      }
    }
  }
}

TEST_CASE("tiers place blocks independently of each other", "[tiering]") {
  const Stripes a = stripes(8, 1, 0, 1000, tiering::TierKind::nvme);
  const Stripes b = stripes(8, 1, 0, 1000, tiering::TierKind::context);
  int same = 0;
  for (uint64_t n = 0; n < 8000; ++n) {
    same += a.first_device({n, 0}) == b.first_device({n, 0}) ? 1 : 0;
  }
  // Binomial with p = 1/8: deviation sqrt(8000 x 7) / 8.
  CHECK(std::abs(same - 1000) < 4 * std::sqrt(8000.0 * 7) / 8);
}

// A block of 1000 bytes, drives of 500 MB/s, a bus of 1 GB/s for each engine.
TEST_CASE("a block is read as fast as its drives, and a hot drive halves", "[tiering]") {
  const Stripes drives = stripes(2, 1, 0, 1000);
  const uint32_t first = drives.first_device({1, 0});
  uint64_t same = 2;
  while (drives.first_device({same, 0}) != first) ++same;
  uint64_t other = 2;
  while (drives.first_device({other, 0}) == first) ++other;
  CHECK(load_ns(1, 1, other) == 2000);  // each from a drive of its own
  CHECK(load_ns(1, 1, same) == 4000);   // both from one, which gives each half
  CHECK(load_ns(2, 1, same) == 2000);   // on both drives, which give 1 GB/s together
  CHECK(load_ns(2, 1, other) == 2000);
  // Alone over both drives: 500 bytes from each.
  for (const auto& [width, expected_ns] : {std::pair(1u, 2000), std::pair(2u, 1000)}) {
    const auto spec = two_drives(width);
    TierHost host(spec);
    host.request(0, 0, {1});
    host.rest();
    const uint32_t load = host.request(100'000, 1, {1});
    host.rest();
    CHECK(host.ended_ns(load) == 100'000 + expected_ns);
    CHECK(host.fetch_time(load).move_ns == expected_ns);
    host.check_rest_and_empty({{1}});
  }
}
