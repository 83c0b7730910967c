// Output of fio (`--output-format=json`) to a catalogue entry of `drives`.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "models/calibration/calibration.hpp"
#include "models/calibration/json_file.hpp"
#include "models/hardware/storage_specs.hpp"

namespace tiercast::calibration {

struct FioInput {
  std::string base_name;                      ///< catalogue entry to start from, or empty
  const hardware::DriveSpec* base = nullptr;  ///< of that name, or null
};

/// What the jobs tell of a drive:
///   read, write               the best of reads (writes) of 64 KiB and more
///   mixed                     the best sum of jobs that do both, in such sizes
///   read_iops, write_iops     the best of random ones of 4 KiB
///   read_latency, write_latency   the mean of random ones of up to 4 KiB, one in flight
///   queue_latency             mean of the random 4 KiB reads that read_iops comes from, less that
/// Jobs of one group ran at the same time: alike, they count as one, else not at all. How many were
/// in flight follows from Little's law. Figures that no job tells are left to the base. Nothing
/// after reporting a file at fault, or where no job tells anything.
std::optional<Calibration> calibrate_drive(const FioInput& input, std::span<const JsonFile> files,
                                           Diagnostics& found);

}  // namespace tiercast::calibration
