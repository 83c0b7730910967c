#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/policy/placement.hpp"
#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "models/tiering/checked_cache.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/call_watchdog.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/plugin_argument.hpp"

namespace tiercast::cli {

namespace {

using policy::TapeReader;
using policy::TapeVerdict;
using Kind = TapeVerdict::Kind;
using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A policy that tapes are replayed against.
struct Replayed {
  const tp_cache_table* cache = nullptr;  // or:
  const tp_placement_table* placement = nullptr;
  std::shared_ptr<const tiering::Plugin> plugin;  // of one that is not the library's

  /// NULL where none was found.
  const tp_info* info() const {
    if (cache != nullptr) return cache->info();
    return placement != nullptr ? placement->info() : nullptr;
  }
  std::string build() const { return plugin != nullptr ? plugin->hash() : ""; }
};

/// What became of one file.
struct Verified {
  std::string file;
  policy::TapeHeader header;
  TapeVerdict verdict;
  Replayed against;
  std::string fault{};  ///< how an isolated plug-in ended, which leaves no verdict
};

// What a tape that is at fault adds to the exit code; a difference outweighs it.
int exit_code(const Verified& tape, bool unfinished) {
  if (!tape.fault.empty()) return exit_error;
  switch (tape.verdict.kind) {
    case Kind::identical:
      return exit_ok;
    case Kind::differs:
      return exit_error;
    case Kind::cut:
      return unfinished ? exit_ok : exit_bad_input;
    case Kind::bad_tape:
    case Kind::no_policy:
      break;
  }
  return exit_bad_input;
}

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::identical:
      return "identical";
    case Kind::differs:
      return "differs";
    case Kind::cut:
      return "cut";
    case Kind::bad_tape:
      return "bad tape";
    case Kind::no_policy:
      break;
  }
  return "no policy";
}

Replayed find_plugin(policy::TapeKind kind, const std::string& file, const Arguments& arguments,
                     std::string& error) {
  Replayed found;
  found.plugin = load_plugin(file, arguments, error);
  if (found.plugin == nullptr) return found;
  const bool places = kind == policy::TapeKind::placement;
  if (places) found.placement = found.plugin->placement();
  if (!places) found.cache = found.plugin->cache();
  if (found.info() == nullptr) {
    error = file + " has no " + (places ? "placement" : "cache") + " policy";
  }
  return found;
}

template <class Entries>
std::string unknown_policy(const Entries& entries, const std::string& name) {
  const std::string near(policy::nearest_name(entries, name));
  return "no policy `" + printable(name) + "` here" +
         (near.empty() ? "" : ", did you mean `" + near + "`?") +
         "; --policy NAME replays against another, --policy FILE.so against a plug-in's";
}

Replayed find_builtin(policy::TapeKind kind, const std::string& name, std::string& error) {
  Replayed found;
  if (kind == policy::TapeKind::placement) {
    found.placement = tp_find_builtin_placement(name.c_str());
    if (found.placement == nullptr) error = unknown_policy(policy::placement_policies(), name);
  } else {
    found.cache = tp_find_builtin_cache(name.c_str());
    if (found.cache == nullptr) error = unknown_policy(policy::cache_policies(), name);
  }
  return found;
}

/// That of the tape, or the one that is asked for.
Replayed find_policy(const policy::TapeHeader& header, const Arguments& arguments,
                     std::string& error) {
  if (!arguments.policies.empty()) {
    const std::string& name = arguments.policies.front();
    return names_file(name) ? find_plugin(header.kind, name, arguments, error)
                            : find_builtin(header.kind, name, error);
  }
  if (header.policy_build.empty()) return find_builtin(header.kind, header.policy, error);
  error = "its policy `" + printable(header.policy) + "` " + printable(header.policy_version) +
          " came from a plug-in, file hash " + printable(header.policy_build) +
          "; --policy FILE.so says where that is";
  return {};
}

/// Gives the calls to the policy that `tape` is verified against.
void replay(TapeReader& reader, Verified& tape) {
  const Replayed& against = tape.against;
  try {
    tape.verdict = against.cache != nullptr
                       ? policy::replay_tape(reader, *against.cache, against.build())
                       : policy::replay_tape(reader, *against.placement, against.build());
    if (against.plugin != nullptr) against.plugin->check_end();
  } catch (const tiering::PolicyFault& fault) {
    tape.fault = fault.what();
  }
}

Verified verify(const std::string& path, const Arguments& arguments) {
  Verified result{path, {}, {}, {}};
  const FileHandle file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) {
    result.verdict.kind = Kind::bad_tape;
    result.verdict.error = "cannot read the file";
    return result;
  }
  TapeReader reader(
      [&](void* buffer, std::size_t size) { return std::fread(buffer, 1, size, file.get()); });
  result.header = reader.header();
  if (!reader.error().empty()) {
    result.verdict.kind = Kind::bad_tape;
    result.verdict.error = reader.error();
    return result;
  }
  std::optional<CallWatchdog> watchdog;
  if (arguments.call_limit_s > 0 && !arguments.isolate_plugins) {
    watchdog.emplace(call_limit_ns(arguments));
  }
  result.against = find_policy(reader.header(), arguments, result.verdict.error);
  if (result.against.info() == nullptr) {
    result.verdict.kind = Kind::no_policy;
    return result;
  }
  replay(reader, result);
  if (std::ferror(file.get()) != 0) {
    result.verdict.kind = Kind::bad_tape;
    result.verdict.error = "cannot read the file to its end";
  }
  return result;
}

std::string counted(uint64_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// `lru` 0.1.0 of the library, `mine` 1.0 of a plug-in with that hash.
std::string policy_text(const std::string& name, const std::string& version,
                        const std::string& build) {
  return "`" + printable(name) + "` " + printable(version) +
         (build.empty() ? " of the library" : " of plug-in " + printable(build));
}

/// Which policies were compared, where they are not one and the same.
std::string policies_text(const Verified& tape) {
  if (tape.against.info() == nullptr) return {};
  const tp_info& info = *tape.against.info();
  const policy::TapeHeader& header = tape.header;
  const std::string recorded =
      policy_text(header.policy, header.policy_version, header.policy_build);
  const std::string replayed =
      policy_text(info.name, info.version != nullptr ? info.version : "", tape.against.build());
  if (recorded == replayed) return {};
  return "  recorded with " + recorded + "\n  replayed with " + replayed + "\n";
}

std::string states_text(const TapeVerdict& verdict) {
  std::string text = counted(verdict.checkpoints, "checkpoint");
  if (verdict.same_build) return text;
  return text + fmt::format(" ({} of them with the same state, as another build may have others)",
                            verdict.equal_states);
}

std::string to_text(const Verified& tape, bool unfinished) {
  const TapeVerdict& verdict = tape.verdict;
  std::string text = tape.file + ": ";
  if (!tape.fault.empty()) return text + tape.fault + "\n";
  switch (verdict.kind) {
    case Kind::identical:
      return text + fmt::format("identical throughout, {}, {}\n", counted(verdict.calls, "call"),
                                states_text(verdict));
    case Kind::cut:
      return text + fmt::format("identical as far as it goes, {}, {}; {}{}\n",
                                counted(verdict.calls, "call"), states_text(verdict), verdict.error,
                                unfinished ? "" : " (--unfinished takes it nevertheless)");
    case Kind::differs:
      return text + fmt::format(
                        "differs at call {}, byte {}\n  {}\n  recorded: {}\n  "
                        "replayed: {}\n",
                        verdict.call, verdict.place, verdict.what, verdict.recorded,
                        verdict.replayed);
    case Kind::bad_tape:
    case Kind::no_policy:
      break;
  }
  return text + verdict.error + "\n";
}

std::string page(const Verified& tape, bool unfinished) {
  return to_text(tape, unfinished) + policies_text(tape);
}

nlohmann::ordered_json to_json(const Verified& tape) {
  if (!tape.fault.empty()) {
    nlohmann::ordered_json json{{"file", tape.file}, {"verdict", "fault"}};
    if (!tape.header.policy.empty()) json["policy"] = tape.header.policy;
    json["error"] = tape.fault;
    return json;
  }
  const TapeVerdict& verdict = tape.verdict;
  nlohmann::ordered_json json{{"file", tape.file}, {"verdict", kind_name(verdict.kind)}};
  if (!tape.header.policy.empty()) {
    json["kind"] = tape.header.kind == policy::TapeKind::placement ? "placement" : "eviction";
    json["policy"] = tape.header.policy;
    json["policy_version"] = tape.header.policy_version;
    if (!tape.header.policy_build.empty()) json["policy_build"] = tape.header.policy_build;
    if (tape.header.kind == policy::TapeKind::cache) {
      json["pool"] = {{"name", tape.header.pool_name},
                      {"capacity_blocks", tape.header.pool.capacity_blocks}};
    }
    json["config_digest"] = fmt::format("{:016x}", tape.header.config_digest);
    json["seed"] = tape.header.seed;
    json["library"] = {{"version", tape.header.library_version},
                       {"build", tape.header.library_build},
                       {"same_build", verdict.same_build}};
    json["calls"] = verdict.calls;
    json["checkpoints"] = verdict.checkpoints;
    json["equal_states"] = verdict.equal_states;
  }
  if (tape.against.info() != nullptr) {
    const tp_info& info = *tape.against.info();
    json["against"] = {{"policy", info.name}, {"policy_version", info.version}};
    if (tape.against.plugin != nullptr) {
      json["against"]["file"] = tape.against.plugin->file();
      json["against"]["policy_build"] = tape.against.build();
    }
  }
  if (!verdict.error.empty()) json["error"] = verdict.error;
  if (verdict.kind == Kind::differs) {
    json["difference"] = {{"call", verdict.call},         {"byte", verdict.place},
                          {"now_ns", verdict.now_ns},     {"what", verdict.what},
                          {"recorded", verdict.recorded}, {"replayed", verdict.replayed}};
  }
  return json;
}

}  // namespace

// One tape is an object, several are a list of such objects.
int tape_command(const Arguments& arguments) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text;
  bool bad = false;
  bool different = false;
  for (const std::string& file : arguments.inputs) {
    const Verified tape = verify(file, arguments);
    const int code = exit_code(tape, arguments.unfinished);
    bad = bad || code == exit_bad_input;
    different = different || code == exit_error;
    json.push_back(to_json(tape));
    text += page(tape, arguments.unfinished);
  }
  if (json.size() == 1) json = nlohmann::ordered_json(json.front());
  write_stdout(arguments.format == Format::json
                   ? json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                         "\n"
                   : text);
  return bad ? exit_bad_input : different ? exit_error : exit_ok;
}

}  // namespace tiercast::cli
