#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/scenario/plugins.hpp"
#include "models/tiering/tapes.hpp"

namespace tiercast::cli {

/// Decision tapes as files of a folder, `<pool>.tape` each.
class TapeFiles : public tiering::Tapes {
 public:
  /// Makes the folder. Throws std::runtime_error where that cannot be.
  /// plugins: those of the run, whose tapes say so.
  TapeFiles(const std::string& folder, const scenario::UsedPlugins& plugins);
  TapeFiles(const TapeFiles&) = delete;
  TapeFiles& operator=(const TapeFiles&) = delete;
  ~TapeFiles() override;

  /// Throws std::runtime_error where the file cannot be made.
  const tp_tape& open(const std::string& pool, const void* table) override;
  /// To be called once all pools are gone. Throws std::runtime_error where a tape was not written.
  void close();

 private:
  struct File;

  /// Of a plug-in's table; NULL of any other.
  const char* build_of(const void* table) const;

  std::string folder_;
  const scenario::UsedPlugins* plugins_;
  std::vector<std::unique_ptr<File>> files_;
};

}  // namespace tiercast::cli
