// Bytes of a plain, gzip or zstd file, decompressed as they are read.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace tiercast::workload {

/// Reads forward only. After a failure `error` says why, and `read` gives nothing more.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Fills `out` with up to `size` bytes; 0 at the end and on failure.
  virtual std::size_t read(char* out, std::size_t size) = 0;
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

/// Largest window a zstd file may ask for, as a power of two: what `zstd --long=27` writes and
/// `zstd -d` accepts. The decompressor holds that much memory.
inline constexpr int kZstdWindowLog = 27;

/// The compression is told from the first bytes, not from the name. Several gzip members or zstd
/// frames in a row are one stream. A file that cannot be opened is a stream with an error.
std::unique_ptr<ByteStream> open_file(const std::string& path);
/// The same over bytes in memory, which must outlive the stream.
std::unique_ptr<ByteStream> open_bytes(std::string_view bytes,
                                       int zstd_window_log = kZstdWindowLog);

}  // namespace tiercast::workload
