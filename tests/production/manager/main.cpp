// Serves a trace with a two-tier KV cache and says what became of it, one `name value` a line.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "manager.hpp"

namespace {

using kv::Keys;

/// `--name value` pairs.
class Options {
 public:
  Options(int argc, char** argv) {
    if (argc % 2 == 0) throw std::runtime_error("options come as --name value");
    for (int i = 1; i + 1 < argc; i += 2) values_[argv[i]] = argv[i + 1];
  }
  std::string text(const std::string& name, const std::string& otherwise) {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    const std::string value = found->second;
    values_.erase(found);
    return value;
  }
  uint32_t number(const std::string& name, uint32_t otherwise) {
    return static_cast<uint32_t>(std::stoul(text(name, std::to_string(otherwise))));
  }
  void check_all_known() const {
    if (!values_.empty()) throw std::runtime_error("no option " + values_.begin()->first);
  }

 private:
  std::map<std::string, std::string> values_;
};

/// A request a line, its blocks' keys apart by blanks.
std::vector<Keys> read_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Keys> requests;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Keys keys;
    for (kv::Key key; words >> key;) keys.push_back(key);
    requests.push_back(std::move(keys));
  }
  return requests;
}

struct Run {
  uint32_t threads = 1;
  uint32_t kill_after = 0;  ///< requests, after which the process kills itself; 0: never
};

/// One thread serves in the trace's order, each request to its end; several serve beside each
/// other.
std::vector<kv::Served> serve_all(kv::Manager& manager, const std::vector<Keys>& trace, Run run) {
  std::vector<kv::Served> served(trace.size());
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  const auto work = [&] {
    try {
      for (size_t i = next++; i < trace.size(); i = next++) {
        served[i] = manager.serve(trace[i]);
        // No destructor runs, and what other threads do stops in the middle.
        if (++done == run.kill_after) kill(getpid(), SIGKILL);
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "kv_manager: %s\n", error.what());
      std::_Exit(1);
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < run.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return served;
}

void report(const kv::Manager& manager, const std::vector<kv::Served>& served,
            const std::string& hits_file) {
  std::ofstream hits;
  if (!hits_file.empty()) hits.open(hits_file);
  uint64_t blocks = 0, memory = 0, file = 0, refused = 0;
  for (const kv::Served& request : served) {
    blocks += request.memory_hits + request.file_hits + request.computed;
    memory += request.memory_hits;
    file += request.file_hits;
    refused += request.refused;
    if (hits) hits << request.memory_hits << ' ' << request.file_hits << '\n';
  }
  std::cout << "requests " << served.size() << "\nblocks " << blocks << "\nmemory_hits " << memory
            << "\nfile_hits " << file << "\nrefused " << refused  //
            << "\nmemory_evicted " << manager.memory().counts().evicted << "\nmemory_dropped "
            << manager.memory().counts().dropped << "\nfile_inserted "
            << manager.file().counts().inserted << "\nfile_evicted "
            << manager.file().counts().evicted << "\nrecovered " << manager.recovered() << "\ntorn "
            << manager.blocks().torn() << "\ndirect " << manager.blocks().direct() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options(argc, argv);
    kv::ManagerSpec spec;
    spec.folder = options.text("--folder", ".");
    spec.memory_policy = options.text("--memory-policy", spec.memory_policy);
    spec.file_policy = options.text("--file-policy", spec.file_policy);
    spec.placement = options.text("--placement", spec.placement);
    spec.memory_blocks = options.number("--memory-blocks", 1000);
    spec.file_blocks = options.number("--file-blocks", 10000);
    spec.block_bytes = options.number("--block-bytes", spec.block_bytes);
    spec.workers = options.number("--workers", spec.workers);
    spec.direct = options.number("--direct", 1) != 0;
    spec.tapes = options.text("--tapes", "");
    const std::vector<Keys> trace = read_trace(options.text("--trace", "trace.txt"));
    const Run run{options.number("--threads", 1), options.number("--kill-after", 0)};
    const std::string hits = options.text("--hits", "");
    options.check_all_known();
    if (spec.block_bytes == 0 || spec.block_bytes % kv::kAlignment != 0) {
      throw std::runtime_error("--block-bytes must be a multiple of 4096");
    }
    kv::Manager manager(spec);
    report(manager, serve_all(manager, trace, run), hits);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kv_manager: %s\n", error.what());
    return 1;
  }
}
