#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// How many hits a block may expect for each unit of time that it stays, by its class and its age,
/// the time since its last use (Beckmann, Chen, Cidon: LHD, NSDI 2018, equation 5): from what
/// blocks of the class came to at which age, a hit or an eviction. Older observations count less,
/// by `memory` an update. Times are in uses of the pool.
///
/// Ages are coarse: steps of a power of two, of which there are few, the last one without an end.
/// An update doubles the step where more than a hundredth of all events fell into the last one, and
/// halves it where the upper half of the ages had less than a thousandth.
class HitDensities {
 public:
  HitDensities(uint32_t class_count, uint32_t age_count, uint32_t step_bits, double memory)
      : class_count_(class_count),
        age_count_(age_count),
        memory_(memory),
        step_bits_(step_bits),
        ages_(std::size_t{class_count} * age_count) {}

  uint32_t age_of(uint64_t unused) const {
    return static_cast<uint32_t>(std::min<uint64_t>(unused >> step_bits_, age_count_ - 1));
  }
  bool is_last(uint32_t age) const { return age == age_count_ - 1; }

  void hit(uint32_t kind, uint32_t age) { at(kind, age).hits += 1; }
  void eviction(uint32_t kind, uint32_t age) { at(kind, age).evictions += 1; }

  /// As of the last update; 0 before the first.
  double density(uint32_t kind, uint32_t age) const { return at(kind, age).density; }

  /// Densities from what was observed, which counts less from now on.
  void update() {
    fit_step();
    for (uint32_t kind = 0; kind < class_count_; ++kind) {
      // Of blocks at least so old, from the oldest on: hits, and ages at which they were still
      // there.
      double hits = 0;
      double events = 0;
      double lifetime = 0;
      for (uint32_t age = age_count_; age-- > 0;) {
        Age& here = at(kind, age);
        hits += here.hits;
        events += here.hits + here.evictions;
        lifetime += events;
        here.density = lifetime > 0 ? hits / lifetime : 0;
        here.hits *= memory_;
        here.evictions *= memory_;
      }
    }
  }

  void hash(StateHash& hash) const {
    hash.add(step_bits_);
    for (std::size_t i = 0; i < ages_.size(); ++i) {
      hash.add(std::bit_cast<uint64_t>(ages_[i].hits));
      hash.add(std::bit_cast<uint64_t>(ages_[i].evictions));
      hash.add(std::bit_cast<uint64_t>(ages_[i].density));
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.ages_.data(), self.ages_.size());
    archive.value(self.step_bits_);
  }

 private:
  struct Age {
    double hits;
    double evictions;
    double density;
  };

  std::size_t index(uint32_t kind, uint32_t age) const {
    return std::size_t{kind} * age_count_ + age;
  }
  Age& at(uint32_t kind, uint32_t age) { return ages_[index(kind, age)]; }
  const Age& at(uint32_t kind, uint32_t age) const { return ages_[index(kind, age)]; }

  /// Events of all classes at ages from this one on.
  double events_from(uint32_t first_age) const {
    double events = 0;
    for (uint32_t kind = 0; kind < class_count_; ++kind) {
      for (uint32_t age = first_age; age < age_count_; ++age) {
        events += at(kind, age).hits + at(kind, age).evictions;
      }
    }
    return events;
  }
  void fit_step() {
    const double all = events_from(0);
    if (events_from(age_count_ - 1) * 100 > all) {
      ++step_bits_;
      for (uint32_t kind = 0; kind < class_count_; ++kind) double_step(kind);
    } else if (step_bits_ != 0 && events_from(age_count_ / 2) * 1000 < all) {
      --step_bits_;
      for (uint32_t kind = 0; kind < class_count_; ++kind) halve_step(kind);
    }
  }
  void double_step(uint32_t kind) {
    for (uint32_t age = 0; age < age_count_; ++age) {
      const bool known = age < age_count_ / 2;
      const Age first = known ? at(kind, 2 * age) : Age{};
      const Age second = known ? at(kind, 2 * age + 1) : Age{};
      at(kind, age) = {first.hits + second.hits, first.evictions + second.evictions, 0};
    }
  }
  void halve_step(uint32_t kind) {
    // What lies beyond the middle is little, and comes to lie in the last age.
    Age beyond{};
    for (uint32_t age = age_count_ / 2; age < age_count_; ++age) {
      beyond.hits += at(kind, age).hits;
      beyond.evictions += at(kind, age).evictions;
    }
    for (uint32_t age = age_count_; age-- > 0;) {
      const Age both = at(kind, age / 2);
      at(kind, age) = {both.hits / 2, both.evictions / 2, 0};
    }
    at(kind, age_count_ - 1).hits += beyond.hits;
    at(kind, age_count_ - 1).evictions += beyond.evictions;
  }

  uint32_t class_count_;
  uint32_t age_count_;  // a power of two
  double memory_;
  uint32_t step_bits_;
  FlatArray<Age> ages_;  // by class, then by age
};

}  // namespace tiercast::policy
