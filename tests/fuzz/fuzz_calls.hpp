#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "models/policy/parameters.hpp"
#include "models/policy/tierpolicy.h"
#include "sim/base/check.hpp"

/// What the targets share that turn an input into calls through a policy's table. They link the
/// rooms that they include themselves: sim/base is one for check().
namespace tiercast::fuzz {

inline void check(bool holds, const char* what) { TIERCAST_CHECK(holds, "{}", what); }

/// The rest of the input, number by number; zeros behind its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::uint32_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::uint32_t below(std::uint32_t bound) { return byte() % bound; }
  /// A byte times a power of two, up to about 2^bits.
  std::uint64_t scaled(std::uint32_t bits) {
    const std::uint64_t factor = byte();
    return factor << below(bits - 7);
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

/// All policies of a registry, or those that TIERCAST_FUZZ_POLICY names, separated by commas.
template <class Entry>
std::vector<const Entry*> fuzzed(std::span<const Entry> registry) {
  std::vector<const Entry*> entries;
  const char* const wanted = std::getenv("TIERCAST_FUZZ_POLICY");
  if (wanted == nullptr) {
    for (const Entry& entry : registry) entries.push_back(&entry);
    return entries;
  }
  std::istringstream names(wanted);
  for (std::string name; std::getline(names, name, ',');) {
    const auto found = std::find_if(registry.begin(), registry.end(),
                                    [&](const Entry& entry) { return entry.name == name; });
    TIERCAST_CHECK(found != registry.end(), "TIERCAST_FUZZ_POLICY: no policy '{}'", name);
    entries.push_back(&*found);
  }
  return entries;
}

/// A value for each parameter: its least, default, greatest or one between. Whole numbers stay
/// small, for most of them are sizes.
inline std::string config_from(std::span<const policy::Parameter> parameters, Input& input) {
  std::string config;
  for (const policy::Parameter& parameter : parameters) {
    const bool whole = parameter.kind != policy::ParameterKind::real;
    const double most = whole ? std::min(parameter.max, parameter.min + 96) : parameter.max;
    const std::uint32_t pick = input.byte();
    const double between = parameter.min + (most - parameter.min) * (pick / 255.0);
    const std::array values{parameter.min, std::min(parameter.default_value, most), most,
                            whole ? std::floor(between) : between};
    const auto choices = static_cast<std::uint32_t>(parameter.choices.size());
    const double value = choices != 0 ? pick % choices : values[pick % values.size()];
    config += std::string(parameter.name) + '=' + value_text(parameter, value) + '\n';
  }
  return config;
}

template <class Table, class Policy>
std::vector<char> saved(const Table& table, const Policy* policy) {
  std::size_t size = 0;
  check(table.save(policy, nullptr, 0, &size) == TP_OK, "save's size");
  std::vector<char> state(size);
  check(table.save(policy, state.data(), size, &size) == TP_OK, "save");
  return state;
}

/// The state with one bit turned over.
inline std::vector<char> damaged(std::vector<char> state, Input& input) {
  state[(input.byte() * 256 + input.byte()) % state.size()] ^= 0x10;
  return state;
}

/// Views as a caller of a later minor version has them, with more behind what is known here.
template <class View>
class WideViews {
 public:
  explicit WideViews(std::span<const View> views) {
    for (const View& view : views) {
      views_.push_back({view, 0x0BADBADBADBADBAD});
      views_.back().view.size = sizeof(Wide);
    }
  }
  const View* data() const { return views_.empty() ? nullptr : &views_.front().view; }

 private:
  struct Wide {
    View view;
    std::uint64_t unknown;
  };
  std::vector<Wide> views_;
};

}  // namespace tiercast::fuzz
