#include "models/workload/byte_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <zlib.h>
#include <zstd.h>

namespace tiercast::workload {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr std::string_view kGzipMagic{"\x1F\x8B", 2};
constexpr std::string_view kZstdMagic{"\x28\xB5\x2F\xFD", 4};

class FileStream : public ByteStream {
 public:
  explicit FileStream(const std::string& path) : file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) error_ = std::strerror(errno);
  }
  ~FileStream() override {
    if (file_ != nullptr) std::fclose(file_);
  }
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    if (file_ == nullptr || !error_.empty()) return 0;
    const std::size_t got = std::fread(out, 1, size, file_);
    if (got < size && std::ferror(file_) != 0) error_ = std::strerror(errno);
    return got;
  }

 private:
  std::FILE* file_;
};

class MemoryStream : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : left_(bytes) {}

  std::size_t read(char* out, std::size_t size) override {
    const std::size_t got = left_.copy(out, size);
    left_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view left_;
};

// Input of a decompressor: a chunk of the stream below, refilled when used up.
class Chunk {
 public:
  explicit Chunk(std::unique_ptr<ByteStream> below) : below_(std::move(below)) {
    buffer_.resize(kChunkBytes);
  }

  // The bytes not yet used; empty only at the end (or on failure) of the stream below.
  std::string_view bytes() {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = below_->read(buffer_.data(), buffer_.size());
    }
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void use(std::size_t count) { begin_ += count; }
  bool starts_with(std::string_view magic) {
    const std::string_view seen = bytes();
    return seen.size() >= magic.size() && seen.substr(0, magic.size()) == magic;
  }
  const std::string& error() const { return below_->error(); }
  std::unique_ptr<ByteStream> take_below() { return std::move(below_); }

 private:
  std::unique_ptr<ByteStream> below_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Not compressed: what the look at the magic bytes has read, then the rest straight from below.
class PlainStream : public ByteStream {
 public:
  explicit PlainStream(Chunk chunk) : head_(chunk.bytes()), below_(chunk.take_below()) {
    error_ = below_->error();
  }

  std::size_t read(char* out, std::size_t size) override {
    if (used_ < head_.size()) {
      const std::size_t got = head_.copy(out, size, used_);
      used_ += got;
      return got;
    }
    const std::size_t got = below_->read(out, size);
    error_ = below_->error();
    return got;
  }

 private:
  std::string head_;
  std::size_t used_ = 0;
  std::unique_ptr<ByteStream> below_;
};

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(Chunk chunk) : chunk_(std::move(chunk)) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&state_, MAX_WBITS + kGzipOnly) != Z_OK) error_ = "no memory for gzip";
  }
  ~GzipStream() override { inflateEnd(&state_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    state_.next_out = reinterpret_cast<Bytef*>(out);
    state_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, std::size_t{1} << 30));
    const uInt room = state_.avail_out;
    while (state_.avail_out == room && error_.empty() && step()) {
    }
    return room - state_.avail_out;
  }

 private:
  // One call of inflate; false at the end.
  bool step() {
    const std::string_view input = chunk_.bytes();
    if (input.empty()) {
      if (!chunk_.error().empty()) {
        error_ = chunk_.error();
      } else if (inside_) {
        error_ = "the gzip data is cut off";
      }
      return false;
    }
    inside_ = true;
    state_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<char*>(input.data()));
    state_.avail_in = static_cast<uInt>(input.size());
    const int code = inflate(&state_, Z_NO_FLUSH);
    chunk_.use(input.size() - state_.avail_in);
    if (code == Z_STREAM_END) {
      inside_ = false;
      return next_member();
    }
    if (code != Z_OK && code != Z_BUF_ERROR) {
      error_ = std::string("the gzip data is damaged (") +
               (state_.msg != nullptr ? state_.msg : "wrong checksum") + ")";
      return false;
    }
    return true;
  }

  bool next_member() {
    if (chunk_.bytes().empty()) return true;  // the next step ends
    if (chunk_.bytes().front() != kGzipMagic.front()) {
      error_ = "bytes that are not gzip follow the gzip data";
      return false;
    }
    inflateReset(&state_);
    return true;
  }

  Chunk chunk_;
  z_stream state_{};
  bool inside_ = true;  // of a member
};

class ZstdStream : public ByteStream {
 public:
  ZstdStream(Chunk chunk, int window_log) : chunk_(std::move(chunk)), state_(ZSTD_createDCtx()) {
    if (state_ == nullptr) {
      error_ = "no memory for zstd";
    } else {
      ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, window_log);
    }
  }
  ~ZstdStream() override { ZSTD_freeDCtx(state_); }
  ZstdStream(const ZstdStream&) = delete;
  ZstdStream& operator=(const ZstdStream&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos == 0 && error_.empty() && step(output)) {
    }
    return output.pos;
  }

 private:
  // One call of the decompressor; false at the end. It may hold output back for want of room, so
  // it is called again without input until it gives none.
  bool step(ZSTD_outBuffer& output) {
    const std::string_view bytes = chunk_.bytes();
    if (bytes.empty() && !chunk_.error().empty()) {
      error_ = chunk_.error();
      return false;
    }
    if (bytes.empty() && wants_ == 0) return false;
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    wants_ = ZSTD_decompressStream(state_, &output, &input);
    chunk_.use(input.pos);
    if (ZSTD_isError(wants_) != 0) {
      error_ = std::string("the zstd data is damaged (") + ZSTD_getErrorName(wants_) + ")";
      return false;
    }
    if (bytes.empty() && output.pos == 0 && wants_ != 0) {
      error_ = "the zstd data is cut off";
      return false;
    }
    return true;
  }

  Chunk chunk_;
  ZSTD_DCtx* state_;
  std::size_t wants_ = 1;  // what decompressStream answered; 0: a frame is complete
};

std::unique_ptr<ByteStream> decompressed(std::unique_ptr<ByteStream> below, int zstd_window_log) {
  Chunk chunk(std::move(below));
  if (chunk.starts_with(kGzipMagic)) return std::make_unique<GzipStream>(std::move(chunk));
  if (chunk.starts_with(kZstdMagic)) {
    return std::make_unique<ZstdStream>(std::move(chunk), zstd_window_log);
  }
  return std::make_unique<PlainStream>(std::move(chunk));
}

}  // namespace

std::unique_ptr<ByteStream> open_file(const std::string& path) {
  return decompressed(std::make_unique<FileStream>(path), kZstdWindowLog);
}

std::unique_ptr<ByteStream> open_bytes(std::string_view bytes, int zstd_window_log) {
  return decompressed(std::make_unique<MemoryStream>(bytes), zstd_window_log);
}

}  // namespace tiercast::workload
