#include "models/tiering/plugin.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string_view>
#include <tuple>

#include "models/tiering/isolated_tables.hpp"
#include "models/tiering/plugin_library.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::tiering {

Plugin::Plugin(const std::string& file, const PluginUse& use)
    : file_(file), hash_(file_hash(file)), use_(use) {
  if (use.isolated) {
    isolated_ = std::make_unique<IsolatedTables>(file, use.call_limit_ns);
  } else {
    library_ = std::make_unique<PluginLibrary>(file);
  }
}

Plugin::~Plugin() = default;

std::shared_ptr<const Plugin> Plugin::load(const std::string& file, const PluginUse& use,
                                           std::string& error) {
  using Key = std::tuple<std::string, bool, int64_t>;
  static std::map<Key, std::weak_ptr<const Plugin>> loaded;
  std::error_code ignored;
  const Key key{std::filesystem::weakly_canonical(file, ignored).string(), use.isolated,
                use.call_limit_ns};
  std::shared_ptr<const Plugin> plugin = loaded[key].lock();
  if (plugin != nullptr) return plugin;
  try {
    plugin = std::make_shared<const Plugin>(file, use);
  } catch (const std::runtime_error& fault) {
    error = fault.what();
    return nullptr;
  }
  loaded[key] = plugin;
  return plugin;
}

const tp_cache_table* Plugin::cache() const {
  return isolated_ != nullptr ? isolated_->cache() : library_->cache();
}

const tp_placement_table* Plugin::placement() const {
  return isolated_ != nullptr ? isolated_->placement() : library_->placement();
}

const tp_router_table* Plugin::router() const {
  return isolated_ != nullptr ? isolated_->router() : library_->router();
}

void Plugin::check_end() const {
  if (isolated_ != nullptr) isolated_->check_end();
}

std::string file_hash(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  StreamHash hash;
  std::array<char, 1 << 16> bytes{};
  while (stream.read(bytes.data(), bytes.size()), stream.gcount() > 0) {
    hash.add_bytes(bytes.data(), static_cast<std::size_t>(stream.gcount()));
  }
  return stream.eof() ? to_hex(hash.digest128()) : "";
}

}  // namespace tiercast::tiering
