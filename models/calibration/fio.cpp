#include "models/calibration/fio.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/calibration/labels.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kSmallBytes = 4096;
constexpr double kLargeBytes = 65536;
constexpr double kIdleDepth = 1.3;  // in flight on average; submission lowers it below 1

// One direction of one group of jobs.
struct Flow {
  double bytes_per_s = 0;
  double iops = 0;
  double latency_s = 0;  // mean, submission included
  double block = 0;      // mean bytes of an operation

  double depth() const { return iops * latency_s; }
};

// Jobs that ran at the same time and are alike.
struct Group {
  std::string name;
  std::string pattern;  // fio's `rw`
  bool direct = false;
  Flow read;
  Flow write;

  bool random() const { return pattern.starts_with("rand"); }
  std::string describe(const Flow& flow) const {
    return fmt::format("job {}, {} of {:.0f} bytes, {:.0f} in flight", quote(name), pattern,
                       flow.block, std::max(1.0, flow.depth()));
  }
};

// An option of a job, or of all jobs.
std::string option(const JsonObject& job, const std::optional<JsonObject>& all, const char* name,
                   const char* otherwise) {
  if (const auto own = job.object("job options"); own && own->has(name)) {
    return own->text(name).value_or(otherwise);
  }
  return all && all->has(name) ? all->text(name).value_or(otherwise) : otherwise;
}

Flow flow_of(const JsonObject& job, const char* direction) {
  Flow flow;
  const auto part = job.object(direction);
  if (!part) return flow;
  const double operations = part->number("total_ios").value_or(0);
  const double bytes = part->number("io_bytes").value_or(0);
  if (operations == 0 || bytes == 0) return flow;
  const auto latency = part->object("lat_ns");
  const auto rate = part->number("bw_bytes");
  const auto iops = part->number("iops");
  const auto mean = latency ? latency->number("mean") : std::nullopt;
  if (!rate || !iops || !mean) {
    part->error("", "lacks `bw_bytes`, `iops` or `lat_ns.mean`",
                "write it with fio 3, --output-format=json, latency not disabled");
    return flow;
  }
  return {*rate, *iops, *mean * 1e-9, bytes / operations};
}

void add(Flow& sum, const Flow& more) {
  if (more.iops == 0) return;
  const double iops = sum.iops + more.iops;
  sum.latency_s = (sum.latency_s * sum.iops + more.latency_s * more.iops) / iops;
  sum.block = (sum.block * sum.iops + more.block * more.iops) / iops;
  sum.bytes_per_s += more.bytes_per_s;
  sum.iops = iops;
}

bool alike(const Flow& a, const Flow& b) {
  return (a.iops == 0) == (b.iops == 0) && std::abs(a.block - b.block) <= 0.01 * a.block;
}

std::vector<Group> groups_of(const JsonFile& file, Diagnostics& found) {
  const JsonObject root(file, found);
  if (!root.has("jobs") || !root.has("fio version")) {
    root.error("", "this is no output of fio", "fio writes it with --output-format=json");
    return {};
  }
  const auto all = root.object("global options");
  std::map<std::int64_t, Group> groups;
  std::map<std::int64_t, bool> mixed;  // groups of jobs that differ
  for (const JsonObject& job : root.objects("jobs")) {
    const std::string name = job.text("jobname").value_or("");
    if (job.number("error").value_or(0) != 0) {
      job.warning("error", "is not 0: job " + quote(name) + " failed and does not count");
      continue;
    }
    const Group one{name, option(job, all, "rw", "read"), option(job, all, "direct", "0") == "1",
                    flow_of(job, "read"), flow_of(job, "write")};
    const auto id = static_cast<std::int64_t>(job.number("groupid").value_or(0));
    const auto [at, first] = groups.emplace(id, one);
    if (first) continue;
    Group& group = at->second;
    if (group.pattern != one.pattern || !alike(group.read, one.read) ||
        !alike(group.write, one.write)) {
      if (!mixed[id]) {
        job.warning("", "ran at the same time as others that differ from it: none of them count",
                    "`stonewall` in the job file runs one after the other");
      }
      mixed[id] = true;
    }
    add(group.read, one.read);
    add(group.write, one.write);
  }
  std::vector<Group> result;
  for (auto& [id, group] : groups) {
    if (!mixed[id]) result.push_back(std::move(group));
  }
  return result;
}

// The group with the most of something, or null. `measure` is below 0 where a group does not count.
template <class Measure>
const Group* best(const std::vector<Group>& groups, Measure measure) {
  const Group* most = nullptr;
  for (const Group& group : groups) {
    if (measure(group) > (most == nullptr ? 0 : measure(*most))) most = &group;
  }
  return most;
}

class Drive {
  using Side = Flow Group::*;

  static auto small_iops(Side side, Side other) {
    return [side, other](const Group& group) {
      const bool counts =
          group.random() && (group.*side).block == kSmallBytes && (group.*other).iops == 0;
      return counts ? (group.*side).iops : -1;
    };
  }

 public:
  Drive(const std::vector<Group>& groups, std::string source, Calibration& result)
      : groups_(groups), source_(std::move(source)), result_(result) {}

  void rates() {
    large("read", &Group::read, &Group::write);
    large("write", &Group::write, &Group::read);
    const auto both = [](const Group& group) {
      const bool counts = group.read.block >= kLargeBytes && group.write.block >= kLargeBytes;
      return counts ? group.read.bytes_per_s + group.write.bytes_per_s : -1;
    };
    if (const Group* most = best(groups_, both)) {
      figure("mixed", to_quantity(BytesPerSecond{four_digits(both(*most))}), FigureKind::measured,
             most->describe(most->read));
    }
    small("read_iops", &Group::read, &Group::write);
    small("write_iops", &Group::write, &Group::read);
  }

  void latencies() {
    const Group* idle_read = idle("read_latency", &Group::read, &Group::write);
    idle("write_latency", &Group::write, &Group::read);
    const Group* busy = best(groups_, small_iops(&Group::read, &Group::write));
    if (idle_read == nullptr || busy == nullptr || busy == idle_read) return;
    const double longer = busy->read.latency_s - idle_read->read.latency_s;
    if (longer < 1e-9) return;
    figure("queue_latency", time(longer), FigureKind::derived,
           busy->describe(busy->read) + ", less " + idle_read->describe(idle_read->read));
  }

  /// The figure of that name as found so far, or what the base says.
  template <class Unit>
  Unit told(const std::string& name, Unit otherwise) const {
    for (const FittedParameter& figure : result_.parts.front().parameters) {
      if (figure.path == name) return to_unit<Unit>(figure.value);
    }
    return otherwise;
  }

  void figure(const std::string& name, const Quantity& value, FigureKind kind,
              const std::string& how,
              const std::optional<std::pair<Quantity, Quantity>>& range = {}) {
    set_figure(result_.entry, name, value, kind, source_ + ": " + how, range);
    result_.parts.front().parameters.push_back({name, value, FitState::free, std::nullopt});
  }

 private:
  static Quantity time(double seconds) {
    return to_quantity(Nanoseconds{std::llround(four_digits(seconds) * 1e9)});
  }

  void large(const char* name, Side side, Side other) {
    const auto rate = [&](const Group& group) {
      const bool counts = (group.*side).block >= kLargeBytes && (group.*other).iops == 0;
      return counts ? (group.*side).bytes_per_s : -1;
    };
    const Group* most = best(groups_, rate);
    if (most == nullptr) return;
    figure(name, to_quantity(BytesPerSecond{four_digits(rate(*most))}), FigureKind::measured,
           most->describe(most->*side));
  }

  void small(const char* name, Side side, Side other) {
    const auto iops = small_iops(side, other);
    const Group* most = best(groups_, iops);
    // One at a time tells the latency, not what the drive can do.
    if (most == nullptr || (most->*side).depth() < kIdleDepth) return;
    figure(name, to_quantity(PerSecond{four_digits(iops(*most))}), FigureKind::measured,
           most->describe(most->*side));
  }

  const Group* idle(const char* name, Side side, Side other) {
    const Group* shortest = best(groups_, [&](const Group& group) {
      const Flow& flow = group.*side;
      const bool counts = group.random() && flow.iops > 0 && flow.block <= kSmallBytes &&
                          flow.depth() <= kIdleDepth && (group.*other).iops == 0;
      return counts ? 1 / flow.latency_s : -1;
    });
    if (shortest == nullptr) return nullptr;
    figure(name, time((shortest->*side).latency_s), FigureKind::measured,
           "mean of " + shortest->describe(shortest->*side) + ", the host's submission included");
    return shortest;
  }

  const std::vector<Group>& groups_;
  std::string source_;
  Calibration& result_;
};

// A base whose other figures contradict the measured ones gives way: mixed traffic reaches what
// reads alone do, and at most both together; no tail is shorter than a read.
void reconcile(const hardware::DriveSpec& base, Drive& drive) {
  const BytesPerSecond read = drive.told("read", base.read.value);
  const BytesPerSecond write = drive.told("write", base.write.value);
  const BytesPerSecond mixed = drive.told("mixed", base.mixed.value);
  const std::string how = "not measured; as near to the base as what was measured allows";
  if (mixed < read || mixed > read + write) {
    drive.figure("mixed", to_quantity(std::clamp(mixed, read, read + write)), FigureKind::estimate,
                 how, std::pair{to_quantity(read), to_quantity(read + write)});
  }
  const Nanoseconds shortest = drive.told("read_latency", base.read_latency.value);
  if (base.tail_latency.value < shortest) {
    drive.figure("tail_latency", to_quantity(shortest), FigureKind::estimate, how,
                 std::pair{to_quantity(shortest), to_quantity(shortest * 10)});
  }
}

std::vector<std::string> missing(const Node& entry) {
  std::vector<std::string> names;
  for (const FieldInfo& field : hardware::DriveSpec::fields().fields()) {
    if (entry.find(field.name) == nullptr && field.type.shape == Shape::figure) {
      names.push_back(field.name);
    }
  }
  return names;
}

}  // namespace

std::optional<Calibration> calibrate_drive(const FioInput& input, std::span<const JsonFile> files,
                                           Diagnostics& found) {
  Calibration result{"fio", {}, {}, Node::map()};
  std::vector<Group> groups;
  bool buffered = false;
  for (const JsonFile& file : files) {
    std::vector<Group> more = groups_of(file, found);
    result.files.push_back({base_name(file.file()), more.size(), file.content_hash(), "job"});
    for (Group& group : more) {
      buffered = buffered || !group.direct;
      groups.push_back(std::move(group));
    }
  }
  if (found.has_errors()) return std::nullopt;
  if (!input.base_name.empty()) result.entry.set("use", Node::scalar(input.base_name));
  result.entry.set("title", Node::scalar("Drive as measured by fio"));
  result.parts.push_back({"drive", "fio"});
  Drive drive(groups, "fio, " + source_text(result.files), result);
  drive.rates();
  drive.latencies();
  if (result.parts.front().parameters.empty()) {
    found.error({files.front().file(), 0, 0}, "no job tells anything of the drive",
                "reads or writes of 64 KiB and more tell bandwidth, random ones of 4 KiB "
                "operations a second (many in flight) and latency (one in flight)");
    return std::nullopt;
  }
  if (input.base != nullptr) reconcile(*input.base, drive);
  if (buffered) {
    result.notes.push_back("Jobs without direct=1 measure the page cache beside the drive.");
  }
  result.notes.push_back(
      "Not measured, so " +
      (input.base_name.empty() ? "to be stated, or given by `use:`" : "as in " + input.base_name) +
      ": " + join(missing(result.entry)) + ".");
  return result;
}

}  // namespace tiercast::calibration
