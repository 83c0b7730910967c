#include "models/scenario/tier_objects.hpp"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "models/llm/placement.hpp"
#include "models/scenario/figure_node.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

namespace {

using hardware::Granularity;

// Whose objects a tier gives: peers read host memory.
size_t keeper_of(const ScenarioSpec& spec, size_t tier) {
  if (spec.tiers[tier].kind != TierName::peer) return tier;
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    if (spec.tiers[i].kind == TierName::dram) return i;
  }
  return tier;
}

ObjectsSection section_of(const ScenarioSpec& spec, size_t tier) {
  return spec.tiers[keeper_of(spec, tier)].objects.value_or(ObjectsSection{});
}

ObjectLayout gathered(const hardware::StackSpec& stack) {
  return stack.granularity == Granularity::layer ? ObjectLayout::layer_first
                                                 : ObjectLayout::page_first;
}

// Bytes of one token in one layer as one of `tp` ranks writes them.
int64_t part_bytes(const ScenarioSpec& spec, llm::KvFormat format, uint32_t tp) {
  return llm::kv_layer_bytes_per_gpu(spec.model.name, format, tp);
}

TierObjects objects_as(const ScenarioSpec& spec, llm::KvFormat format, uint32_t tp) {
  TierObjects objects;
  objects.format = format;
  objects.layout = {tokens(spec.engine.block_tokens), spec.model.name.layers,
                    bytes(part_bytes(spec, format, tp))};
  objects.block_bytes = llm::kv_block_bytes(spec.model.name, format, spec.engine.block_tokens);
  objects.copies = llm::kv_copies(spec.model.name, spec.engine.tp);
  return objects;
}

// Of the memory's bandwidth that a kernel which gathers, converts and scatters gets. It reads
// every byte once and writes what becomes of it.
constexpr double kConvertShare = 0.5;
constexpr double kConvertShareMin = 0.1;  // of small pieces, beside the engine's own kernels
constexpr double kConvertShareMax = 0.8;  // of a copy in large pieces

Figure<BytesPerSecond> conversion_estimate(const ScenarioSpec& spec, const TierObjects& objects) {
  const int64_t held_bytes =
      llm::kv_block_bytes(spec.model.name, spec.model.kv, spec.engine.block_tokens);
  const double bytes_moved =
      1 + static_cast<double>(objects.block_bytes) / static_cast<double>(held_bytes);
  const auto at = [&](double share) {
    const double peak = spec.cluster.node.gpu.hbm_bandwidth.value.value();
    return bytes_per_second(std::round(peak * share / bytes_moved));
  };
  return {at(kConvertShare), FigureKind::estimate,
          "Assumption: a kernel that reads and writes GPU memory once gets half of its bandwidth; "
          "10 % in small pieces beside the engine, 80 % in large ones",
          std::pair(at(kConvertShareMin), at(kConvertShareMax))};
}

std::string path_of(size_t tier) { return "tiers." + std::to_string(tier) + ".objects"; }

class ObjectsCheck {
 public:
  ObjectsCheck(const ScenarioSpec& spec, Problems& problems) : spec_(spec), problems_(problems) {}

  void check_all() {
    for (size_t i = 0; i < spec_.tiers.size(); ++i) {
      const TierSection& tier = spec_.tiers[i];
      if (tier.objects && check_place(i)) check_own(i, *tier.objects);
      if (tier.stack) check_size(i);
    }
    check_moves();
  }

 private:
  // Tiers that can be told.
  bool check_place(size_t i) {
    if (spec_.tiers[i].kind == TierName::hbm) {
      problems_.add(path_of(i), "GPU memory holds KV as the engine does", "say model.kv");
      return false;
    }
    if (spec_.tiers[i].kind == TierName::peer) {
      problems_.add(path_of(i),
                    "peer has no pool of its own: it reads the dram tier of other nodes",
                    "say it of dram");
      return false;
    }
    return spec_.tiers[i].stack.has_value();
  }

  void check_own(size_t i, const ObjectsSection& section) {
    if (section.tp) {
      const std::string wrong =
          llm::parallel_violation(spec_.model.name, {.tp = *section.tp, .pp = 1, .dp = 1, .ep = 1});
      if (!wrong.empty()) problems_.add(path_of(i) + ".tp", wrong, "take a divisor of them");
    }
    const TierObjects objects = tier_objects(spec_, i);
    if (!objects.differ && section.convert_bandwidth) {
      problems_.warn(path_of(i) + ".convert_bandwidth",
                     "nothing is converted: the engine holds KV alike", "leave it out");
    }
    if (section.replicas != ReplicaLoad::broadcast) return;
    if (objects.copies == 1) {
      problems_.warn(path_of(i) + ".replicas", "each rank has KV of its own: nothing is broadcast",
                     "leave it out");
    } else if (!spec_.cluster.node.gpu.nvlink) {
      problems_.add(path_of(i) + ".replicas", "the node's GPUs have no NVLink to broadcast over",
                    "say per-rank");
    }
  }

  void check_size(size_t i) {
    if (tier_objects(spec_, i).block_bytes < int64_t{UINT32_MAX}) return;
    problems_.add(path_of(i), "one block would take 4 GiB or more", "lower engine.block_tokens");
  }

  bool alike(size_t a, size_t b) const {
    const ObjectsSection one = section_of(spec_, a);
    const ObjectsSection other = section_of(spec_, b);
    const TierObjects of_one = tier_objects(spec_, a);
    const TierObjects of_other = tier_objects(spec_, b);
    const bool told = one.layout || other.layout;
    return of_one.format == of_other.format &&
           of_one.layout.token_bytes_a_layer == of_other.layout.token_bytes_a_layer &&
           (!told || gathered(of_one.stack) == gathered(of_other.stack));
  }

  bool takes_stores(size_t i) const {
    const TierSection& tier = spec_.tiers[i];
    return tier.stack && tier.kind != TierName::peer && !tier.read_only &&
           tier_objects(spec_, i).usable;
  }

  void refuse(size_t from, size_t to, const std::string& what, const std::string& hint) {
    const size_t at = spec_.tiers[to].objects ? to : from;
    const auto name = [&](size_t i) {
      return name_of_choice(spec_.tiers[i].kind) + " stores " + objects_text(spec_, i);
    };
    problems_.add(path_of(at),
                  what + ", and " + name(from) + " but " + name(to) + ": only GPUs convert",
                  "give both the same objects, or " + hint);
  }

  // Pairs of tiers between which blocks move without a GPU on the way.
  void check_moves() {
    const PlacementSection& placement = spec_.policy.placement;
    const bool demotes = placement.demote || placement.write == WritePolicy::back;
    std::optional<size_t> host;
    std::optional<size_t> above;
    for (size_t i = 0; i < spec_.tiers.size(); ++i) {
      const TierSection& tier = spec_.tiers[i];
      if (!tier.stack || !tier_objects(spec_, i).usable) continue;
      if (host && !alike(*host, i)) check_host(*host, i);
      if (!takes_stores(i)) continue;
      if (demotes && above && !alike(*above, i)) {
        refuse(*above, i, "what leaves one tier moves to the next",
               "say policy.placement: {write: through, demote: false}");
      }
      above = i;
      if (tier.kind == TierName::dram) host = i;
    }
  }

  void check_host(size_t host, size_t tier) {
    const PlacementSection& placement = spec_.policy.placement;
    if (takes_stores(tier) && placement.write != WritePolicy::back &&
        !spec_.tiers[tier].stack->bypass_host) {
      refuse(host, tier, "stores leave from host memory", "a stack with bypass_host: true");
    }
    if (placement.promote && !spec_.tiers[tier].stack->bypass_host) {
      refuse(host, tier, "host memory keeps copies of what passes it",
             "say policy.placement.promote: false");
    }
    if (placement.prefetch) {
      refuse(host, tier, "blocks are fetched into host memory ahead",
             "say policy.placement.prefetch: false");
    }
  }

  const ScenarioSpec& spec_;
  Problems& problems_;
};

}  // namespace

int64_t TierObjects::convert_ns() const {
  if (convert_bandwidth <= 0) return 0;
  const Bytes operation = hardware::operation_bytes(stack, layout);
  return ceil_to_ns(operation / bytes_per_second(convert_bandwidth)).value();
}

TierObjects engine_objects(const ScenarioSpec& spec) {
  return objects_as(spec, spec.model.kv, spec.engine.tp);
}

TierObjects tier_objects(const ScenarioSpec& spec, size_t tier) {
  const ObjectsSection section = section_of(spec, tier);
  const hardware::StackSpec& stack = *spec.tiers[tier].stack;
  const llm::KvFormat held = spec.model.kv;
  const uint32_t tp = section.tp.value_or(spec.engine.tp);
  TierObjects objects = objects_as(spec, section.kv.value_or(held), tp);
  objects.stack = stack;
  const bool laid_otherwise = section.layout && *section.layout != gathered(stack);
  if (laid_otherwise) {
    objects.stack.granularity =
        *section.layout == ObjectLayout::layer_first ? Granularity::layer : Granularity::block;
  }
  objects.differ = laid_otherwise || objects.format != held ||
                   part_bytes(spec, held, tp) != part_bytes(spec, held, spec.engine.tp);
  objects.usable = !objects.differ || section.mismatch == ObjectMismatch::convert;
  objects.broadcast = objects.copies > 1 && section.replicas == ReplicaLoad::broadcast;
  if (objects.differ && objects.usable && section.convert_bandwidth) {
    const int64_t held_bytes = llm::kv_block_bytes(spec.model.name, held, spec.engine.block_tokens);
    objects.convert_bandwidth = section.convert_bandwidth->value.value() *
                                static_cast<double>(objects.block_bytes) /
                                static_cast<double>(held_bytes);
  }
  return objects;
}

std::string objects_text(const ScenarioSpec& spec, size_t tier) {
  const ObjectsSection section = section_of(spec, tier);
  std::string text = name_of_choice(section.kv.value_or(spec.model.kv));
  text += ", tp " + std::to_string(section.tp.value_or(spec.engine.tp));
  if (section.layout) text += ", " + name_of_choice(*section.layout);
  return text;
}

std::string objects_caveat(const ScenarioSpec& spec, size_t tier) {
  if (!spec.tiers[tier].objects || !spec.tiers[tier].stack) return {};
  const TierObjects objects = tier_objects(spec, tier);
  const std::string name = name_of_choice(spec.tiers[tier].kind);
  if (!objects.usable) {
    return name + " stores " + objects_text(spec, tier) +
           ", which the engine does not hold: nothing is found there and nothing stored, though it "
           "is paid for";
  }
  if (objects.format == llm::KvFormat::fp8 && spec.model.kv != llm::KvFormat::fp8) {
    return name +
           " stores KV in 8 bits that the engine computes with in 16: what that does to "
           "answers is not simulated";
  }
  return {};
}

void estimate_conversions(ScenarioSpec& spec, Node& resolved) {
  for (size_t i = 0; i < spec.tiers.size(); ++i) {
    TierSection& tier = spec.tiers[i];
    if (!tier.stack || !tier.objects || tier.objects->convert_bandwidth) continue;
    const TierObjects objects = tier_objects(spec, i);
    if (!objects.differ || !objects.usable) continue;
    tier.objects->convert_bandwidth = conversion_estimate(spec, objects);
    resolved.find("tiers")->items.at(i).find("objects")->set(
        "convert_bandwidth", figure_node(*tier.objects->convert_bandwidth));
  }
}

void check_objects(const ScenarioSpec& spec, Problems& problems) {
  ObjectsCheck(spec, problems).check_all();
}

}  // namespace tiercast::scenario
