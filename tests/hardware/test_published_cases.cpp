// Published results whose load side follows from public inputs. A forecast is a band: what the
// authors left open is taken at both ends of its range. Stacks are the catalogue's, none is fitted
// to its case here. `test_hardware "published*" -s` prints forecasts beside measurements.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "sim/base/field_table.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using namespace tiercast::hardware;
using tiercast::tests::Catalogue;

namespace {

StackSpec stack(const std::string& name) {
  Catalogue catalogue;
  return catalogue.load<StackSpec>("stacks", name);
}

/// Milliseconds, or whatever the case measures.
struct Band {
  double one_end = 0;
  double other_end = 0;
};

void compare(const std::string& what, Band band, double measured) {
  const double low = std::min(band.one_end, band.other_end);
  const double high = std::max(band.one_end, band.other_end);
  INFO(what << ": forecast " << low << " to " << high << ", measured " << measured);
  CHECK(low <= measured);
  CHECK(measured <= high);
  CHECK(high <= 2 * low);
}

double milliseconds_of(Seconds t) { return t.value() * 1e3; }

TransferPath over(double link_gigabytes, std::optional<BytesPerSecond> device = {}) {
  return {Seconds{}, gigabytes_per_second(link_gigabytes), device};
}

}  // namespace

TEST_CASE("published: WEKA Augmented Memory Grid restores Llama-3.1-70B context over GDS") {
  // Setup Guide, WEKA Augmented Memory Grid (May 2025): TensorRT-LLM in FP8, 8 H100, GPUDirect
  // Storage, one request at a time. TTFT of turn 2; its row of 50 tokens, which loads nothing, is
  // the engine's own part.
  const double engine_ms = 22.308;
  // KV in FP8, as NVIDIA's FP8 checkpoint has it: 80 layers, one KV head of 128 on each of 8 GPUs.
  const Bytes token = bytes(2 * 80 * 128);
  const StackSpec gds = stack("gds");
  // Open: a KV block's tokens. TensorRT-LLM's 32 give operations of 640 KiB; larger blocks go in
  // cuFile's 1 MiB. Link: a 400 Gbit/s NIC for each GPU.
  const auto load_ms = [&](int64_t tokens, Bytes operation) {
    const Bytes size = token * tokens;
    const Payload payload{size, operation_count(size, operation), 1, false};
    return milliseconds_of(transfer_time(gds, over(50), payload).total());
  };
  const std::vector<std::pair<int64_t, double>> rows = {
      {8000, 37.862}, {16000, 51.424}, {24000, 69.586}, {32000, 97.098}, {64000, 145.569}};
  for (const auto& [tokens, measured_ms] : rows) {
    compare("TTFT in ms, " + std::to_string(tokens) + " tokens; open: tokens a block",
            {engine_ms + load_ms(tokens, token * 32), engine_ms + load_ms(tokens, mebibytes(1))},
            measured_ms);
  }
}

TEST_CASE("published: llm-d pulls gpt-oss-120b prefixes from a peer's host memory") {
  // "Move the KV, Not the Work", llm-d blog, August 2026: H200, host memory to host memory over
  // NIXL, then to the GPU. What is fixed drops out of the difference to the row of 2048 tokens.
  const double first_ms = 35;
  // All 36 layers, 8 KV heads of 64 in 16 bits; blocks of 16 tokens.
  const KvLayout layout{tokens(16), 36, bytes(2 * 8 * 64 * 2)};
  const StackSpec network = stack("nixl-rdma");
  const StackSpec host = stack("vllm-native");
  const auto pull_ms = [&](int64_t tokens, double nic_gigabytes) {
    const Bytes size = layout.token_bytes_a_layer * layout.layers * tokens;
    const auto time = [&](const StackSpec& path, double link_gigabytes) {
      const Bytes operation = operation_bytes(path, layout);
      const Payload payload{size, operation_count(size, operation), 1, false};
      return transfer_time(path, over(link_gigabytes), payload).total();
    };
    return milliseconds_of(time(network, nic_gigabytes) + time(host, 64));
  };
  // Open: the NIC of a one-GPU pod, 200 or 400 Gbit/s.
  const std::vector<std::pair<int64_t, double>> rows = {
      {8192, 57}, {16384, 86}, {32768, 165}, {49152, 235}};
  for (const auto& [tokens, measured_ms] : rows) {
    compare("pull in ms beyond that of 2048 tokens, " + std::to_string(tokens) +
                " tokens; open: NIC of 25 or 50 GB/s",
            {pull_ms(tokens, 25) - pull_ms(2048, 25), pull_ms(tokens, 50) - pull_ms(2048, 50)},
            measured_ms - first_ms);
  }
}

TEST_CASE("published: CachedAttention loads 2K tokens of LLaMA-65B from host memory") {
  // CachedAttention, USENIX ATC 2024: 192 ms; 80 layers, 64 KV heads of 128 in 16 bits, through
  // one PCIe Gen4 x16 link's worth of bandwidth. Open: "2K" as 2000 or 2048, and the share of the
  // link, over the range of the catalogue's figure.
  StackSpec dma = stack("vllm-native");
  REQUIRE(dma.efficiency.range);
  const Bytes token = bytes(2 * 80 * 64 * 128 * 2);
  const auto load_ms = [&](int64_t tokens, double efficiency) {
    dma.efficiency.value = efficiency;
    const Payload payload{token * tokens, (tokens + 15) / 16, 1, false};
    return milliseconds_of(transfer_time(dma, over(32), payload).total());
  };
  compare("load in ms; open: tokens, share of the link",
          {load_ms(2000, dma.efficiency.range->second), load_ms(2048, dma.efficiency.range->first)},
          192);
}

TEST_CASE("published: LMCache reads chunks over GDS from two drives") {
  // Tutti, arXiv 2605.03375: LMCache with GDS extracts 11.9 GB/s from two D7-PS1010 (29 GB/s) into
  // an H100, Llama-3.1-8B. Open: an object's metadata time and cuFile's time for an operation, over
  // the ranges of the catalogue's figures.
  StackSpec gds = stack("gds");
  REQUIRE(gds.metadata_latency.range);
  REQUIRE(gds.operation_time.range);
  const KvLayout layout{tokens(16), 32, bytes(2 * 8 * 128 * 2)};
  const Bytes chunk = layout.token_bytes_a_layer * layout.layers * 256;
  const auto rate = [&](Seconds metadata, Seconds operation_time) {
    gds.metadata_latency.value = metadata;
    gds.operation_time.value = operation_time;
    const Bytes operation = operation_bytes(gds, layout);
    const Payload payload{chunk * 256, operation_count(chunk, operation) * 256, 256, false};
    const TransferPath drives{seconds(60e-6), gigabytes_per_second(64), gigabytes_per_second(29)};
    return (payload.size / transfer_time(gds, drives, payload).total()).value() / 1e9;
  };
  compare("GB/s; open: metadata and operation time",
          {rate(gds.metadata_latency.range->second, gds.operation_time.range->second),
           rate(gds.metadata_latency.range->first, gds.operation_time.range->first)},
          11.9);
}

TEST_CASE("published: vLLM's new KV layout moves an order of magnitude faster") {
  // Inside vLLM's New KV Offloading Connector, January 2026: sizes by release 0.11 and 0.12 of what
  // lies together for 16 tokens, in KiB and MiB. Layers, KV heads a GPU and head size are the
  // models' own; 70B stands for 4 GPUs, as its 8 KiB imply.
  struct Model {
    const char* name;
    uint32_t layers;
    int64_t heads;
    int64_t head_size;
    double old_kib;
    double new_mib;
  };
  const std::vector<Model> models = {
      {"Llama-3.1-8B", 32, 8, 128, 32, 2},        {"Llama-3.1-70B", 80, 2, 128, 8, 1.25},
      {"Llama-3.2-1B", 16, 8, 64, 16, 0.5},       {"Mistral-7B-v0.2", 32, 8, 128, 32, 2},
      {"Mistral-Small-24B", 40, 8, 128, 32, 2.5}, {"Qwen2.5-7B", 28, 4, 128, 16, 0.87},
      {"Qwen2.5-1.5B", 28, 2, 128, 8, 0.44},      {"Qwen3-32B", 64, 4, 128, 16, 2}};
  const StackSpec whole = stack("vllm-native");
  StackSpec apart = whole;
  apart.granularity = Granularity::layer;
  apart.fragments = 2;
  for (const Model& model : models) {
    INFO(model.name);
    const KvLayout layout{tokens(16), model.layers, bytes(2 * model.heads * model.head_size * 2)};
    CHECK(ratio(operation_bytes(apart, layout), kibibytes(1)) == model.old_kib);
    CHECK(ratio(operation_bytes(whole, layout), mebibytes(1)) ==
          Approx(model.new_mib).epsilon(0.01));
  }
  // The connector became "an order of magnitude" faster; Llama-3.1-8B is the model it was tested
  // with. Open: the time of a copy call, from the catalogue's figure to the 7 us of DualPath.
  const auto gain = [&](Seconds call) {
    StackSpec before = apart;
    StackSpec after = whole;
    before.operation_time.value = call;
    after.operation_time.value = call;
    return rate_cap(after, over(64), mebibytes(2)) / rate_cap(before, over(64), kibibytes(32));
  };
  compare("gain; open: time of a copy call",
          {gain(whole.operation_time.value), gain(whole.operation_time.range->second)}, 10);
}
