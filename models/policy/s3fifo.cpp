#include "models/policy/s3fifo.hpp"

#include "models/policy/cache_entry.hpp"

namespace tiercast::policy {

CacheEntry s3fifo_entry() {
  return cache_entry<S3Fifo>(
      "Three queues: a small one filters newcomers, a main one keeps what proved "
      "useful, and ghosts remember keys that left the small one, so that a block "
      "which comes back enters main at once. Resists scans of one-time prefixes.",
      "Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache "
      "eviction, SOSP 2023");
}

}  // namespace tiercast::policy
