#pragma once

#include <string>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// A plug-in's shared library in this process.
class PluginLibrary {
 public:
  /// Loads it and asks it for its tables. Throws std::runtime_error with a sentence that begins
  /// with the file's name.
  explicit PluginLibrary(const std::string& file);
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;
  ~PluginLibrary();

  /// NULL where it has none. Entries that the plug-in does not know are NULL.
  const tp_cache_table* cache() const { return cache_.size != 0 ? &cache_ : nullptr; }
  const tp_placement_table* placement() const {
    return placement_.size != 0 ? &placement_ : nullptr;
  }
  const tp_router_table* router() const { return router_.size != 0 ? &router_ : nullptr; }

 private:
  void load(const std::string& file);
  template <class Table>
  void take_table(const std::string& file, const Table* given, Table& table) const;

  void* library_ = nullptr;
  tp_cache_table cache_{};
  tp_placement_table placement_{};
  tp_router_table router_{};
};

}  // namespace tiercast::tiering
