#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// In front of every saved state. It fits only an instance of the same policy, shape, parameters
/// and seed: of the same identity.
struct SavedHeader {
  uint64_t identity;
  uint64_t size;
  uint64_t checksum;
};

/// The identity of a policy that no pool shapes.
inline uint64_t identity_of(std::string_view name, const ParameterValues& values, uint64_t seed) {
  StateHash hash;
  hash.add(checksum(name.data(), name.size()));
  hash.add(uint64_t{TP_ABI_MAJOR} << 32 | TP_ABI_MINOR);
  for (std::size_t i = 0; i < values.parameters().size(); ++i) {
    const double value = values[i];
    hash.add(checksum(&value, sizeof value));
  }
  hash.add(seed);
  return hash.value();
}

/// The save entry of a table for an object with a static archive(self, archive).
template <class T>
int save_state(const T& object, uint64_t identity, void* buffer, size_t capacity, size_t* size) {
  StateSizer sizer;
  T::archive(object, sizer);
  SavedHeader header{identity, sizer.size(), 0};
  *size = sizeof header + header.size;
  if (buffer == nullptr) return TP_OK;
  if (capacity < *size) return TP_ESPACE;
  char* state = static_cast<char*>(buffer) + sizeof header;
  StateWriter writer(state);
  T::archive(object, writer);
  header.checksum = checksum(state, header.size);
  std::memcpy(buffer, &header, sizeof header);
  return TP_OK;
}

/// The restore entry: TP_EINVAL, and nothing changed, for a state that is damaged or another's.
template <class T>
int restore_state(T& object, uint64_t identity, const void* buffer, size_t size) {
  SavedHeader header;
  if (size < sizeof header) return TP_EINVAL;
  std::memcpy(&header, buffer, sizeof header);
  const char* state = static_cast<const char*>(buffer) + sizeof header;
  StateSizer sizer;
  T::archive(object, sizer);
  if (header.identity != identity || header.size != sizer.size() ||
      header.size != size - sizeof header || header.checksum != checksum(state, header.size)) {
    return TP_EINVAL;
  }
  StateReader reader(state);
  T::archive(object, reader);
  return TP_OK;
}

}  // namespace tiercast::policy
