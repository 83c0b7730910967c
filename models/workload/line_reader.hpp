// Lines of a byte stream, numbered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/workload/byte_stream.hpp"

namespace tiercast::workload {

/// Longest line taken by default. Session traces have lines of some megabytes.
inline constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;

/// Ends of line are LF or CR LF; the last may be missing. A UTF-8 byte order mark at the start is
/// dropped. NUL and all other bytes are content.
class LineReader {
 public:
  enum class Status {
    line,
    too_long,  ///< the line was skipped; reading may go on
    end,
    failed,  ///< see error()
  };
  /// Bytes that may be read (not used) past the end of a line: simdjson wants them.
  static constexpr std::size_t kPadding = 64;

  explicit LineReader(std::unique_ptr<ByteStream> bytes,
                      std::size_t line_bytes_max = kLineBytesMax);

  /// The next line, valid until the next call.
  Status next(std::string_view& line);
  /// Number of the line last given, or the line that reading failed in.
  std::uint64_t line_number() const { return line_number_; }
  const std::string& error() const { return bytes_->error(); }

 private:
  bool refill();
  Status skip_long_line();
  std::string_view trimmed(std::size_t begin, std::size_t end) const;

  std::unique_ptr<ByteStream> bytes_;
  std::size_t line_bytes_max_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;    // of what is not yet given out
  std::size_t scanned_ = 0;  // no end of line in [begin_, scanned_)
  std::size_t end_ = 0;
  bool at_end_ = false;  // of the stream
  std::uint64_t line_number_ = 0;
};

}  // namespace tiercast::workload
