#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

class IsolatedTables;
class PluginLibrary;

/// How a plug-in runs. It decides nothing: both ways give the same results.
struct PluginUse {
  bool isolated = false;      ///< in a process of its own, whose end is a PolicyFault and no more
  int64_t call_limit_ns = 0;  ///< wall time of a call, where isolated; 0: none
};

/// A user's own policies: a shared library behind tp_plugin_entry. Whatever uses a table must end
/// before the object does.
class Plugin {
 public:
  /// On failure null and in `error` a sentence that begins with the file's name. Asked again while
  /// somebody holds it, it is the same object.
  static std::shared_ptr<const Plugin> load(const std::string& file, const PluginUse& use,
                                            std::string& error);
  Plugin(const std::string& file, const PluginUse& use);
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin();

  /// NULL where it has none.
  const tp_cache_table* cache() const;
  const tp_placement_table* placement() const;
  const tp_router_table* router() const;

  const std::string& file() const { return file_; }
  /// Of the file's bytes.
  const std::string& hash() const { return hash_; }
  const PluginUse& use() const { return use_; }

  /// After the last instance has gone: throws PolicyFault where one failed as it was destroyed.
  void check_end() const;

 private:
  std::string file_;
  std::string hash_;
  PluginUse use_;
  std::unique_ptr<PluginLibrary> library_;
  std::unique_ptr<IsolatedTables> isolated_;
};

/// Digest of a file's bytes, 32 hexadecimal digits; empty where it cannot be read.
std::string file_hash(const std::string& file);

}  // namespace tiercast::tiering
