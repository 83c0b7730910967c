#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tiercast::tidy {

/// A text file of the repository, as the rules see it.
struct SourceFile {
  std::string path;                // relative to the root, with '/'
  std::vector<std::string> lines;  // without their line ends
  bool final_newline = true;
};

using Tree = std::vector<SourceFile>;

/// One breach of a rule. Line 0 means the file or folder as a whole.
struct Finding {
  std::string path;
  std::size_t line = 0;
  std::string message;
};

using Findings = std::vector<Finding>;

/// A file from its text, as it would be read from disk.
SourceFile make_file(std::string path, std::string_view text);

/// Every text file under root that people write, in order of path. Build output, version control
/// and the inputs under tests/ that are broken on purpose are left out.
Tree read_tree(const std::filesystem::path& root);

/// "#include <x>" or "#include \"x\"".
struct Include {
  std::string target;
  bool angled = false;
  std::size_t line = 0;
};

std::vector<Include> includes_of(const SourceFile& file);

bool starts_with_any(std::string_view text, const std::vector<std::string_view>& prefixes);
bool is_header(const SourceFile& file);
bool is_code(const SourceFile& file);

/// The line without a trailing // comment. Quotes are not parsed, so "//" in a string also cuts it.
std::string_view without_comment(std::string_view line);

/// Position of word in line where no letter, digit or underscore touches it; npos where absent.
std::size_t find_word(std::string_view line, std::string_view word);

}  // namespace tiercast::tidy
