#include "workers.hpp"

#include <utility>

namespace kv {

void Batch::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return left_ == 0; });
}

Workers::Workers(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<Batch> Workers::start(std::vector<std::function<void()>> jobs) {
  auto batch = std::make_shared<Batch>();
  batch->left_ = jobs.size();
  {
    const std::lock_guard lock(mutex_);
    for (auto& job : jobs) jobs_.push_back({std::move(job), batch});
  }
  more_.notify_all();
  return batch;
}

void Workers::work() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [&] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.run();
    const std::lock_guard lock(job.batch->mutex_);
    if (--job.batch->left_ == 0) job.batch->done_.notify_all();
  }
}

}  // namespace kv
