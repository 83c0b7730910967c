#pragma once

#include "models/policy/registry.hpp"

namespace tiercast::policy {

// Each built-in cache policy's entry, from the file that has its class. registry.cpp lists them.
CacheEntry fifo_entry();
CacheEntry lru_entry();
CacheEntry s3fifo_entry();

}  // namespace tiercast::policy
