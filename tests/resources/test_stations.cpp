// Stations against queueing formulas, area identities and cases by hand.
#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "sim/resources/stations.hpp"

using namespace tiercast;
using resources::kNever;
using resources::PoolJob;
using resources::ProcessorSharing;
using resources::ServerPool;

namespace {

constexpr Purpose kJobs{"test.stations"};

struct Job {
  int64_t arrival_ns;
  int64_t service_ns;
};

// Poisson arrivals at `load` of `servers`, services drawn by `service`.
template <class Service>
std::vector<Job> poisson_jobs(Stream& draw, size_t count, double load, double servers,
                              double mean_ns, Service service) {
  std::vector<Job> jobs;
  double at_ns = 0;
  for (size_t i = 0; i < count; ++i) {
    at_ns += draw.exponential(mean_ns / (load * servers));
    jobs.push_back(
        {static_cast<int64_t>(at_ns), std::max<int64_t>(1, std::llround(service(draw)))});
  }
  return jobs;
}

// Ends by job. `arrive(now_ns, job, tag)` hands a job to the station.
template <class Station, class Arrive>
std::vector<int64_t> run_station(Station& station, const std::vector<Job>& jobs, Arrive arrive) {
  std::vector<int64_t> ends(jobs.size());
  std::vector<uint64_t> ended;
  for (size_t next = 0;;) {
    const int64_t end_ns = station.next_end_ns();
    const int64_t arrival_ns = next < jobs.size() ? jobs[next].arrival_ns : kNever;
    if (end_ns == kNever && arrival_ns == kNever) return ends;
    if (arrival_ns <= end_ns) {
      arrive(arrival_ns, jobs[next], next);
      ++next;
      continue;
    }
    ended.clear();
    station.advance(end_ns, ended);
    for (const uint64_t tag : ended) ends[tag] = end_ns;
  }
}

// Mean sojourn beyond `service`, and the half width of its interval: batch means over 32 batches,
// which are long against the memory of the queue; 3.4 is Student's t for 99.8 % at 31 degrees.
struct Estimate {
  double mean = 0, half_width = 0;
};
template <class Value>
Estimate batch_means(size_t count, Value value) {
  constexpr size_t batches = 32;
  const size_t warm_up = count / 10, size = (count - warm_up) / batches;
  std::vector<double> means;
  for (size_t b = 0; b < batches; ++b) {
    double sum = 0;
    for (size_t i = 0; i < size; ++i) sum += value(warm_up + b * size + i);
    means.push_back(sum / static_cast<double>(size));
  }
  Estimate estimate;
  for (const double m : means) estimate.mean += m / batches;
  double squares = 0;
  for (const double m : means) squares += (m - estimate.mean) * (m - estimate.mean);
  estimate.half_width = 3.4 * std::sqrt(squares / (batches - 1) / batches);
  return estimate;
}

// Little's law as an area: time present, summed by job, is the integral of jobs present.
void check_areas(const resources::StationCounts& counts, const std::vector<Job>& jobs,
                 const std::vector<int64_t>& ends) {
  Int128 sojourns_ns = 0;
  for (size_t i = 0; i < jobs.size(); ++i) sojourns_ns += ends[i] - jobs[i].arrival_ns;
  REQUIRE((counts.busy_ns + counts.waiting_ns == sojourns_ns));
  REQUIRE(counts.arrived == jobs.size());
  REQUIRE(counts.ended == jobs.size());
}

// Probability that an arrival waits in M/M/k at offered load a = k rho (Erlang's C formula).
double erlang_c(int k, double a) {
  double term = 1, sum = 1;
  for (int i = 1; i < k; ++i) {
    term *= a / i;
    sum += term;
  }
  const double last = term * a / k * k / (k - a);
  return last / (sum + last);
}

}  // namespace

TEST_CASE("one server keeps Lindley's recursion") {
  for (const double load : {0.5, 0.95, 1.2}) {
    Stream draw(5, kJobs, static_cast<uint64_t>(load * 100));
    const auto jobs =
        poisson_jobs(draw, 2000, load, 1, 500, [](Stream& d) { return d.lognormal(400, 0.7); });
    ServerPool server(1, 1);
    const auto ends = run_station(server, jobs, [&](int64_t now_ns, const Job& job, uint64_t tag) {
      server.arrive(now_ns, {1, job.service_ns}, tag);
    });
    int64_t wait_ns = 0;
    Int128 waits_ns = 0, services_ns = 0;
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (i > 0) {
        wait_ns += jobs[i - 1].service_ns - (jobs[i].arrival_ns - jobs[i - 1].arrival_ns);
        wait_ns = std::max<int64_t>(wait_ns, 0);
      }
      REQUIRE(ends[i] == jobs[i].arrival_ns + wait_ns + jobs[i].service_ns);
      waits_ns += wait_ns;
      services_ns += jobs[i].service_ns;
    }
    REQUIRE((server.counts().waiting_ns == waits_ns));
    REQUIRE((server.counts().busy_ns == services_ns));
    check_areas(server.counts(), jobs, ends);
  }
}

TEST_CASE("k servers wait as Erlang's C formula says") {
  constexpr int k = 6;
  constexpr double mean_ns = 10'000;
  for (const double load : {0.5, 0.8}) {
    INFO("load " << load);
    Stream draw(6, kJobs, static_cast<uint64_t>(load * 100));
    const auto jobs = poisson_jobs(draw, 200'000, load, k, mean_ns,
                                   [](Stream& d) { return d.exponential(mean_ns); });
    ServerPool pool(k, 64);
    const auto ends = run_station(pool, jobs, [&](int64_t now_ns, const Job& job, uint64_t tag) {
      pool.arrive(now_ns, {1, job.service_ns}, tag);
    });
    const Estimate wait = batch_means(jobs.size(), [&](size_t i) {
      return static_cast<double>(ends[i] - jobs[i].arrival_ns - jobs[i].service_ns);
    });
    const double expected = erlang_c(k, k * load) * mean_ns / (k * (1 - load));
    REQUIRE(std::abs(wait.mean - expected) < wait.half_width);
    REQUIRE(wait.half_width < 0.2 * expected);
    check_areas(pool.counts(), jobs, ends);
  }
}

TEST_CASE("processor sharing has the mean of M/G/1-PS, whatever the law of service") {
  constexpr double mean_ns = 10'000;
  for (const double load : {0.5, 0.8}) {
    INFO("load " << load);
    Stream draw(7, kJobs, static_cast<uint64_t>(load * 100));
    // Two services: 1 in 10 is 37 times as long as the others.
    const auto jobs = poisson_jobs(draw, 200'000, load, 1, mean_ns, [](Stream& d) {
      return d.below(10) == 0 ? mean_ns * 37 / 4.6 : mean_ns / 4.6;
    });
    ProcessorSharing station(1'000'000'000);
    const auto ends = run_station(station, jobs, [&](int64_t now_ns, const Job& job, uint64_t tag) {
      station.arrive(now_ns, static_cast<uint64_t>(job.service_ns), tag);
    });
    const Estimate sojourn = batch_means(
        jobs.size(), [&](size_t i) { return static_cast<double>(ends[i] - jobs[i].arrival_ns); });
    const double expected = mean_ns / (1 - load);
    REQUIRE(std::abs(sojourn.mean - expected) < sojourn.half_width);
    REQUIRE(sojourn.half_width < 0.2 * expected);
    check_areas(station.counts(), jobs, ends);
  }
}

TEST_CASE("a job of many operations holds servers as the closed form says") {
  std::vector<uint64_t> ended;
  ServerPool pool(4, 2);
  pool.arrive(0, {10, 100}, 1);  // 4 servers for 1000 / 4
  pool.arrive(0, {2, 100}, 2);   // waits: no server is free
  pool.arrive(0, {1, 90}, 3);    // starts beside 2
  pool.arrive(0, {1, 10}, 4);    // a server is free, but two jobs are in service
  REQUIRE(pool.next_end_ns() == 250);
  pool.advance(250, ended);
  REQUIRE(pool.next_end_ns() == 340);
  pool.advance(340, ended);
  REQUIRE(pool.next_end_ns() == 350);
  pool.advance(350, ended);  // 2 and 4
  REQUIRE(ended == std::vector<uint64_t>{1, 3, 2, 4});
  REQUIRE((pool.counts().busy_ns == 4 * 250 + 2 * 100 + 90 + 10));
  REQUIRE((pool.counts().waiting_ns == 250 + 250 + 340));
}

TEST_CASE("the closed form lies between work without gaps and whole waves") {
  for (int64_t operations = 1; operations < 200; ++operations) {
    for (const uint32_t servers : {1u, 3u, 8u, 64u}) {
      ServerPool pool(servers, 1);
      pool.arrive(0, {static_cast<uint64_t>(operations), 70}, 0);
      const int64_t waves = (operations + servers - 1) / servers;
      REQUIRE(pool.next_end_ns() * servers >= operations * 70);
      REQUIRE(pool.next_end_ns() <= waves * 70);
      if (operations % servers == 0) REQUIRE(pool.next_end_ns() == waves * 70);
    }
  }
}

TEST_CASE("a ceiling of operations per second is met and never passed") {
  // 3 million operations a second are 333 1/3 ns each: the third part must not be lost.
  ServerPool pool(1000, 1000, 3'000'000);
  Stream draw(8, kJobs);
  uint64_t operations = 0;
  for (uint64_t tag = 0; tag < 300; ++tag) {
    const uint64_t m = 1 + draw.below(50);
    operations += m;
    pool.arrive(0, {m, 200}, tag);
  }
  int64_t last_ns = 0;
  std::vector<uint64_t> ended;
  while (pool.next_end_ns() != kNever) pool.advance(last_ns = pool.next_end_ns(), ended);
  // All fit in at once but for the servers, which are freed long before the gate opens again.
  REQUIRE(last_ns == static_cast<int64_t>((operations * 1000 + 2) / 3));
}
