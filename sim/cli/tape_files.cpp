#include "sim/cli/tape_files.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tiercast::cli {

namespace {

// Digests take time in proportion to the pool.
constexpr uint32_t kCheckpointCalls = 10'000;

std::string file_name(std::string pool) {
  std::replace_if(
      pool.begin(), pool.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '_');
  return pool + ".tape";
}

}  // namespace

struct TapeFiles::File {
  std::string path;
  std::string pool;
  std::ofstream stream;
  tp_tape tape{};
};

TapeFiles::TapeFiles(const std::string& folder, const scenario::UsedPlugins& plugins)
    : folder_(folder), plugins_(&plugins) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error("cannot make the folder `" + folder + "`: " + error.message());
  }
}

TapeFiles::~TapeFiles() = default;

const char* TapeFiles::build_of(const void* table) const {
  const auto used = std::find_if(plugins_->begin(), plugins_->end(), [&](const auto& plugin) {
    return plugin.plugin->cache() == table || plugin.plugin->placement() == table;
  });
  return used == plugins_->end() ? nullptr : used->plugin->hash().c_str();
}

const tp_tape& TapeFiles::open(const std::string& pool, const void* table) {
  auto file = std::make_unique<File>();
  file->pool = pool;
  file->path = (std::filesystem::path(folder_) / file_name(pool)).string();
  file->stream.open(file->path, std::ios::binary | std::ios::trunc);
  if (!file->stream) throw std::runtime_error("cannot write " + file->path);
  file->tape = {sizeof(tp_tape),
                kCheckpointCalls,
                file->pool.c_str(),
                file.get(),
                [](void* host, const void* bytes, size_t size) {
                  std::ofstream& stream = static_cast<File*>(host)->stream;
                  stream.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
                  return stream.good() ? 0 : 1;
                },
                build_of(table)};
  files_.push_back(std::move(file));
  return files_.back()->tape;
}

void TapeFiles::close() {
  for (const std::unique_ptr<File>& file : files_) {
    file->stream.close();
    if (!file->stream) throw std::runtime_error("cannot write " + file->path);
  }
}

}  // namespace tiercast::cli
