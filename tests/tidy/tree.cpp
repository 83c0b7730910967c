#include "tests/tidy/tree.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

namespace tiercast::tidy {
namespace {

namespace fs = std::filesystem;

bool is_text(const fs::path& path) {
  static const std::vector<std::string> extensions = {
      ".hpp", ".cpp", ".h",  ".c",   ".md",  ".yaml", ".yml", ".json", ".cmake",
      ".txt", ".in",  ".sh", ".csv", ".css", ".html", ".js",  ".S",    ""};
  const std::string extension = path.extension().string();
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

// Inputs that are wrong on purpose, and expected outputs that must keep their bytes.
bool is_test_data(std::string_view path) {
  if (!path.starts_with("tests/")) return false;
  return !(path.ends_with(".cpp") || path.ends_with(".hpp") || path.ends_with(".c") ||
           path.ends_with(".h"));
}

// Third-party assets ship as their authors made them.
bool is_vendored(std::string_view path) { return path.find(".min.") != std::string_view::npos; }

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void read_into(Tree& tree, const fs::path& root, const fs::path& path) {
  const std::string relative = path.lexically_relative(root).generic_string();
  if (!is_text(path) || is_test_data(relative) || is_vendored(relative)) return;
  tree.push_back(make_file(relative, read_text(path)));
}

}  // namespace

SourceFile make_file(std::string path, std::string_view text) {
  SourceFile file;
  file.path = std::move(path);
  file.final_newline = text.empty() || text.back() == '\n';
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    file.lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return file;
}

Tree read_tree(const fs::path& root) {
  Tree tree;
  for (const fs::directory_entry& top : fs::directory_iterator(root)) {
    const std::string name = top.path().filename().string();
    if (top.is_regular_file() && name != ".git") read_into(tree, root, top.path());
    if (!top.is_directory() || name == ".git" || name == ".cache" || name == "build" ||
        name == "install") {
      continue;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top.path())) {
      if (entry.is_regular_file()) read_into(tree, root, entry.path());
    }
  }
  std::sort(tree.begin(), tree.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::string_view line = file.lines[i];
    if (!line.starts_with("#include ")) continue;
    line.remove_prefix(std::string_view("#include ").size());
    const bool angled = line.starts_with('<');
    const std::size_t end = line.find(angled ? '>' : '"', 1);
    if (end == std::string_view::npos) continue;
    includes.push_back({std::string(line.substr(1, end - 1)), angled, i + 1});
  }
  return includes;
}

bool starts_with_any(std::string_view text, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

bool is_header(const SourceFile& file) {
  return file.path.ends_with(".hpp") || file.path.ends_with(".h");
}

bool is_code(const SourceFile& file) {
  return is_header(file) || file.path.ends_with(".cpp") || file.path.ends_with(".c");
}

std::string_view without_comment(std::string_view line) { return line.substr(0, line.find("//")); }

std::size_t find_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const bool starts = at == 0 || !is_word_character(line[at - 1]);
    const std::size_t end = at + word.size();
    if (starts && (end == line.size() || !is_word_character(line[end]))) return at;
  }
  return std::string_view::npos;
}

}  // namespace tiercast::tidy
