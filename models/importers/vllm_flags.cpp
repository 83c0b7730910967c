#include "models/importers/engine_flags.hpp"

namespace tiercast::importers {

const EngineFlags& vllm_flags() {
  static constexpr const char* kSpeculation = "speculative decoding is not modelled";
  static constexpr const char* kAdapters = "adapters (LoRA) are not modelled";
  static constexpr const char* kShape = "a model's shape is read from its config.json alone";
  static constexpr const char* kWeights = "weights in host memory are not modelled";
  static constexpr const char* kContext = "context parallelism is not modelled";
  static constexpr const char* kBatches = "two batches at a time are not modelled";
  static constexpr const char* kPartial = "how many prompts are in parts at a time is not modelled";
  static constexpr const char* kBytes =
      "memory for KV is not set in bytes here: pin engine.memory.kv_blocks";
  // clang-format off
  static const EngineFlags flags = {
      .flags = {
          {"model"}, {"quantization", Takes::one, {"q"}}, {"kv-cache-dtype"},
          {"tensor-parallel-size", Takes::one, {"tp"}}, {"pipeline-parallel-size", Takes::one, {"pp"}},
          {"data-parallel-size", Takes::one, {"dp"}}, {"enable-expert-parallel", Takes::truth, {"ep"}},
          {"block-size"}, {"max-num-batched-tokens"}, {"max-num-seqs"}, {"max-model-len"},
          {"gpu-memory-utilization"}, {"num-gpu-blocks-override"},
          {"enable-prefix-caching", Takes::truth}, {"enable-chunked-prefill", Takes::truth},
          {"kv-transfer-config"}, {"kv-offloading-size"}, {"kv-offloading-backend"},
          {"disable-hybrid-kv-cache-manager", Takes::truth}, {"config"},
          {"speculative-config", Takes::one, {"sc"}, kSpeculation}, {"speculative-model", Takes::one, {}, kSpeculation},
          {"num-speculative-tokens", Takes::one, {}, kSpeculation},
          {"enable-lora", Takes::truth, {}, kAdapters}, {"lora-modules", Takes::many, {}, kAdapters},
          {"max-loras", Takes::one, {}, kAdapters}, {"max-lora-rank", Takes::one, {}, kAdapters}, {"max-cpu-loras", Takes::one, {}, kAdapters},
          {"hf-overrides", Takes::one, {}, kShape}, {"rope-scaling", Takes::one, {}, kShape}, {"hf-config-path", Takes::one, {}, kShape},
          {"cpu-offload-gb", Takes::one, {}, kWeights}, {"offload-backend", Takes::one, {}, kWeights}, {"offload-group-size", Takes::one, {}, kWeights},
          {"decode-context-parallel-size", Takes::one, {"dcp"}, kContext}, {"prefill-context-parallel-size", Takes::one, {"pcp"}, kContext},
          {"enable-dbo", Takes::truth, {}, kBatches},
          {"max-num-partial-prefills", Takes::one, {}, kPartial}, {"max-long-partial-prefills", Takes::one, {}, kPartial}, {"long-prefill-token-threshold", Takes::one, {}, kPartial},
          {"kv-cache-memory-bytes", Takes::one, {"kv-cache-memory"}, kBytes},
          {"enforce-eager", Takes::truth, {}, "overheads here are those of CUDA graphs"},
          {"scheduling-policy", Takes::one, {}, "requests are taken first come first served"},
          {"scheduler-cls", Takes::one, {}, "the scheduler here is vLLM's own"},
          {"performance-mode", Takes::one, {}, "throughput doubles default batches: give --max-num-batched-tokens and --max-num-seqs"},
          {"disable-sliding-window", Takes::truth, {}, "windows are the model's"},
          {"ec-transfer-config", Takes::one, {}, "encoders are not modelled"},
          {"mamba-block-size", Takes::one, {}, "states are not cached by blocks here"}, {"mamba-cache-mode", Takes::one, {}, "states are not cached by blocks here"},
          {"mamba-cache-dtype", Takes::one, {}, "say model.name.linear.state"}, {"mamba-ssm-cache-dtype", Takes::one, {}, "say model.name.linear.state"},
      },
      .idle_switches =
          "trust-remote-code disable-log-stats disable-log-requests enable-log-requests enable-log-outputs enable-log-deltas "
          "aggregate-engine-logging log-error-stack enable-auto-tool-choice enable-prompt-tokens-details enable-server-load-tracking "
          "enable-force-include-usage enable-tokenizer-info-endpoint return-tokens-as-token-ids trust-request-chat-template tokens-only "
          "disable-frontend-multiprocessing disable-uvicorn-access-log disable-fastapi-docs enable-request-id-headers enable-ssl-refresh "
          "allow-credentials headless skip-tokenizer-init disable-custom-all-reduce disable-cascade-attn async-scheduling "
          "enable-sleep-mode enable-prompt-embeds enable-mm-embeds enable-return-routed-experts use-tqdm-on-load skip-mm-profiling "
          "language-model-only interleave-mm-strings mm-encoder-only disable-chunked-mm-input disable-mm-preprocessor-cache "
          "calculate-kv-scales kv-sharing-fast-prefill enable-eplb enable-elastic-ep ray-workers-use-nsight "
          "data-parallel-external-lb data-parallel-hybrid-lb disable-nccl-for-dp-synchronization enable-flashinfer-autotune "
          "cudagraph-metrics enable-layerwise-nvtx-tracing enable-logging-iteration-details enable-mfu-metrics kv-cache-metrics "
          "fail-on-environ-validation use-v2-block-manager fully-sharded-loras enable-reasoning exclude-tools-when-tool-choice-none "
          "allow-deprecated-quantization disable-async-output-proc multi-step-stream-outputs disable-access-log-for-endpoints",
      .idle_values =
          "host port uds uvicorn-log-level api-key ssl-keyfile ssl-certfile ssl-ca-certs ssl-cert-reqs root-path chat-template "
          "chat-template-content-format default-chat-template-kwargs response-role tool-call-parser tool-parser-plugin tool-server "
          "reasoning-parser reasoning-parser-plugin reasoning-config log-config-file max-log-len api-server-count asc h11-max-incomplete-event-size "
          "h11-max-header-count served-model-name dtype seed tokenizer tokenizer-mode tokenizer-revision revision code-revision "
          "hf-token runner convert task model-impl config-format load-format download-dir model-loader-extra-config ignore-patterns "
          "safetensors-load-strategy pt-load-map-location allowed-local-media-path limit-mm-per-prompt media-io-kwargs mm-processor-kwargs "
          "mm-processor-cache-gb mm-processor-cache-type mm-encoder-tp-mode mm-encoder-attn-backend mm-shm-cache-max-object-size-mb "
          "video-pruning-rate generation-config override-generation-config guided-decoding-backend structured-outputs-config "
          "max-logprobs logprobs-mode pooler-config override-pooler-config logits-processor-pattern prefix-caching-hash-algo swap-space "
          "compilation-config cc optimization-level O cudagraph-capture-sizes max-cudagraph-capture-size max-seq-len-to-capture "
          "attention-backend attention-config kernel-config moe-backend additional-config distributed-executor-backend worker-cls "
          "worker-extension-cls max-parallel-loading-workers data-parallel-size-local dpl data-parallel-start-rank dpr data-parallel-rank "
          "dpn data-parallel-address dpa data-parallel-rpc-port dpp data-parallel-backend dpb nnodes node-rank master-addr master-port "
          "all2all-backend eplb-config expert-placement-strategy num-redundant-experts ubatch-size kv-events-config "
          "weight-transfer-config profiler-config otlp-traces-endpoint collect-detailed-traces show-hidden-metrics-for-version "
          "stream-interval num-lookahead-slots num-scheduler-steps scheduler-delay-factor preemption-mode lora-dtype rope-theta device "
          "cp-kv-cache-interleave-size dcp-kv-cache-interleave-size dbo-decode-token-threshold dbo-prefill-token-threshold "
          "kv-cache-metrics-sample io-processor-plugin override-attention-dtype",
      .idle_lists = "allowed-origins allowed-methods allowed-headers middleware logits-processors allowed-media-domains",
      .programs = "vllm+serve vllm.entrypoints.openai.api_server api_server.py vllm.entrypoints.api_server vllm-openai dynamo.vllm",
  };
  // clang-format on
  return flags;
}

}  // namespace tiercast::importers
