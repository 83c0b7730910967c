#include "models/tiering/isolated_tables.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "models/tiering/plugin_library.hpp"

namespace tiercast::tiering {

namespace {

constexpr std::size_t kSeats = 16;
std::array<IsolatedTables*, kSeats> seated{};

struct Text {
  std::array<char, 1024> bytes{};
  Text& operator=(const char* text) {
    std::strncpy(bytes.data(), text, bytes.size() - 1);
    bytes.back() = '\0';
    return *this;
  }
};

struct InfoReport {
  tp_info info{};
  Text name;
  Text version;

  void take(const tp_info& given) {
    std::memcpy(&info, &given, std::min<std::size_t>(given.size, sizeof info));
    name = given.name;
    version = given.version;
  }
};

}  // namespace

/// What the child tells of the library it has loaded, or why it has not.
struct IsolatedTables::Report {
  Text problem;
  tp_cache_table cache{};
  tp_placement_table placement{};
  InfoReport cache_info;
  tp_router_table router{};
  InfoReport placement_info;
  InfoReport router_info;

  void load(const char* file) {
    try {
      // It stays until its process ends.
      const auto& library = *new PluginLibrary(file);
      if (library.cache() != nullptr) {
        cache = *library.cache();
        cache_info.take(*cache.info());
      }
      if (library.placement() != nullptr) {
        placement = *library.placement();
        placement_info.take(*placement.info());
      }
      if (library.router() != nullptr) {
        router = *library.router();
        router_info.take(*router.info());
      }
    } catch (const std::runtime_error& fault) {
      problem = fault.what();
    }
  }
};

template <std::size_t seat>
struct IsolatedTables::Seat {
  static const tp_info* cache_info() { return &seated[seat]->cache_info_.info; }
  static int create_cache(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                          char* error, size_t error_size) {
    return seated[seat]->create_cache(config, pool, seed, out, error, error_size);
  }
  static const tp_info* placement_info() { return &seated[seat]->placement_info_.info; }
  static int create_placement(const char* config, uint64_t seed, tp_placement** out, char* error,
                              size_t error_size) {
    return seated[seat]->create_placement(config, seed, out, error, error_size);
  }
  static const tp_info* router_info() { return &seated[seat]->router_info_.info; }
  static int create_router(const char* config, uint64_t seed, tp_router** out, char* error,
                           size_t error_size) {
    return seated[seat]->create_router(config, seed, out, error, error_size);
  }
};

IsolatedTables::IsolatedTables(const std::string& file, int64_t call_limit_ns)
    : child_(call_limit_ns) {
  load(file);
  sit_down(file);
}

IsolatedTables::~IsolatedTables() { seated[seat_] = nullptr; }

void IsolatedTables::load(const std::string& file) {
  const Report* report = nullptr;
  try {
    auto* answer = new (child_.room<char>(sizeof(Report))) Report;
    const char* path = child_.copy(file.c_str(), file.size() + 1);
    child_.run([answer, path] { answer->load(path); });
    report = answer;
  } catch (const ChildLost& lost) {
    throw std::runtime_error(file + " cannot be loaded: " + lost.what());
  }
  const std::string problem = report->problem.bytes.data();
  if (!problem.empty()) throw std::runtime_error(problem);
  const auto keep = [](const InfoReport& told, Info& info) {
    info.name = told.name.bytes.data();
    info.version = told.version.bytes.data();
    info.info = told.info;
    info.info.size = sizeof info.info;
    info.info.name = info.name.c_str();
    info.info.version = info.version.c_str();
  };
  cache_there_ = report->cache;
  keep(report->cache_info, cache_info_);
  placement_there_ = report->placement;
  keep(report->placement_info, placement_info_);
  router_there_ = report->router;
  keep(report->router_info, router_info_);
}

void IsolatedTables::sit_down(const std::string& file) {
  const auto free = std::find(seated.begin(), seated.end(), nullptr);
  if (free == seated.end()) {
    throw std::runtime_error(file + " cannot be isolated: no more than " + std::to_string(kSeats) +
                             " plug-ins can be at once");
  }
  seat_ = static_cast<std::size_t>(free - seated.begin());
  *free = this;
  if (cache_there_.size != 0) make_cache_table();
  if (placement_there_.size != 0) make_placement_table();
  if (router_there_.size != 0) make_router_table();
  [this]<std::size_t... seat>(std::index_sequence<seat...>) {
    const auto take = [this]<class S>(S) {
      if (cache_.size != 0) cache_.info = S::cache_info;
      if (cache_there_.create != nullptr) cache_.create = S::create_cache;
      if (placement_.size != 0) placement_.info = S::placement_info;
      if (placement_there_.create != nullptr) placement_.create = S::create_placement;
      if (router_.size != 0) router_.info = S::router_info;
      if (router_there_.create != nullptr) router_.create = S::create_router;
    };
    ((seat == seat_ ? take(Seat<seat>{}) : void()), ...);
  }
  (std::make_index_sequence<kSeats>{});
}

void IsolatedTables::check_end() const {
  if (end_fault_) throw PolicyFault(*end_fault_);
}

}  // namespace tiercast::tiering
