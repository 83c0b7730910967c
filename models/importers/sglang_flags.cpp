#include "models/importers/engine_flags.hpp"

namespace tiercast::importers {

const EngineFlags& sglang_flags() {
  static constexpr const char* kSpeculation = "speculative decoding is not modelled";
  static constexpr const char* kAdapters = "adapters (LoRA) are not modelled";
  static constexpr const char* kWeights = "weights in host memory are not modelled";
  static constexpr const char* kOverlap = "two batches at a time are not modelled";
  static constexpr const char* kOrder = "requests are taken first come first served";
  static constexpr const char* kStates = "states are set aside for max_sequences here";
  static constexpr const char* kOverheads = "overheads here are those of CUDA graphs";
  static constexpr const char* kContext = "context parallelism is not modelled";
  // clang-format off
  static const EngineFlags flags = {
      .flags = {
          {"model-path", Takes::one, {"model"}}, {"quantization"}, {"kv-cache-dtype"},
          {"tp-size", Takes::one, {"tensor-parallel-size", "tp"}}, {"pp-size", Takes::one, {"pipeline-parallel-size", "pp"}},
          {"dp-size", Takes::one, {"data-parallel-size", "dp"}}, {"ep-size", Takes::one, {"expert-parallel-size", "ep"}},
          {"enable-dp-attention", Takes::truth}, {"page-size"}, {"chunked-prefill-size"}, {"max-prefill-tokens"},
          {"max-running-requests"}, {"max-total-tokens"}, {"context-length"}, {"mem-fraction-static"}, {"cuda-graph-max-bs"},
          {"disable-radix-cache", Takes::truth}, {"allow-auto-truncate", Takes::truth},
          {"radix-eviction-policy"}, {"enable-hierarchical-cache", Takes::truth}, {"hicache-ratio"}, {"hicache-size"},
          {"hicache-write-policy"}, {"hicache-io-backend"}, {"hicache-mem-layout"}, {"hicache-storage-backend"},
          {"enable-lmcache", Takes::truth}, {"disaggregation-mode"}, {"config"},
          {"speculative-algorithm", Takes::one, {"speculative-algo"}, kSpeculation}, {"speculative-draft-model-path", Takes::one, {"speculative-draft-model"}, kSpeculation},
          {"speculative-num-steps", Takes::one, {}, kSpeculation}, {"speculative-eagle-topk", Takes::one, {}, kSpeculation}, {"speculative-num-draft-tokens", Takes::one, {}, kSpeculation},
          {"enable-lora", Takes::truth, {}, kAdapters}, {"lora-paths", Takes::many, {}, kAdapters}, {"max-loras-per-batch", Takes::one, {}, kAdapters},
          {"cpu-offload-gb", Takes::one, {}, kWeights}, {"offload-group-size", Takes::one, {}, kWeights},
          {"enable-two-batch-overlap", Takes::truth, {}, kOverlap}, {"enable-single-batch-overlap", Takes::truth, {}, kOverlap},
          {"schedule-policy", Takes::one, {}, kOrder}, {"enable-priority-scheduling", Takes::truth, {}, kOrder},
          {"schedule-conservativeness", Takes::one, {}, "requests are admitted as long as blocks are free"},
          {"max-mamba-cache-size", Takes::one, {}, kStates}, {"mamba-full-memory-ratio", Takes::one, {}, kStates}, {"mamba-ssm-dtype", Takes::one, {}, "say model.name.linear.state"},
          {"swa-full-tokens-ratio", Takes::one, {}, "windows of max_sequences are set aside here, up to their layers' share of memory"},
          {"disable-cuda-graph", Takes::truth, {}, kOverheads}, {"disable-overlap-schedule", Takes::truth, {}, kOverheads},
          {"num-continuous-decode-steps", Takes::one, {}, "the scheduler here looks after each step"},
          {"json-model-override-args", Takes::one, {}, "a model's shape is read from its config.json alone"},
          {"prefill-max-requests", Takes::one, {}, "how many prompts share a step is not limited here"},
          {"max-queued-requests", Takes::one, {}, "the queue has no limit here"},
          {"attention-context-parallel-size", Takes::one, {"attn-cp-size"}, kContext}, {"dcp-size", Takes::one, {"decode-context-parallel-size"}, kContext},
          {"moe-dense-tp-size", Takes::one, {}, "dense MLPs are split as attention is"},
          {"hicache-storage-prefetch-policy", Takes::one, {}, "prefetches go to their end here"},
          {"hicache-host-memory-mode", Takes::one, {}, "host memory is a tier that keeps its blocks here"},
          {"torchao-config", Takes::one, {}, "say model.weights"}, {"modelopt-quant", Takes::one, {}, "say model.weights"},
      },
      .idle_switches =
          "trust-remote-code skip-tokenizer-init skip-server-warmup grpc-mode log-requests enable-metrics enable-mfu-metrics "
          "enable-metrics-for-all-schedulers show-time-cost enable-request-time-stats-logging enable-trace enable-cache-report "
          "export-metrics-to-file collect-tokens-histogram sleep-on-idle is-embedding enable-multimodal language-only "
          "incremental-streaming-output constrained-json-disable-any-whitespace enable-dp-lm-head enable-mixed-chunk "
          "disable-custom-all-reduce enable-mscclpp enable-symm-mem enable-nccl-nvls enable-torch-symm-mem enable-torch-compile "
          "disable-piecewise-cuda-graph enforce-piecewise-cuda-graph enable-piecewise-cuda-graph disable-cuda-graph-padding "
          "enable-profile-cuda-graph enable-cudagraph-gc enable-p2p-check enable-nan-detection enable-memory-saver "
          "enable-weights-cpu-backup delete-ckpt-after-loading disable-outlines-disk-cache disable-shared-experts-fusion "
          "disable-chunked-prefix-cache disable-fast-image-processor enable-flashinfer-allreduce-fusion enable-eplb "
          "enable-expert-distribution-metrics enable-custom-logit-processor enable-return-hidden-states "
          "enable-tokenizer-batch-encode disable-tokenizer-batch-decode enable-dynamic-batch-tokenizer enable-deterministic-inference "
          "triton-attention-reduce-in-fp32 flashinfer-mla-disable-ragged disable-flashinfer-autotune enable-fp32-lm-head "
          "enable-session-radix-cache enable-fused-qk-norm-rope enable-streaming-session use-ray disable-hybrid-swa-memory",
      .idle_values =
          "host port api-key admin-api-key served-model-name chat-template hf-chat-template-name completion-template "
          "tokenizer-path tokenizer-mode tokenizer-worker-num load-format model-loader-extra-config revision model-impl dtype "
          "quantization-param-path fastapi-root-path warmups nccl-port device random-seed watchdog-timeout soft-watchdog-timeout "
          "dist-timeout download-dir base-gpu-id gpu-id-step stream-interval log-level log-level-http log-requests-level "
          "log-requests-format crash-dump-folder decode-log-interval kv-events-config otlp-traces-endpoint file-storage-path "
          "reasoning-parser tool-call-parser tool-server sampling-defaults preferred-sampling-params load-balance-method dist-init-addr "
          "nccl-init-addr nnodes node-rank attention-backend prefill-attention-backend decode-attention-backend sampling-backend "
          "grammar-backend mm-attention-backend dsa-prefill-backend dsa-decode-backend nsa-prefill-backend nsa-decode-backend "
          "fp8-gemm-backend fp4-gemm-backend moe-a2a-backend moe-runner-backend deepep-mode deepep-config flashinfer-mxfp4-moe-precision "
          "ep-num-redundant-experts ep-dispatch-algorithm init-expert-location eplb-algorithm eplb-rebalance-num-iterations "
          "mooncake-ib-device disaggregation-transfer-backend disaggregation-bootstrap-port disaggregation-ib-device "
          "num-reserved-decode-tokens torch-compile-max-bs piecewise-cuda-graph-max-tokens piecewise-cuda-graph-compiler "
          "triton-attention-num-kv-splits scheduler-recv-interval hicache-storage-backend-extra-config constrained-json-whitespace-pattern "
          "export-metrics-to-file-dir gc-warning-threshold-secs weight-version retraction-policy lora-backend max-lora-rank "
          "mamba-scheduler-strategy mamba-track-interval mamba-backend linear-attn-backend pp-max-micro-batch-size pp-async-batch-depth "
          "tbo-token-distribution-threshold speculative-attention-mode elastic-ep-backend numa-node-bind",
      .idle_lists =
          "cuda-graph-bs numa-node log-requests-target bucket-time-to-first-token bucket-inter-token-latency bucket-e2e-request-latency "
          "prompt-tokens-buckets generation-tokens-buckets piecewise-cuda-graph-tokens lora-target-modules",
      .programs = "sglang.launch_server sglang+serve launch_server.py sglang_router.launch_server dynamo.sglang",
  };
  // clang-format on
  return flags;
}

}  // namespace tiercast::importers
