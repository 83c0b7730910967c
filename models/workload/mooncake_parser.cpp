#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "models/workload/line_reader.hpp"
#include "models/workload/numbers.hpp"
#include "models/workload/record_parser.hpp"
#include "sim/base/text.hpp"

namespace tiercast::workload {
namespace {

namespace json = simdjson::ondemand;
static_assert(LineReader::kPadding >= simdjson::SIMDJSON_PADDING);

constexpr int kMillisecondScale = 6;

enum class Key { timestamp, input, output, ids, tenant, foreign, unknown };

struct KnownKey {
  std::string_view name;
  Key key;
  std::string_view meaning;  // foreign: what the field gives away
};
constexpr std::array kKnownKeys = {
    KnownKey{"timestamp", Key::timestamp, ""},
    KnownKey{"input_length", Key::input, ""},
    KnownKey{"output_length", Key::output, ""},
    KnownKey{"hash_ids", Key::ids, ""},
    KnownKey{"created_time", Key::timestamp, ""},
    KnownKey{"input_tokens", Key::input, ""},
    KnownKey{"output_tokens", Key::output, ""},
    KnownKey{"tenant", Key::tenant, ""},
    KnownKey{"tenant_id", Key::tenant, ""},
    KnownKey{"cache_salt", Key::tenant, ""},
    KnownKey{"delay", Key::foreign, "a trace of sessions, whose lines hold increments"},
    KnownKey{"session_id", Key::foreign, "a trace of sessions, whose lines hold increments"},
    KnownKey{"requests", Key::foreign, "a trace with one session a line"},
    KnownKey{"sub_requests", Key::foreign, "a trace with one session a line"},
    KnownKey{"chat_id", Key::foreign, "a Bailian trace, whose times are seconds"},
};

const KnownKey* find_key(std::string_view name) {
  const auto* found = std::find_if(kKnownKeys.begin(), kKnownKeys.end(),
                                   [name](const KnownKey& known) { return known.name == name; });
  return found == kKnownKeys.end() ? nullptr : found;
}

std::string explain_json(simdjson::error_code error) {
  // Said of a cut line and of one with text behind the object alike.
  if (error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
    return "the line is not one whole JSON object: it does not end with its `}`";
  }
  std::string_view text = simdjson::error_message(error);
  const std::size_t colon = text.find(": ");
  if (colon != std::string_view::npos) text.remove_prefix(colon + 2);
  while (text.ends_with('.')) text.remove_suffix(1);
  return "the line is not valid JSON (" + std::string(text) + ")";
}

// The text of a JSON number; an error for any other value.
simdjson::error_code number_text(json::value value, std::string_view& text) {
  json::json_type type{};
  if (const auto error = value.type().get(type)) return error;
  if (type != json::json_type::number) return simdjson::INCORRECT_TYPE;
  text = value.raw_json_token();
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return simdjson::SUCCESS;
}

class MooncakeParser : public RecordParser {
 public:
  explicit MooncakeParser(std::uint32_t block_tokens) : block_tokens_(block_tokens) {}

  Parsed parse(std::string_view line, Request& out, std::string& reason) override {
    out.ids.clear();
    out.tenant = 0;
    seen_.fill({});
    unknown_count_ = 0;
    foreign_ = false;
    if (read_object(line, out, reason) && check_complete(reason) && check_ids(out, reason)) {
      return Parsed::request;
    }
    return foreign_ ? Parsed::other_format : Parsed::bad_line;
  }

 private:
  bool read_object(std::string_view line, Request& out, std::string& reason) {
    json::document document;
    json::object object;
    const simdjson::padded_string_view padded(line.data(), line.size(),
                                              line.size() + LineReader::kPadding);
    auto error = parser_.iterate(padded).get(document);
    if (!error) error = document.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) {
      reason = "the line is not a JSON object";
      return false;
    }
    if (error) {
      reason = explain_json(error);
      return false;
    }
    for (auto entry : object) {
      json::field field;
      if (const auto bad = std::move(entry).get(field)) {
        reason = explain_json(bad);
        return false;
      }
      if (!read_field(field, out, reason)) return false;
    }
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      reason = "something follows the JSON object";
      return false;
    }
    return true;
  }

  bool read_field(json::field& field, Request& out, std::string& reason) {
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) {
      reason = explain_json(error);
      return false;
    }
    const KnownKey* known = find_key(name);
    if (known == nullptr) {
      note_unknown(name);
      return true;
    }
    if (known->key == Key::foreign) {
      foreign_ = true;
      reason = "this is not the mooncake format: the field `" + std::string(name) +
               "` belongs to " + std::string(known->meaning);
      return false;
    }
    std::string_view& seen = seen_[static_cast<std::size_t>(known->key)];
    if (!seen.empty()) {
      reason = "`" + std::string(seen) + "` and `" + std::string(name) + "` say the same twice";
      return false;
    }
    seen = known->name;
    if (known->key == Key::tenant) return read_tenant(*known, field.value(), out, reason);
    return known->key == Key::ids ? read_ids(field.value(), out, reason)
                                  : read_number(*known, field.value(), out, reason);
  }

  static bool read_number(const KnownKey& known, json::value value, Request& out,
                          std::string& reason) {
    std::string_view text;
    if (const auto error = number_text(value, text)) {
      reason = error == simdjson::INCORRECT_TYPE ? std::string(known.name) + " is not a number"
                                                 : explain_json(error);
      return false;
    }
    if (known.key == Key::timestamp) {
      return parse_arrival(known.name, text, kMillisecondScale, out.arrival_ns, reason);
    }
    std::uint32_t& tokens = known.key == Key::input ? out.input_tokens : out.output_tokens;
    return parse_tokens(known.name, text, tokens, reason);
  }

  // Tenants are numbered from 1 in the order in which a trace names them, by text or by number.
  bool read_tenant(const KnownKey& known, json::value value, Request& out, std::string& reason) {
    json::json_type type{};
    std::string_view text;
    auto error = value.type().get(type);
    if (!error && type == json::json_type::null) return true;
    if (!error) {
      error =
          type == json::json_type::string ? value.get_string().get(text) : number_text(value, text);
    }
    if (error) {
      reason = error == simdjson::INCORRECT_TYPE
                   ? std::string(known.name) + " is neither a text nor a number"
                   : explain_json(error);
      return false;
    }
    const auto next = static_cast<std::uint32_t>(tenants_.size() + 1);
    out.tenant = tenants_.emplace(text, next).first->second;
    return true;
  }

  static bool read_ids(json::value value, Request& out, std::string& reason) {
    json::array array;
    if (value.get_array().get(array)) {
      reason = "hash_ids is not a list";
      return false;
    }
    for (auto element : array) {
      std::uint64_t id = 0;
      if (element.get_uint64().get(id)) {
        reason =
            "hash_ids[" + std::to_string(out.ids.size()) + "] is not an integer from 0 to 2^64 - 1";
        return false;
      }
      out.ids.push_back(id);
    }
    return true;
  }

  bool check_complete(std::string& reason) const {
    for (const KnownKey& known : {kKnownKeys[0], kKnownKeys[1], kKnownKeys[2]}) {
      if (!seen_[static_cast<std::size_t>(known.key)].empty()) continue;
      reason = "the field `" + std::string(known.name) + "` is missing";
      const auto unknown_end = unknown_.begin() + static_cast<std::ptrdiff_t>(unknown_count_);
      const std::string nearest =
          nearest_name(known.name, std::vector<std::string>(unknown_.begin(), unknown_end));
      if (!nearest.empty()) reason += " (is " + quote(nearest) + " meant?)";
      return false;
    }
    return true;
  }

  bool check_ids(Request& out, std::string& reason) const {
    out.id_tokens = 0;
    out.last_id_tokens = 0;
    if (seen_[static_cast<std::size_t>(Key::ids)].empty()) return true;
    const std::uint64_t blocks =
        (std::uint64_t{out.input_tokens} + block_tokens_ - 1) / block_tokens_;
    if (out.ids.size() != blocks) {
      reason = "hash_ids has " + std::to_string(out.ids.size()) + " ids, but " +
               std::to_string(out.input_tokens) + " input tokens make " + std::to_string(blocks) +
               " blocks of " + std::to_string(block_tokens_) + " (block_tokens)";
      return false;
    }
    out.id_tokens = block_tokens_;
    out.last_id_tokens =
        static_cast<std::uint32_t>(out.input_tokens - (blocks - 1) * block_tokens_);
    return true;
  }

  void note_unknown(std::string_view name) {
    if (unknown_count_ < unknown_.size()) unknown_[unknown_count_++].assign(name.substr(0, 64));
  }

  std::uint32_t block_tokens_;
  json::parser parser_;
  std::map<std::string, std::uint32_t, std::less<>> tenants_;
  std::array<std::string_view, 5> seen_{};  // by Key: the name that a line gave it
  std::array<std::string, 16> unknown_{};
  std::size_t unknown_count_ = 0;
  bool foreign_ = false;
};

}  // namespace

std::unique_ptr<RecordParser> make_mooncake_parser(std::uint32_t block_tokens) {
  return std::make_unique<MooncakeParser>(block_tokens);
}

}  // namespace tiercast::workload
