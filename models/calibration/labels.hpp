// Short texts that measurements are grouped and named by.
#pragma once

#include <string>
#include <string_view>

namespace tiercast::calibration {

/// `1`, `2 to 4`, `5 to 16`, ... in powers of four: the class of a size of at least 1.
std::string size_class(double size);
/// A number without its fraction.
std::string whole(double number);
/// A file's name without its folder.
std::string base_name(std::string_view file);

}  // namespace tiercast::calibration
