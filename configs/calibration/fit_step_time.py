#!/usr/bin/python3
"""Fits the step-time parameters of configs/calibration/*.yaml to measured kernel tables.

Usage: TIERCAST_SHARED=... fit_step_time.py hopper|ampere   (python3 with numpy; about two minutes)

Prints the parameter blocks and the error of each over its table (median and 90th percentile of the
absolute error, median signed error, in percent). Formulas are those of models/llm/operators.cpp,
written a second time. Least squares on log time with a soft L1 loss; seeds are fixed.
"""
import csv
import gzip
import os
import sys

import numpy as np

DATA = os.path.join(os.environ.get("TIERCAST_SHARED", "../shared"), "calibration")
GPUS = {  # peaks per microsecond: FLOP, FLOP, bytes; streaming multiprocessors; NVLink bytes one way
    "hopper": dict(tables="aic_h100_sxm_vllm0.24", bf16=989e6, fp8=1979e6, hbm=3.35e6, sms=132,
                   nvlink=450e3, vidur=["h100_Llama-2-7b-hf", "h100_Llama-2-70b-hf"]),
    "ampere": dict(tables="aic_a100_sxm_vllm0.14", bf16=312e6, fp8=312e6, hbm=2.039e6, sms=108,
                   nvlink=300e3, vidur=["a100_Meta-Llama-3-8B", "a100_Meta-Llama-3-70B"]),
}


def table(path):
    name = os.path.join(DATA, path)
    opener = gzip.open if name.endswith(".gz") else open
    with opener(name, "rt") as handle:
        return list(csv.DictReader(handle))


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def errors(model, measured):
    percent = 100 * (model / measured - 1)
    return "rows %d median %.1f p90 %.1f signed %+.1f" % (
        len(measured), np.median(abs(percent)), np.percentile(abs(percent), 90),
        np.median(percent))


def fit(model, measured, start, lowest=None, highest=None, rounds=100, knee=0.15):
    """Levenberg-Marquardt on the logs of positive parameters, soft L1 on log residuals."""
    theta, target, damping = np.log(np.array(start, float)), np.log(measured), 1e-2

    def residual(at):
        return np.log(np.maximum(model(np.exp(at)), 1e-12)) - target

    def loss(r):
        return np.sum(2 * knee**2 * (np.sqrt(1 + (r / knee) ** 2) - 1))

    r = residual(theta)
    best = loss(r)
    for _ in range(rounds):
        weight = 1 / np.sqrt(1 + (r / knee) ** 2)
        jacobian = np.empty((len(target), len(theta)))
        for j in range(len(theta)):
            moved = theta.copy()
            moved[j] += 1e-4
            jacobian[:, j] = (residual(moved) - r) / 1e-4
        normal = jacobian.T @ (weight[:, None] * jacobian)
        gradient = jacobian.T @ (weight * r)
        for _ in range(8):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -gradient)
            trial = theta + np.clip(step, -1, 1)
            if lowest is not None:
                trial = np.maximum(trial, np.log(lowest))
            if highest is not None:
                trial = np.minimum(trial, np.log(highest))
            r_trial = residual(trial)
            if loss(r_trial) < best:
                break
            damping *= 4
        else:
            break
        done = best - loss(r_trial) < 1e-7 * best
        theta, r, best, damping = trial, r_trial, loss(r_trial), max(damping / 3, 1e-9)
        if done:
            break
    return np.exp(theta)


def norm4(a, b):
    return np.sqrt(np.sqrt(a**4 + b**4))


def gemm_split(p, m, n, k, gpu):
    """Tiles of five shapes, k split 1 to 16 ways; the cheapest wins."""
    launch, compute, memory, load, tile, reduce = p
    best = None
    for rows, cols in ((64, 64), (64, 128), (64, 256), (128, 128), (128, 256)):
        for split in (1, 2, 4, 8, 16):
            depth = np.ceil(k / split)
            waves = np.ceil(np.ceil(m / rows) * np.ceil(n / cols) * split / gpu["sms"])
            one = np.maximum(2 * rows * cols * depth / (compute * gpu["bf16"] / gpu["sms"]),
                             (rows + cols) * depth * 2 / load) + tile
            t = norm4(waves * one, 2 * (m * k + k * n + m * n) / (memory * gpu["hbm"]))
            if split > 1:
                t = t + split * m * n * 4 / (reduce * gpu["hbm"]) + tile
            best = t if best is None else np.minimum(best, t)
    return launch + best


def gemm_padded(p, m, n, k, gpu):
    """8-bit kernels: rows padded to 64, 128, then multiples of 256, no split; activations are
    quantised row by row."""
    launch, compute, memory, load, tile, row = p
    padded = np.where(m <= 64, 64, np.where(m <= 128, 128, np.ceil(m / 256) * 256))
    best = np.full(np.shape(m), 1e30)
    for rows, cols, fits in ((64, 64, m <= 64), (64, 128, m <= 128), (128, 128, m > 64)):
        waves = np.ceil(np.ceil(padded / rows) * np.ceil(n / cols) / gpu["sms"])
        one = np.maximum(2 * rows * cols * k / (compute * gpu["fp8"] / gpu["sms"]),
                         (rows + cols) * k / load) + tile
        t = norm4(waves * one, (m * k + k * n + 2 * m * n) / (memory * gpu["hbm"]))
        best = np.where(fits, np.minimum(best, t), best)
    return launch + best + row * m / 1000 + 3 * m * k / (memory * gpu["hbm"])


def sample(count, most, seed=0):
    return np.random.default_rng(seed).choice(count, min(most, count), replace=False)


def fit_gemm(gpu):
    rows = table(gpu["tables"] + "/gemm.csv.gz")
    for dtype in sorted({row["gemm_dtype"] for row in rows}):
        mine = [row for row in rows if row["gemm_dtype"] == dtype and float(row["n"]) >= 256 and
                float(row["k"]) >= 256 and float(row["n"]) * float(row["k"]) <= 2.5e8]
        m, n, k, t = (column(mine, c) for c in ("m", "n", "k", "latency_ms"))
        t = t * 1e3
        if dtype == "fp8_block":  # the collection has a launch floor of 55 to 90 us: look above it
            above = t > 130
            m, n, k, t = m[above], n[above], k[above], t[above]
        form = gemm_split if dtype == "bfloat16" else gemm_padded
        start = [2.4, 0.86, 0.87, 1.5e5, 1, 1]
        highest = [10, 0.98, 0.95, 1e6, 10, 20]
        if dtype == "fp8_block":
            start, highest = [40, 0.8, 0.7, 1.6e5, 0.1, 1], [60, 0.98, 0.95, 2e5, 0.2, 20]
        at = sample(len(t), 4000)
        p = fit(lambda p: form(p, m[at], n[at], k[at], gpu), t[at], start, highest=highest)
        print("gemm %s: launch %.2fus compute %.3f memory %.3f tile_load %.0fGB/s tile %.3fus "
              "reduce/1000 rows %.3f" % ((dtype,) + tuple(p * [1, 1, 1, 1e-3, 1, 1])))
        print("   ", errors(form(p, m, n, k, gpu), t))
        small = m <= 256
        print("    m <= 256:", errors(form(p, m, n, k, gpu)[small], t[small]))


def attention_columns(gpu, name):
    rows = table(gpu["tables"] + "/" + name)
    get = {c: column(rows, c) for c in ("batch_size", "num_heads", "num_key_value_heads",
                                        "head_dim", "isl", "step")}
    get["window"] = column(rows, "window_size") if "window_size" in rows[0] else 0 * get["isl"]
    get["kv_bytes"] = np.array([1.0 if "fp8" in row["kv_cache_dtype"] else 2.0 for row in rows])
    get["t"] = column(rows, "latency_ms") * 1e3
    return get


def fit_decode(gpu):
    a = attention_columns(gpu, "generation_attention.csv.gz")
    b, heads, kv, d = a["batch_size"], a["num_heads"], a["num_key_value_heads"], a["head_dim"]
    length = a["step"] + 1
    read = np.where(a["window"] > 0, np.minimum(length, a["window"]) *
                    (a["window"] + 128) / np.maximum(a["window"], 1), length)

    def form(p, s):
        launch, memory, cta = p
        bytes_read = b[s] * read[s] * kv[s] * d[s] * 2 * a["kv_bytes"][s]
        return launch + b[s] * kv[s] * cta / gpu["sms"] + bytes_read / (memory * gpu["hbm"])

    shared = None  # a step launches one attention kernel: the launch of 16-bit decode is shipped
    for name, mask in (("bf16", (d <= 128) & (a["window"] == 0) & (a["kv_bytes"] == 2)),
                       ("fp8", (d <= 128) & (a["window"] == 0) & (a["kv_bytes"] == 1)),
                       ("bf16 window 128", (d == 64) & (a["window"] == 128) & (a["kv_bytes"] == 2))):
        s = np.flatnonzero(mask)
        if len(s) == 0:
            continue
        p = fit(lambda p: form(p, s), a["t"][s], [12, 0.9, 3], highest=[50, 0.98, 30])
        print("decode %s: launch %.2fus memory %.3f cta %.2fus" % ((name,) + tuple(p)))
        print("   ", errors(form(p, s), a["t"][s]))
        batch = s[(b[s] >= 8) & (length[s] >= 512)]
        print("    batch >= 8, length >= 512:", errors(form(p, batch), a["t"][batch]))
        shared = shared or p[0]
        shipped = np.array([shared, p[1], p[2]])
        print("    with one launch for all:", errors(form(shipped, s), a["t"][s]))
    return shared


def causal_pairs(rows, window):
    window = np.where(window > 0, window, 1e15)
    growing = np.minimum(rows, window)
    return growing * (growing + 1) / 2 + (rows - growing) * window


def fit_prefill(gpu, decode_launch):
    a = attention_columns(gpu, "context_attention.csv.gz")
    b, heads, kv, d, c = (a[x] for x in ("batch_size", "num_heads", "num_key_value_heads",
                                         "head_dim", "isl"))
    window = np.where(a["window"] > 0, a["window"] + 128, 0)

    def form(p, s):
        launch, compute, softmax, write, longest, fp8 = p
        tile = np.maximum(1, np.floor(128 * kv[s] / heads[s]))
        rows = np.ceil(c[s] / tile) * tile
        unit = 4 * (d[s] / compute + softmax) / gpu["bf16"]
        seen = np.where(window[s] > 0, np.minimum(c[s], window[s]), c[s])
        extra = np.where(a["kv_bytes"][s] == 1, fp8, 1)
        moved = c[s] * (kv[s] * 2 * d[s] * (2 + a["kv_bytes"][s]) + heads[s] * 4 * d[s])
        return launch + b[s] * (heads[s] * causal_pairs(rows, window[s]) * unit +
                                longest * 128 * seen * gpu["sms"] * unit +
                                extra * moved / (write * gpu["hbm"]))

    use = np.flatnonzero((b <= 4) & (d <= 128))
    at = use[sample(len(use), 4000)]
    p = fit(lambda p: form(p, at), a["t"][at], [12, 0.8, 40, 0.6, 0.25, 1.5],
            highest=[30, 0.98, 80, 2, 3, 4])
    print("prefill: launch %.2fus compute %.3f softmax_dims %.1f write %.3f longest %.3f fp8 %.2f"
          % tuple(p))
    print("    batch <= 4, head_dim <= 128:", errors(form(p, use), a["t"][use]))
    p[0] = decode_launch
    print("    with decode's launch:", errors(form(p, use), a["t"][use]))
    for name, mask in (("d 128 bf16", (d == 128) & (window == 0) & (a["kv_bytes"] == 2)),
                       ("d 128 bf16, > 1024 tokens", (d == 128) & (window == 0) & (c > 1024) &
                        (a["kv_bytes"] == 2)),
                       ("d 64 window 128", (d == 64) & (a["window"] == 128))):
        s = use[mask[use]]
        if len(s):
            print("   ", name + ":", errors(form(p, s), a["t"][s]))


MLA = dict(hidden=7168, q_rank=1536, kv_rank=512, nope=128, rope=64, v=128)


def mla_gemms(tokens, heads, gpu, gemm):
    m = MLA
    shapes = [(m["q_rank"] + m["kv_rank"] + m["rope"], m["hidden"]),
              (heads * (m["nope"] + m["rope"]), m["q_rank"]),
              (heads * (m["nope"] + m["v"]), m["kv_rank"]), (m["hidden"], heads * m["v"])]
    return sum(gemm_split(gemm, tokens, n, k + 0 * tokens, gpu) for n, k in shapes)


def fit_mla(gpu):
    if gpu["tables"].startswith("aic_a100"):
        return
    gemm = [1.98, 0.90, 0.825, 1.58e5, 1.12, 0.26]
    rows = [row for row in table(gpu["tables"] + "/mla_generation_module.csv.gz")
            if row["gemm_type"] == "bfloat16"]
    b, heads, length = (column(rows, c) for c in ("batch_size", "num_heads", "step"))
    width = np.array([1.0 if "fp8" in row["kv_cache_dtype"] else 2.0 for row in rows])
    t, base = column(rows, "latency_ms") * 1e3, mla_gemms(b, heads, gpu, gemm)

    def decode(p):
        launch, memory, compute = p
        per = np.maximum(576 * width / (memory * gpu["hbm"]),
                         heads * 2 * (576 + 512) / (compute * gpu["bf16"]))
        return launch + base + b * (length + 1) * per

    p = fit(decode, t, [40, 0.9, 0.7], highest=[150, 0.98, 0.95])
    print("mla decode: launch %.2fus memory %.3f compute %.3f" % tuple(p), errors(decode(p), t))
    rows = [row for row in table(gpu["tables"] + "/mla_context_module.csv.gz")
            if row["gemm_type"] == "bfloat16" and float(row["batch_size"]) <= 4 and
            row["kernel_source"].startswith("FLASH_ATTN")]
    b, heads, c = (column(rows, x) for x in ("batch_size", "num_heads", "isl"))
    t, base = column(rows, "latency_ms") * 1e3, mla_gemms(b * c, heads, gpu, gemm)

    def prefill(q):
        launch, compute, token = q
        return (launch + base + b * c * (c + 1) / 2 * heads * 2 * 320 / (compute * gpu["bf16"]) +
                b * c * heads * token / 1000 +
                b * c * 2 * 512 * heads * 256 / (0.7 * gpu["bf16"]))

    q = fit(prefill, t, [40, 0.6, 1], highest=[150, 0.98, 10])
    print("mla prefill: launch %.2fus compute %.3f head-token %.3fns" % tuple(q),
          errors(prefill(q), t))


def fit_moe(gpu):
    rows = table(gpu["tables"] + "/moe.csv.gz")
    kinds = {"bfloat16": (2, gpu["bf16"], ""), "fp8_block": (1, gpu["fp8"], "triton"),
             "w4a16_mxfp4": (17 / 32, gpu["bf16"], "gptoss")}
    for dtype, (width, peak, kernel) in kinds.items():
        mine = [row for row in rows if row["moe_dtype"] == dtype and kernel in row["kernel_source"]
                and row["distribution"] == "power_law_1.01" and float(row["num_experts"]) >= 32
                and row["moe_ep_size"] == "1"]
        if not mine:
            continue
        tokens, hidden, top, experts = (column(mine, c) for c in (
            "num_tokens", "hidden_size", "topk", "num_experts"))
        inner = column(mine, "inter_size") / column(mine, "moe_tp_size")
        t = column(mine, "latency_ms") * 1e3
        active = experts * (1 - (1 - top / experts) ** tokens)

        def form(p):
            launch, memory, compute, pad, expert, activation = p
            routed = tokens * top
            work = 6 * hidden * inner * (routed + active * pad) / (compute * peak)
            weights = active * 3 * hidden * inner * width / (memory * gpu["hbm"])
            moved = routed * (4 * hidden + 6 * inner) / (activation * gpu["hbm"])
            return launch + expert * active + norm4(weights, work) + moved

        p = fit(form, t, [40, 0.7, 0.5, 32, 0.1, 0.5], lowest=[5, 0.1, 0.05, 1, 1e-4, 0.05],
                highest=[100, 0.95, 0.98, 128, 5, 1e3])
        print("moe %s: launch %.2fus memory %.3f compute %.3f pad %.1f expert %.3fus activation "
              "%.3f" % ((dtype,) + tuple(p)))
        print("   ", errors(form(p), t))


def fit_elementwise(gpu):
    moved, t = [], []
    for name in gpu["vidur"]:
        for row in table("vidur/%s_mlp.csv.gz" % name):
            tokens, tp, h, i = (float(row[c]) for c in ("num_tokens", "tp", "n_embd",
                                                        "n_expanded_embd"))
            d = h / float(row["n_head"])
            heads = float(row["n_head"]) / tp + max(1, float(row["n_kv_head"]) / tp)
            for key, size in (("input_layernorm_ms", 4 * tokens * h), ("mlp_act_ms", 6 * tokens * i / tp),
                              ("attn_rope_ms", 4 * tokens * heads * d)):
                if row[key] and float(row[key]) > 0:
                    moved.append(size)
                    t.append(float(row[key]) * 1e3)
    moved, t = np.array(moved), np.array(t)

    def form(p):
        return p[0] + moved / (p[1] * gpu["hbm"])

    p = fit(form, t, [2, 0.5])
    print("elementwise: launch %.2fus memory %.3f" % tuple(p), errors(form(p), t))


def fit_collectives(gpu):
    def form(p, ranks, size, passes):
        launch, rank, bandwidth, half = p
        return launch + rank * (ranks - 1) + passes * (ranks - 1) / ranks * (
            size + np.sqrt(size * half)) / (bandwidth * gpu["nvlink"])

    rows = [row for row in table(gpu["tables"] + "/custom_allreduce.csv.gz")
            if row["backend"] == "vllm_graph"]
    cases = [("custom all_reduce", rows, 2, 2)]
    nccl = table(gpu["tables"] + "/nccl.csv.gz")
    for name in ("all_reduce", "all_gather", "alltoall"):
        cases.append(("nccl " + name, [row for row in nccl if row["op_name"] == name],
                      2 if name == "all_reduce" else 1, None))
    for name, mine, passes, width in cases:
        widths = np.array([width or (1 if row["nccl_dtype"] == "int8" else 2) for row in mine])
        ranks, size = column(mine, "num_gpus"), column(mine, "message_size") * widths
        t = column(mine, "latency_ms") * 1e3
        if name.startswith("custom"):  # vLLM uses it up to 8 MiB
            keep = size <= 2**23
            ranks, size, t = ranks[keep], size[keep], t[keep]
        p = fit(lambda p: form(p, ranks, size, passes), t, [5, 0.5, 0.7, 1e6],
                lowest=[0.1, 0.01, 0.1, 1e3], highest=[20, 5, 0.98, 1e8])
        print("%s: launch %.2fus rank %.3fus bandwidth %.3f half %.0fkB" % (
            (name,) + tuple(p * [1, 1, 1, 1e-3])), errors(form(p, ranks, size, passes), t))


if __name__ == "__main__":
    chosen = GPUS[sys.argv[1] if len(sys.argv) > 1 else "hopper"]
    fit_gemm(chosen)
    fit_prefill(chosen, fit_decode(chosen))
    for part in (fit_mla, fit_moe, fit_elementwise, fit_collectives):
        part(chosen)
