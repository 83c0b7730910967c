// JSON documents of other tools, with a path for whatever is wrong in them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/workload/byte_stream.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::calibration {

/// Largest document taken: results with every token's time have tens of megabytes.
inline constexpr std::size_t kJsonBytesMax = std::size_t{512} << 20;

/// A document, and the hash of its bytes. Owns the tree that JsonObject looks into.
class JsonFile {
 public:
  /// Plain, gzip or zstd. Nothing after reporting: unreadable, no JSON (with line and column), not
  /// an object.
  static std::optional<JsonFile> read(const std::string& file, Diagnostics& found);
  static std::optional<JsonFile> read(std::unique_ptr<workload::ByteStream> bytes,
                                      const std::string& file, Diagnostics& found);
  JsonFile(JsonFile&&) noexcept;
  ~JsonFile();

  const std::string& file() const { return file_; }
  std::uint64_t content_hash() const { return content_hash_; }
  const nlohmann::json& root() const { return *root_; }

 private:
  JsonFile(std::string file, std::uint64_t content_hash, nlohmann::json root);

  std::string file_;
  std::uint64_t content_hash_;
  std::unique_ptr<nlohmann::json> root_;
};

/// An object within a document. What is absent or null is nothing; what has another type or lies
/// out of bounds is reported with its path and is nothing.
class JsonObject {
 public:
  JsonObject(const JsonFile& file, Diagnostics& found);

  bool has(std::string_view key) const;
  bool is_text(std::string_view key) const;
  std::optional<double> number(std::string_view key, double lowest = 0,
                               double highest = 1e18) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<JsonObject> object(std::string_view key) const;
  /// The objects of a list; others in it are reported.
  std::vector<JsonObject> objects(std::string_view key) const;
  /// The numbers of a list.
  std::optional<std::vector<double>> numbers(std::string_view key, double lowest = 0) const;
  /// The numbers of a list of lists.
  std::optional<std::vector<std::vector<double>>> number_lists(std::string_view key,
                                                               double lowest = 0) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;

  /// Reports something about the object, or about what is under `key` in it.
  void error(std::string_view key, const std::string& message, const std::string& hint = {}) const;
  void warning(std::string_view key, const std::string& message,
               const std::string& hint = {}) const;
  /// `jobs[0].read`, or `key` within it.
  std::string path(std::string_view key = {}) const;

 private:
  JsonObject(const nlohmann::json& value, std::string path, const std::string& file,
             Diagnostics& found)
      : value_(&value), path_(std::move(path)), file_(&file), found_(&found) {}
  const nlohmann::json* find(std::string_view key) const;
  const nlohmann::json* list(std::string_view key) const;
  bool add_number(const nlohmann::json& item, const std::string& at, double lowest, double highest,
                  std::vector<double>& out) const;

  const nlohmann::json* value_;
  std::string path_;
  const std::string* file_;
  Diagnostics* found_;
};

}  // namespace tiercast::calibration
