#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace tiercast::policy {

/// Fetches a cache line ahead of its use. The empty statement is for g++, which else takes a
/// function that does nothing but prefetch for one without effect and drops its calls.
inline void prefetch_line(const void* address) {
  __builtin_prefetch(address, 1);
  __asm__ volatile("");
}

/// An array of fixed length that starts out as zero bytes, on a cache line's boundary. Pages never
/// written cost no memory, so creating a policy for a huge pool is cheap. Throws std::bad_alloc.
template <class T>
requires std::is_trivially_copyable_v<T>
class FlatArray {
 public:
  explicit FlatArray(std::size_t size)
      : memory_(std::calloc(1, size * sizeof(T) + alignment)), size_(size) {
    if (memory_ == nullptr) throw std::bad_alloc();
    void* first = memory_.get();
    std::size_t space = size * sizeof(T) + alignment;
    items_ = static_cast<T*>(std::align(alignment, size * sizeof(T), first, space));
  }

  T& operator[](std::size_t index) { return items_[index]; }
  const T& operator[](std::size_t index) const { return items_[index]; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  std::size_t size() const { return size_; }
  void prefetch(std::size_t index) const { prefetch_line(items_ + index); }

 private:
  static constexpr std::size_t alignment = 64;
  static_assert(alignof(T) <= alignment);

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory_;
  T* items_;
  std::size_t size_;
};

}  // namespace tiercast::policy
