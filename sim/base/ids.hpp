#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace tiercast {

/// A strong dense identifier: an index into an array of one kind of thing.
///
///     using InstanceId = Id<struct InstanceTag>;
///     instances[id.index()]
///
/// A default-made id is `none` and orders after every real one.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t value) : value_(value) {}

  static constexpr Id none() { return Id{}; }
  constexpr bool valid() const { return value_ != kNone; }
  constexpr std::uint32_t value() const { return value_; }
  constexpr std::size_t index() const { return value_; }

  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t value_ = kNone;
};

}  // namespace tiercast

template <class Tag>
struct std::hash<tiercast::Id<Tag>> {
  std::size_t operator()(tiercast::Id<Tag> id) const noexcept {
    return std::hash<std::uint32_t>{}(id.value());
  }
};
