#include "sim/config/table_walk.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace tiercast::config {

TableWalk::TableWalk(const Table& root) { visit(root); }

const std::string& TableWalk::name_of(const Table& table) const {
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& entry) { return entry.table == &table; });
  TIERCAST_CHECK(at != entries_.end(), "table {} was not walked", table.name());
  return at->name;
}

void TableWalk::visit(const Table& table) {
  std::size_t namesakes = 0;
  for (const Entry& entry : entries_) {
    if (entry.table == &table) return;
    if (entry.table->name() == table.name()) ++namesakes;
  }
  const std::string suffix = namesakes > 0 ? '-' + std::to_string(namesakes + 1) : std::string();
  entries_.push_back({&table, table.name() + suffix});
  for (const FieldInfo& field : table.fields()) visit(field.type);
}

void TableWalk::visit(const ValueType& type) {
  for (const TableRef table : type.tables) visit(table());
  for (const ValueType& element : type.element) visit(element);
}

}  // namespace tiercast::config
