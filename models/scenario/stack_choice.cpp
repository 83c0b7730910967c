#include "models/scenario/stack_choice.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"

namespace tiercast::scenario {

namespace {

using hardware::Reach;
using hardware::StorageProtocol;

constexpr int kLongestUseChain = 8;  // as the reader follows

// `key` of an object that may be a catalogue entry's name, or build on entries.
const Node* value_of(const Node* object, const std::string& kind, const std::string& key,
                     Catalogue& catalogue) {
  for (int depth = 0; object != nullptr && depth < kLongestUseChain; ++depth) {
    const Node* name = object;
    if (object->is_map()) {
      if (const Node* value = object->find(key); value != nullptr) return value;
      name = object->find("use");
    }
    if (name == nullptr || !name->is_scalar()) return nullptr;
    object = catalogue.find(kind, name->text, name->place);
  }
  return nullptr;
}

bool keeps_objects(const hardware::StorageServiceSpec& service) {
  return service.protocol == StorageProtocol::s3_tcp ||
         service.protocol == StorageProtocol::s3_rdma;
}

// What a stack must reach to serve the tier; nothing where that is not known.
std::optional<Reach> end_of(TierName kind, const ScenarioSpec& spec) {
  switch (kind) {
    case TierName::hbm:
      return std::nullopt;
    case TierName::dram:
      return Reach::host_memory;
    case TierName::peer:
      return Reach::peer_memory;
    case TierName::nvme:
      return Reach::drive;
    case TierName::context:
      return Reach::dpu_flash;
    case TierName::external: {
      const auto& units = spec.cluster.storage.external;
      if (!units || !units->service) return std::nullopt;
      return keeps_objects(*units->service) ? Reach::object_service : Reach::file_service;
    }
  }
  TIERCAST_CHECK(false, "a tier without a name");
}

class ReachCheck {
 public:
  ReachCheck(Catalogue& catalogue, Problems& problems)
      : catalogue_(catalogue), problems_(problems) {}

  void check(const std::string& path, const hardware::StackSpec& stack, Reach end) {
    if (stack.reaches_to(end)) return;
    std::vector<std::string> ends;
    for (const Reach reached : stack.reaches) ends.push_back(name_of_choice(reached));
    const std::string wanted = name_of_choice(end);
    problems_.add(path, "reaches " + join(ends) + ", and this needs " + wanted,
                  "stacks that do: " + join(stacks_to(wanted)) + "; or say " + path +
                      ".reaches: [" + wanted + "]");
  }

 private:
  std::vector<std::string> stacks_to(const std::string& end) {
    std::vector<std::string> found;
    for (const std::string& name : catalogue_.names("stacks")) {
      const Node asked = Node::scalar(name, {}, Origin::catalogue);
      const Node* reaches = value_of(&asked, "stacks", "reaches", catalogue_);
      if (reaches == nullptr) continue;
      const auto named = [&](const Node& item) { return item.text == end; };
      if (std::any_of(reaches->items.begin(), reaches->items.end(), named)) found.push_back(name);
    }
    return found;
  }

  Catalogue& catalogue_;
  Problems& problems_;
};

}  // namespace

std::string service_protocol(const Node& document, Catalogue& catalogue) {
  const Node* service = at_path(document, "cluster.storage.external.service");
  const Node* value = value_of(service, "services", "protocol", catalogue);
  if (value == nullptr || !value->is_scalar()) return {};
  for (const auto& protocol : choices(StorageProtocol{})) {
    if (protocol.name == value->text) return protocol.name;
  }
  return {};
}

void check_reaches(const ScenarioSpec& spec, Catalogue& catalogue, Problems& problems) {
  ReachCheck check(catalogue, problems);
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    const TierSection& tier = spec.tiers[i];
    const std::optional<Reach> end = end_of(tier.kind, spec);
    if (tier.stack && end) check.check("tiers." + std::to_string(i) + ".stack", *tier.stack, *end);
  }
  if (!spec.disaggregation) return;
  check.check("disaggregation.stack", spec.disaggregation->stack, Reach::gpu_memory);
  check.check("disaggregation.node_stack", spec.disaggregation->node_stack, Reach::gpu_memory);
}

}  // namespace tiercast::scenario
