#include "tests/resources/random_network.hpp"

#include <algorithm>

#include "sim/base/random.hpp"

namespace tiercast::tests {

namespace {

constexpr Purpose kNetwork{"test.resources.network"};

TestPath random_path(Stream& draw, const TestNetwork& net, bool small) {
  TestPath path;
  const auto hops = static_cast<size_t>(draw.between(1, 4));
  while (path.links.size() < std::min(hops, net.links.size())) {
    const auto link = static_cast<uint32_t>(draw.below(net.links.size()));
    if (std::find(path.links.begin(), path.links.end(), link) == path.links.end()) {
      path.links.push_back(link);
    }
  }
  path.weight = draw.below(3) == 0 ? static_cast<uint32_t>(draw.between(1, 4)) : 1;
  path.cap = draw.below(3) == 0 ? draw.below(small ? 300 : 20'000'000'000) + 1 : 0;
  return path;
}

}  // namespace

TestNetwork random_network(uint64_t number, const NetworkOptions& options) {
  Stream draw(11, kNetwork, number);
  TestNetwork net;
  // Few bytes a second make rounding show; the flows there weigh 200 at most.
  const bool small = draw.below(2) == 0 && !options.large;
  const bool round = draw.below(2) == 0;  // equal levels on many links
  const auto links = options.large ? draw.between(20, 80) : draw.between(1, 12);
  for (int64_t i = 0; i < links; ++i) {
    uint64_t rate = small ? 200 + draw.below(round ? 4 : 900)
                          : 1'000'000'000 * (round ? draw.below(4) + 1 : 1) +
                                (round ? 0 : draw.below(50'000'000'000));
    if (i % 3 == 2) rate *= 4;  // some are wide enough to be inert
    const bool fifo = options.with_fifo && draw.below(3) == 0;
    net.links.push_back({rate, fifo ? resources::Discipline::fifo : resources::Discipline::fair});
  }
  const auto paths = options.large ? draw.between(30, 150) : draw.between(1, 10);
  for (int64_t i = 0; i < paths; ++i) net.paths.push_back(random_path(draw, net, small));
  const auto flows = options.large ? 300 : draw.between(1, 30);
  int64_t now_ns = 0;
  for (int64_t i = 0; i < flows; ++i) {
    // Round networks have round times and sizes too, so that starts and ends fall together.
    const int64_t unit_ns = small ? 100'000'000 : 500;
    const int64_t wait_ns = round ? unit_ns * draw.between(0, 4) : draw.between(0, 4 * unit_ns);
    if (draw.below(3) != 0) now_ns += wait_ns;
    TestFlow flow{now_ns, static_cast<uint32_t>(draw.below(net.paths.size())), 0, 0, -1};
    flow.bytes = 1 + draw.below(draw.below(4) == 0 ? 3 : (small ? 200 : 100'000));
    if (round && !small) flow.bytes = 3000 * (draw.below(6) + 1);
    flow.tag = static_cast<uint64_t>(i) * 7 % 311 + 100;
    if (i > 0 && draw.below(4) == 0)
      flow.after = static_cast<int>(draw.below(static_cast<uint64_t>(i)));
    net.flows.push_back(flow);
  }
  return net;
}

}  // namespace tiercast::tests
