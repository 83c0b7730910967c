#include "file_tier.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <stdexcept>
#include <sys/uio.h>
#include <unistd.h>

namespace kv {

namespace {

[[noreturn]] void fatal(const char* what) {
  std::perror(what);
  std::abort();
}

int open_file(const std::string& path, int flags) {
  return open(path.c_str(), O_RDWR | O_CREAT | flags, 0644);
}

}  // namespace

FileTier::FileTier(const std::string& folder, uint32_t frames, uint32_t block_bytes, bool direct)
    : block_bytes_(block_bytes), direct_(direct), sums_(frames) {
  const std::string path = folder + "/blocks";
  if (direct_) data_ = open_file(path, O_DIRECT);
  if (data_ < 0) {
    if (direct_)
      std::fprintf(stderr, "%s: no O_DIRECT here, going through the page cache\n", path.c_str());
    direct_ = false;
    data_ = open_file(path, 0);
  }
  index_ = open_file(folder + "/index", 0);
  if (data_ < 0 || index_ < 0) throw std::runtime_error("cannot open files in " + folder);
  if (ftruncate(data_, static_cast<off_t>(frames) * block_bytes) != 0 ||
      ftruncate(index_, static_cast<off_t>(frames * sizeof(Entry))) != 0) {
    throw std::runtime_error("no room for the files in " + folder);
  }
}

FileTier::~FileTier() {
  close(data_);
  close(index_);
}

std::vector<FileTier::Found> FileTier::recover() {
  std::map<uint64_t, Found> by_sequence;
  std::map<Key, uint64_t> newest;
  auto* const block = static_cast<char*>(std::aligned_alloc(kAlignment, block_bytes_));
  for (uint32_t frame = 0; frame < sums_.size(); ++frame) {
    Entry entry{};
    const auto at = static_cast<off_t>(frame * sizeof entry);
    if (pread(index_, &entry, sizeof entry, at) != sizeof entry) fatal("reading the index");
    if (entry.sequence == 0 && entry.check == 0) continue;
    const auto place = static_cast<off_t>(frame) * block_bytes_;
    if (pread(data_, block, block_bytes_, place) != block_bytes_) fatal("reading a block");
    if (entry.check != checksum(&entry, offsetof(Entry, check)) ||
        entry.sum != checksum(block, block_bytes_)) {
      ++torn_;
      continue;
    }
    sums_[frame] = entry.sum;
    sequence_ = std::max(sequence_.load(), entry.sequence);
    by_sequence[entry.sequence] = {frame, entry.key};
    const auto [known, first] = newest.try_emplace(entry.key, entry.sequence);
    if (first) continue;  // else it was written twice, having left in between
    by_sequence.erase(std::min(known->second, entry.sequence));
    known->second = std::max(known->second, entry.sequence);
  }
  std::free(block);
  std::vector<Found> found;
  for (const auto& [sequence, block_found] : by_sequence) found.push_back(block_found);
  return found;
}

std::shared_ptr<Batch> FileTier::read(Workers& workers, std::vector<Move> moves) {
  return start(workers, std::move(moves), true);
}
std::shared_ptr<Batch> FileTier::write(Workers& workers, std::vector<Move> moves) {
  return start(workers, std::move(moves), false);
}

std::shared_ptr<Batch> FileTier::start(Workers& workers, std::vector<Move> moves, bool reads) {
  constexpr std::size_t kMost = 64;  // blocks of one operation, so that several threads share work
  const auto all = std::make_shared<std::vector<Move>>(std::move(moves));
  std::vector<std::function<void()>> jobs;
  for (std::size_t first = 0; first < all->size();) {
    std::size_t end = first + 1;
    while (end < all->size() && end - first < kMost &&
           (*all)[end].frame == (*all)[end - 1].frame + 1) {
      ++end;
    }
    jobs.push_back([this, all, first, end, reads] { move(&(*all)[first], end - first, reads); });
    first = end;
  }
  return workers.start(std::move(jobs));
}

void FileTier::move(const Move* first, std::size_t count, bool reads) {
  std::vector<iovec> memory;
  for (std::size_t i = 0; i < count; ++i) memory.push_back({first[i].memory, block_bytes_});
  const auto place = static_cast<off_t>(first->frame) * block_bytes_;
  const auto parts = static_cast<int>(count);
  const ssize_t moved = reads ? preadv(data_, memory.data(), parts, place)
                              : pwritev(data_, memory.data(), parts, place);
  if (moved != static_cast<ssize_t>(count * block_bytes_)) fatal("moving blocks");
  for (std::size_t i = 0; i < count; ++i) {
    const uint64_t sum = checksum(first[i].memory, block_bytes_);
    uint64_t& known = sums_[first[i].frame];
    if (reads) {
      if (sum != known) fatal("a block that is not what was written");
      continue;
    }
    known = sum;
    Entry entry{first[i].key, sum, ++sequence_, 0};
    entry.check = checksum(&entry, offsetof(Entry, check));
    const auto at = static_cast<off_t>(first[i].frame * sizeof entry);
    if (pwrite(index_, &entry, sizeof entry, at) != sizeof entry) fatal("writing the index");
  }
}

}  // namespace kv
