#include "tests/serving/test_demand.hpp"

namespace tiercast::tests {

bool ListSource::peek(int64_t& arrival_ns) {
  if (ended() || inside_ >= most_at_once_) return false;
  arrival_ns = requests_[next_].arrival_ns;
  return true;
}

bool ListSource::next(workload::Request& request) {
  int64_t arrival_ns = 0;
  if (!peek(arrival_ns)) return false;
  request = requests_[next_];
  request.id = next_++;
  ++inside_;
  return true;
}

void ListSource::completed(uint64_t, int64_t) { --inside_; }

LoopSource::LoopSource(std::vector<std::vector<Turn>> sessions)
    : sessions_(std::move(sessions)), turn_(sessions_.size(), 0) {
  for (size_t s = 0; s < sessions_.size(); ++s) {
    if (!sessions_[s].empty()) due_.insert({sessions_[s].front().think_ns, s});
  }
}

bool LoopSource::peek(int64_t& arrival_ns) {
  if (due_.empty()) return false;
  arrival_ns = due_.begin()->first;
  return true;
}

bool LoopSource::next(workload::Request& request) {
  if (due_.empty()) return false;
  const auto [arrival_ns, session] = *due_.begin();
  due_.erase(due_.begin());
  request = sessions_[session][turn_[session]].request;
  request.id = session_of_.size();
  request.arrival_ns = arrival_ns;
  request.session = session;
  session_of_.push_back(session);
  ++inside_;
  return true;
}

void LoopSource::completed(uint64_t id, int64_t now_ns) {
  const size_t session = session_of_.at(id);
  --inside_;
  if (++turn_[session] == sessions_[session].size()) return;
  due_.insert({now_ns + sessions_[session][turn_[session]].think_ns, session});
}

}  // namespace tiercast::tests
