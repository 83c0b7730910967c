#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "models/workload/csv_fields.hpp"
#include "models/workload/numbers.hpp"
#include "models/workload/record_parser.hpp"
#include "sim/base/text.hpp"

namespace tiercast::workload {
namespace {

enum class Role { arrival, input, output };
constexpr std::array<std::string_view, 3> kRoleNames = {"arrival time", "input tokens",
                                                        "output tokens"};
constexpr int kSecondScale = 9;

struct KnownColumn {
  std::string_view name;
  Role role;
  int scale = 0;  // arrival: the column counts units of 10^scale ns
};
constexpr std::array kKnownColumns = {
    KnownColumn{"arrived_at", Role::arrival, kSecondScale},
    KnownColumn{"arrival_s", Role::arrival, kSecondScale},
    KnownColumn{"arrival_time", Role::arrival, kSecondScale},
    KnownColumn{"arrival_timestamp", Role::arrival, kSecondScale},
    KnownColumn{"timestamp", Role::arrival, kSecondScale},
    KnownColumn{"timestamp_s", Role::arrival, kSecondScale},
    KnownColumn{"arrival_ms", Role::arrival, 6},
    KnownColumn{"timestamp_ms", Role::arrival, 6},
    KnownColumn{"arrival_ns", Role::arrival, 0},
    KnownColumn{"arrival_time_ns", Role::arrival, 0},
    KnownColumn{"num_prefill_tokens", Role::input},
    KnownColumn{"input_tokens", Role::input},
    KnownColumn{"input_length", Role::input},
    KnownColumn{"input_toks", Role::input},
    KnownColumn{"prompt_tokens", Role::input},
    KnownColumn{"prompt_size", Role::input},
    KnownColumn{"request_tokens", Role::input},
    KnownColumn{"context_tokens", Role::input},
    KnownColumn{"num_decode_tokens", Role::output},
    KnownColumn{"output_tokens", Role::output},
    KnownColumn{"output_length", Role::output},
    KnownColumn{"output_toks", Role::output},
    KnownColumn{"completion_tokens", Role::output},
    KnownColumn{"response_tokens", Role::output},
    KnownColumn{"token_size", Role::output},
    KnownColumn{"generated_tokens", Role::output},
};

const KnownColumn* find_column(std::string_view name) {
  const std::string wanted = normalised_name(name);
  const auto* found =
      std::find_if(kKnownColumns.begin(), kKnownColumns.end(),
                   [&](const KnownColumn& known) { return normalised_name(known.name) == wanted; });
  return found == kKnownColumns.end() ? nullptr : found;
}

class CsvParser : public RecordParser {
 public:
  bool read_header(std::string_view header, bool azure, std::string& reason) {
    CsvFields names(header);
    std::string_view name;
    std::vector<std::string> unused;
    for (; names.next(name); ++columns_) {
      const KnownColumn* known = find_column(name);
      if (known == nullptr) {
        unused.emplace_back(name);
        continue;
      }
      Used& used = used_[static_cast<std::size_t>(known->role)];
      if (used.known != nullptr) {
        reason = "the columns `" + std::string(used.known->name) + "` and " + quote(name) +
                 " both give the " + std::string(kRoleNames[static_cast<std::size_t>(known->role)]);
        return false;
      }
      used = {known, columns_};
    }
    if (azure && !is_azure()) {
      reason = "the header is not `TIMESTAMP,ContextTokens,GeneratedTokens`";
      return false;
    }
    return check_complete(unused, reason);
  }

  Parsed parse(std::string_view line, Request& out, std::string& reason) override {
    std::array<std::string_view, 3> texts;
    out.ids.clear();
    out.id_tokens = 0;
    out.last_id_tokens = 0;
    const bool good = split(line, texts, reason) &&
                      read_arrival(texts[0], out.arrival_ns, reason) &&
                      parse_tokens(name_of(Role::input), texts[1], out.input_tokens, reason) &&
                      parse_tokens(name_of(Role::output), texts[2], out.output_tokens, reason);
    return good ? Parsed::request : Parsed::bad_line;
  }

 private:
  struct Used {
    const KnownColumn* known = nullptr;
    std::size_t column = 0;
  };
  enum class Clock { undecided, number, date };

  std::string_view name_of(Role role) const {
    return used_[static_cast<std::size_t>(role)].known->name;
  }

  bool is_azure() const {
    return columns_ == 3 && used_[0].known != nullptr && used_[0].known->name == "timestamp" &&
           used_[1].known != nullptr && used_[1].known->name == "context_tokens" &&
           used_[2].known != nullptr && used_[2].known->name == "generated_tokens";
  }

  bool check_complete(const std::vector<std::string>& unused, std::string& reason) const {
    for (std::size_t role = 0; role < used_.size(); ++role) {
      if (used_[role].known != nullptr) continue;
      reason = "the header names no column for the " + std::string(kRoleNames[role]);
      std::string names;
      for (const KnownColumn& known : kKnownColumns) {
        if (known.role != static_cast<Role>(role)) continue;
        const std::string nearest = nearest_name(known.name, unused);
        if (!nearest.empty()) {
          reason += ": is " + quote(nearest) + " meant to be `" + std::string(known.name) + "`?";
          return false;
        }
        names += (names.empty() ? "" : ", ") + std::string(known.name);
      }
      reason += " (one of " + names + ")";
      return false;
    }
    return true;
  }

  // Finds the three columns of a row.
  bool split(std::string_view row, std::array<std::string_view, 3>& texts,
             std::string& reason) const {
    CsvFields fields(row);
    std::string_view field;
    std::size_t count = 0;
    for (; fields.next(field); ++count) {
      for (std::size_t role = 0; role < texts.size(); ++role) {
        if (used_[role].column == count) texts[role] = field;
      }
    }
    if (!fields.closed()) {
      reason = "a quote is not closed";
    } else if (count != columns_) {
      reason = "the line has " + std::to_string(count) + " columns, the header " +
               std::to_string(columns_);
    }
    return fields.closed() && count == columns_;
  }

  bool read_arrival(std::string_view text, std::int64_t& arrival_ns, std::string& reason) {
    const KnownColumn& known = *used_[0].known;
    if (clock_ == Clock::undecided) {
      clock_ = text.find(':') == std::string_view::npos ? Clock::number : Clock::date;
    }
    if (clock_ == Clock::number) {
      return parse_arrival(known.name, text, known.scale, arrival_ns, reason);
    }
    const Number number = parse_wall_clock(text);
    if (number.error == NumberError::none) {
      arrival_ns = number.value;
      return true;
    }
    reason = std::string(known.name) + " " +
             (number.error == NumberError::empty
                  ? "is empty"
                  : quote(text) + " is not a date and time (YYYY-MM-DD hh:mm:ss.fraction)");
    return false;
  }

  std::array<Used, 3> used_{};  // by Role
  std::size_t columns_ = 0;
  Clock clock_ = Clock::undecided;
};

}  // namespace

std::unique_ptr<RecordParser> make_csv_parser(std::string_view header, bool azure,
                                              std::string& reason) {
  auto parser = std::make_unique<CsvParser>();
  if (!parser->read_header(header, azure, reason)) return nullptr;
  return parser;
}

}  // namespace tiercast::workload
