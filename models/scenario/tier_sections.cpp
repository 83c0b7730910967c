#include "models/scenario/tier_sections.hpp"

#include "models/policy/placement.hpp"
#include "sim/base/field_table.hpp"

namespace tiercast::tiering {

std::vector<Choice<LoadMode>> choices(LoadMode) {
  return {{"parked", LoadMode::parked, "the request waits outside the batch, others run"},
          {"in-step", LoadMode::in_step, "the step starts once the blocks are there"},
          {"layerwise", LoadMode::layerwise, "the step computes each layer as it comes"}};
}

}  // namespace tiercast::tiering

namespace tiercast::scenario {

std::vector<Choice<TierName>> choices(TierName) {
  return {{"hbm", TierName::hbm, "GPU memory of an engine"},
          {"dram", TierName::dram, "host memory of its node"},
          {"peer", TierName::peer, "host memory of the other nodes, over the GPU fabric"},
          {"nvme", TierName::nvme, "drives of its node"},
          {"context", TierName::context, "flash behind DPUs, shared by a pod"},
          {"external", TierName::external, "a storage service"}};
}

std::vector<Choice<TierScope>> choices(TierScope) {
  return {{"engine", TierScope::engine, "one pool an engine"},
          {"node", TierScope::node, "one pool a node"},
          {"pod", TierScope::pod, "one pool a pod"},
          {"site", TierScope::site, "one pool in all"}};
}

std::vector<Choice<LinkSharing>> choices(LinkSharing) {
  return {{"fair", LinkSharing::fair, "transfers share each link, max-min"},
          {"fifo", LinkSharing::fifo, "whole transfers one after another"}};
}

std::vector<Choice<ObjectLayout>> choices(ObjectLayout) {
  return {{"layer-first", ObjectLayout::layer_first, "a block's part of each layer by itself"},
          {"page-first", ObjectLayout::page_first, "all layers of a block together"}};
}

std::vector<Choice<ObjectMismatch>> choices(ObjectMismatch) {
  return {{"convert", ObjectMismatch::convert, "GPUs convert them at convert_bandwidth"},
          {"miss", ObjectMismatch::miss, "never found, and none is stored"}};
}

std::vector<Choice<ReplicaLoad>> choices(ReplicaLoad) {
  return {{"per-rank", ReplicaLoad::per_rank, "each loads a copy of its own all the way"},
          {"broadcast", ReplicaLoad::broadcast, "one loads, the others get it over NVLink"}};
}

std::vector<Choice<IndexAt>> choices(IndexAt) {
  return {{"client", IndexAt::client, "in the engines: they know, and asking takes no time"},
          {"node", IndexAt::node, "a server on each node, on host cores of its own"},
          {"dpu", IndexAt::dpu,
           "on DPUs: those before the tier's flash, or the node's for its own drives"},
          {"storage", IndexAt::storage, "the storage service's metadata servers"},
          {"service", IndexAt::service, "servers of its own for all, beside the machines"}};
}

std::vector<Choice<WritePolicy>> choices(WritePolicy) {
  return {{"through", WritePolicy::through, "every complete block, at once, to every tier"},
          {"selective", WritePolicy::selective, "blocks that `threshold` prompts have had"},
          {"back", WritePolicy::back, "blocks that leave the tier above"}};
}

std::vector<Choice<FetchPolicy>> choices(FetchPolicy) {
  return {{"load-all", FetchPolicy::load_all, "whatever a tier holds is loaded"},
          {"recompute-all", FetchPolicy::recompute_all, "nothing is loaded"},
          {"load-or-recompute", FetchPolicy::load_or_recompute, "whichever is done sooner"},
          {"bidirectional", FetchPolicy::bidirectional,
           "loads the tail while the head is computed, until they meet"}};
}

std::vector<Choice<AdmissionPolicy>> choices(AdmissionPolicy) {
  return {{"all", AdmissionPolicy::all, "whatever is to be written"},
          {"second-touch", AdmissionPolicy::second_touch, "blocks that two uses have had"},
          {"tinylfu", AdmissionPolicy::tinylfu, "blocks that a sketch has seen often lately"},
          {"wear-budget", AdmissionPolicy::wear_budget,
           "what the drives' rated writes a day leave, and is worth it"}};
}

std::vector<Choice<AdmissionTiers>> choices(AdmissionTiers) {
  return {{"flash", AdmissionTiers::flash, "nvme, context and external"},
          {"lower", AdmissionTiers::lower, "all tiers below GPU memory"}};
}

std::vector<Choice<StoredContent>> choices(StoredContent) {
  return {{"prompt", StoredContent::prompt, "prompts only"},
          {"all", StoredContent::all, "prompts and generated tokens"}};
}

std::string default_stack(TierName kind, const std::string& protocol) {
  switch (kind) {
    case TierName::hbm:
      return {};
    case TierName::dram:
      return "vllm-native";
    case TierName::peer:
      return "nixl-rdma";
    case TierName::nvme:
      return "gds";
    case TierName::context:
      return "doca-memos";
    case TierName::external:
      return protocol.empty() ? "nfs-rdma" : protocol;
  }
  TIERCAST_CHECK(false, "a tier without a name");
}

TierScope default_scope(TierName kind) {
  switch (kind) {
    case TierName::hbm:
      return TierScope::engine;
    case TierName::dram:
    case TierName::nvme:
      return TierScope::node;
    case TierName::peer:
    case TierName::context:
      return TierScope::pod;
    case TierName::external:
      return TierScope::site;
  }
  TIERCAST_CHECK(false, "a tier without a name");
}

// clang-format off
const FieldTable<StripingSection>& StripingSection::fields() {
  using namespace table;
  using S = StripingSection;
  static const auto table = FieldTable<S>("striping", "Which drives a block lies on: as many as `width`, side by side from one that a hash of its content picks.", {
      field("width", &S::width, by_default("1"), between(1, 1024), "Drives of one block; they bound its rate."),
      field("unit", &S::unit, absent_means("a block in `width` equal parts"), above(0), "Stripe unit: bytes of a block that one drive gets before the next one's turn."),
  }).shorthand("width");
  return table;
}

const FieldTable<CacheSection>& CacheSection::fields() {
  using namespace table;
  using S = CacheSection;
  static const auto table = FieldTable<S>("cache", "Memory of DPUs before their drives: it keeps the blocks read or written last.", {
      field("capacity", &S::capacity, absent_means("80% of the memory of a pool's DPUs"), above(0), "Of one pool."),
  }).shorthand("capacity");
  return table;
}

const FieldTable<ObjectsSection>& ObjectsSection::fields() {
  using namespace table;
  using S = ObjectsSection;
  static const auto table = FieldTable<S>("objects", "What a tier stores.", {
      field("kv", &S::kv, absent_means("that of model.kv"), also_called("kv_dtype"), also_called("kv_cache_dtype"), "Format of stored KV."),
      field("tp", &S::tp, absent_means("that of the engine"), between(1, 1024), "Ranks over which the engines that write it split a block."),
      field("layout", &S::layout, absent_means("as the stack gathers it"), "What lies together."),
      field("mismatch", &S::mismatch, by_default("convert"), "What becomes of KV that the engine does not hold like this."),
      field("convert_bandwidth", &S::convert_bandwidth, absent_means("an estimate: half of the bandwidth of GPU memory, over bytes read and written"), above(0), "Bytes a second, as the engine holds them, that one GPU converts either way."),
      field("replicas", &S::replicas, by_default("per-rank"), "How ranks that hold the same KV get it: with MLA, or with more ranks than KV heads. One copy is stored."),
  }).shorthand("kv");
  return table;
}

const FieldTable<IndexSection>& IndexSection::fields() {
  using namespace table;
  using S = IndexSection;
  static const auto table = FieldTable<S>("index", "Where a tier's index lives: requests ask it before they load, and every store tells it.", {
      field("at", &S::at, absent_means("external: storage, where its service has metadata_operations; else: client"), "Whose servers."),
      field("servers", &S::servers, absent_means("1"), between(1, 4096), "node: host cores set aside on each node; dpu: cores set aside on each card; service: in all."),
      field("operation_time", &S::operation_time, absent_means("dpu: the card's; node, service: an estimate, 5us"), above(0), at_most("1h"), "Of one server for each object asked about or stored."),
      field("round_trip", &S::round_trip, absent_means("node: 0s; dpu, service: operation_latency of the tier's stack"), between(0, 3600), "Of each question, beside the servers' time."),
      field("sharing", &S::sharing, by_default("fifo"), "How questions share the servers: whole ones after one another, or all at once."),
  }).shorthand("at");
  return table;
}

const FieldTable<TierSection>& TierSection::fields() {
  using namespace table;
  using S = TierSection;
  static const auto table = FieldTable<S>("tier", "One tier of the KV cache.", {
      field("kind", &S::kind, required, "Which memory."),
      field("capacity", &S::capacity, absent_means("dram: 80% of the host's memory; nvme, context: all of the drives; external: all of the service"), above(0), "For KV, of one pool."),
      field("scope", &S::scope, absent_means("dram, nvme: node; context: pod; external: site"), "Who shares one pool."),
      field("stack", &S::stack, absent_means("dram: vllm-native; peer: nixl-rdma; nvme: gds; context: doca-memos; external: that of the service's protocol"), "Software path of its transfers; every overhead of it may be overridden. One without `use` starts from that of its absence."),
      field("load", &S::load, by_default("parked"), "What a request does while its blocks come."),
      field("sharing", &S::sharing, by_default("fair"), "How transfers share the tier's own links."),
      field("striping", &S::striping, absent_means("every transfer is spread evenly over all drives"), "nvme, context: puts each block on drives of its own, which hot blocks make hot."),
      field("cache", &S::cache, absent_means("every read is of the drives"), "context: keeps what was read or written last in the memory of its DPUs."),
      field("read_only", &S::read_only, by_default("false"), "Takes no stores."),
      field("index", &S::index, absent_means("at its default"), "Where it is known what the tier holds."),
      field("index_delay", &S::index_delay, by_default("0s"), at_least(0), at_most("10y"), "How late requests see that blocks came or left. Of peer, context and external."),
      field("objects", &S::objects, absent_means("KV as the engine holds it"), "What is stored, where that differs from what the engine holds."),
      field("eviction", &S::eviction, absent_means("that of policy.eviction"), "Which of its blocks leave when it is full."),
  }).shorthand("kind");
  return table;
}

const FieldTable<PlacementSection>& PlacementSection::fields() {
  using namespace table;
  using S = PlacementSection;
  static const auto table = FieldTable<S>("placement", "What is stored where, and what is fetched.", {
      field("write", &S::write, by_default("through"), also_called("writes"), "When blocks go to lower tiers."),
      field("fetch", &S::fetch, by_default("load-or-recompute"), "What becomes of blocks that a lower tier holds."),
      field("content", &S::content, by_default("all"), "What is stored."),
      field("promote", &S::promote, by_default("true"), "Keep a copy in host memory of what a farther tier gives."),
      field("prefetch", &S::prefetch, by_default("false"), "Fetch into host memory from arrival on, while requests wait."),
      field("demote", &S::demote, by_default("false"), "Move what leaves a lower tier to the next one."),
      field("threshold", &S::threshold, by_default("2"), between(1, 255), "Of write: selective."),
      field("window", &S::window, by_default("4194304"), between(1, 268435456), "Of write: selective: different blocks after which one may be forgotten."),
      field("min_load", &S::min_load, by_default("1"), between(1, 1000000), "Blocks; shorter finds are computed again."),
      field("admission", &S::admission, by_default("all"), "Which blocks may be written."),
      field("admission_tiers", &S::admission_tiers, by_default("flash"), "Where that is asked."),
      field("admission_uses", &S::admission_uses, by_default("2"), between(1, 15), "Of admission: tinylfu."),
      field("admission_window", &S::admission_window, by_default("1048576"), between(1, 268435456), "Different blocks, of tinylfu uses, after which uses may be forgotten."),
      field("engine_price", &S::engine_price, by_default("0"), between(0.0, 1e6), "Of admission: wear-budget: what an hour of one engine costs; 0: any time saved is worth a write."),
      field("write_price", &S::write_price, by_default("0"), between(0.0, 1e6), "Of admission: wear-budget: what writing 10^12 bytes wears off the drives, in the same money."),
      field("write_burst", &S::write_burst, by_default("60s"), above(0), at_most("10y"), "Writes of so long, at the drives' rated ones a day, may be saved up: what wear-budget goes by. An assumption."),
      field("plugin", &S::plugin, absent_means("a policy of the library"), serving::kPluginMeaning),
      field("config", &S::config, absent_means("its defaults"), serving::kConfigMeaning),
  }).shorthand("write");
  return table;
}
// clang-format on

std::string PlacementSection::policy_name() const { return name_of_choice(write); }

std::string PlacementSection::config_lines() const {
  if (plugin) return serving::plugin_lines(config);
  std::string lines = "fetch=" + name_of_choice(fetch) + "\nmin_load=" + std::to_string(min_load) +
                      "\noutput=" + (content == StoredContent::all ? "1" : "0") +
                      "\npromote=" + (promote ? "1" : "0") +
                      "\nprefetch=" + (prefetch ? "1" : "0") + "\ndemote=" + (demote ? "1" : "0") +
                      "\n";
  if (admission != AdmissionPolicy::all) {
    lines += "admission=" + name_of_choice(admission) +
             "\nadmission_tiers=" + name_of_choice(admission_tiers) +
             "\nadmission_uses=" + std::to_string(admission_uses) +
             "\nadmission_window=" + std::to_string(admission_window) +
             "\nengine_price=" + policy::number_text(engine_price) +
             "\nwrite_price=" + policy::number_text(write_price) + "\n";
  }
  if (write == WritePolicy::selective) {
    lines += "threshold=" + std::to_string(threshold) + "\nwindow=" + std::to_string(window) + "\n";
  }
  return lines;
}

}  // namespace tiercast::scenario
