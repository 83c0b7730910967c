#pragma once

#include <string>
#include <vector>

#include "sim/base/field_info.hpp"

namespace tiercast::config {

/// The tables reachable from a root, each once, in order of first mention, under unique names
/// (`fixed`, `fixed-2`: alternatives of different fields may share a name).
class TableWalk {
 public:
  explicit TableWalk(const Table& root);

  struct Entry {
    const Table* table;
    std::string name;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  const std::string& name_of(const Table& table) const;

 private:
  void visit(const Table& table);
  void visit(const ValueType& type);

  std::vector<Entry> entries_;
};

}  // namespace tiercast::config
