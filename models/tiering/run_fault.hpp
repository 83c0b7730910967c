#pragma once

#include <stdexcept>

namespace tiercast::tiering {

/// A run cannot go on, by no fault of the program: what a policy answered, or how far a scenario
/// goes beyond what is simulated. what() is for people.
class RunFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace tiercast::tiering
