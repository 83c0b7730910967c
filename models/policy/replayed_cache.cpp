#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "models/policy/replayed.hpp"
#include "models/policy/required_entries.hpp"

namespace tiercast::policy {
namespace {

class ReplayedCache final : public Replayed {
 public:
  ReplayedCache(const TapeHeader& header, const tp_cache_table& given) : header_(header) {
    std::memcpy(&table_, &given, std::min<std::size_t>(given.size, sizeof table_));
  }
  ~ReplayedCache() override {
    if (cache_ != nullptr) table_.destroy(cache_);
  }

  std::string create() override {
    if (!has_required_entries(table_) || table_.create == nullptr) {
      return "the policy lacks entries that it must have";
    }
    std::array<char, 512> message{};
    const int code = table_.create(header_.config.c_str(), &header_.pool, header_.seed, &cache_,
                                   message.data(), message.size());
    if (code == TP_OK) return {};
    cache_ = nullptr;
    return create_error(table_.info()->name, message.data(), code);
  }

  uint64_t state() const override {
    return table_.hash_state != nullptr ? table_.hash_state(cache_) : 0;
  }

  uint32_t capabilities() const override { return table_.info()->capabilities; }
  void answer(const TapeCall& asked, TapeCall& call) override;

 private:
  const tp_block* views_of(TapeCall& call);
  void select(TapeCall& call);
  void admit(TapeCall& call);

  const TapeHeader& header_;
  tp_cache_table table_{};
  tp_cache* cache_ = nullptr;
  uint64_t token_ = 0;
  std::vector<tp_block> blank_;
};

// The tape has views only of inserts that were taken, and of policies that read them; a refused one
// gets as many blank views as the pool could hold.
const tp_block* ReplayedCache::views_of(TapeCall& call) {
  if (call.code == TP_OK) return call.has_blocks ? call.blocks.data() : nullptr;
  uint64_t blocks = 0;
  for (const tp_span& span : call.spans) blocks += span.count;
  const uint64_t most = std::min<uint64_t>(blocks, header_.pool.capacity_blocks) + 1;
  tp_block blank{};
  blank.size = sizeof blank;
  if (blank_.size() < most) blank_.resize(static_cast<std::size_t>(most), blank);
  return blank_.data();
}

void ReplayedCache::select(TapeCall& call) {
  // Asking changes nothing, and no answer has more spans than this.
  const uint64_t room = std::min<uint64_t>(
      {call.out_capacity, uint64_t{call.number}, uint64_t{header_.pool.capacity_blocks}});
  std::vector<tp_span> out(static_cast<std::size_t>(room));
  tp_victims victims{};
  call.code = table_.select(cache_, call.now_ns, call.number, out.data(), out.size(), &victims);
  call.spans.clear();
  if (call.code == TP_OK) {
    token_ = victims.token;
    out.resize(std::min<std::size_t>(out.size(), victims.span_count));
    call.spans = std::move(out);
  }
  call.told_spans = call.code == TP_ESPACE ? victims.span_count : 0;
}

void ReplayedCache::admit(TapeCall& call) {
  std::fill(call.verdicts.begin(), call.verdicts.end(), uint8_t{1});
  call.verdicts.resize(call.blocks.size(), 1);
  call.code = table_.admit == nullptr
                  ? TP_OK
                  : table_.admit(cache_, call.now_ns, request_of(call), call.blocks.data(),
                                 call.blocks.size(), call.verdicts.data());
  for (uint8_t& verdict : call.verdicts) verdict = verdict != 0;
  if (call.code != TP_OK) call.verdicts.clear();
}

void ReplayedCache::answer(const TapeCall& asked, TapeCall& call) {
  call = asked;
  const tp_span* spans = call.spans.data();
  const std::size_t count = call.spans.size();
  // Of the own answer, or one that no policy gives out.
  const uint64_t token = call.own_token ? token_ : 0;
  switch (call.op) {
    case TapeOp::request:
      if (table_.on_request == nullptr) return;
      call.code = table_.on_request(cache_, call.now_ns, request_of(call), call.number);
      return;
    case TapeOp::insert:
      if (table_.on_insert == nullptr) return;
      call.code =
          table_.on_insert(cache_, call.now_ns, request_of(call), spans, count, views_of(call));
      return;
    case TapeOp::touch:
      if (table_.on_touch == nullptr) return;
      call.code = table_.on_touch(cache_, call.now_ns, request_of(call), spans, count);
      return;
    case TapeOp::remove:
      call.code = table_.on_remove(cache_, call.now_ns, call.number, spans, count);
      return;
    case TapeOp::evictable:
      call.code = table_.on_evictable(cache_, call.now_ns, call.number, spans, count);
      return;
    case TapeOp::admit:
      return admit(call);
    case TapeOp::select:
      return select(call);
    case TapeOp::commit:
      call.code = table_.commit(cache_, call.now_ns, token,
                                call.has_verdicts ? call.verdicts.data() : nullptr);
      return;
    case TapeOp::abort:
      call.code = table_.abort(cache_, token);
      return;
    case TapeOp::tick:
      if (table_.on_tick != nullptr) call.code = table_.on_tick(cache_, call.now_ns);
      return;
    case TapeOp::wakeup:
      call.wakeup_ns =
          table_.next_wakeup != nullptr ? table_.next_wakeup(cache_, call.now_ns) : INT64_MAX;
      return;
    case TapeOp::lookup:
      if (table_.on_lookup == nullptr) return;
      call.code = table_.on_lookup(cache_, call.now_ns, request_of(call), call.blocks.data(),
                                   call.blocks.size(), static_cast<std::size_t>(call.hits));
      return;
    case TapeOp::hint:
      if (table_.on_hint == nullptr) return;
      call.code =
          table_.on_hint(cache_, call.now_ns, call.session, call.hints.data(), call.hints.size());
      return;
    case TapeOp::restore:
      call.code = table_.restore == nullptr
                      ? TP_EINVAL
                      : table_.restore(cache_, call.state.data(), call.state.size());
      return;
    default:
      return;
  }
}

}  // namespace

std::unique_ptr<Replayed> replayed(const TapeHeader& header, const tp_cache_table& table) {
  return std::make_unique<ReplayedCache>(header, table);
}

}  // namespace tiercast::policy
