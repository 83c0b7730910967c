#include "sim/config/document.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "sim/config/source_check.hpp"
#include "sim/config/tree_builder.hpp"

namespace tiercast::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

std::optional<Node> parse_document(std::string_view text, const std::string& file, Origin origin,
                                   Diagnostics& found, const DocumentLimits& limits) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!found.has_source(file)) found.add_source(file, std::string(text.substr(0, limits.bytes)));
  if (text.size() > limits.bytes) {
    found.error({file, 0, 0}, "the file is larger than " + std::to_string(limits.bytes) + " bytes");
    return std::nullopt;
  }
  if (!check_source(text, file, found)) return std::nullopt;
  return build_tree(text, file, origin, found, limits);
}

std::optional<Node> read_document(const std::string& path, Origin origin, Diagnostics& found,
                                  const DocumentLimits& limits) {
  std::error_code ignored;  // what cannot be asked cannot be read either, which is told below
  if (std::filesystem::is_directory(path, ignored)) {
    found.error({path, 0, 0}, "this is a directory", "name a file in it");
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text;
  text.resize(limits.bytes + 1);  // a byte more than allowed tells that there are too many
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || (file.fail() && !file.eof())) {
    found.error({path, 0, 0}, "cannot read the file", "check the path and the permissions");
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_document(text, path, origin, found, limits);
}

}  // namespace tiercast::config
