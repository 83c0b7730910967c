// A user's own policy class, turned into a table by the installed header-only adapter.
#include <cstdio>

#include <models/policy/cache_adapter.hpp>
#include <models/policy/fifo.hpp>

namespace {

struct Renamed : tiercast::policy::Fifo {
  static constexpr std::string_view name = "my-fifo";
  using Fifo::Fifo;
};

}  // namespace

int main() { std::printf("%s\n", tiercast::policy::CacheAdapter<Renamed>::table()->info()->name); }
