#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "models/policy/tape_format.hpp"
#include "models/policy/tierpolicy_tape.h"

namespace tiercast::policy {

/// Gathers records into chunks. Once one could not be written it takes no more.
class TapeWriter {
 public:
  explicit TapeWriter(const tp_tape& tape) : host_(tape.host), write_(tape.write) {
    chunk_.reserve(tape_chunk_bytes + tape_chunk_bytes / 4);
    chunk_.assign(tape_magic.begin(), tape_magic.end());
    begin_chunk();
  }

  TapeEncoder encoder() { return TapeEncoder(chunk_); }
  bool open() const { return open_; }
  bool full() const { return chunk_.size() >= tape_chunk_bytes; }
  void give_up() { open_ = false; }

  void flush() {
    const std::size_t size = chunk_.size() - payload_at_;
    if (!open_ || size == 0) return;
    if (size > UINT32_MAX) return give_up();
    const auto payload_bytes = static_cast<uint32_t>(size);
    put32(payload_at_ - 8, payload_bytes);
    put32(payload_at_ - 4, chunk_size_check(digest_, payload_bytes));
    digest_ = chunk_digest(digest_, chunk_.data() + payload_at_, size);
    encoder().fixed(digest_);
    open_ = write_(host_, chunk_.data(), chunk_.size()) == 0;
    chunk_.clear();
    begin_chunk();
  }

 private:
  void begin_chunk() {
    chunk_.insert(chunk_.end(), 8, 0);
    payload_at_ = chunk_.size();
  }
  void put32(std::size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i)
      chunk_[at + static_cast<std::size_t>(i)] = static_cast<uint8_t>(value >> 8 * i);
  }

  void* host_;
  int (*write_)(void*, const void*, size_t);
  std::vector<uint8_t> chunk_;
  std::size_t payload_at_ = 0;
  uint64_t digest_ = 0;
  bool open_ = true;
};

// What a caller's arguments say, put into a call; false where they cannot be read.

inline bool copy_spans(const tp_span* spans, size_t count, std::vector<tp_span>& out) {
  if (spans == nullptr && count != 0) return false;
  for (size_t i = 0; i < count; ++i) add_joined(out, spans[i]);
  return true;
}

inline bool copy_hints(const tp_hint* hints, size_t count, std::vector<tp_hint>& out) {
  if (hints == nullptr && count != 0) return false;
  out.assign(hints, hints + count);
  return true;
}

inline bool copy_request(const tp_request* request, TapeCall& call) {
  if (request == nullptr) return true;
  if (request->size < TP_REQUEST_SIZE_MIN) return false;
  call.has_request = true;
  call.request = {};
  std::memcpy(&call.request, request, std::min<std::size_t>(request->size, sizeof call.request));
  call.request.size = sizeof(tp_request);
  call.request.hints = nullptr;
  return copy_hints(request->hints, request->hint_count, call.request_hints);
}

/// Views of a host that may know more fields than this version. View: tp_block or tp_tier.
template <class View>
bool copy_views(const View* views, uint64_t count, std::vector<View>& out) {
  if (views == nullptr || views->size < sizeof(View)) return false;
  const char* at = reinterpret_cast<const char*>(views);
  const std::size_t stride = views->size;
  out.resize(count);
  for (View& view : out) {
    std::memcpy(&view, at, sizeof view);
    view.size = sizeof view;
    at += stride;
  }
  return true;
}

inline bool copy_blocks(const tp_block* blocks, uint64_t count, std::vector<tp_block>& out) {
  return count == 0 || copy_views(blocks, count, out);
}

inline void set_verdicts(TapeCall& call, const uint8_t* verdicts, size_t count) {
  for (size_t i = 0; i < count; ++i) call.verdicts.push_back(verdicts[i] != 0);
}

}  // namespace tiercast::policy
