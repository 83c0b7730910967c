#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/policy/registry.hpp"
#include "models/policy/tape_replay.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"

namespace tiercast::cli {

namespace {

using policy::TapeReader;
using policy::TapeVerdict;
using Kind = TapeVerdict::Kind;
using FileHandle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// What became of one file.
struct Verified {
  std::string file;
  policy::TapeHeader header;
  TapeVerdict verdict;
};

// What a tape that is at fault adds to the exit code; a difference outweighs it.
int exit_code(const Verified& tape, bool unfinished) {
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

const tp_cache_table* find_policy(const std::string& name, std::string& error) {
  if (const policy::CacheEntry* entry = policy::find_cache_policy(name)) return entry->table;
  const std::string near(policy::nearest_name(policy::cache_policies(), name));
  error = "no policy `" + printable(name) + "` here" +
          (near.empty() ? "" : ", did you mean `" + near + "`?") +
          "; --policy NAME replays against another";
  return nullptr;
}

Verified verify(const std::string& path, const Arguments& arguments) {
  Verified result{path, {}, {}};
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
  const std::string& name =
      arguments.policies.empty() ? reader.header().policy : arguments.policies.front();
  const tp_cache_table* table = find_policy(name, result.verdict.error);
  if (table == nullptr) {
    result.verdict.kind = Kind::no_policy;
    return result;
  }
  result.verdict = policy::replay_tape(reader, *table);
  if (std::ferror(file.get()) != 0) {
    result.verdict.kind = Kind::bad_tape;
    result.verdict.error = "cannot read the file to its end";
  }
  return result;
}

std::string counted(uint64_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
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

nlohmann::ordered_json to_json(const Verified& tape) {
  const TapeVerdict& verdict = tape.verdict;
  nlohmann::ordered_json json{{"file", tape.file}, {"verdict", kind_name(verdict.kind)}};
  if (!tape.header.policy.empty()) {
    json["policy"] = tape.header.policy;
    json["pool"] = {{"name", tape.header.pool_name},
                    {"capacity_blocks", tape.header.pool.capacity_blocks}};
    json["config_digest"] = fmt::format("{:016x}", tape.header.config_digest);
    json["seed"] = tape.header.seed;
    json["library"] = {{"version", tape.header.library_version},
                       {"build", tape.header.library_build},
                       {"same_build", verdict.same_build}};
    json["calls"] = verdict.calls;
    json["checkpoints"] = verdict.checkpoints;
    json["equal_states"] = verdict.equal_states;
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
    text += to_text(tape, arguments.unfinished);
  }
  if (json.size() == 1) json = nlohmann::ordered_json(json.front());
  write_stdout(arguments.format == Format::json
                   ? json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                         "\n"
                   : text);
  return bad ? exit_bad_input : different ? exit_error : exit_ok;
}

}  // namespace tiercast::cli
