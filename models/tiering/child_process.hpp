// A child process that runs what this one tells it, so that code which may crash or hang does no
// harm here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace tiercast::tiering {

/// The child is gone, or has been ended because it did not answer; what() says how.
class ChildLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A fork of this program that waits for work. Both see one piece of memory at one address, which
/// holds the arguments and the answer of the call under way; functions have the same addresses too,
/// so a piece of work is a function object that is copied over and called there. The child has what
/// this process had when it was made, and of what happened since only what the memory says. It ends
/// with the object, and with this process however that ends.
class ChildProcess {
 public:
  /// call_limit_ns: wall time after which a piece of work has failed; 0: never. Throws
  /// std::runtime_error where the system grants no memory or process.
  explicit ChildProcess(int64_t call_limit_ns);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  /// Frees the shared memory for the next piece of work.
  void clear() { used_ = 0; }

  /// Room in shared memory until clear(), not initialised. Throws ChildLost where it is full.
  template <class T>
  T* room(std::size_t count = 1) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlignment);
    return static_cast<T*>(take(count, sizeof(T)));
  }
  /// A copy of items in shared memory; NULL of NULL.
  template <class T>
  T* copy(const T* items, std::size_t count = 1) {
    if (items == nullptr) return nullptr;
    T* copied = room<T>(count);
    if (count != 0) std::memcpy(static_cast<void*>(copied), items, count * sizeof(T));
    return copied;
  }

  /// Has the child call work(). What it shall leave behind it writes to shared memory. Throws
  /// ChildLost where it ends or does not come back; then, and ever after, there is no child.
  template <class Work>
  void run(const Work& work) {
    static_assert(std::is_trivially_copyable_v<Work>);
    run_raw([](void* there) { (*static_cast<Work*>(there))(); }, copy(&work));
  }

  bool is_lost() const { return child_ < 0; }

 private:
  using Function = void (*)(void* work);
  struct Order {
    Function function;
    void* work;
  };
  static constexpr std::size_t kAlignment = 16;

  void* take(std::size_t count, std::size_t size);
  void run_raw(Function function, void* work);
  void wait_for_answer();
  [[noreturn]] void serve(int socket, int parent);
  [[noreturn]] void lose(const std::string& why);
  std::string how_it_ended();
  void end();

  int64_t call_limit_ns_;
  std::byte* memory_ = nullptr;  // the order, then the call's data
  std::size_t used_ = 0;         // of the data
  int socket_ = -1;              // a byte each way: work is there, work is done
  int child_ = -1;
};

}  // namespace tiercast::tiering
