#include "models/policy/fifo.hpp"

#include "models/policy/cache_entry.hpp"

namespace tiercast::policy {

CacheEntry fifo_entry() {
  return cache_entry<Fifo>(
      "First in, first out: the block that entered first leaves first, however often it "
      "was used. Blocks in use are passed over and keep their place.",
      "textbook");
}

}  // namespace tiercast::policy
