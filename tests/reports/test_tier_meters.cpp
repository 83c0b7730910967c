// What cards are metered with, from facts made by hand.
#include <catch2/catch.hpp>

#include "reports/tier_meters.hpp"

namespace tiercast::reports {
namespace {

// An enclosure of two DPUs that do 100 operations/s each.
ledger::Provision with_dpus(uint32_t boxes) {
  ledger::Provision provision;
  provision.context.emplace();
  provision.context->count = boxes;
  hardware::EnclosureSpec& box = provision.context->enclosure.emplace();
  box.dpus.count = 2;
  box.dpus.cores = 1;
  box.dpus.operation_time.value = Nanoseconds{10'000'000};
  return provision;
}

uint64_t operations_of(const ledger::Provision& boxes,
                       const std::vector<serving::LinkOutcome>& links) {
  serving::Outcome outcome;
  outcome.links = links;
  ledger::Meters meters;
  add_tier_meters(outcome, boxes, meters);
  return meters.context.operations;
}

}  // namespace

// Operations of 1000 bytes: 100 of them are 100 kB, which a card does in a second.
TEST_CASE("an operation at a DPU is counted once, however many pods there are") {
  CHECK(operations_of(with_dpus(1), {{"context0.cores", 200'000, 600'000, 0}}) == 600);
  // Two pods with a box each.
  CHECK(operations_of(with_dpus(2), {{"context0.cores", 200'000, 600'000, 0},
                                     {"context1.cores", 200'000, 400'000, 0}}) == 1000);
}

}  // namespace tiercast::reports
