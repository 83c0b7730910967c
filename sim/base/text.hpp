#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

/// Small text helpers for messages about input.
namespace tiercast {

/// Damerau-Levenshtein distance (optimal string alignment), ignoring ASCII case. Texts longer than
/// 64 bytes count as infinitely far from all others.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The first candidate nearest to `word`, within a third of its length or one edit: a slip; else the
/// only one that begins with it, of three letters at least; else empty.
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

/// "did you mean `x`?", else "known names: a, b, c" (at most 12), for hints.
std::string name_hint(std::string_view word, std::span<const std::string> candidates);

/// `a, b, c`.
std::string join(std::span<const std::string> parts, std::string_view separator = ", ");

/// Any bytes made fit for one line of a terminal: control characters and broken UTF-8 become `?`.
std::string printable(std::string_view text);
/// The text in backquotes, made printable and cut to about 60 characters.
std::string quote(std::string_view text);

/// Characters `from` to `from + count` (counted from 0) of UTF-8 text. Total: broken bytes count as
/// a character each.
std::string_view utf8_slice(std::string_view text, std::size_t from, std::size_t count);
/// Length in bytes of the character at the start of `text`, 0 when it is not well-formed UTF-8.
std::size_t utf8_length(std::string_view text);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace tiercast
