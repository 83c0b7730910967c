#include "sim/base/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <limits>

namespace tiercast {
namespace {

constexpr std::size_t kLongestName = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool begins_with(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > kLongestName || b.size() > kLongestName) {
    return std::numeric_limits<std::size_t>::max();
  }
  // Three rows: transpositions look two rows back.
  std::array<std::array<std::size_t, kLongestName + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& two_above = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

std::string nearest_name(std::string_view word, std::span<const std::string> candidates) {
  const std::size_t near = std::max<std::size_t>(1, word.size() / 3);
  std::size_t best_distance = near + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    // A word that shares no letter with its candidate is no slip of it.
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (best != nullptr) return *best;
  // What was begun and not ended, where one name alone begins like it.
  constexpr std::size_t kFewestLetters = 3;
  if (word.size() < kFewestLetters) return {};
  for (const std::string& candidate : candidates) {
    if (!begins_with(candidate, word)) continue;
    if (best != nullptr) return {};
    best = &candidate;
  }
  return best != nullptr ? *best : std::string();
}

std::string name_hint(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kListed = 12;
  if (const std::string near = nearest_name(word, candidates); !near.empty()) {
    return "did you mean `" + near + "`?";
  }
  if (candidates.empty()) return {};
  std::string text = "known names: " + join(candidates.first(std::min(kListed, candidates.size())));
  if (candidates.size() > kListed) {
    text += " and " + std::to_string(candidates.size() - kListed) + " more";
  }
  return text;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != parts.data()) text += separator;
    text += part;
  }
  return text;
}

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < kLeast[length] || code > 0x10FFFF || surrogate ? 0 : length;
}

std::string_view utf8_slice(std::string_view text, std::size_t from, std::size_t count) {
  const auto skip = [](std::string_view rest, std::size_t characters) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < characters && at < rest.size(); ++i) {
      at += std::max<std::size_t>(1, utf8_length(rest.substr(at)));
    }
    return at;
  };
  text.remove_prefix(skip(text, from));
  return text.substr(0, skip(text, count));
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text.front());
    // C1 controls (U+0080 to U+009F) steer terminals like the ASCII ones do.
    const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    const bool control = first < 0x20 || first == 0x7F || c1;
    if (length == 0 || control) {
      result += first == '\t' ? ' ' : '?';
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return result;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 60;
  const std::string_view shown = utf8_slice(text, 0, kShown);
  return '`' + printable(shown) + (shown.size() < text.size() ? "...`" : "`");
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace tiercast
