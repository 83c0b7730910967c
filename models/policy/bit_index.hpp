#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/span_words.hpp"

namespace tiercast::policy {

/// A set of integers in [0, size) that finds the nearest member in O(log64 size): a bitmap, a
/// bitmap of its nonzero words, and so on up to a single word.
class BitIndex {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit BitIndex(uint32_t size) : words_(layout(size)) {}

  bool test(uint32_t member) const { return (words_[member / 64] >> (member % 64) & 1) != 0; }

  void prefetch(uint32_t member) const { words_.prefetch(member / 64); }

  void set(uint32_t member) { set_from(0, member); }
  void set(tp_span members) {
    if (members.count == 1) return set(members.first_slot);
    for_span_words(members, [&](uint32_t index, uint64_t mask) {
      uint64_t& word = words_[index];
      const bool marked_above = word != 0;
      word |= mask;
      if (!marked_above) set_from(1, index);
      return true;
    });
  }

  void clear(uint32_t member) { clear_from(0, member); }
  void clear(tp_span members) {
    if (members.count == 1) return clear(members.first_slot);
    for_span_words(members, [&](uint32_t index, uint64_t mask) {
      uint64_t& word = words_[index];
      word &= ~mask;
      if (word == 0) clear_from(1, index);
      return true;
    });
  }

  /// Should `from` be a member, `to` becomes one in its stead.
  void move(uint32_t from, uint32_t to) {
    if (from == to || !test(from)) return;
    clear(from);
    set(to);
  }

  /// Smallest member >= from, or none.
  uint32_t find_at_or_after(uint32_t from) const {
    for (uint32_t level = 0; level < levels_; ++level) {
      const std::size_t index = from / 64;
      if (offsets_[level] + index >= offsets_[level + 1]) return none;
      const uint64_t word = words_[offsets_[level] + index] & (~uint64_t{0} << (from % 64));
      if (word != 0) {
        from = from / 64 * 64 + static_cast<uint32_t>(__builtin_ctzll(word));
        return descend(level, from, [](uint64_t below) { return __builtin_ctzll(below); });
      }
      from = from / 64 + 1;
    }
    return none;
  }

  /// Largest member <= from, or none.
  uint32_t find_at_or_before(uint32_t from) const {
    for (uint32_t level = 0; level < levels_; ++level) {
      const uint64_t word =
          words_[offsets_[level] + from / 64] & (~uint64_t{0} >> (63 - from % 64));
      if (word != 0) {
        from = from / 64 * 64 + (63 - static_cast<uint32_t>(__builtin_clzll(word)));
        return descend(level, from, [](uint64_t below) { return 63 - __builtin_clzll(below); });
      }
      if (from < 64) return none;
      from = from / 64 - 1;
    }
    return none;
  }

  /// Calls visit(member) for those in [from, to) in order until it answers false; answers whether
  /// it never did.
  template <class Visit>
  bool for_members(uint32_t from, uint32_t to, Visit visit) const {
    uint32_t member = find_at_or_after(from);
    for (; member < to; member = find_at_or_after(member + 1)) {
      if (!visit(member)) return false;
    }
    return true;
  }

  /// How many members follow each other from `member`, itself one, on; counts to the end of its
  /// word at most.
  uint32_t run_length(uint32_t member) const {
    return static_cast<uint32_t>(std::countr_one(words_[member / 64] >> (member % 64)));
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.words_.data(), self.words_.size());
  }

 private:
  void set_from(uint32_t level, uint32_t member) {
    for (; level < levels_; ++level, member /= 64) {
      uint64_t& word = words_[offsets_[level] + member / 64];
      const bool marked_above = word != 0;
      word |= uint64_t{1} << (member % 64);
      if (marked_above) return;
    }
  }

  void clear_from(uint32_t level, uint32_t member) {
    for (; level < levels_; ++level, member /= 64) {
      uint64_t& word = words_[offsets_[level] + member / 64];
      word &= ~(uint64_t{1} << (member % 64));
      if (word != 0) return;
    }
  }

  template <class Pick>
  uint32_t descend(uint32_t level, uint32_t member, Pick pick) const {
    while (level-- > 0) {
      member = member * 64 + static_cast<uint32_t>(pick(words_[offsets_[level] + member]));
    }
    return member;
  }

  std::size_t layout(uint32_t size) {
    std::size_t words = 0;
    std::size_t level_words = size;
    do {
      level_words = level_words / 64 + (level_words % 64 != 0 || level_words == 0 ? 1 : 0);
      words += level_words;
      offsets_[++levels_] = words;
    } while (level_words > 1);
    return words;
  }

  uint32_t levels_ = 0;
  std::array<std::size_t, 8> offsets_{};  // of each level's first word; one past the last
  FlatArray<uint64_t> words_;
};

}  // namespace tiercast::policy
