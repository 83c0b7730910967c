#!/usr/bin/env python3
"""Public measurements of served models as cases for `tiercast calibrate served`.

Usage: public_cases.py DATA > cases.yaml      (DATA: the folder with the published tables)

Each case names a scenario of this folder, the flags that make it the run that was measured, and the
figures measured. Prints JSON, which is YAML. Tables (none of them is copied into this project):
- inferencex_llama3.1-70b_fp8_h100.csv: InferenceX (SemiAnalysis, Apache-2.0) as redistributed by
  ai-dynamo/aiconfigurator at 095f58a51.
- ml_energy_h100_llama3.csv: ML.ENERGY leaderboard v3 (Apache-2.0).
- argonne_llama2-7b_a100_h100{,_power,_ttft}.csv: argonne-lcf/LLM-Inference-Bench at 4211f5d (BSD-3).
- blis_training_stages.csv: inference-sim/training at ed5c1d2.
"""
import csv
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Requests beyond max_sequences that wait, so that the batch is always full.
WAITING = 64

# What is fitted: path, kind of the cases that have it, start, bounds.
PARAMETERS = [
    ("engine.overhead.step", "vllm", "1300us", "10us", "3ms"),
    ("engine.overhead.sequence", "vllm", "4us", "100ns", "50us"),
    ("engine.overhead.sort", "vllm", "26us", "1us", "80us"),
    ("engine.overhead.request", "vllm", "7ms", "50us", "20ms"),
    ("engine.overhead.kernels", "vllm", "0.98", "0.8", "1.3"),
    ("engine.overhead.elementwise", "vllm", "0.8", "0.3", "1.5"),
    ("engine.overhead.communication", "vllm", "0.9", "0.4", "2"),
    ("calibration.power.busy", "vllm", "0.6", "0.05", "1"),
    ("calibration.power.compute", "vllm", "1", "0.1", "3"),
    ("calibration.power.communication", "vllm", "0.1", "0.01", "1"),
    ("calibration.power.sort", "vllm", "0.9", "0.1", "1.5"),
    ("engine.overhead.step", "vllm-2024", "2300us", "10us", "10ms"),
    ("engine.overhead.sequence", "vllm-2024", "60us", "100ns", "200us"),
    ("engine.overhead.kernels", "vllm-2024", "1.01", "0.8", "1.5"),
    ("engine.overhead.step", "trtllm-2024", "1400us", "10us", "10ms"),
    ("engine.overhead.sequence", "trtllm-2024", "1us", "100ns", "200us"),
    ("engine.overhead.kernels", "trtllm-2024", "1.01", "0.8", "1.5"),
]


def rows(folder, name):
    with open(os.path.join(folder, name)) as handle:
        return list(csv.DictReader(handle))


def case(name, scenario, kind, group, flags, measured, apart=""):
    if kind == "vllm":  # all on H100, whose power is fitted
        flags = dict(flags, **{"calibration.use": "vllm-hopper"})
    return {"id": name, "scenario": os.path.join(HERE, scenario + ".yaml"), "kind": kind,
            "group": group,
            "set": ["%s=%s" % flag for flag in flags.items()],
            "measured": [{"metric": metric, "value": value} for metric, value in measured.items()],
            **({"apart": apart} if apart else {})}


def inferencex(folder):
    for row in rows(folder, "inferencex_llama3.1-70b_fp8_h100.csv"):
        isl, osl, concurrency, tp = (int(float(row[key])) for key in (
            "isl", "osl", "concurrency", "tp_size"))
        ttft = float(row["silicon_ttft_ms"])
        closed = "workload.closed."
        flags = {
            "cluster.node.gpus": tp, "engine.tp": tp, "engine.max_sequences": concurrency,
            closed + "sessions": concurrency, closed + "requests": 10 * concurrency,
            closed + "input_tokens.uniform.low": isl * 8 // 10,
            closed + "input_tokens.uniform.high": isl,
            closed + "output_tokens.uniform.low": osl * 8 // 10,
            closed + "output_tokens.uniform.high": osl,
        }
        # Seconds to the first token: KV memory is full and requests wait for it.
        apart = "KV memory is full" if ttft > 5000 else ""
        yield case("inferencex-llama-3.1-70b-fp8-%dx%d-c%d-tp%d" % (isl, osl, concurrency, tp),
                   "fixed-lengths", "vllm", "llama-3.1-70b", flags,
                   {"ttft_ms.mean": ttft, "tpot_ms.mean": float(row["silicon_tpot_ms"])}, apart)


def ml_energy(folder):
    for row in rows(folder, "ml_energy_h100_llama3.csv"):
        name = re.sub("-Instruct$", "", row["model_id"].split("/")[-1]).lower()
        # 3.1 and 3.3 of 70B are one shape.
        model = "llama-3.1-8b" if name.endswith("8b") else "llama-3.1-70b"
        gpus, running = int(row["num_gpus"]), int(float(row["max_num_seqs"]))
        output = float(row["avg_output_len"])
        flags = {
            "model.name": model, "cluster.node.gpus": gpus, "engine.tp": gpus,
            "engine.max_sequences": running, "workload.closed.sessions": running + WAITING,
            # The mean of a lognormal law is exp(sigma^2 / 2) = 1.325 medians.
            "workload.closed.output_tokens.lognormal.median": round(output / 1.325),
        }
        # Fewer run than may: KV memory is full.
        full = float(row["avg_batch_size"]) < 0.95 * running
        yield case("ml-energy-%s-b%d" % (name, running), "chat", "vllm", model, flags,
                   {"output_tokens_per_s": float(row["output_throughput_tokens_per_sec"]),
                    "energy.gpu_watts_mean": float(row["avg_power_watts"]),
                    "energy.gpu_j_per_output_token": float(row["energy_per_token_joules"])},
                   "KV memory is full" if full else "")


def inference_sim(folder):
    groups = {"codegen": 11, "roleplay": 10, "general": 9}
    for row in rows(folder, "blis_training_stages.csv"):
        if row["stage"] == "summary":
            continue
        profile = row["experiment"].split("-")[-1]
        shared = int(row["system_prompt_len"])
        open_loop = "workload.open."
        flags = {
            open_loop + "arrivals.rate": row["rate_req_s"] + "/s",
            open_loop + "input_tokens": round(float(row["prompt_len_mean"]) - shared),
            open_loop + "output_tokens": round(float(row["output_len_mean"])),
            open_loop + "shared_prefix.groups": groups[profile],
            open_loop + "shared_prefix.tokens": shared,
        }
        yield case("inference-sim-llama-2-7b-%s-%s" % (profile, row["stage"]), "constant-rate",
                   "vllm", "llama-2-7b", flags,
                   {"ttft_ms.mean": float(row["ttft_mean_ms"]),
                    "ttft_ms.p50": float(row["ttft_p50_ms"]),
                    "tpot_ms.mean": float(row["tpot_derived_ms"])})


NODES = {"Nvidia H100 GPU": "dgx-h100", "Nvidia A100 GPU": "dgx-a100"}
ENGINES = {"vLLM": "vllm-2024", "TensorRT-LLM": "trtllm-2024"}


def bench_case(row, prompt, output, measured):
    node, engine = NODES[row["hardware"]], ENGINES[row["framework"]]
    batch, gpus = int(row["batch"]), int(row["n"])
    flags = {
        "cluster.node.use": node, "cluster.node.gpus": gpus, "engine.preset": engine,
        "engine.tp": gpus, "workload.closed.sessions": batch,
        "workload.closed.input_tokens": prompt, "workload.closed.output_tokens": output,
    }
    # 0.52 MB a token; engines of 2024 preempted by swapping or recomputing whole prompts.
    full = (prompt + output) * batch > 100_000 * gpus
    return case("inference-bench-%s-%s-x%d-b%d-%dx%d" % (engine, node[4:], gpus, batch, prompt,
                                                         output),
                "static-batch", engine, "llama-2-7b", flags, measured,
                "KV memory is full" if full else "")


def inference_bench(folder):
    watts = {}
    for row in rows(folder, "argonne_llama2-7b_a100_h100_power.csv"):
        key = (row["hardware"], row["framework"], row["n"], row["in_out_len"], row["batch"])
        watts[key] = float(row["power_w"])
    seen = set()
    for row in rows(folder, "argonne_llama2-7b_a100_h100.csv"):
        key = (row["hardware"], row["framework"], row["n"], row["in_out_len"], row["batch"])
        if row["framework"] not in ENGINES or key in seen:
            continue
        seen.add(key)  # measured twice: the first
        length = int(float(row["in_out_len"]))
        measured = {"e2e_ms.max": 1e3 * float(row["latency_s"])}
        if key in watts and row["n"] == "1":
            measured["energy.gpu_watts_mean"] = watts[key]
        yield bench_case(row, length, length, measured)
    for row in rows(folder, "argonne_llama2-7b_a100_h100_ttft.csv"):
        if row["framework"] in ENGINES:
            yield bench_case(row, int(row["isl"]), int(row["osl"]),
                             {"ttft_ms.max": 1e3 * float(row["ttft_s"])})


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = [one for source in (inferencex, ml_energy, inference_sim, inference_bench)
             for one in source(sys.argv[1])]
    keys = ("path", "kind", "start", "lowest", "highest")
    json.dump({"title": "Public measurements of served models", "cases": found,
               "parameters": [dict(zip(keys, one)) for one in PARAMETERS]}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
