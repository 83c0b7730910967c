#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace tiercast::kvstore {

/// A vector of which the first `kInside` elements need no allocation; a header of 8 bytes and a
/// pointer's room where that is none. For elements whose moves do not throw.
template <class T, uint32_t kInside>
class SmallVector {
 public:
  SmallVector() = default;
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  SmallVector(const SmallVector&) = delete;
  SmallVector& operator=(const SmallVector&) = delete;
  ~SmallVector() { release(); }

  uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  /// The room stays.
  void clear() { resize_down(0); }
  void resize_down(uint32_t size) {
    std::destroy(begin() + size, end());
    size_ = size;
  }
  void push_back(T value) {
    if (size_ == capacity_) grow(std::max(2u, 2 * capacity_));
    std::construct_at(end(), std::move(value));
    ++size_;
  }
  void assign(const T* first, const T* last) {
    clear();
    const auto size = static_cast<uint32_t>(last - first);
    if (size > capacity_) grow(size);
    std::uninitialized_copy(first, last, begin());
    size_ = size;
  }
  void append(const T* first, const T* last) {
    const auto more = static_cast<uint32_t>(last - first);
    if (size_ + more > capacity_) grow(std::max(size_ + more, capacity_ + capacity_ / 2));
    std::uninitialized_copy(first, last, end());
    size_ += more;
  }
  /// Before `at`; answers where it is now.
  T* insert(T* at, T value) {
    const std::ptrdiff_t index = at - begin();
    push_back(std::move(value));
    std::rotate(begin() + index, end() - 1, end());
    return begin() + index;
  }
  void erase(T* at) {
    std::move(at + 1, end(), at);
    resize_down(size_ - 1);
  }

 private:
  static constexpr size_t kRoom = std::max(sizeof(T*), kInside * sizeof(T));
  union Room {
    T* outside;
    std::byte inside[kRoom];
  };

  T* data() {
    return capacity_ > kInside ? room_.outside : std::launder(reinterpret_cast<T*>(room_.inside));
  }
  const T* data() const { return const_cast<SmallVector*>(this)->data(); }
  void grow(uint32_t capacity) {
    static_assert(alignof(T) <= alignof(Room));
    T* const room = std::allocator<T>().allocate(capacity);
    std::uninitialized_move(begin(), end(), room);
    const uint32_t size = size_;
    release();
    room_.outside = room;
    size_ = size;
    capacity_ = capacity;
  }
  // Leaves the members as they are.
  void release() {
    std::destroy(begin(), end());
    if (capacity_ > kInside) std::allocator<T>().deallocate(room_.outside, capacity_);
  }
  void take(SmallVector& other) {
    size_ = other.size_;
    capacity_ = other.capacity_;
    if (capacity_ > kInside) {
      room_.outside = other.room_.outside;
      other.capacity_ = kInside;
    } else {
      std::uninitialized_move(other.begin(), other.end(), begin());
      std::destroy(other.begin(), other.end());
    }
    other.size_ = 0;
  }

  uint32_t size_ = 0;
  uint32_t capacity_ = kInside;
  Room room_{nullptr};
};

}  // namespace tiercast::kvstore
