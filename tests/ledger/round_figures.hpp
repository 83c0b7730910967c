// Boxes with figures that a reader can add up.
#pragma once

#include "models/ledger/ledger.hpp"
#include "models/ledger/provision.hpp"

namespace tiercast::tests {

/// 820 W idle before 25 % of loss; 80,000 USD of GPUs in a chassis of 40,000.
hardware::NodeSpec round_node();
hardware::FacilitySpec round_facility();

/// 10 W idle, 20 W reading at 10 GB/s, 30 W writing at 5 GB/s; 10 TB, 1,000 USD. A year of its life
/// is 3.65 PB of host writes.
hardware::DriveSpec round_drive(uint32_t count);
/// 50 W idle, 150 W busy: 100 GB/s by the network, 80 GB/s by PCIe, 8 cores of 2 us an operation.
hardware::DpuSpec round_dpu(uint32_t count);
/// Eight drives behind two DPUs: 80 + 100 + 20 W idle before 10 % of loss; 8,000 + 4,000 + 3,000
/// USD.
hardware::EnclosureSpec round_enclosure();
/// 400 W idle, 1,000 W at 40 GB/s read or 20 GB/s written; three bytes written for each stored, on
/// ten drives.
hardware::StorageServiceSpec round_service();
/// 64 ports of 100 GB/s; 500 W idle, 900 W at 6,400 GB/s.
hardware::FabricSpec round_fabric();

/// Three round nodes with drives and DPUs, two enclosures, one service, three switches.
ledger::Provision round_provision();

}  // namespace tiercast::tests
