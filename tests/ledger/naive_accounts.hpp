// A second accounting of energy: every part a line with its watts and times, added up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/ledger/ledger.hpp"
#include "models/ledger/provision.hpp"

namespace tiercast::tests {

/// Watts over time: `idle_w` while the part stands there with nothing to do, `busy_w` while it
/// does.
struct PowerLine {
  std::string component;
  double idle_w = 0;
  double busy_w = 0;
  double stands_s = 0;  ///< summed over parts alike
  double busy_s = 0;
  double loss = 0;  ///< of its supply, for each watt
  bool storage_path = false;
  bool beside_nodes = false;

  double idle_j() const { return idle_w * stands_s; }
  double joules() const { return idle_w * (stands_s - busy_s) + busy_w * busy_s; }
};

std::vector<PowerLine> power_lines(const ledger::Provision& boxes, const ledger::Meters& meters);

/// Boxes of every kind with random figures, each with a range around it, and a run in which no part
/// is busy for longer than it stands there.
struct RandomRun {
  ledger::Provision boxes;
  hardware::FacilitySpec facility;
  ledger::Meters meters;
};
RandomRun random_run(uint64_t seed);

}  // namespace tiercast::tests
