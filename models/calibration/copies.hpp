// Bandwidth of copies by size and count to a catalogue entry of `stacks`.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/calibration/calibration.hpp"
#include "models/hardware/stack_spec.hpp"

namespace tiercast::calibration {

struct CopiesInput {
  std::string base_name;  ///< catalogue entry to start from
  const hardware::StackSpec& base;
  BytesPerSecond link;  ///< raw, one way, of the path that was measured
};

/// Fits setup, operation_time, efficiency and depth of `base` to copies, by the time that
/// hardware::transfer_time says; duplex follows from rows of both ways at once. Columns, by any of
/// several names: contiguous bytes of an operation; how many operations, or bytes in all (else one
/// operation); direction; bandwidth, or time. Where all rows have one number of operations,
/// setup stays the base's: it cannot be told from operation_time. A row is one transfer alone, or
/// the mean of such.  Nothing after reporting a table at fault.
std::optional<Calibration> calibrate_stack(const CopiesInput& input,
                                           std::span<const MeasuredTable> tables,
                                           const FitOptions& options, Diagnostics& found);

}  // namespace tiercast::calibration
