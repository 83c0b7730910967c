#include "models/policy/placement.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string>

#include "models/policy/admission_rule.hpp"
#include "models/policy/cache_adapter.hpp"
#include "models/policy/fetch_rule.hpp"
#include "models/policy/key_counts.hpp"
#include "models/policy/saved_state.hpp"
#include "models/policy/tier_list.hpp"

namespace tiercast::policy {
namespace {

enum class Write { through, selective, back };

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
  static constexpr std::array selective{FetchRule::kRule,
                                        FetchRule::kMinLoad,
                                        kOutput,
                                        kPromote,
                                        kPrefetch,
                                        kDemote,
                                        AdmissionRule::kRule,
                                        AdmissionRule::kTiers,
                                        AdmissionRule::kUses,
                                        AdmissionRule::kWindow,
                                        AdmissionRule::kEnginePrice,
                                        AdmissionRule::kWritePrice,
                                        kThreshold,
                                        kWindow};
  static_assert(selective.size() <= ParameterValues::count_max);
  if constexpr (kWrite == Write::selective) return selective;
  return std::span(selective).first(selective.size() - 2);
}

/// A rule for writes (the template's), one for fetches and one for admission, each by itself.
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
                                                   .prefetch = prefetch,
                                                   .save = save,
                                                   .restore = restore,
                                                   .capabilities = capabilities,
                                                   .admit = admit,
                                                   .on_request = nullptr,
                                                   .on_transfer = nullptr,
                                                   .on_tick = nullptr,
                                                   .next_wakeup = nullptr};
    return &entries;
  }

  static constexpr std::string_view name = kWrite == Write::through     ? "through"
                                           : kWrite == Write::selective ? "selective"
                                                                        : "back";

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    if (self.counts_) KeyCounts::archive(*self.counts_, archive);
    AdmissionRule::archive(self.admission_, archive);
  }

 private:
  Placement(const ParameterValues& values, uint64_t seed)
      : identity_(identity_of(name, values, seed)),
        fetch_(values),
        admission_(values),
        output_(values.integer("output") != 0),
        promote_(values.integer("promote") != 0),
        prefetch_(values.integer("prefetch") != 0),
        demote_(kWrite == Write::back || values.integer("demote") != 0) {
    if constexpr (kWrite == Write::selective) {
      threshold_ = values.integer("threshold");
      counts_.emplace(values.integer("window"));
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

  static int create(const char* config, uint64_t seed, tp_placement** out, char* error,
                    size_t error_size) noexcept {
    const auto fail = [&](int code, std::string_view message) {
      return refuse(code, message, error, error_size);
    };
    if (config == nullptr || out == nullptr) return fail(TP_EINVAL, "create needs config and out");
    try {
      ParameterValues values(parameters<kWrite>());
      const std::string wrong = read_parameters(values, config);
      if (!wrong.empty()) return fail(TP_EINVAL, wrong);
      *out = reinterpret_cast<tp_placement*>(new Placement(values, seed));
      return TP_OK;
    } catch (const std::exception&) {
      return fail(TP_ENOMEM, "not enough memory");
    }
  }

  static Placement* of(tp_placement* self) { return reinterpret_cast<Placement*>(self); }
  static const Placement* of(const tp_placement* self) {
    return reinterpret_cast<const Placement*>(self);
  }
  static void destroy(tp_placement* self) noexcept { delete of(self); }

  static int save(const tp_placement* self, void* buffer, size_t capacity, size_t* size) noexcept {
    if (self == nullptr || size == nullptr) return TP_EINVAL;
    return save_state(*of(self), of(self)->identity_, buffer, capacity, size);
  }
  static int restore(tp_placement* self, const void* buffer, size_t size) noexcept {
    if (self == nullptr || buffer == nullptr) return TP_EINVAL;
    return restore_state(*of(self), of(self)->identity_, buffer, size);
  }
  static uint64_t hash_state(const tp_placement* self) noexcept {
    StateHash hash;
    hash.add(of(self)->identity_);
    if (of(self)->counts_) of(self)->counts_->hash(hash);
    of(self)->admission_.hash(hash);
    return hash.value();
  }

  static uint32_t capabilities(const tp_placement* self) noexcept {
    return info()->capabilities |
           (of(self)->admission_.asks() ? uint32_t{TP_CAP_READS_KEYS} | TP_CAP_ADMITS : 0u);
  }

  static int place(tp_placement* self, int64_t, const tp_request*, uint32_t phase, uint32_t first,
                   uint32_t block_count, const tp_block* blocks, const tp_tier* tiers,
                   size_t tier_count, tp_placed* out, size_t out_capacity,
                   size_t* out_count) noexcept {
    Placement& policy = *of(self);
    *out_count = 0;
    const TierList all(tiers, tier_count);
    uint32_t mask = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      if (all.takes_stores(i)) mask |= 1u << i;
    }
    const bool wanted = kWrite != Write::back && mask != 0 && block_count != 0 &&
                        (phase == TP_STORE_PROMPT || policy.output_);
    if ((policy.counts_ || policy.admission_.asks()) && blocks == nullptr && block_count != 0) {
      return TP_EINVAL;
    }
    const uint32_t most = !wanted ? 0 : kWrite == Write::through ? 1 : (block_count + 1) / 2;
    if (out_capacity < most) {  // said before anything is counted: the caller asks again
      *out_count = most;
      return TP_ESPACE;
    }
    const Blocks views(blocks);
    if (policy.admission_.asks()) policy.admission_.count(views, block_count);
    const auto answer = [&](uint32_t from, uint32_t count) {
      out[(*out_count)++] = {from, count, mask, 0};
    };
    if constexpr (kWrite == Write::through) {
      if (wanted) answer(first, block_count);
    } else if constexpr (kWrite == Write::selective) {
      if (mask != 0) policy.due(views, block_count, wanted, first, answer);
    }
    return TP_OK;
  }

  // Counts the blocks, and answers the runs of those that enough prompts have had.
  template <class Answer>
  void due(const Blocks& views, uint32_t block_count, bool wanted, uint32_t first, Answer answer) {
    uint32_t run = 0;
    constexpr uint32_t kAhead = 16;  // counts lie all over memory
    for (uint32_t i = 0; i < std::min(kAhead, block_count); ++i) counts_->expect(views[i]->key);
    for (uint32_t i = 0; i < block_count; ++i) {
      if (i + kAhead < block_count) counts_->expect(views[i + kAhead]->key);
      const bool due = counts_->add(views[i]->key) >= threshold_ && wanted;
      if (due) ++run;
      if (run > 0 && (!due || i + 1 == block_count)) {
        answer(first + i + (due ? 1 : 0) - run, run);
        run = 0;
      }
    }
  }

  static int admit(tp_placement* self, int64_t, const tp_request*, uint32_t, uint32_t to,
                   const tp_block* blocks, size_t block_count, const tp_tier* tiers,
                   size_t tier_count, uint8_t* verdicts) noexcept {
    if (to == 0 || to >= tier_count || (block_count != 0 && (blocks == nullptr || !verdicts))) {
      return TP_EINVAL;
    }
    of(self)->admission_.admit(to, Blocks(blocks), block_count, TierList(tiers, tier_count),
                               verdicts);
    return TP_OK;
  }

  static int demote(tp_placement* self, int64_t, uint32_t from, uint32_t, const tp_tier* tiers,
                    size_t tier_count, uint32_t* to) noexcept {
    *to = TP_NO_TIER;
    const TierList all(tiers, tier_count);
    if (!of(self)->demote_ || (kWrite != Write::back && from == 0)) return TP_OK;
    for (std::size_t i = from + 1; i < all.size(); ++i) {
      if (!all.takes_stores(i)) continue;
      *to = static_cast<uint32_t>(i);
      return TP_OK;
    }
    return TP_OK;
  }

  // Visits the parts of the runs that the fetch rule loads, and the tier of each.
  template <class Visit>
  FetchRule::Range for_loaded(const tp_fetch& fetch, const TierList& tiers, Visit visit) const {
    const FetchRule::Range range = fetch_.loaded(fetch, tiers);
    for (uint32_t i = 0; i < fetch.run_count && range.first != range.end; ++i) {
      const tp_run& run = fetch.runs[i];
      const uint32_t first = std::max(run.first, range.first);
      const uint32_t end = std::min(run.first + run.count, range.end);
      if (first < end) visit(run, nearest_tier(run.tier_mask), first, end - first);
    }
    return range;
  }

  static int plan_fetch(tp_placement* self, int64_t, const tp_request*, const tp_fetch* fetch,
                        const tp_tier* tiers, size_t tier_count, tp_segment* out,
                        size_t out_capacity, size_t* out_count) noexcept {
    const Placement& policy = *of(self);
    const TierList all(tiers, tier_count);
    *out_count = 0;
    const uint32_t keep = policy.promote_ ? all.host() : TP_NO_TIER;
    const auto answer = [&](const tp_segment& segment) {
      if (*out_count < out_capacity) out[*out_count] = segment;
      ++*out_count;
    };
    const uint32_t hit = fetch->hit_blocks;
    policy.for_loaded(
        *fetch, all, [&](const tp_run& run, uint32_t tier, uint32_t first, uint32_t count) {
          if (*out_count == 0 && first > hit) {
            answer({hit, first - hit, TP_SEGMENT_COMPUTE, 0, TP_NO_TIER, 0});
          }
          const bool waits = tier == 0;
          const bool keeps = !waits && keep != TP_NO_TIER && (run.tier_mask >> keep & 1u) == 0 &&
                             (all[tier].flags & TP_TIER_DIRECT) == 0;
          answer({first, count, waits ? uint32_t{TP_SEGMENT_WAIT} : uint32_t{TP_SEGMENT_LOAD}, tier,
                  keeps ? keep : TP_NO_TIER, 0});
        });
    return *out_count <= out_capacity ? TP_OK : TP_ESPACE;
  }

  static int prefetch(tp_placement* self, int64_t, const tp_request*, const tp_fetch* fetch,
                      const tp_tier* tiers, size_t tier_count, tp_segment* out, size_t out_capacity,
                      size_t* out_count) noexcept {
    const Placement& policy = *of(self);
    const TierList all(tiers, tier_count);
    *out_count = 0;
    const uint32_t host = all.host();
    if (!policy.prefetch_ || host == TP_NO_TIER) return TP_OK;
    policy.for_loaded(*fetch, all,
                      [&](const tp_run& run, uint32_t tier, uint32_t first, uint32_t count) {
                        if (tier <= host || (run.tier_mask >> host & 1u) != 0) return;
                        if (*out_count < out_capacity) {
                          out[*out_count] = {first, count, TP_SEGMENT_STAGE, tier, host, 0};
                        }
                        ++*out_count;
                      });
    return *out_count <= out_capacity ? TP_OK : TP_ESPACE;
  }

  uint64_t identity_;
  FetchRule fetch_;
  AdmissionRule admission_;
  bool output_;
  bool promote_;
  bool prefetch_;
  bool demote_;
  uint32_t threshold_ = 0;
  std::optional<KeyCounts> counts_;  // selective only
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
