// What the policies of an instance's pools, and of those below in its reach, hear of its requests.
#include "models/serving/instance.hpp"
#include "models/serving/request_view.hpp"

namespace tiercast::serving {

void Instance::tell_all(std::span<const uint64_t> recompute_ns) {
  if (pool_.reads_blocks()) pool_.tell_all(recompute_ns);
}

const tp_request* Instance::asker(const RequestRecord& record, tp_request& room) const {
  if (!tells_requests_) return nullptr;
  room = request_view(record, spec_);
  return &room;
}

// Blocks of a prompt that policies have not been asked for yet.
uint32_t Instance::newly_asked(Sequence& sequence) const {
  if (sequence.asked || !spec_.prefix_caching) return 0;
  sequence.asked = true;
  return sequence.target_tokens / spec_.block_tokens;
}

void Instance::tell(int64_t now_ns, const tp_request& request, uint32_t phase) {
  pool_.request(now_ns, request, phase);
  if (tiers_ != nullptr) tiers_->request(now_ns, engine_, request, phase);
}

void Instance::tell(int64_t now_ns, const RequestRecord& record, uint32_t phase) {
  if (tells_requests_) tell(now_ns, request_view(record, spec_), phase);
}

void Instance::hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
  if (!pool_.hears_of_requests()) return;
  sync(now_ns);
  pool_.hint(now_ns, session, hints);
}

// The segment under way may have had boundaries before now, which the policy hears of first.
void Instance::tell_arrival(int64_t now_ns, const RequestRecord& record) {
  if (!tells_requests_) return;
  sync(now_ns);
  tell(now_ns, record, TP_PHASE_ARRIVE);
  if (record.outlook.has_session && record.turn > 0) tell(now_ns, record, TP_PHASE_RESUME);
}

// Before its blocks may leave: who decides about them knows by then what is expected.
void Instance::tell_end(int64_t now_ns, const RequestRecord& record) {
  if (!tells_requests_) return;
  HintRoom room;
  const std::span<const tp_hint> hints = session_hints(record, room);
  tp_request request = request_view(record, spec_);
  if (!hints.empty()) {
    request.hints = hints.data();
    request.hint_count = static_cast<uint32_t>(hints.size());
    pool_.hint(now_ns, request.session, hints);
    if (tiers_ != nullptr) tiers_->hint(now_ns, engine_, request.session, hints);
  }
  tell(now_ns, request, TP_PHASE_FINISH);
  if (record.outlook.has_session && !record.ends_session) {
    tell(now_ns, request, TP_PHASE_TOOL_CALL);
  }
}

}  // namespace tiercast::serving
