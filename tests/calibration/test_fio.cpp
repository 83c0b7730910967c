// Output of fio to a drive: which job tells which figure.

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/calibration/fio.hpp"
#include "sim/config/document.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::calibration;
using Json = nlohmann::json;
using tests::Catalogue;

namespace {

constexpr const char* kBase = "solidigm-d7-ps1010";

// One direction of a job as fio tells it: `depth` in flight at so many operations a second.
Json flow(double block, double iops, double depth) {
  return {{"io_bytes", block * iops},
          {"total_ios", iops},
          {"bw_bytes", block * iops},
          {"bw", block * iops / 1024},
          {"iops", iops},
          {"lat_ns", {{"mean", depth / iops * 1e9}, {"N", iops}}}};
}

Json idle() { return {{"io_bytes", 0}, {"total_ios", 0}, {"bw_bytes", 0}, {"iops", 0.0}}; }

Json job(const std::string& name, int group, const std::string& rw, const Json& read,
         const Json& write) {
  return {{"jobname", name}, {"groupid", group},
          {"error", 0},      {"job options", {{"name", name}, {"rw", rw}, {"direct", "1"}}},
          {"read", read},    {"write", write}};
}

Json output(const std::vector<Json>& jobs) { return {{"fio version", "fio-3.33"}, {"jobs", jobs}}; }

// A drive of 12 GB/s, 8 GB/s written, 2.5 M reads and 0.4 M writes a second, 70 and 14 us.
std::vector<Json> all_jobs() {
  return {job("seq", 0, "read", flow(131072, 12e9 / 131072, 64), idle()),
          job("seq-small", 1, "read", flow(131072, 9e9 / 131072, 8), idle()),
          job("seq-write", 2, "write", idle(), flow(131072, 8e9 / 131072, 32)),
          job("rand", 3, "randread", flow(4096, 2.5e6, 512), idle()),
          job("rand-write", 4, "randwrite", idle(), flow(4096, 4e5, 128)),
          job("one", 5, "randread", flow(4096, 1 / 70e-6, 1), idle()),
          job("one-write", 6, "randwrite", idle(), flow(4096, 1 / 14e-6, 1)),
          job("mix", 7, "randrw", flow(131072, 7e9 / 131072, 32), flow(131072, 6e9 / 131072, 32))};
}

std::optional<Calibration> fit(const Json& json, Diagnostics& found,
                               const hardware::DriveSpec* base) {
  std::vector<JsonFile> files;
  const std::string text = json.dump();
  if (auto file = JsonFile::read(workload::open_bytes(text), "f.json", found)) {
    files.push_back(std::move(*file));
  }
  if (files.empty()) return std::nullopt;
  return calibrate_drive({base != nullptr ? kBase : "", base}, files, found);
}

hardware::DriveSpec read_entry(Catalogue& catalogue, const Calibration& made) {
  Diagnostics found;
  const auto document = config::parse_document(to_yaml(made), "new.yaml", Origin::catalogue, found);
  hardware::DriveSpec spec;
  Node resolved;
  Reader reader(found, catalogue.lookup(found));
  const bool good = document && reader.read(*document, spec, resolved);
  INFO(found.render() << to_yaml(made));
  REQUIRE(good);
  return spec;
}

std::string faults(const Json& json) {
  Diagnostics found;
  CHECK_FALSE(fit(json, found, nullptr));
  CHECK(found.has_errors());
  return found.render();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every figure that jobs tell goes into the drive, the rest is the base's") {
  Catalogue catalogue;
  const auto base = catalogue.load<hardware::DriveSpec>("drives", kBase);
  Diagnostics found;
  const auto made = fit(output(all_jobs()), found, &base);
  INFO(found.render());
  REQUIRE(made);
  const hardware::DriveSpec drive = read_entry(catalogue, *made);
  CHECK(drive.read.value == gigabytes_per_second(12));
  CHECK(drive.write.value == gigabytes_per_second(8));
  CHECK(drive.mixed.value == gigabytes_per_second(13));
  CHECK(drive.read_iops.value.value() == 2.5e6);
  CHECK(drive.write_iops.value.value() == 4e5);
  CHECK(drive.read_latency.value == microseconds(70));
  CHECK(drive.write_latency.value == microseconds(14));
  // 512 in flight at 2.5 M a second take 204.8 us.
  REQUIRE(drive.queue_latency);
  CHECK(drive.queue_latency->value == nanoseconds(134'800));
  CHECK(drive.read.kind == FigureKind::measured);
  CHECK(has(drive.read.source, "job `seq`, read of 131072 bytes, 64 in flight"));
  CHECK(drive.capacity.value == base.capacity.value);
  REQUIRE(made->notes.size() == 1);
  CHECK(has(made->notes[0], "capacity, tail_probability"));
  CHECK_FALSE(has(made->notes[0], "read_iops"));
}

TEST_CASE("figures that no job tells are left out") {
  Diagnostics found;
  const auto made =
      fit(output({job("one", 0, "randread", flow(4096, 1e4, 0.95), idle())}), found, nullptr);
  REQUIRE(made);
  CHECK(made->entry.find("use") == nullptr);
  CHECK(made->entry.find("read_latency") != nullptr);
  // One in flight tells no operations a second, and without a busy job no queue.
  for (const char* name : {"read", "read_iops", "write", "mixed", "queue_latency"}) {
    CHECK(made->entry.find(name) == nullptr);
  }
  CHECK(has(made->notes.back(), "to be stated, or given by `use:`: capacity, read, write"));
}

TEST_CASE("clones of one job count as one; jobs that differ at the same time do not count") {
  Diagnostics found;
  const Json one = job("clone", 0, "randread", flow(4096, 1e5, 16), idle());
  const auto made = fit(output({one, one, one}), found, nullptr);
  REQUIRE(made);
  CHECK(made->entry.find("read_iops")->find("value")->text == "300k/s");
  CHECK(has(made->entry.find("read_iops")->find("source")->text, "48 in flight"));

  Diagnostics both;
  const Json other = job("other", 0, "write", idle(), flow(131072, 1e4, 8));
  CHECK_FALSE(fit(output({one, other}), both, nullptr));
  CHECK(has(both.render(), "`jobs[1]` ran at the same time as others that differ from it"));
  CHECK(has(both.render(), "no job tells anything of the drive"));
}

TEST_CASE("what a base says of mixed traffic and tails gives way to what was measured") {
  Catalogue catalogue;
  const auto base = catalogue.load<hardware::DriveSpec>("drives", kBase);
  Diagnostics found;
  // Slower in all than the base's mixed rate, with reads longer than its tail.
  const auto made = fit(output({job("seq", 0, "read", flow(131072, 1e9 / 131072, 8), idle()),
                                job("w", 1, "write", idle(), flow(131072, 1e9 / 131072, 8)),
                                job("one", 2, "randread", flow(4096, 200, 1), idle())}),
                        found, &base);
  REQUIRE(made);
  const hardware::DriveSpec drive = read_entry(catalogue, *made);
  CHECK(base.mixed.value > gigabytes_per_second(2));
  CHECK(drive.mixed.value == gigabytes_per_second(2));
  CHECK(drive.mixed.kind == FigureKind::estimate);
  CHECK(drive.tail_latency.value == milliseconds(5));
}

TEST_CASE("jobs through the page cache and failed jobs are told") {
  Diagnostics found;
  Json cached = job("seq", 0, "read", flow(131072, 1e5, 8), idle());
  cached["job options"].erase("direct");
  Json failed = job("bad", 1, "read", flow(131072, 9e5, 8), idle());
  failed["error"] = 5;
  const auto made = fit(output({cached, failed}), found, nullptr);
  REQUIRE(made);
  CHECK(has(made->notes.front(), "page cache"));
  CHECK(has(found.render(), "job `bad` failed and does not count"));
  CHECK(made->entry.find("read")->find("value")->text == "13.11GB/s");
}

TEST_CASE("options of all jobs hold where a job has none") {
  Json json = output({job("one", 0, "", flow(4096, 1e4, 1), idle())});
  json["jobs"][0]["job options"] = {{"name", "one"}};
  json["global options"] = {{"rw", "randread"}, {"direct", "1"}};
  Diagnostics found;
  const auto made = fit(json, found, nullptr);
  REQUIRE(made);
  CHECK(made->entry.find("read_latency") != nullptr);
  CHECK(made->notes.size() == 1);
}

TEST_CASE("what is no output of fio is told with its place") {
  CHECK(has(faults({{"a", 1}}), "this is no output of fio"));
  CHECK(has(faults({{"fio version", "x"}, {"jobs", 3}}), "`jobs` is a number, not a list"));
  CHECK(has(faults(output({Json(7)})), "`jobs[0]` is a number, not an object"));
  CHECK(has(faults(output({})), "no job tells anything"));
  Json json = output(all_jobs());
  json["jobs"][0]["read"]["bw_bytes"] = "fast";
  CHECK(has(faults(json), "`jobs[0].read.bw_bytes` is text, not a number"));
  json = output(all_jobs());
  json["jobs"][0]["read"].erase("lat_ns");
  CHECK(has(faults(json), "`jobs[0].read` lacks `bw_bytes`, `iops` or `lat_ns.mean`"));
  json = output(all_jobs());
  json["jobs"][0]["groupid"] = 1e300;
  CHECK(has(faults(json), "`jobs[0].groupid` is 1e+300"));
  json = output(all_jobs());
  json["jobs"][0]["job options"]["rw"] = 3;
  CHECK(has(faults(json), "`jobs[0].job options.rw` is a number, not text"));
}
