#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/hash.hpp"

using tiercast::Digest128;
using tiercast::mix;
using tiercast::StreamHash;

namespace {

std::uint64_t hash_of(const std::string& text, std::uint64_t seed = 0) {
  StreamHash hash(seed);
  hash.add_bytes(text.data(), text.size());
  return hash.digest64();
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(mix(i) & 0xFF);
  return bytes;
}

}  // namespace

TEST_CASE("64-bit digests equal those published for XXH64", "[hash][oracle]") {
  CHECK(hash_of("") == 0xEF46DB3751D8E999ULL);
  CHECK(hash_of("a") == 0xD24EC4F1A98C6E5BULL);
  CHECK(hash_of("abc") == 0x44BC2CF5AD770999ULL);
  CHECK(hash_of("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1ULL);
  CHECK(hash_of("xxhash", 20141025) == 0xB559B98D844E0635ULL);
}

TEST_CASE("A digest does not depend on how the bytes are cut", "[hash][property]") {
  const std::string bytes = pattern(200);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    StreamHash whole;
    whole.add_bytes(bytes.data(), size);
    for (const std::size_t cut : {size / 3, size / 2, size - size / 7}) {
      StreamHash parts;
      parts.add_bytes(bytes.data(), cut);
      parts.add_bytes(bytes.data() + cut, size - cut);
      REQUIRE(parts.digest64() == whole.digest64());
      REQUIRE(parts.digest128() == whole.digest128());
    }
  }
}

TEST_CASE("A word is hashed as its bytes, least significant first", "[hash]") {
  StreamHash words;
  StreamHash bytes;
  for (const char* lead : {"", "x"}) {
    words.add_bytes(lead, std::string(lead).size());
    bytes.add_bytes(lead, std::string(lead).size());
    words.add(std::uint64_t{0x0807060504030201ULL});
    bytes.add_bytes("\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    CHECK(words.digest64() == bytes.digest64());
  }
  StreamHash small;
  StreamHash wide;
  small.add(-2);
  wide.add(std::uint64_t{0xFFFFFFFFFFFFFFFEULL});
  CHECK(small.digest64() == wide.digest64());
}

TEST_CASE("Texts in a row are told apart by where they end", "[hash]") {
  StreamHash first;
  first.add_text("ab");
  first.add_text("c");
  StreamHash second;
  second.add_text("a");
  second.add_text("bc");
  CHECK(first.digest64() != second.digest64());
  CHECK_FALSE(first.digest128() == second.digest128());
}

TEST_CASE("One changed bit changes both halves of a 128-bit digest", "[hash][property]") {
  for (const std::size_t size : {1U, 8U, 31U, 32U, 33U, 100U}) {
    const std::string bytes = pattern(size);
    StreamHash original;
    original.add_bytes(bytes.data(), size);
    std::set<std::uint64_t> highs{original.digest128().high};
    std::set<std::uint64_t> lows{original.digest128().low};
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      std::string changed = bytes;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
      StreamHash hash;
      hash.add_bytes(changed.data(), size);
      highs.insert(hash.digest128().high);
      lows.insert(hash.digest128().low);
    }
    CHECK(highs.size() == 8 * size + 1);
    CHECK(lows.size() == 8 * size + 1);
  }
}

TEST_CASE("mix moves about half of the output bits for any one input bit", "[hash][property]") {
  for (int bit = 0; bit < 64; ++bit) {
    double moved = 0;
    constexpr int kWords = 256;
    for (std::uint64_t i = 0; i < kWords; ++i) {
      moved += __builtin_popcountll(mix(i) ^ mix(i ^ (std::uint64_t{1} << bit)));
    }
    // Mean of 256 binomials(64, 1/2): standard deviation 0.25.
    CHECK(moved / kWords == Approx(32).margin(1.5));
  }
  CHECK(mix(1, 2) != mix(2, 1));
  CHECK(mix(0, 0) != 0);
}

TEST_CASE("Hashes of texts are constants", "[hash]") {
  static_assert(tiercast::hash_text("a") != tiercast::hash_text("b"));
  static_assert(tiercast::hash_text("") != 0);
  CHECK(tiercast::hash_text("ab") != tiercast::hash_text("ba"));
}
