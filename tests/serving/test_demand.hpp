#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "models/workload/demand_source.hpp"

namespace tiercast::tests {

/// Given requests in order of arrival; ids are dense in that order. With `most_at_once`, an
/// arrival is held back, keeping its scheduled time, while so many are in the system.
class ListSource : public workload::DemandSource {
 public:
  explicit ListSource(std::vector<workload::Request> requests, uint32_t most_at_once = UINT32_MAX)
      : requests_(std::move(requests)), most_at_once_(most_at_once) {}

  bool peek(int64_t& arrival_ns) override;
  bool next(workload::Request& request) override;
  void completed(uint64_t id, int64_t now_ns) override;
  bool ended() override { return next_ == requests_.size(); }

 private:
  std::vector<workload::Request> requests_;
  size_t next_ = 0;
  uint32_t most_at_once_;
  uint32_t inside_ = 0;
};

/// Sessions whose next turn comes a think time after the previous one left the system.
class LoopSource : public workload::DemandSource {
 public:
  struct Turn {
    workload::Request request;
    int64_t think_ns = 0;  ///< after the previous turn; of the first one: its arrival
  };
  explicit LoopSource(std::vector<std::vector<Turn>> sessions);

  bool peek(int64_t& arrival_ns) override;
  bool next(workload::Request& request) override;
  void completed(uint64_t id, int64_t now_ns) override;
  bool ended() override { return due_.empty() && inside_ == 0; }

 private:
  std::vector<std::vector<Turn>> sessions_;
  std::vector<size_t> turn_;                  // next one, by session
  std::set<std::pair<int64_t, size_t>> due_;  // arrival, session
  std::vector<size_t> session_of_;            // by request id
  size_t inside_ = 0;
};

}  // namespace tiercast::tests
