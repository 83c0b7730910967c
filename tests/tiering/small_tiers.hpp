// A small hierarchy, and engines that compute in no time, to drive TierManager with.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/block_pool.hpp"
#include "models/tiering/tier_manager.hpp"

namespace tiercast::tests {

using Ids = std::vector<uint64_t>;

/// Tiers of small_tiers(), in order of lookup.
inline constexpr uint32_t kHost = 0;
inline constexpr uint32_t kPeer = 1;
inline constexpr uint32_t kDrives = 2;
inline constexpr uint32_t kStorage = 3;

struct SmallTiers {
  const char* placement = "through";
  std::string config;
  uint32_t host_blocks = 100;  ///< of each node
  uint32_t drive_blocks = 100;
  uint32_t storage_blocks = 100;
  bool metadata = false;
  int64_t index_delay_ns = 0;  ///< of peer and storage
  bool through_host = true;    ///< storage is fed from host memory
  uint32_t drives = 1;         ///< of a node; several are told apart, each as fast as one
  uint32_t storage_devices = 1;
  uint32_t width = 1;         ///< devices of one block, where there are several
  uint32_t cache_blocks = 0;  ///< of storage, in memory before its devices
};

/// Engines 0 and 1 on node 0, engine 2 on node 1. A block of 1000 bytes takes 1 us from or to host
/// memory, 2 us from drives and 4 us to them, 5 us over a node's NIC to and from others and
/// storage. No set-up, no acknowledgement; a lookup takes 100 ns an operation and 1 us for the
/// trip.
tiering::TierSetSpec small_tiers(const SmallTiers& options);

/// Engines over a hierarchy. A request finds its prefix, fetches what the policy wants, computes
/// the rest at once, stores it and ends. Checks what comes back; fails the running test otherwise.
class TierHost {
 public:
  /// eviction: of the engines' memory. tapes: where every pool records one; NULL: nowhere.
  explicit TierHost(const tiering::TierSetSpec& spec, uint32_t hbm_blocks = 60,
                    const char* eviction = "lru", tiering::Tapes* tapes = nullptr);

  /// Answers the request's number; it may be over at once. False in `served(number)` where it did
  /// not fit: it has left then.
  uint32_t request(int64_t now_ns, uint32_t engine, const Ids& ids);
  /// Handles everything up to and at `until_ns`.
  void advance(int64_t until_ns);
  /// Until nothing moves any more; answers when that was.
  int64_t rest();
  /// All of the path's blocks come from another engine, which has them. Answers the number of the
  /// request that gets them.
  uint32_t hand_off(int64_t now_ns, uint32_t from, uint32_t to, const Ids& ids);
  /// Evicts everything in an engine's memory that nothing uses.
  void empty_hbm(int64_t now_ns, uint32_t engine);

  bool over(uint32_t request) const { return requests_[request].over; }
  int64_t ended_ns(uint32_t request) const { return requests_[request].ended_ns; }
  const tiering::FetchTime& fetch_time(uint32_t request) const { return requests_[request].time; }
  int64_t looked_up_ns(uint32_t request) const { return requests_[request].looked_up_ns; }
  /// Its fetch went by an index that was wrong.
  bool misled(uint32_t request) const { return requests_[request].misled; }
  uint32_t loaded_blocks(uint32_t request) const { return requests_[request].loaded; }

  /// Blocks of the path in a pool: 'x' ready, 'o' arriving, '.' neither.
  std::string blocks(uint32_t tier, uint32_t pool, const Ids& ids);
  /// The same as the pool's late index knows it at `now_ns`: 'x' there, '.' not.
  std::string known(int64_t now_ns, uint32_t tier, uint32_t pool, const Ids& ids);
  uint32_t hit(uint32_t engine, const Ids& ids);
  /// What every moment must show; `paths` are all that were ever asked for.
  void check_invariants(const std::vector<Ids>& paths);
  /// With nothing under way: nothing is counted as moving, and nothing kept that no pool needs.
  /// Empties every pool.
  void check_rest_and_empty(const std::vector<Ids>& paths);

  tiering::TierManager& tiers() { return tiers_; }
  kvstore::PrefixStore& store() { return store_; }
  uint64_t written_back() const { return written_back_; }

 private:
  struct Request {
    uint32_t engine = 0;
    Ids ids;
    kvstore::NodeId leaf = 0;
    uint32_t end = 0;     // blocks there once the fetch is over
    uint32_t loaded = 0;  // of them its own
    std::vector<tp_span> frames;
    bool over = false;
    bool misled = false;
    int64_t ended_ns = -1;
    int64_t looked_up_ns = -1;
    tiering::FetchTime time;
  };
  void ask_index(int64_t now_ns, uint32_t number);
  void start(int64_t now_ns, uint32_t number);
  void loaded(int64_t now_ns, const tiering::TierEvent& event,
              std::vector<tiering::TierEvent>& more);
  void compute(int64_t now_ns, uint32_t number);
  void handle(int64_t now_ns, const tiering::TierEvent& event,
              std::vector<tiering::TierEvent>& more);
  void write_back(int64_t now_ns, uint32_t engine);
  void check_devices(uint32_t tier);
  void check_caches(const std::vector<Ids>& paths);
  kvstore::NodeId probe(const Ids& ids);
  void catch_up(int64_t now_ns);

  kvstore::PrefixStore store_{1};
  std::vector<tiering::BlockPool> hbm_;
  tiering::TierManager tiers_;
  std::vector<std::vector<tiering::Piece>> departed_;  // by engine
  std::deque<Request> requests_;
  std::vector<uint32_t> stores_under_way_;  // by engine
  uint64_t next_serial_ = 1;
  uint64_t write_backs_ = 0;
  uint64_t written_back_ = 0;
};

/// The views of its tiers that the policy saw last in place(), where placement is "watched".
const std::vector<tp_tier>& watched_tiers();
/// `through`, watched.
const tp_placement_table* watched_placement();

}  // namespace tiercast::tests
