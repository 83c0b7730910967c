#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/text.hpp"

namespace tiercast {

/// Where something was written. Lines and columns count from 1, columns in characters;
/// line 0 means the file (or flag, or variable) as a whole.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Severity { error, warning };

struct Diagnostic {
  Severity severity = Severity::error;
  Place place;
  std::string message;
  std::vector<std::string> hints;  ///< ways out, each a sentence
};

/// Collects everything that is wrong with the input, so that a user sees all of it at once.
///
///     Diagnostics found;
///     found.add_source("a.yaml", text);
///     found.error(place, "unknown key `bandwith`", "did you mean `bandwidth`?");
///     if (found.has_errors()) std::cerr << found.render();
///
/// Keeps at most `kKept` diagnostics and counts the rest, so hostile input cannot fill memory.
class Diagnostics {
 public:
  static constexpr std::size_t kKept = 1000;

  /// Keeps the text of `file` for the excerpts of `render`.
  void add_source(std::string file, std::string text);
  bool has_source(std::string_view file) const { return sources_.contains(file); }

  void add(Diagnostic diagnostic);
  void error(Place place, std::string message, std::string hint = {});
  void warning(Place place, std::string message, std::string hint = {});

  bool has_errors() const { return errors_ > 0; }
  std::size_t error_count() const { return errors_; }
  std::size_t warning_count() const { return warnings_; }

  /// Sorted by place, then by order of finding; exact repeats are dropped.
  std::vector<Diagnostic> sorted() const;

  struct RenderOptions {
    std::size_t limit = 20;  ///< diagnostics shown before "and N more"
    bool color = false;
  };
  /// `file:line:column: error: message`, the source line with a caret, `hint: ...` lines.
  std::string render(const RenderOptions& options) const;
  std::string render() const { return render(RenderOptions{}); }

 private:
  std::string excerpt(const Place& place) const;

  std::vector<Diagnostic> found_;
  std::map<std::string, std::string, std::less<>> sources_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

/// `file:line:column`, leaving out what is zero.
std::string to_text(const Place& place);

}  // namespace tiercast
