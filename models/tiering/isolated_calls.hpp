#pragma once

#include <algorithm>
#include <cstring>

#include "models/tiering/isolated_tables.hpp"

namespace tiercast::tiering {

/// What the calls of every kind of policy that runs in a child process have in common. `info` and
/// `entries` are the members of IsolatedTables for that kind.
template <class Policy, class Table, auto info, auto entries>
struct IsolatedTables::Calls {
  /// What an instance that the host holds is: the child's own behind this object.
  struct Instance {
    IsolatedTables* home;
    Policy* there;
    uint32_t capacity_blocks = 0;     ///< of a cache: its pool's
    mutable size_t answer_spans = 0;  ///< of a cache: that its latest answer has
  };

  static const Instance& of(const Policy* self) { return *reinterpret_cast<const Instance*>(self); }

  /// body(child, the plug-in's entries, its instance).
  template <class Body>
  static auto call(const Policy* self, const char* name, int64_t now_ns, Body body) {
    const Instance& instance = of(self);
    IsolatedTables& home = *instance.home;
    return home.call(home.*info, name, now_ns, [&](ChildProcess& child) {
      return body(child, home.*entries, instance.there);
    });
  }

  /// make(config, out, error) calls the plug-in's create in the child.
  template <class Make>
  static int create(IsolatedTables& home, const char* config, Policy** out, char* error,
                    size_t error_size, Make make) {
    return home.call(home.*info, "create", kNoTime, [&](ChildProcess& child) {
      auto* instance = child.room<Policy*>();
      *instance = nullptr;
      char* said = child.copy(error, error_size);
      const int code = make(child, child.copy(config, std::strlen(config) + 1), instance, said);
      if (said != nullptr) std::memcpy(error, said, error_size);
      if (*instance != nullptr) {
        *out = reinterpret_cast<Policy*>(new Instance{&home, *instance});
      }
      return code;
    });
  }

  static void destroy(Policy* self) {
    const Instance* instance = &of(self);
    IsolatedTables& home = *instance->home;
    try {
      if (!home.child_.is_lost()) {
        call(self, "destroy", kNoTime, [](ChildProcess& child, const Table& there, Policy* policy) {
          child.run([entry = there.destroy, policy] { entry(policy); });
        });
      }
    } catch (const PolicyFault& fault) {
      home.end_fault_ = fault;
    }
    delete instance;
  }

  static int save(const Policy* self, void* buffer, size_t capacity, size_t* size) {
    return call(
        self, "save", kNoTime, [&](ChildProcess& child, const Table& there, Policy* policy) {
          char* bytes = buffer != nullptr ? child.room<char>(capacity) : nullptr;
          auto* needed = child.copy(size);
          const int code = ask(child, [entry = there.save, policy, bytes, capacity, needed] {
            return entry(policy, bytes, capacity, needed);
          });
          *size = *needed;
          if (bytes != nullptr && code == TP_OK)
            std::memcpy(buffer, bytes, std::min(*size, capacity));
          return code;
        });
  }

  static int restore(Policy* self, const void* buffer, size_t size) {
    return call(self, "restore", kNoTime,
                [&](ChildProcess& child, const Table& there, Policy* policy) {
                  const char* bytes = child.copy(static_cast<const char*>(buffer), size);
                  return ask(child, [entry = there.restore, policy, bytes, size] {
                    return entry(policy, bytes, size);
                  });
                });
  }

  static uint64_t hash_state(const Policy* self) {
    return call(self, "hash_state", kNoTime,
                [](ChildProcess& child, const Table& there, Policy* policy) {
                  return ask(child, [entry = there.hash_state, policy] { return entry(policy); });
                });
  }
};

}  // namespace tiercast::tiering
