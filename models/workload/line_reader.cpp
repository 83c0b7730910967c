#include "models/workload/line_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tiercast::workload {
namespace {

constexpr std::size_t kFirstBufferBytes = std::size_t{256} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteStream> bytes, std::size_t line_bytes_max)
    : bytes_(std::move(bytes)), line_bytes_max_(line_bytes_max), buffer_(kFirstBufferBytes) {}

LineReader::Status LineReader::next(std::string_view& line) {
  for (;;) {
    const char* found = static_cast<const char*>(
        scanned_ == end_ ? nullptr : std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_));
    const std::size_t stop =
        found == nullptr ? end_ : static_cast<std::size_t>(found - buffer_.data());
    if (stop - begin_ > line_bytes_max_ + 1) return skip_long_line();
    if (found != nullptr) {
      ++line_number_;
      line = trimmed(begin_, stop);
      begin_ = scanned_ = stop + 1;
      return line.size() > line_bytes_max_ ? Status::too_long : Status::line;
    }
    scanned_ = end_;
    if (refill()) continue;
    if (!bytes_->error().empty()) {
      ++line_number_;
      begin_ = end_;
      return Status::failed;
    }
    if (begin_ == end_) return Status::end;
    ++line_number_;
    line = trimmed(begin_, end_);
    begin_ = end_;
    return line.size() > line_bytes_max_ ? Status::too_long : Status::line;
  }
}

// Reads more behind what is there. False at the end of the stream.
bool LineReader::refill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    scanned_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + kPadding >= buffer_.size()) buffer_.resize(2 * buffer_.size());
  const std::size_t got = bytes_->read(buffer_.data() + end_, buffer_.size() - kPadding - end_);
  end_ += got;
  at_end_ = got == 0;
  return got > 0;
}

LineReader::Status LineReader::skip_long_line() {
  ++line_number_;
  for (;;) {
    const void* found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    if (found != nullptr) {
      begin_ = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + 1;
      scanned_ = begin_;
      return Status::too_long;
    }
    begin_ = scanned_ = end_;
    if (!refill()) return bytes_->error().empty() ? Status::too_long : Status::failed;
  }
}

std::string_view LineReader::trimmed(std::size_t begin, std::size_t end) const {
  std::string_view line(buffer_.data() + begin, end - begin);
  if (line_number_ == 1 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace tiercast::workload
