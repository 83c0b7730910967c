#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace kv {

/// Some jobs under way together.
class Batch {
 public:
  void wait();

 private:
  friend class Workers;
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t left_ = 0;
};

/// Threads that move bytes. A job must not throw.
class Workers {
 public:
  explicit Workers(unsigned threads);
  ~Workers();

  /// The jobs begin in order; the batch is done when all are.
  std::shared_ptr<Batch> start(std::vector<std::function<void()>> jobs);

 private:
  void work();

  struct Job {
    std::function<void()> run;
    std::shared_ptr<Batch> batch;
  };
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Job> jobs_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kv
