#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/checked_placement.hpp"
#include "models/tiering/routes.hpp"
#include "models/tiering/stripes.hpp"
#include "models/tiering/tapes.hpp"
#include "models/tiering/tier_pool.hpp"
#include "models/tiering/tier_spec.hpp"
#include "models/tiering/transfers.hpp"
#include "models/tiering/write_budget.hpp"
#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::tiering {

using TicketId = uint32_t;

/// What an engine must hear of.
struct TierEvent {
  enum class Kind : uint8_t {
    looked_up,    ///< the index has answered for `owner`
    loaded,       ///< all that `owner` fetched or waited for is there
    staged,       ///< all that was moved nearer for `owner` is there
    stored,       ///< a store from GPU memory no longer reads the way to `node`
    written_back  ///< what had to leave GPU memory has left
  };
  Kind kind = Kind::loaded;
  uint32_t engine = 0;
  uint32_t owner = 0;
  TicketId ticket = kNone;
  kvstore::NodeId node = kvstore::kNoNode;
  int64_t slowed_ns = 0;  ///< what the copies took from the engine's steps beside them
};

struct BlockRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

/// How long a fetch took, and what its last part would have taken alone.
struct FetchTime {
  int64_t total_ns = 0;
  int64_t move_ns = 0;  ///< at most total_ns
  uint32_t tier = 0;    ///< 1: the first below GPU memory; 0: another engine's memory
};

/// Whether an engine can compute a head while what is behind it loads, and then what the first half
/// of the blocks found takes to compute, rounded down to whole ones; 0: not known.
struct Splitting {
  bool possible = false;
  int64_t half_compute_ns = 0;
};

/// What `find` goes by in tiers whose index is late.
enum class IndexView : uint8_t {
  told,     ///< what the index says
  checked,  ///< what it says and is so
  true_now  ///< what is so
};

/// What one tier did, over all its pools.
struct TierCounts {
  uint64_t hit_blocks = 0;        ///< fetched into GPU memory for a request
  uint64_t staged_blocks = 0;     ///< copied into this tier on the way, or ahead, of a fetch
  uint64_t read_bytes = 0;        ///< moved out of its pools
  uint64_t written_bytes = 0;     ///< moved into them
  uint64_t asked_read_bytes = 0;  ///< counted as transfers start; equals read_bytes at rest
  uint64_t asked_written_bytes = 0;
  // Of memory before its devices.
  uint64_t cache_hit_blocks = 0;
  uint64_t cache_hit_bytes = 0;  ///< part of read_bytes that no device gave
  // Where the index is late.
  uint64_t stale_reads = 0;       ///< requests that tried to read what was gone
  uint64_t stale_hit_blocks = 0;  ///< that they tried to read and was gone
  int64_t stale_ns = 0;           ///< that those reads took
  uint64_t unseen_blocks = 0;     ///< computed while they were there and the index did not say so
};

/// What one device of a pool moved.
struct DeviceCounts {
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
};

/// The hierarchy below GPU memory: which blocks are where, and what moves.
///
/// Engines ask it as they admit requests (find, plan, fetch), and tell it what is complete (store)
/// and what leaves (write_back); it moves bytes over shared links and answers with events.
/// Placement is the policy library's, eviction in each pool too.
class TierManager {
 public:
  /// `spec` must be valid (scenario checks it) and outlive the object. `tapes`: every pool records
  /// one there; NULL: none does.
  TierManager(const TierSetSpec& spec, kvstore::PrefixStore& store, uint64_t seed,
              Tapes* tapes = nullptr);

  /// In order of their indices; `hbm`: the pool of GPU memory, with frames in [0, slots).
  void add_engine(kvstore::PoolId hbm, uint32_t slots);

  // What the policies of pools hear of requests (tier_feeds.cpp).
  /// Whether any of them hears of any, and whether any reads blocks.
  bool hears_of_requests() const { return hears_of_requests_ || placement_.hears_requests(); }
  bool reads_blocks() const { return reads_blocks_; }
  /// Whether somebody reads what computing a block costs.
  bool reads_costs() const { return reads_blocks_ || placement_.admits(); }
  /// Before the first block: views say all from now on, and admission knows what blocks cost. The
  /// times stay where they are. See BlockViews::tell_all.
  void tell_all(std::span<const uint64_t> recompute_ns);
  /// All pools in the engine's reach are told.
  void request(int64_t now_ns, uint32_t engine, const tp_request& request, uint32_t phase);
  void hint(int64_t now_ns, uint32_t engine, uint64_t session, std::span<const tp_hint> hints);
  /// All pools are told.
  void hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints);

  /// To be called as time goes on, before anything else at `now_ns`.
  void pass_time(int64_t now_ns) { placement_.tick_until(now_ns); }

  /// Without time, transfers are over as they start and nobody is told: for warm-up.
  void set_timed(bool timed);

  // Reading. Depths count blocks from the head of the prefix.
  struct Plan {
    uint32_t end = 0;         ///< blocks before it are in GPU memory once the plan is done
    uint32_t own_blocks = 0;  ///< frames it needs: what others are already loading needs none
    LoadMode mode = LoadMode::parked;
    uint32_t head_end = 0;  ///< blocks before it are computed while those behind load; at most the
                            ///< hit: there are none
  };
  bool asks_index(uint32_t engine) const { return asks_index_[engine]; }
  TicketId look_up(int64_t now_ns, uint32_t engine, uint32_t owner, uint32_t blocks);
  /// Runs of blocks [hit, end) that some tier holds, up to the first nobody does, as the indices
  /// are at `now_ns`. The caller fills in compute_ns before plan(). What the engine does next goes
  /// by the same view: only from a checked one it may prefetch().
  std::span<tp_run> find(int64_t now_ns, uint32_t engine, kvstore::NodeId leaf, uint32_t hit,
                         uint32_t end, IndexView view = IndexView::told);
  Plan plan(int64_t now_ns, uint32_t engine, const tp_request& request, uint32_t hit,
            uint32_t prompt_blocks, const Splitting& splitting = {});
  /// Blocks that the last plan loads may be gone where an index is late. If any are, each tier they
  /// were expected in is asked in vain, which takes it load.before_ns, at least a nanosecond; a
  /// `looked_up` event comes once all have answered. False where all are there.
  bool read_in_vain(int64_t now_ns, uint32_t engine, uint32_t owner, kvstore::NodeId leaf);
  /// The request computes blocks [first, end): counts those a tier could have given from `first`
  /// on, had its index known of them. After find().
  void count_unseen(uint32_t engine, kvstore::NodeId leaf, uint32_t first, uint32_t end);
  /// Starts what the last plan says, for the same engine, into `frames` of its memory, in order.
  TicketId fetch(int64_t now_ns, uint32_t engine, uint32_t owner, kvstore::NodeId leaf,
                 std::span<const tp_span> frames, const tp_request* request = nullptr);
  /// The last plan without time: uses are noted and copies kept.
  void absorb_plan(int64_t now_ns, uint32_t engine, kvstore::NodeId leaf,
                   const tp_request* request = nullptr);
  /// Moves what the policy wants nearer while the request waits; after find(). True: a `staged`
  /// event will come.
  bool prefetch(int64_t now_ns, uint32_t engine, uint32_t owner, const tp_request& request,
                kvstore::NodeId leaf, uint32_t hit, uint32_t prompt_blocks,
                const Splitting& splitting = {});
  /// Blocks of the range that are not on their way to the engine's memory.
  uint32_t not_arriving(uint32_t engine, kvstore::NodeId leaf, BlockRange range) const;
  /// The range, maybe empty, comes from another engine's memory. There the way to `leaf` stays
  /// pinned and held until that engine's `stored` event.
  /// `frames`: for not_arriving() blocks of it; others are waited for.
  TicketId hand_off(int64_t now_ns, uint32_t from, uint32_t to, uint32_t owner,
                    kvstore::NodeId leaf, BlockRange range, std::span<const tp_span> frames);
  /// Ranges that the ticket's own frames hold, in order.
  std::span<const BlockRange> own(TicketId ticket) const { return tickets_[ticket].own; }
  FetchTime time(int64_t now_ns, TicketId ticket) const;
  /// The engine has placed what was loaded; others that waited for it may be done now.
  void close(int64_t now_ns, TicketId ticket, std::vector<TierEvent>& events);
  /// The same where no event can be told now: those who waited hear of it a nanosecond later.
  void close_behind(int64_t now_ns, TicketId ticket);

  // Writing.
  /// Blocks [first, first + count) are complete in the engine's memory and pinned by the caller.
  /// Answers how many `stored` events will come: until each, the way to `leaf` must stay pinned and
  /// held once more.
  uint32_t store(int64_t now_ns, uint32_t engine, const tp_request& request, uint32_t phase,
                 kvstore::NodeId leaf, uint32_t first, uint32_t count);
  /// Pieces that leave GPU memory, held for this call. Answers how many `written_back` events will
  /// come.
  uint32_t write_back(int64_t now_ns, uint32_t engine, std::vector<Piece>& departed);
  bool writes_back() const { return spec_->writes_back; }
  bool prefetches() const { return spec_->prefetches; }

  int64_t next_event_ns() {
    const int64_t ends_ns = transfers_.next_end_ns();
    return closing_.empty() ? ends_ns : std::min(ends_ns, closing_.front().first);
  }
  void advance(int64_t now_ns, std::vector<TierEvent>& events);

  const TierSetSpec& spec() const { return *spec_; }
  const TierCounts& counts(uint32_t tier) const { return counts_[tier]; }
  /// Of devices told apart, those of the first pool first: sums to the bytes of counts() less what
  /// a cache gave, as long as these are timed.
  const std::vector<DeviceCounts>& devices(uint32_t tier) const { return devices_[tier]; }
  const std::vector<TierPool>& pools(uint32_t tier) const { return pools_[tier]; }
  /// What lies in memory before the devices of each pool; empty where there is none.
  const std::vector<TierPool>& caches(uint32_t tier) const { return caches_[tier]; }
  const Transfers& transfers() const { return transfers_; }
  /// Time of host cores that transfers took, in 10^-15 s.
  Int128 core_fs() const { return core_fs_; }
  uint64_t policy_calls() const;
  /// Of everything in the pools and every byte moved.
  uint64_t digest() const;

 private:
  struct Ticket {
    uint32_t engine = 0;
    uint32_t owner = 0;
    uint32_t parts_left = 0;
    TierEvent::Kind tells = TierEvent::Kind::loaded;
    int64_t started_ns = 0;
    int64_t last_unloaded_ns = 0;  // of the part that ended last
    uint32_t last_tier = 0;
    int64_t slowed_ns = 0;
    kvstore::NodeId leaf = kvstore::kNoNode;
    std::vector<BlockRange> own;
    std::vector<TicketId> waiters;
  };
  enum class JobKind : uint8_t { lookup, load, handoff, store, cascade, stage, demote };
  struct Job : RouteEnds {
    JobKind kind = JobKind::load;
    TicketId ticket = kNone;
    uint32_t keep = kNone;                    // tier that keeps a copy of a load
    uint32_t cascade = 0;                     // tiers that the destination feeds, as a mask
    kvstore::NodeId leaf = kvstore::kNoNode;  // pinned in GPU memory
    int64_t unloaded_ns = 0;
    uint32_t interference_ppm = 0;
    int64_t started_ns = 0;
    int64_t flowed_ns = 0;  // its bytes, once it has ended
    uint64_t bytes = 0;
    std::vector<Piece> pieces;          // each node held once
    std::vector<StripePart> parts;      // where devices of an end are told apart
    uint32_t cached_blocks = 0;         // that the source's cache gives
    std::optional<tp_request> request;  // behind it, where a pool's policy hears of any

    const tp_request* asker() const { return request ? &*request : nullptr; }
  };
  struct Engine {
    kvstore::PoolId hbm = 0;
    kvstore::PoolId arriving = 0;          // the same frames, of blocks on their way
    std::vector<TicketId> ticket_of_slot;  // of an arriving frame
  };

  // Bytes asked for and not moved yet.
  struct Queue {
    uint64_t read = 0;
    uint64_t written = 0;
  };
  // An engine's own, and its shares of those of the pool.
  static constexpr uint64_t kWholeQueue = uint64_t{1} << 32;
  struct EngineQueue : Queue {
    uint64_t read_share = kWholeQueue;
    uint64_t write_share = kWholeQueue;
  };

  // tier_views.cpp
  void add_visits(const RouteEnds& ends, int64_t& latency_ns, uint64_t& bytes_per_s);
  void describe_tiers(uint32_t engine);
  void share_queues();
  void queue(const Job& job, uint64_t bytes);
  std::span<const tp_tier> views(int64_t now_ns, uint32_t engine);
  uint64_t as_held(uint64_t bytes, const RouteEnds& ends) const;

  struct Way {
    bool known = false;
    std::vector<uint32_t> links;
    TransferPlan plan;  // without its bytes
  };

  // tier_manager.cpp
  Way* fixed_way(const RouteEnds& ends);
  TransferPlan route(const RouteEnds& ends, uint64_t bytes = 0,
                     std::span<const StripePart> parts = {});
  void launch(int64_t now_ns, Job&& job);
  void finish(int64_t now_ns, Job& job, std::vector<TierEvent>* events);
  void arrive(int64_t now_ns, Job& job);
  static int64_t slowed_ns(const Job& job);
  void release_source(int64_t now_ns, const Job& job);
  void let_go(const std::vector<Piece>& pieces);
  void tell_transfer(int64_t now_ns, const Job& job);
  uint32_t asked_by(uint32_t tier, uint32_t engine) const;
  uint32_t pool_near(uint32_t tier, uint32_t engine) const;

  // tier_parts.cpp
  TransferPlan even_route(const RouteEnds& ends);
  void split(Job& job);
  void count_parts(const Job& job);
  TierPool* cache_of(uint32_t tier, uint32_t pool);
  void look_into_cache(int64_t now_ns, Job& job);
  void fill_cache(int64_t now_ns, uint32_t tier, uint32_t pool, const Piece& piece);
  void cache_what_is_read(int64_t now_ns, const Job& job);

  // tier_index.cpp
  void keep_indices();
  void catch_up(int64_t now_ns, uint32_t engine);
  uint32_t run_seen(uint32_t tier, const TierPool& pool, kvstore::NodeId leaf, uint32_t depth,
                    uint32_t end) const;
  uint32_t next_seen(uint32_t tier, const TierPool& pool, kvstore::NodeId leaf, uint32_t depth,
                     uint32_t end) const;
  uint32_t gone_blocks(uint32_t tier, uint32_t engine, kvstore::NodeId leaf) const;
  void await_answer(TransferId transfer, TicketId ticket);

  // tier_fetch.cpp
  tp_fetch found(uint32_t hit, uint32_t prompt_blocks, const Splitting& splitting) const;
  void end_arrivals(Ticket& ticket);
  TicketId open_ticket(int64_t now_ns, uint32_t engine, uint32_t owner, kvstore::NodeId leaf);
  void part_done(int64_t now_ns, TicketId id, const Job& job, std::vector<TierEvent>* events);
  void complete(TicketId id, std::vector<TierEvent>& events);
  void expect(TicketId id, std::span<const tp_span> frames);
  void wait_for(TicketId id, const tp_segment& segment);
  uint32_t holder_of(uint32_t tier, uint32_t engine, kvstore::NodeId leaf, uint32_t depth,
                     uint32_t end, uint32_t& run) const;
  uint32_t next_held(uint32_t tier, uint32_t engine, kvstore::NodeId leaf, uint32_t depth,
                     uint32_t end) const;
  void keep_copies(int64_t now_ns, const Job& job);
  void add_load(int64_t now_ns, uint32_t engine, TicketId ticket, kvstore::NodeId leaf,
                const tp_segment& segment, const tp_request* request);

  // tier_feeds.cpp
  std::optional<tp_request> to_keep(const tp_request* request) const;
  template <class Visit>
  void for_pools_near(uint32_t engine, Visit visit);

  // tier_store.cpp
  template <class Visit>
  void for_absent(int64_t now_ns, TierPool& pool, const Piece& piece, const tp_request* request,
                  Visit visit);
  uint32_t reserve(int64_t now_ns, const Job& job, const Piece& piece);
  bool fill_job(int64_t now_ns, Job& job, const Piece& piece, const tp_request* request = nullptr);
  void fill_admitted(int64_t now_ns, Job& job, const Piece& piece, const tp_request* request);
  void cascade(int64_t now_ns, uint32_t engine, uint32_t host_pool, const Piece& piece,
               uint32_t mask, const tp_request* request);
  uint32_t demote(int64_t now_ns, uint32_t engine, uint32_t from, uint32_t from_pool,
                  std::vector<Piece>& departed);

  const TierSetSpec* spec_;
  kvstore::PrefixStore* store_;
  CheckedPlacement placement_;
  Transfers transfers_;
  RouteFinder finder_;
  BlockViews hbm_views_;
  std::vector<std::vector<TierPool>> pools_;       // by tier, by pool
  std::vector<std::vector<TierPool>> caches_;      // the same, of tiers that have them
  std::vector<std::vector<WriteBudget>> budgets_;  // by tier, by pool
  std::vector<std::vector<Queue>> pool_queues_;
  std::vector<std::vector<EngineQueue>> engine_queues_;  // by tier, by engine
  std::vector<TierCounts> counts_;
  std::vector<std::vector<DeviceCounts>> devices_;  // by tier, by device of all its pools
  EndStripes stripes_;
  StripeSums sums_;
  std::vector<Engine> engines_;
  std::vector<Way> ways_;  // by engine, tier and direction
  std::vector<bool> asks_index_;
  uint32_t host_tier_ = kNone;
  Int128 core_fs_ = 0;
  uint32_t through_host_ = 0;  // tiers whose stores leave from host memory, as a mask
  bool timed_ = true;
  bool hears_of_requests_ = false;  // some pool's policy does
  bool reads_blocks_ = false;
  std::span<const uint64_t> recompute_ns_;  // by depth
  bool any_late_ = false;                   // some tier's index is
  IndexView view_ = IndexView::told;        // of the last find()

  std::vector<Ticket> tickets_;
  std::vector<TicketId> free_tickets_;
  std::deque<std::pair<int64_t, TicketId>> closing_;  // whose waiters have yet to hear, and when
  std::vector<Job> jobs_;                             // by TransferId
  std::vector<std::vector<tp_tier>> views_;           // by engine
  std::vector<tp_run> runs_;
  std::vector<tp_segment> plan_;
  std::vector<tp_placed> placed_;
  std::vector<TransferPart> part_links_;  // scratch of route()
  std::vector<StationVisit> visits_;      // scratch of launch()
  std::vector<tp_key> keys_;              // scratch of split()
  std::vector<TransferId> ended_;
  std::vector<tp_span> frames_;  // scratch
  std::vector<Job> loads_;       // scratch of fetch()
  std::vector<Piece> absent_;    // scratch of fill_admitted()
  std::vector<tp_block> asked_;  // the same
};

/// Why the spec's placement policy, or the eviction policy of tier t, makes no instance of its
/// config; empty where it does. Of policies that nobody has checked.
std::string why_no_placement(const TierSetSpec& spec, uint64_t seed);
std::string why_no_pool(const TierSetSpec& spec, std::size_t t, uint64_t seed);

}  // namespace tiercast::tiering
