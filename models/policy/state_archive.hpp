#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tiercast::policy {

/// Digest of a sequence of numbers. Order matters; the same on every machine.
class StateHash {
 public:
  void add(uint64_t number) {
    value_ = (value_ ^ number) * 0x9e3779b97f4a7c15u;
    value_ ^= value_ >> 29;
  }
  uint64_t value() const {
    const uint64_t mixed = (value_ ^ value_ >> 32) * 0xd6e8feb86659fd93u;
    return mixed ^ mixed >> 32;
  }

 private:
  uint64_t value_ = 0x243f6a8885a308d3u;
};

/// Digest of bytes, at memory speed: four independent chains of eight bytes each.
inline uint64_t checksum(const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  uint64_t lanes[4] = {1, 2, 3, 4};
  for (; size >= 32; size -= 32, at += 32) {
    uint64_t words[4];
    std::memcpy(words, at, 32);
    for (int lane = 0; lane < 4; ++lane) {
      lanes[lane] = (lanes[lane] ^ words[lane]) * 0x9e3779b97f4a7c15u;
      lanes[lane] ^= lanes[lane] >> 32;
    }
  }
  uint64_t rest[4] = {};
  std::memcpy(rest, at, size);
  StateHash hash;
  for (int lane = 0; lane < 4; ++lane) {
    hash.add(lanes[lane]);
    hash.add(rest[lane]);
  }
  return hash.value();
}

/// The three archives that a state's archive() function runs through, so that size, save and
/// restore cannot disagree. Items must be trivially copyable without padding.
class StateSizer {
 public:
  template <class T>
  void value(const T&) {
    size_ += sizeof(T);
  }
  template <class T>
  void items(const T*, std::size_t count) {
    size_ += count * sizeof(T);
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class StateWriter {
 public:
  explicit StateWriter(void* buffer) : at_(static_cast<char*>(buffer)) {}
  template <class T>
  void value(const T& item) {
    items(&item, 1);
  }
  template <class T>
  void items(const T* first, std::size_t count) {
    std::memcpy(at_, first, count * sizeof(T));
    at_ += count * sizeof(T);
  }

 private:
  char* at_;
};

class StateReader {
 public:
  explicit StateReader(const void* buffer) : at_(static_cast<const char*>(buffer)) {}
  template <class T>
  void value(T& item) {
    items(&item, 1);
  }
  template <class T>
  void items(T* first, std::size_t count) {
    std::memcpy(first, at_, count * sizeof(T));
    at_ += count * sizeof(T);
  }

 private:
  const char* at_;
};

}  // namespace tiercast::policy
