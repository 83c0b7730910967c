#include "models/policy/placement.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>

#include "models/policy/cache_adapter.hpp"
#include "models/policy/key_counts.hpp"

namespace tiercast::policy {
namespace {

enum class Write { through, selective, back };
enum class Fetch : uint32_t { load_all = 0, recompute_all = 1, load_or_recompute = 2 };

constexpr Parameter kFetch{"fetch",
                           "",
                           ParameterKind::integer,
                           0,
                           0,
                           2,
                           "0 loads all that is found, 1 computes all again, 2 whichever is done "
                           "sooner"};
constexpr Parameter kMinimum{
    "min_load", "blocks", ParameterKind::integer, 1, 1, 1e6, "shorter finds are computed again"};
constexpr Parameter kOutput{
    "output", "", ParameterKind::integer, 1, 0, 1, "1 stores generated tokens too, 0 prompts only"};
constexpr Parameter kPromote{
    "promote",
    "",
    ParameterKind::integer,
    1,
    0,
    1,
    "1 keeps a copy in host memory of what a farther tier gives through it"};
constexpr Parameter kPrefetch{"prefetch",
                              "",
                              ParameterKind::integer,
                              0,
                              0,
                              1,
                              "1 fetches into host memory from arrival on, while requests wait"};
constexpr Parameter kDemote{"demote",
                            "",
                            ParameterKind::integer,
                            0,
                            0,
                            1,
                            "1 moves what leaves a lower tier to the next one, 0 drops it"};
constexpr Parameter kThreshold{"threshold",
                               "uses",
                               ParameterKind::integer,
                               2,
                               1,
                               255,
                               "a block is written once so many prompts have had it"};
constexpr Parameter kWindow{"window",
                            "blocks",
                            ParameterKind::integer,
                            4'194'304,
                            1,
                            268'435'456,
                            "different blocks after which one may be forgotten"};

template <Write kWrite>
std::span<const Parameter> parameters() {
  static constexpr std::array selective{kFetch,    kMinimum, kOutput,    kPromote,
                                        kPrefetch, kDemote,  kThreshold, kWindow};
  if constexpr (kWrite == Write::selective) return selective;
  return std::span(selective).first(selective.size() - 2);
}

class Tiers {
 public:
  Tiers(const tp_tier* first, std::size_t count)
      : first_(reinterpret_cast<const char*>(first)), count_(count) {}
  std::size_t size() const { return count_; }
  const tp_tier& operator[](std::size_t i) const {
    const std::size_t stride = reinterpret_cast<const tp_tier*>(first_)->size;
    return *reinterpret_cast<const tp_tier*>(first_ + i * stride);
  }
  bool takes_stores(std::size_t i) const { return ((*this)[i].flags & TP_TIER_READ_ONLY) == 0; }

 private:
  const char* first_;
  std::size_t count_;
};

int64_t load_ns(const tp_tier& tier, uint64_t bytes) {
  const double seconds = static_cast<double>(tier.queued_read_bytes + bytes) /
                         static_cast<double>(std::max<uint64_t>(1, tier.read_bytes_per_s));
  return tier.read_latency_ns + static_cast<int64_t>(std::min(seconds, 1e9) * 1e9);
}

uint32_t nearest_tier(uint32_t mask) {
  uint32_t tier = 0;
  while ((mask >> tier & 1u) == 0) ++tier;
  return tier;
}

template <Write kWrite>
class Placement {
 public:
  static const tp_placement_table* table() {
    static constexpr tp_placement_table entries = {.size = sizeof(tp_placement_table),
                                                   .reserved = 0,
                                                   .info = info,
                                                   .create = create,
                                                   .destroy = destroy,
                                                   .hash_state = hash_state,
                                                   .place = place,
                                                   .demote = demote,
                                                   .plan_fetch = plan_fetch,
                                                   .prefetch = prefetch};
    return &entries;
  }

  static constexpr std::string_view name = kWrite == Write::through     ? "through"
                                           : kWrite == Write::selective ? "selective"
                                                                        : "back";

 private:
  explicit Placement(const ParameterValues& values)
      : fetch_(static_cast<Fetch>(values.integer("fetch"))),
        min_load_(values.integer("min_load")),
        output_(values.integer("output") != 0),
        promote_(values.integer("promote") != 0),
        prefetch_(values.integer("prefetch") != 0),
        demote_(kWrite == Write::back || values.integer("demote") != 0) {
    if constexpr (kWrite == Write::selective) {
      threshold_ = values.integer("threshold");
      counts_ = std::make_unique<KeyCounts>(values.integer("window"));
    }
  }

  static const tp_info* info() noexcept {
    static constexpr tp_info facts = {
        .size = sizeof(tp_info),
        .abi_major = TP_ABI_MAJOR,
        .abi_minor = TP_ABI_MINOR,
        .capabilities = kWrite == Write::selective ? uint32_t{TP_CAP_READS_KEYS} : 0u,
        .name = name.data(),
        .version = library_version};
    return &facts;
  }

  static int create(const char* config, uint64_t, tp_placement** out, char* error,
                    size_t error_size) noexcept {
    const auto fail = [&](int code, std::string_view message) {
      return refuse(code, message, error, error_size);
    };
    if (config == nullptr || out == nullptr) return fail(TP_EINVAL, "create needs config and out");
    try {
      ParameterValues values(parameters<kWrite>());
      const std::string wrong = read_parameters(values, config);
      if (!wrong.empty()) return fail(TP_EINVAL, wrong);
      *out = reinterpret_cast<tp_placement*>(new Placement(values));
      return TP_OK;
    } catch (const std::exception&) {
      return fail(TP_ENOMEM, "not enough memory");
    }
  }

  static Placement* of(tp_placement* self) { return reinterpret_cast<Placement*>(self); }
  static void destroy(tp_placement* self) noexcept { delete of(self); }

  static uint64_t hash_state(const tp_placement* self) noexcept {
    StateHash hash;
    const auto& policy = *reinterpret_cast<const Placement*>(self);
    if (policy.counts_ != nullptr) policy.counts_->hash(hash);
    return hash.value();
  }

  static int place(tp_placement* self, int64_t, const tp_request*, uint32_t phase, uint32_t first,
                   uint32_t block_count, const tp_block* blocks, const tp_tier* tiers,
                   size_t tier_count, tp_placed* out, size_t out_capacity,
                   size_t* out_count) noexcept {
    Placement& policy = *of(self);
    *out_count = 0;
    const Tiers all(tiers, tier_count);
    uint32_t mask = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all.takes_stores(i)) mask |= 1u << i;
    }
    const bool wanted = phase == TP_STORE_PROMPT || policy.output_;
    const auto answer = [&](uint32_t from, uint32_t count) {
      if (*out_count < out_capacity) out[*out_count] = {from, count, mask, 0};
      ++*out_count;
    };
    if constexpr (kWrite == Write::back) return TP_OK;
    if (mask == 0 || block_count == 0) return TP_OK;
    if constexpr (kWrite == Write::through) {
      if (wanted) answer(first, block_count);
    } else {
      if (blocks == nullptr) return TP_EINVAL;
      const uint32_t most = wanted ? (block_count + 1) / 2 : 0;  // every other block is due
      if (out_capacity < most) {  // said before anything is counted: the caller asks again
        *out_count = most;
        return TP_ESPACE;
      }
      const Blocks views(blocks);
      uint32_t run = 0;
      constexpr uint32_t kAhead = 16;  // counts lie all over memory
      for (uint32_t i = 0; i < std::min(kAhead, block_count); ++i) {
        policy.counts_->expect(views[i]->key);
      }
      for (uint32_t i = 0; i < block_count; ++i) {
        if (i + kAhead < block_count) policy.counts_->expect(views[i + kAhead]->key);
        const bool due = policy.counts_->add(views[i]->key) >= policy.threshold_ && wanted;
        if (due) ++run;
        if (run > 0 && (!due || i + 1 == block_count)) {
          answer(first + i + (due ? 1 : 0) - run, run);
          run = 0;
        }
      }
    }
    return *out_count <= out_capacity ? TP_OK : TP_ESPACE;
  }

  static int demote(tp_placement* self, int64_t, uint32_t from, uint32_t, const tp_tier* tiers,
                    size_t tier_count, uint32_t* to) noexcept {
    *to = TP_NO_TIER;
    const Tiers all(tiers, tier_count);
    if (!of(self)->demote_ || (kWrite != Write::back && from == 0)) return TP_OK;
    for (std::size_t i = from + 1; i < all.size(); ++i) {
      if (!all.takes_stores(i)) continue;
      *to = static_cast<uint32_t>(i);
      return TP_OK;
    }
    return TP_OK;
  }

  // Of the runs, how many are fetched.
  uint32_t runs_to_load(const tp_fetch& fetch, const Tiers& tiers) const {
    const uint32_t runs = best_runs(fetch, tiers);
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < runs; ++i) blocks += fetch.runs[i].count;
    return blocks < min_load_ ? 0 : runs;
  }

  uint32_t best_runs(const tp_fetch& fetch, const Tiers& tiers) const {
    if (fetch_ == Fetch::recompute_all) return 0;
    if (fetch_ == Fetch::load_all) return fetch.run_count;
    int64_t compute = 0;
    for (uint32_t i = 0; i < fetch.run_count; ++i) compute += fetch.runs[i].compute_ns;
    int64_t best = compute;
    uint32_t best_count = 0;
    std::array<uint64_t, 32> bytes{};
    int64_t load = 0;
    for (uint32_t i = 0; i < fetch.run_count; ++i) {
      const tp_run& run = fetch.runs[i];
      const uint32_t tier = nearest_tier(run.tier_mask);
      compute -= run.compute_ns;
      if (tier != 0) {
        bytes[tier] += uint64_t{run.count} * fetch.block_bytes;
        load = std::max(load, load_ns(tiers[tier], bytes[tier]));
      }
      if (load + compute < best) {
        best = load + compute;
        best_count = i + 1;
      }
    }
    return best_count;
  }

  uint32_t host_tier(const Tiers& tiers) const {
    for (std::size_t i = 1; i < tiers.size(); ++i) {
      if (tiers[i].kind == TP_TIER_DRAM && tiers.takes_stores(i)) return static_cast<uint32_t>(i);
    }
    return TP_NO_TIER;
  }

  static int plan_fetch(tp_placement* self, int64_t, const tp_request*, const tp_fetch* fetch,
                        const tp_tier* tiers, size_t tier_count, tp_segment* out,
                        size_t out_capacity, size_t* out_count) noexcept {
    const Placement& policy = *of(self);
    const Tiers all(tiers, tier_count);
    *out_count = 0;
    const uint32_t loaded = policy.runs_to_load(*fetch, all);
    const uint32_t keep = policy.promote_ ? policy.host_tier(all) : TP_NO_TIER;
    for (uint32_t i = 0; i < loaded; ++i) {
      const tp_run& run = fetch->runs[i];
      const uint32_t tier = nearest_tier(run.tier_mask);
      const bool waits = tier == 0;
      const bool keeps = !waits && keep != TP_NO_TIER && (run.tier_mask >> keep & 1u) == 0 &&
                         (all[tier].flags & TP_TIER_DIRECT) == 0;
      if (*out_count < out_capacity) {
        out[*out_count] = {run.first,
                           run.count,
                           waits ? uint32_t{TP_SEGMENT_WAIT} : uint32_t{TP_SEGMENT_LOAD},
                           tier,
                           keeps ? keep : TP_NO_TIER,
                           0};
      }
      ++*out_count;
    }
    return *out_count <= out_capacity ? TP_OK : TP_ESPACE;
  }

  static int prefetch(tp_placement* self, int64_t, const tp_request*, const tp_fetch* fetch,
                      const tp_tier* tiers, size_t tier_count, tp_segment* out, size_t out_capacity,
                      size_t* out_count) noexcept {
    const Placement& policy = *of(self);
    const Tiers all(tiers, tier_count);
    *out_count = 0;
    const uint32_t host = policy.host_tier(all);
    if (!policy.prefetch_ || host == TP_NO_TIER) return TP_OK;
    const uint32_t loaded = policy.runs_to_load(*fetch, all);
    for (uint32_t i = 0; i < loaded; ++i) {
      const tp_run& run = fetch->runs[i];
      const uint32_t tier = nearest_tier(run.tier_mask);
      if (tier <= host || (run.tier_mask >> host & 1u) != 0) continue;
      if (*out_count < out_capacity) {
        out[*out_count] = {run.first, run.count, TP_SEGMENT_STAGE, tier, host, 0};
      }
      ++*out_count;
    }
    return *out_count <= out_capacity ? TP_OK : TP_ESPACE;
  }

  Fetch fetch_;
  uint32_t min_load_;
  bool output_;
  bool promote_;
  bool prefetch_;
  bool demote_;
  uint32_t threshold_ = 0;
  std::unique_ptr<KeyCounts> counts_;  // selective only
};

template <Write kWrite>
PlacementEntry entry(std::string_view description, std::string_view source) {
  return {Placement<kWrite>::name, description, source, parameters<kWrite>(),
          Placement<kWrite>::table()};
}

}  // namespace

// The one list of built-in placement policies. An index is part of the C interface: append only.
std::span<const PlacementEntry> placement_policies() {
  static const std::array policies{
      entry<Write::through>(
          "Every complete block goes to every lower tier at once; what leaves a tier is dropped, "
          "as "
          "the tiers below have it.",
          "vLLM v1: vllm/v1/kv_offload/tiering/manager.py (stores cascade to all tiers); SGLang "
          "HiCache write_through"),
      entry<Write::selective>(
          "As `through`, but only blocks that so many prompts have had.",
          "SGLang HiCache write_through_selective; vLLM v1 kv_offload store_threshold and "
          "its bounded table"),
      entry<Write::back>(
          "Blocks are written only as they leave the tier above; the step that needs their frames "
          "waits for the copy.",
          "SGLang HiCache write_back"),
  };
  return policies;
}

const PlacementEntry* find_placement_policy(std::string_view wanted) {
  const auto policies = placement_policies();
  const auto found =
      std::find_if(policies.begin(), policies.end(),
                   [&](const PlacementEntry& known) { return known.name == wanted; });
  return found != policies.end() ? &*found : nullptr;
}

}  // namespace tiercast::policy

extern "C" const tp_placement_table* tp_builtin_placement(size_t index) {
  const auto policies = tiercast::policy::placement_policies();
  return index < policies.size() ? policies[index].table : nullptr;
}

extern "C" const tp_placement_table* tp_find_builtin_placement(const char* name) {
  if (name == nullptr) return nullptr;
  const tiercast::policy::PlacementEntry* found = tiercast::policy::find_placement_policy(name);
  return found != nullptr ? found->table : nullptr;
}
