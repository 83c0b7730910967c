// One line of a trace to one request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/workload/request.hpp"

namespace tiercast::workload {

enum class Parsed {
  request,
  bad_line,
  other_format,  ///< the line belongs to a format that this parser would misread
};

class RecordParser {
 public:
  virtual ~RecordParser() = default;

  /// Fills arrival (as the trace counts it), lengths and ids of `out`, keeping its capacity. Else
  /// `reason` says in one clause what is wrong with the line, and `out` is of no use. `line` has
  /// LineReader::kPadding readable bytes behind it.
  virtual Parsed parse(std::string_view line, Request& out, std::string& reason) = 0;
};

/// Mooncake JSONL, one object a line: `timestamp` (ms, whole or not), `input_length`,
/// `output_length`, and optionally `hash_ids`, one per block of the input, the last block perhaps
/// partial, and `tenant`, a text or a number. Other names in use: created_time, input_tokens,
/// output_tokens, tenant_id, cache_salt. Unknown fields are
/// ignored, except those that give away a format with another meaning.
std::unique_ptr<RecordParser> make_mooncake_parser(std::uint32_t block_tokens);

/// CSV with a header line. Columns are found by name, ignoring case and punctuation; others are
/// ignored. Times are seconds unless the name says `ms` or `ns`, or dates when the first has a
/// colon. `azure`: the three columns of the Azure LLM inference traces and nothing else. Null:
/// `reason` says what is wrong with the header.
std::unique_ptr<RecordParser> make_csv_parser(std::string_view header, bool azure,
                                              std::string& reason);

/// Reads a token count, 1 or more; false after adding "`name` ... " to `reason`.
bool parse_tokens(std::string_view name, std::string_view text, std::uint32_t& out,
                  std::string& reason);
/// Reads a time in units of 10^-9 * 10^scale seconds.
bool parse_arrival(std::string_view name, std::string_view text, int scale, std::int64_t& out,
                   std::string& reason);

}  // namespace tiercast::workload
