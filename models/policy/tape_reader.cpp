#include "models/policy/tape_reader.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::policy {
namespace {

uint32_t little32(const uint8_t* at) {
  return at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

uint64_t blocks_of(const std::vector<tp_span>& spans) {
  uint64_t blocks = 0;
  for (const tp_span& span : spans) blocks += span.count;
  return blocks;
}

}  // namespace

TapeReader::TapeReader(Source source) : source_(std::move(source)) {
  if (!read(frame_, tape_magic.size())) {
    fail(Item::bad, 0, "no decision tape: it ends before one begins");
    return;
  }
  const std::string_view magic(reinterpret_cast<const char*>(frame_.data()), frame_.size());
  const int version = frame_.back();
  if (magic.substr(0, 7) != tape_magic.substr(0, 7)) {
    fail(Item::bad, 0, "no decision tape");
    return;
  }
  if (version == 0 || version > tape_magic.back()) {
    fail(Item::bad, 0,
         "a decision tape of format " + std::to_string(version) + ", which is not known here");
    return;
  }
  if (!read_chunk()) return;
  TapeDecoder from(payload_.data(), payload_.data() + payload_.size());
  decode(from, header_, version);
  if (!from.good()) {
    fail(Item::bad, payload_place_, from.error());
    return;
  }
  used_ = payload_.size() - from.left();
}

TapeReader::Item TapeReader::fail(Item item, uint64_t place, std::string_view why) {
  item_ = item;
  place_ = place;
  error_ = "byte " + std::to_string(place) + ": " + std::string(why);
  return item;
}

// A size that nobody vouches for must not cost memory before its bytes are there.
bool TapeReader::read(std::vector<uint8_t>& into, std::size_t size) {
  constexpr std::size_t step = std::size_t{1} << 20;
  into.clear();
  while (into.size() < size) {
    const std::size_t before = into.size();
    into.resize(std::min(size, before + step));
    const std::size_t got = source_(into.data() + before, into.size() - before);
    read_bytes_ += got;
    if (got < into.size() - before) {
      into.resize(before + got);
      return false;
    }
  }
  return true;
}

bool TapeReader::read_chunk() {
  const uint64_t chunk_place = read_bytes_;
  const auto cut = [&] {
    fail(Item::cut, read_bytes_,
         "the tape ends here without an end mark, after " + std::to_string(calls_) + " calls");
    return false;
  };
  if (!read(frame_, 8)) return cut();
  const uint32_t size = little32(frame_.data());
  if (size == 0 || little32(frame_.data() + 4) != chunk_size_check(digest_, size)) {
    fail(Item::bad, chunk_place, "damaged: no chunk of a tape begins here");
    return false;
  }
  payload_place_ = read_bytes_;
  used_ = 0;
  if (!read(payload_, size) || !read(frame_, 8)) return cut();
  digest_ = chunk_digest(digest_, payload_.data(), payload_.size());
  uint64_t told = little32(frame_.data() + 4);
  told = told << 32 | little32(frame_.data());
  if (told == digest_) return true;
  fail(Item::bad, chunk_place, "damaged: this chunk is not what was written");
  return false;
}

TapeReader::Item TapeReader::next() {
  if (item_ != Item::call && item_ != Item::checkpoint) return item_;
  if (used_ == payload_.size() && !read_chunk()) return item_;
  return read_record();
}

TapeReader::Item TapeReader::read_record() {
  place_ = payload_place_ + used_;
  TapeDecoder from(payload_.data() + used_, payload_.data() + payload_.size());
  const auto op = static_cast<TapeOp>(payload_[used_]);
  const bool mark = op == TapeOp::checkpoint || op == TapeOp::end;
  if (mark) {
    uint32_t first = 0;
    from.number(first);
    decode(from, checkpoint_);
    if (from.good() && checkpoint_.calls != calls_) from.refuse("calls are missing or told twice");
    item_ = op == TapeOp::end ? Item::end : Item::checkpoint;
  } else {
    decode(from, context_, call_);
    if (from.good() && !sound_call()) from.refuse("a call that the contract does not know");
    if (from.good()) ++calls_;
    item_ = Item::call;
  }
  if (!from.good()) return fail(Item::bad, place_, from.error());
  used_ = payload_.size() - from.left();
  if (item_ == Item::end && (used_ != payload_.size() || source_(frame_.data(), 1) != 0)) {
    return fail(Item::bad, payload_place_ + used_, "there is more behind the tape's end");
  }
  if (call_.op == TapeOp::select && call_.code == TP_OK) {
    answer_spans_ = static_cast<uint32_t>(call_.spans.size());
  }
  return item_;
}

// What a policy that answered TP_OK was given, and gave, must fit the pool; what it refused may be
// anything.
bool TapeReader::sound_call() const {
  const bool either = call_.op == TapeOp::request || call_.op == TapeOp::tick ||
                      call_.op == TapeOp::wakeup || call_.op == TapeOp::restore;
  const bool places = call_.op >= TapeOp::place && call_.op <= TapeOp::transfer;
  if (!either && places != (header_.kind == TapeKind::placement)) return false;
  if (places) return sound_placement(call_);
  const uint32_t slots =
      header_.pool.slot_count != 0 ? header_.pool.slot_count : header_.pool.capacity_blocks;
  if (call_.op == TapeOp::lookup && call_.hits > call_.blocks.size()) return call_.code != TP_OK;
  if (call_.op == TapeOp::commit && call_.has_verdicts) {
    return call_.own_token && call_.verdicts.size() == answer_spans_;
  }
  if (call_.op == TapeOp::admit && call_.has_verdicts) {
    return call_.verdicts.size() == call_.blocks.size();
  }
  if (call_.code != TP_OK) return true;
  if (call_.op == TapeOp::admit) return false;  // without verdicts
  for (const tp_span& span : call_.spans) {
    if (span.count == 0 || uint64_t{span.first_slot} + span.count > slots) return false;
  }
  if (call_.op == TapeOp::select && call_.spans.size() > call_.out_capacity) return false;
  return !call_.has_blocks || call_.blocks.size() == blocks_of(call_.spans);
}

}  // namespace tiercast::policy
