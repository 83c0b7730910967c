#pragma once

#include <string>
#include <string_view>

namespace tiercast::config {

/// A fault of the YAML scanner in words that say what to look for.
struct YamlFault {
  std::string message;
  std::string hint;
  char unclosed = 0;  ///< the bracket whose end is missing: the place to show is where it opens
};

/// yaml-cpp's messages are about its scanner; the frequent ones are put in plain words.
YamlFault in_plain_words(std::string_view said);

}  // namespace tiercast::config
