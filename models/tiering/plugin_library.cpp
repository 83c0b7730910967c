#include "models/tiering/plugin_library.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <stdexcept>

namespace tiercast::tiering {

namespace fs = std::filesystem;

namespace {

std::runtime_error unfit(const std::string& file, const std::string& why) {
  return std::runtime_error(file + " " + why);
}

/// The library that an address belongs to.
void* library_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

/// What the dynamic linker says, without the file's name before it.
std::string loader_words(const std::string& path) {
  const char* said = dlerror();
  std::string words = said != nullptr ? said : "no reason given";
  if (words.starts_with(path + ": ")) words.erase(0, path.size() + 2);
  return words;
}

}  // namespace

PluginLibrary::PluginLibrary(const std::string& file) {
  try {
    load(file);
  } catch (...) {
    if (library_ != nullptr) dlclose(library_);
    throw;
  }
}

PluginLibrary::~PluginLibrary() { dlclose(library_); }

void PluginLibrary::load(const std::string& file) {
  std::error_code error;
  if (!fs::exists(file, error)) throw unfit(file, "does not exist");
  if (!fs::is_regular_file(file, error)) throw unfit(file, "is no file");
  const std::string path = fs::absolute(file).string();  // a bare name would be looked up elsewhere
  library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw unfit(file, "cannot be loaded: " + loader_words(path));
  void* symbol = dlsym(library_, TP_PLUGIN_ENTRY_SYMBOL);
  if (symbol == nullptr) {
    throw unfit(file, std::string("is no plug-in: it does not export ") + TP_PLUGIN_ENTRY_SYMBOL);
  }
  const tp_plugin* plugin =
      reinterpret_cast<tp_plugin_entry_fn>(symbol)(TP_ABI_MAJOR, TP_ABI_MINOR);
  const std::string version = std::to_string(TP_ABI_MAJOR) + "." + std::to_string(TP_ABI_MINOR);
  if (plugin == nullptr)
    throw unfit(file, "does not serve version " + version + " of the contract");
  if (library_of(plugin) != library_of(symbol)) {
    throw unfit(file,
                "answers with the tables of another library that is loaded: put its classes in an "
                "unnamed namespace, or compile it with -fvisibility=hidden");
  }
  if (plugin->size < TP_PLUGIN_SIZE_MIN) {
    throw unfit(file, "answers with a tp_plugin of " + std::to_string(plugin->size) +
                          " bytes, too few for any version of the contract");
  }
  tp_plugin offered{};
  std::memcpy(&offered, plugin, std::min<std::size_t>(plugin->size, sizeof offered));
  take_table(file, offered.cache, cache_);
  take_table(file, offered.placement, placement_);
  take_table(file, offered.router, router_);
  if (cache() == nullptr && placement() == nullptr && router() == nullptr) {
    throw unfit(file, "offers no policy: all its tables are NULL");
  }
}

template <class Table>
void PluginLibrary::take_table(const std::string& file, const Table* given, Table& table) const {
  if (given == nullptr) return;
  if (given->size < offsetof(Table, create)) throw unfit(file, "answers with an empty table");
  std::memcpy(&table, given, std::min<std::size_t>(given->size, sizeof table));
  table.size = std::min<uint32_t>(given->size, sizeof table);
  const tp_info* info = table.info != nullptr ? table.info() : nullptr;
  if (info == nullptr || info->name == nullptr || info->version == nullptr) {
    throw unfit(file, "answers with a table whose info lacks a name or a version");
  }
  if (info->abi_major != TP_ABI_MAJOR) {
    throw unfit(file, "speaks version " + std::to_string(info->abi_major) +
                          " of the contract, not " + std::to_string(TP_ABI_MAJOR));
  }
  if ((info->capabilities & TP_CAP_NEEDS_FUTURE) != 0) {
    throw unfit(file, "wants to know the future, which no plug-in is told");
  }
}

}  // namespace tiercast::tiering
