#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/tiering/tapes.hpp"

namespace tiercast::cli {

/// Decision tapes as files of a folder, `<pool>.tape` each.
class TapeFiles : public tiering::Tapes {
 public:
  /// Makes the folder. Throws std::runtime_error where that cannot be.
  explicit TapeFiles(const std::string& folder);
  TapeFiles(const TapeFiles&) = delete;
  TapeFiles& operator=(const TapeFiles&) = delete;
  ~TapeFiles() override;

  /// Throws std::runtime_error where the file cannot be made.
  const tp_tape& open(const std::string& pool) override;
  /// To be called once all pools are gone. Throws std::runtime_error where a tape was not written.
  void close();

 private:
  struct File;

  std::string folder_;
  std::vector<std::unique_ptr<File>> files_;
};

}  // namespace tiercast::cli
