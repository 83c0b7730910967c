#!/usr/bin/python3
"""Fits engine overhead and GPU power on top of the kernel parameters of vllm-hopper.yaml.

Usage: TIERCAST_SHARED=... fit_engine_power.py    (python3 with numpy; from anywhere)

Overhead: step = kernels + c0 + c1 n + (sort V/1e5 n where requests sample with top-p), from time per
output token of InferenceX (greedy), ML.ENERGY (top-p, the published default of these models) and
open-loop runs of inference-sim; static batches of LLM-Inference-Bench check it. Time per token is taken as the decode step at mid-output
plus the other requests' prefills spread over the output. ML.ENERGY does not publish prompt lengths:
250 tokens are assumed. InferenceX draws lengths between 0.8 and 1 of the nominal; KV taken as 16 bit.

Power: idle + (limit - idle) (busy b + compute u + memory h), at most sustained x limit, with the
utilisations of the same model over measured step times. Leave-one-out errors are printed.
"""
import csv
import os
import re

import numpy as np

import kernel_forms as forms
from fit_step_time import DATA, fit

HERE = os.path.dirname(os.path.abspath(__file__))
GPU = forms.GPUS["hopper"]
IDLE_W, LIMIT_W = 72.0, 700.0
SCALE = {"ns": 1e-3, "us": 1.0, "GB/s": 1e3, "kB": 1e3, "": 1.0}

MODELS = {
    "7b": dict(layers=32, hidden=4096, inner=11008, heads=32, kv=32, dim=128, vocab=32000),
    "8b": dict(layers=32, hidden=4096, inner=14336, heads=32, kv=8, dim=128, vocab=128256),
    "70b": dict(layers=80, hidden=8192, inner=28672, heads=64, kv=8, dim=128, vocab=128256),
}


def table(name):
    with open(os.path.join(DATA, name)) as handle:
        return list(csv.DictReader(handle))


def errors(model, measured):
    percent = 100 * (model / measured - 1)
    return "rows %d median %.1f p90 %.1f signed %+.1f" % (
        len(measured), np.median(abs(percent)), np.percentile(abs(percent), 90),
        np.median(percent))


def parameters(name):
    """The two-level maps of a calibration file, times in us, rates in bytes per us."""
    text = open(os.path.join(HERE, name)).read()
    found, section = {}, None
    for line in text.splitlines():
        match = re.match(r"^( *)(\w+): *(.*?)(?: *#.*)?$", line)
        if not match:
            continue
        if match.group(3) == "" and match.group(1) == "":
            section = match.group(2)
            found[section] = {}
            continue
        pairs = re.findall(r"(\w+): *([0-9.]+)([a-zA-Z/]*)", line)
        where = found.setdefault(section, {}) if match.group(1) else found.setdefault(
            match.group(2), {})
        for key, number, unit in pairs:
            where[key] = float(number) * SCALE.get(unit, 1.0)
    return found


P = parameters("vllm-hopper.yaml")


def gemm(m, n, k, width):
    p = dict({"waves": 1.0, "reduce": 1.0}, **P["gemm_bf16" if width == 2 else "gemm_fp8"])
    names, form = ((forms.GEMM, forms.gemm_split) if width == 2 else
                   (forms.PADDED, forms.gemm_padded))
    shape = (np.array([float(size)]) for size in (m, n, k))
    return float(form([p[name] for name in names], *shape, GPU)[0])


def elementwise(size):
    return P["elementwise_launch"]["elementwise_launch"] + size / (
        P["elementwise_memory"]["elementwise_memory"] * GPU["hbm"])


def collective(p, ranks, size, passes):
    if ranks == 1:
        return 0.0
    return p["launch"] + p["rank"] * (ranks - 1) + passes * (ranks - 1) / ranks * (
        size + np.sqrt(size * p["half"])) / (p["bandwidth"] * GPU["nvlink"])


def all_reduce(ranks, size):
    return collective(P["all_reduce_small" if size <= 2**23 else "all_reduce"], ranks, size, 2)


def token_us(m, tokens, tp, width):
    heads, kv, inner, h = m["heads"] / tp, max(1, m["kv"] / tp), m["inner"] / tp, m["hidden"]
    products = (gemm(tokens, (heads + 2 * kv) * m["dim"], h, width) +
                gemm(tokens, h, heads * m["dim"], width) + gemm(tokens, 2 * inner, h, width) +
                gemm(tokens, h, inner, width))
    passes = (2 * elementwise(6 * tokens * h) + elementwise(4 * tokens * (heads + kv) * m["dim"]) +
              elementwise(6 * tokens * inner))
    reduce = 2 * all_reduce(tp, 2 * tokens * h)
    launch = forms.attention_launch(P["attention"], one_call(m, 1, 1, tp))
    return m["layers"] * (products + passes + reduce + launch), m["layers"] * reduce


def one_call(m, batch, length, tp):
    return dict(batch=batch, length=np.float64(length), heads=m["heads"] / tp,
                kv=max(1, m["kv"] / tp), dim=m["dim"], window=0, kv8=False)


def without_launch(form, call):
    return form(P["attention"], call, GPU) - forms.attention_launch(P["attention"], call)


def decode_us(m, n, kv_tokens, tp, width):
    head = gemm(n, m["vocab"] / tp, m["hidden"], 2) + elementwise(10 * n * m["vocab"]) + \
        collective(P["all_gather"], tp, 2 * n * m["vocab"], 1)
    attention = m["layers"] * without_launch(forms.decode, one_call(m, n, kv_tokens / n, tp))
    return token_us(m, n, tp, width)[0] + attention + head


def prefill_us(m, chunk, tp):
    return m["layers"] * without_launch(forms.prefill, one_call(m, 1, chunk, tp))


def time_per_token(m, n, prompt, output, tp, width):
    decode = decode_us(m, n, n * (prompt + output / 2), tp, width)
    prompt_us = token_us(m, prompt + n, tp, width)[0] - token_us(m, n, tp, width)[0] + \
        prefill_us(m, prompt, tp)
    return decode + (n - 1) * prompt_us / output


def overhead_rows():
    """(kernel us, sequences, sorted vocabulary/1e5 x sequences, measured us, label)"""
    rows = []
    for row in table("inferencex_llama3.1-70b_fp8_h100.csv"):
        if float(row["silicon_ttft_ms"]) > 5000:  # memory too small for the concurrency: queueing
            continue
        tp, n = int(float(row["tp_size"])), int(float(row["concurrency"]))
        prompt, output = 0.9 * float(row["isl"]), 0.9 * float(row["osl"])
        rows.append((time_per_token(MODELS["70b"], n, prompt, output, tp, 1), n, 0,
                     1e3 * float(row["silicon_tpot_ms"]), "inferencex"))
    for row in table("ml_energy_h100_llama3.csv"):
        m = MODELS["8b" if "8B" in row["model_id"] else "70b"]
        n, output = float(row["avg_batch_size"]), float(row["avg_output_len"])
        if n > 300:  # KV and power limits act beyond
            continue
        measured = 1e6 * n / float(row["output_throughput_tokens_per_sec"])
        rows.append((time_per_token(m, round(n), 250, output, int(row["num_gpus"]), 2), n,
                     n * m["vocab"] / 1e5, measured, "ml.energy"))
    for row in table("blis_training_stages.csv"):
        if row["stage"] == "summary":
            continue
        n = float(row["req_s"]) * float(row["e2e_mean_ms"]) / 1e3  # Little's law
        prompt = float(row["prompt_len_mean"]) - float(row["system_prompt_len"])  # cached prefix
        kernel = time_per_token(MODELS["7b"], max(1, round(n)), prompt,
                                float(row["output_len_mean"]), 1, 2)
        rows.append((kernel, n, 0, 1e3 * float(row["tpot_derived_ms"]), "blis"))
    for row in table("argonne_llama2-7b_a100_h100.csv"):
        if "H100" not in row["hardware"] or row["framework"] != "vLLM" or row["n"] != "1" or \
                row["model"] != "meta-llama/Llama-2-7b-hf":
            continue
        n, length = int(row["batch"]), float(row["in_out_len"])
        if n * 2 * length > 90000:  # does not fit its KV memory: preemption
            continue
        kernel = time_per_token(MODELS["7b"], n, length, length, 1, 2)
        rows.append((kernel, n, 0, 1e6 * float(row["latency_s"]) / length, "argonne"))
    return rows


def fit_overhead():
    rows = overhead_rows()
    kernel, n, sort, measured = (np.array([row[i] for row in rows], float) for i in range(4))
    label = np.array([row[4] for row in rows])

    def form(p):
        return kernel + p[0] + p[1] * n + p[2] * sort

    # 2024 software (argonne) is a check, not a part of the fit; the five rows of blis count three
    # times, between their number and an equal say of the three sources.
    used = np.concatenate([np.flatnonzero((label != "argonne") & (label != "blis")),
                           np.repeat(np.flatnonzero(label == "blis"), 3)])

    def form_used(p):
        return form(p)[used]

    p = fit(form_used, measured[used], [1000, 10, 20], [10, 0.1, 0.1], [1e5, 1e3, 1e3])
    recent = label != "argonne"
    print("engine: step %.0fus sequence %.2fus sort %.2fus" % tuple(p),
          errors(form(p)[recent], measured[recent]))
    for name in ("inferencex", "ml.energy", "blis", "argonne"):
        print("   ", name, errors(form(p)[label == name], measured[label == name]),
              "| kernels alone", errors(kernel[label == name], measured[label == name]))
    return p


def utilisation(m, n, prompt, output, tp, step_us, gap_us):
    """(kernel share without communication, FLOP share, byte share) of a mean step."""
    h, inner, d, layers = m["hidden"], m["inner"] / tp, m["dim"], m["layers"]
    heads, kv = m["heads"] / tp, max(1, m["kv"] / tp)
    new = n * prompt / output
    tokens, read = n + new, n * (prompt + output / 2)
    weights = layers * ((heads + 2 * kv) * d * h + h * heads * d + 3 * h * inner)
    head = m["vocab"] / tp * h
    flops = 2 * tokens * weights + 2 * n * head + \
        layers * 4 * d * heads * (read + new * prompt / 2)
    moved = 2 * (weights + head) + layers * (4 * kv * d * read + tokens * 2 * (
        12 * h + 4 * (heads + kv) * d + 5 * inner))
    communication = token_us(m, tokens, tp, 2)[1]
    return np.array([1 - (communication + gap_us) / step_us, flops / GPU["bf16"] / step_us,
                     moved / GPU["hbm"] / step_us])


def fit_power(overhead):
    x, y, label = [], [], []
    for row in table("ml_energy_h100_llama3.csv"):
        m = MODELS["8b" if "8B" in row["model_id"] else "70b"]
        tp, n = int(row["num_gpus"]), float(row["avg_batch_size"])
        step = 1e6 * n / float(row["output_throughput_tokens_per_sec"])
        x.append(utilisation(m, n, 250, float(row["avg_output_len"]), tp, step, overhead[0]))
        y.append(float(row["avg_power_watts"]) / tp)
        label.append("ml.energy")
    for row in table("argonne_llama2-7b_a100_h100_power.csv"):
        if "H100" not in row["hardware"] or row["framework"] != "vLLM":
            continue
        n, length = int(row["batch"]), float(row["in_out_len"])
        step = 1e6 * float(row["latency_s"]) / length
        x.append(utilisation(MODELS["7b"], n, length, length, 1, step, overhead[0]))
        y.append(float(row["power_w"]))
        label.append("argonne")
    x, y, label = np.array(x), np.array(y), np.array(label)
    sustained = 0.985  # the plateau of the 1-GPU rows, 685 to 691 W

    def form(p, x):
        return np.minimum(IDLE_W + (LIMIT_W - IDLE_W) * (x @ p), sustained * LIMIT_W)

    # HBM draws at least 4 pJ a bit at full rate (memory comparison quoted in configs/gpus): 107 W.
    lowest, start = [0.05, 0.05, 107 / (LIMIT_W - IDLE_W)], [0.5, 1.2, 0.2]
    p = fit(lambda p: form(p, x), y, start, lowest, [1, 3, 1])
    print("power: busy %.3f compute %.3f memory %.3f sustained %.3f" % (tuple(p) + (sustained,)),
          errors(form(p, x), y))
    left_out = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        q = fit(lambda p: form(p, x[rest]), y[rest], p, lowest, [1, 3, 1])
        left_out.append(form(q, x[i:i + 1])[0])
    for name in ("ml.energy", "argonne"):
        keep = label == name
        percent = 100 * abs(np.array(left_out)[keep] / y[keep] - 1)
        print("    leave one out, %s: mean %.1f median %.1f worst %.1f" % (
            name, percent.mean(), np.median(percent), percent.max()))


if __name__ == "__main__":
    fit_power(fit_overhead())
