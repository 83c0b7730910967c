#!/usr/bin/python3
"""Fits the step-time parameters of configs/calibration/*.yaml to measured kernel tables.

Usage: TIERCAST_SHARED=... fit_step_time.py hopper|ampere [part...]   (python3 with numpy; a minute)

Prints parameters and errors over whole tables (rows, median and 90th percentile of the absolute
error, median signed error, in percent). Formulas: kernel_forms.py. Least squares on log time with a
soft L1 loss over at most 6,000 rows, shapes of served models counting three to six times; seeds are fixed.
"""
import csv
import gzip
import os
import sys

import numpy as np

import kernel_forms as forms
from kernel_forms import GPUS

DATA = os.path.join(os.environ.get("TIERCAST_SHARED", "../shared"), "calibration")
# Heads, KV heads, head size of served models; each at tp 1, 2, 4 and 8.
SERVED_HEADS = ((32, 8, 128), (64, 8, 128), (40, 8, 128), (48, 8, 128), (28, 4, 128), (64, 4, 128),
                (96, 8, 128), (32, 32, 128), (40, 40, 128), (16, 8, 128), (24, 8, 128), (32, 4, 128),
                (32, 8, 64), (64, 8, 64), (40, 8, 64))
# Hidden, intermediate, top, experts: Mixtral, Qwen3, DeepSeek-V3, gpt-oss, Llama 4, Kimi K2, GLM-4.5.
SERVED_EXPERTS = ((4096, 14336, 2, 8), (6144, 16384, 2, 8), (2048, 768, 8, 128), (4096, 1536, 8, 128),
                  (7168, 2048, 8, 256), (2880, 2880, 4, 128), (2880, 2880, 4, 32), (5120, 8192, 1, 16),
                  (5120, 8192, 1, 128), (7168, 2048, 8, 384), (4096, 1024, 10, 512), (6144, 2560, 8, 160))


def table(gpu, path):
    """Columns as arrays, of numbers where they are numbers; `us` is the measured time."""
    name = os.path.join(DATA, gpu["tables"] if gpu else "", path)
    with gzip.open(name, "rt") as handle:
        rows = csv.reader(handle)
        head = next(rows)
        columns = dict(zip(head, (np.array(c) for c in zip(*rows))))
    for key, text in columns.items():
        try:
            columns[key] = text.astype(float)
        except ValueError:
            pass
    if "latency_ms" in columns:
        columns["us"] = columns["latency_ms"] * 1e3
    return columns


def chosen(a, rows):
    return {key: column[rows] for key, column in a.items()}


def report(label, model, measured, rows=None):
    if rows is not None:
        model, measured = model[rows], measured[rows]
    if len(measured) == 0:
        return
    percent = 100 * (model / measured - 1)
    print("    %-34s rows %6d median %5.1f p90 %5.1f signed %+5.1f" % (
        label, len(measured), np.median(abs(percent)), np.percentile(abs(percent), 90),
        np.median(percent)))


def fit(model, measured, start, lowest, highest, weight=1.0, knee=0.15, rounds=60):
    """Levenberg-Marquardt on the logs of positive parameters, soft L1 on log residuals."""
    theta, target, damping = np.log(np.array(start, float)), np.log(measured), 1e-2
    lowest, highest = np.log(np.array(lowest, float)), np.log(np.array(highest, float))

    def residual(at):
        return np.log(np.maximum(model(np.exp(at)), 1e-12)) - target

    def loss(r):
        return np.sum(weight * 2 * knee**2 * (np.sqrt(1 + (r / knee) ** 2) - 1))

    r = residual(theta)
    best = loss(r)
    for _ in range(rounds):
        w = weight / np.sqrt(1 + (r / knee) ** 2)
        jacobian = np.empty((len(target), len(theta)))
        for j in range(len(theta)):
            moved = theta.copy()
            moved[j] += 1e-3
            jacobian[:, j] = (residual(moved) - r) / 1e-3
        normal = jacobian.T @ (w[:, None] * jacobian)
        gradient = jacobian.T @ (w * r)
        for _ in range(10):
            step = np.linalg.solve(
                normal + damping * np.diag(np.diag(normal) + 1e-6 * len(target)), -gradient)
            trial = np.clip(theta + np.clip(step, -1, 1), lowest, highest)
            r_trial = residual(trial)
            if loss(r_trial) < best:
                break
            damping *= 4
        else:
            break
        done = best - loss(r_trial) < 1e-6 * best
        theta, r, best, damping = trial, r_trial, loss(r_trial), max(damping / 3, 1e-9)
        if done:
            break
    return np.exp(theta)


def show(label, names, values):
    print("%s: {%s}" % (label, ", ".join("%s: %.4g" % pair for pair in zip(names, values))))


def sample(rows, most=6000):
    return np.random.default_rng(0).permutation(rows)[:most]


def fit_gemm(gpu):
    a = table(gpu, "gemm.csv.gz")
    start = [2, 0.86, 0.85, 1.6e5, 1, 0.3, 0.5]
    lowest, highest = [0.1, 0.3, 0.3, 3e4, 0.01, 0.02, 0.01], [10, 0.98, 0.95, 1e6, 5, 10, 1]
    fp8_launch = 4.9
    for dtype in np.unique(a["gemm_dtype"]):
        mine = chosen(a, a["gemm_dtype"] == dtype)
        m, n, k, t = mine["m"], mine["n"], mine["k"], mine["us"]
        floor = np.zeros(len(t))
        if dtype == "bfloat16":
            names, form, first, low, high = forms.GEMM, forms.gemm_split, start, lowest, highest
        else:
            names, form = forms.PADDED, forms.gemm_padded
            first, low, high = start + [3, 3], lowest + [1e-3, 0.5], highest + [20, 40]
            first[5:7] = low[5:7] = high[5:7] = [1, 1]  # neither split nor persistent
        if dtype == "fp8_block":
            # Launched from Python, 55 to 100 us apart: the GPU shows only above that. CUTLASS takes
            # shapes that no model has (k or n below 64) and never gets above its own 180 us.
            source = mine["kernel_source"]
            floor = np.where(np.char.startswith(source, "Deep"), 90.0, 60.0)
            floor[np.char.startswith(source, "Cutlass")] = np.inf
            first[0] = low[0] = high[0] = fp8_launch
        rows = sample(np.flatnonzero(t > 1.45 * floor))
        p = fit(lambda p: form(p, m[rows], n[rows], k[rows], gpu), t[rows], first, low, high)
        if dtype == "fp8":
            fp8_launch = p[0]
        show("gemm " + dtype, names, p)
        y = form(p, m, n, k, gpu)
        use = np.isfinite(floor) & ((t > 1.45 * floor) | (y > 1.45 * floor))
        report("all", y, t, use)
        for low_m, high_m in ((1, 16), (17, 128), (129, 1024), (1025, 1e9)):
            report("m %d to %d" % (low_m, high_m), y, t, use & (m >= low_m) & (m <= high_m))
        if dtype == "fp8_block":
            report("floor or model, all but CUTLASS", np.maximum(y, floor), t, np.isfinite(floor))


def attention_table(gpu, name):
    c = table(gpu, name)
    a = dict(batch=c["batch_size"], heads=c["num_heads"], kv=c["num_key_value_heads"], us=c["us"],
             dim=c["head_dim"], window=c.get("window_size", 0 * c["us"]),
             kv8=np.char.find(c["kv_cache_dtype"], "fp8") >= 0,
             length=c["isl"] if name.startswith("context") else c["step"] + 1)
    served = np.zeros(len(a["us"]), bool)
    for heads, kv, dim in SERVED_HEADS:
        for tp in (1, 2, 4, 8):
            if heads % tp == 0:
                served |= ((a["heads"] == heads // tp) & (a["kv"] == max(1, kv // tp)) &
                           (a["dim"] == dim) & (a["window"] == 0))
    a["served"] = served
    return a


ATTENTION_START = dict(
    launch=9, launch_dim=2, launch_fp8=1.5, launch_window=2.5, decode_memory=0.94,
    decode_memory_fp8=0.77, cta=3, prefill_compute=0.93, softmax_dims=55, prefill_write=0.65,
    prefill_fp8=1.3, prefill_cta=0.3, kv_row=3.5, kv_row_fp8=1.8, wide_head=2.1, window_tile=100)


def fit_attention(gpu):
    d, c = attention_table(gpu, "generation_attention.csv.gz"), attention_table(gpu, "context_attention.csv.gz")
    ampere = not np.any(d["kv8"])

    def fit_some(names, base, form_rows):
        """Fits the named parameters to (form, table, rows) triples together."""
        parts = [(form, chosen(a, rows)) for form, a, rows in form_rows]
        measured = np.concatenate([a["us"] for _, a in parts])
        weight = np.concatenate([1 + 5 * a["served"] for _, a in parts])

        def model(values):
            p = dict(base, **dict(zip(names, values)))
            return np.concatenate([form(p, a, gpu) for form, a in parts])

        start = [base[name] for name in names]
        shares = ("decode_memory", "decode_memory_fp8", "prefill_compute", "prefill_write")
        found = fit(model, measured, start, np.array(start) / 20,
                    [0.98 if name in shares else value * 20 for name, value in zip(names, start)], weight)
        return dict(base, **dict(zip(names, found)))

    if ampere:  # FlashAttention 2 neither splits nor groups heads that share nothing: 12 % of the rows
        # A decode step copies queries beside; prefill has the shorter launch, and ships with decode's.
        p = fit_some(["launch", "decode_memory", "cta"], ATTENTION_START,
                     [(forms.decode, d, sample(np.flatnonzero(d["heads"] > d["kv"])))])
        p = fit_some(["prefill_compute", "softmax_dims", "prefill_write", "prefill_cta", "kv_row"], p,
                     [(forms.prefill, c, sample(np.flatnonzero(c["length"] > 64)))])
    else:  # head sizes of 512 decode by another kernel, which does not split
        p = fit_some(forms.ATTENTION, ATTENTION_START,
                     [(forms.decode, d, sample(np.flatnonzero(d["dim"] <= 256))),
                      (forms.prefill, c, sample(len(c["us"])))])
    show("attention", forms.ATTENTION, [p[name] for name in forms.ATTENTION])
    y, t = forms.decode(p, d, gpu), d["us"]
    read = np.where(forms.cut(d), d["window"], d["length"])
    kv_bytes = d["batch"] * read * d["kv"] * d["dim"] * np.where(d["kv8"], 2, 4)
    cold = kv_bytes > (40e6 if ampere else 50e6)
    for label, rows in (("decode", t > 0), ("served", d["served"]), ("beyond L2", cold),
                        ("served, beyond L2", d["served"] & cold), ("window", d["window"] > 0),
                        ("fp8", d["kv8"]), ("grouped", d["heads"] > d["kv"])):
        report(label, y, t, rows)
    y, t = forms.prefill(p, c, gpu), c["us"]
    for label, rows in (("prefill", t > 0), ("served", c["served"]), ("window", c["window"] > 0),
                        ("fp8", c["kv8"]), ("chunk > 64", c["length"] > 64)):
        report(label, y, t, rows)


def fit_mla(gpu):
    if gpu is not GPUS["hopper"]:
        return  # Ampere's table has a floor of 240 to 300 us
    gemm = [0.98, 0.881, 0.896, 1.866e5, 1.872, 0.364, 0.02]
    narrow = [4.9, 0.76, 0.95, 1e5, 0.63, 1, 1, 1.5, 6.5]

    def product(m, n, k):
        return forms.gemm_split(gemm, m, n, k, gpu)

    def read(name):
        c = table(gpu, name)
        a = dict(batch=c["batch_size"], heads=c["num_heads"], us=c["us"],
                 kv8=np.char.find(c["kv_cache_dtype"], "fp8") >= 0,
                 length=c["step"] + 1 if "generation" in name else c["isl"])
        tokens = a["batch"] * (1 if "generation" in name else a["length"])
        a["products"] = np.where(
            c["gemm_type"] == "bfloat16", forms.mla_products(tokens, a["heads"], product, product),
            forms.mla_products(tokens, a["heads"], product,
                               lambda m, n, k: forms.gemm_padded(narrow, m, n, k, gpu)))
        return a

    d, c = read("mla_generation_module.csv.gz"), read("mla_context_module.csv.gz")
    names = forms.MLA_PARAMETERS

    def both(values):
        p = dict(zip(names, values), expand_compute=gemm[1])
        return np.concatenate([forms.mla_decode(p, d, gpu), forms.mla_prefill(p, c, gpu)])

    p = fit(both, np.concatenate([d["us"], c["us"]]), [75, 0.92, 0.8, 0.68, 1, 0.9, 1.5, 28],
            [1, 0.2, 0.2, 0.2, 0.01, 0.2, 0.01, 0.1], [150, 0.98, 0.98, 0.98, 20, 0.98, 20, 200])
    show("mla", names, p)
    report("decode", both(p)[:len(d["us"])], d["us"])
    report("prefill", both(p)[len(d["us"]):], c["us"])


def fit_moe(gpu):
    c = table(gpu, "moe.csv.gz")
    hopper = gpu is GPUS["hopper"]
    a = dict(tokens=c["num_tokens"], hidden=c["hidden_size"], top=c["topk"], experts=c["num_experts"],
             held=c["num_experts"] / c["moe_ep_size"], inner=c["inter_size"] / c["moe_tp_size"],
             us=c["us"], dtype=c["moe_dtype"], skewed=c["distribution"] != "balanced")
    ungated = hopper & ((c["topk"] == 22) | (c["inter_size"] == 1856))  # Nemotron, squared ReLU
    a["matrices"] = np.where(ungated, 2, 3)
    a["imbalance"], a["active"] = forms.routing(a["tokens"], a["top"], a["experts"], a["held"], a["skewed"])
    a["served"] = np.isin(c["hidden_size"] * 1e12 + c["inter_size"] * 1e6 + c["topk"] * 1e4 + c["num_experts"],
                          [h * 1e12 + i * 1e6 + k * 1e4 + e for h, i, k, e in SERVED_EXPERTS])
    gpt_oss = c["hidden_size"] == 2880  # other experts of 4 bits run by Marlin, as int4 does
    four = a["dtype"] == "w4a16_mxfp4"
    kinds = (("bf16", a["dtype"] == "bfloat16", 2, "bf16"), ("fp8", a["dtype"] == "fp8_block", 1, "fp8"),
             ("fp8 of ModelOpt", a["dtype"] == "fp8", 1, "fp8"), ("mxfp4", four & gpt_oss, 17 / 32, "bf16"),
             ("int4", (a["dtype"] == "int4_wo") | (four & ~gpt_oss), 17 / 32, "bf16"))
    total, y_total = [], []
    for label, rows, width, peak in kinds:
        if not np.any(rows):
            continue
        mine = chosen(a, rows)
        some = chosen(mine, sample(len(mine["us"])))
        p = fit(lambda p: forms.experts(p, some, width, gpu[peak], gpu), some["us"],
                [35, 10, 0.7, 0.5, 40, 0.1, 0.5, 0.5], [5, 0.01, 0.02, 0.02, 0.5, 1e-3, 0.02, 1e-3],
                [100, 60, 0.95, 0.98, 256, 60, 100, 5], 1 + 2 * some["served"], knee=0.1)
        show("moe " + label, forms.EXPERTS, p)
        y, t = forms.experts(p, mine, width, gpu[peak], gpu), mine["us"]
        whole = mine["held"] == mine["experts"]
        for name, part in (("all", t > 0), ("served", mine["served"]), ("one GPU", whole),
                           ("split", ~whole), ("balanced", ~mine["skewed"]), ("skewed", mine["skewed"])):
            report(name, y, t, part)
        total.append(mine)
        y_total.append(y)
    y, t = np.concatenate(y_total), np.concatenate([m["us"] for m in total])
    print("moe, all formats")
    report("all", y, t)
    report("served", y, t, np.concatenate([m["served"] for m in total]))


def fit_elementwise(gpu):
    moved, t = [], []
    for name in gpu["vidur"]:
        c = table(None, "vidur/%s_mlp.csv.gz" % name)
        tokens, tp, hidden = c["num_tokens"], c["tp"], c["n_embd"]
        heads = c["n_head"] / tp + np.maximum(1, c["n_kv_head"] / tp)
        for key, size in (("input_layernorm_ms", 4 * tokens * hidden),
                          ("mlp_act_ms", 6 * tokens * c["n_expanded_embd"] / tp),
                          ("attn_rope_ms", 4 * tokens * heads * hidden / c["n_head"])):
            moved.append(size)
            t.append(c[key] * 1e3)
    moved, t = np.concatenate(moved), np.concatenate(t)

    def form(p):
        return p[0] + moved / (p[1] * gpu["hbm"])

    p = fit(form, t, [2, 0.5], [0.1, 0.05], [20, 1])
    show("elementwise", ["launch", "memory"], p)
    report("all", form(p), t)


def fit_collectives(gpu):
    def one(label, ranks, size, t, passes, keep):
        def form(p, rows):
            return forms.collective(p, ranks[rows], size[rows], passes, gpu)

        p = fit(lambda p: form(p, keep), t[keep], [5, 0.5, 0.7, 1e6], [0.1, 0.01, 0.1, 1e3],
                [20, 5, 0.98, 1e8])
        show(label, forms.COLLECTIVE, p)
        report("all", form(p, keep), t[keep])

    c = table(gpu, "custom_allreduce.csv.gz")
    size = 2 * c["message_size"]
    one("custom all_reduce", c["num_gpus"], size, c["us"], 2,
        (c["backend"] == "vllm_graph") & (size <= 2**23))  # vLLM uses it up to 8 MiB, in graphs
    c = table(gpu, "nccl.csv.gz")
    size = c["message_size"] * np.where(c["nccl_dtype"] == "int8", 1, 2)
    for name in ("all_reduce", "all_gather", "reduce_scatter", "alltoall"):
        one("nccl " + name, c["num_gpus"], size, c["us"], 2 if name == "all_reduce" else 1,
            c["op_name"] == name)


def fit_exchange(gpu):
    if gpu is not GPUS["hopper"]:
        return
    ranks = 8
    for name, suffix in (("deepep_normal", "transmit_us"), ("deepep_lowlatency", "avg_t_us")):
        c = table(gpu, name + ".csv.gz")
        use = c["dispatch_sms"] == 20 if "dispatch_sms" in c else c["num_token"] > 0  # DeepEP's default
        c = chosen(c, use)
        copies = forms.distinct_ranks(c["num_topk"], ranks) if "sms" in name or "normal" in name else c["num_topk"]
        for way, width in (("dispatch", 1 + 4 / 128), ("combine", 2)):
            t = c["%s_%s" % (way, suffix)]

            def form(p):
                return forms.exchange(p, c["num_token"], copies, width * c["hidden_size"], ranks, gpu)

            p = fit(form, t, [20, 0.6], [1, 0.05], [100, 1])
            show("%s %s" % (name, way), forms.EXCHANGE, p)
            report("all", form(p), t)


PARTS = dict(gemm=fit_gemm, attention=fit_attention, mla=fit_mla, moe=fit_moe,
             elementwise=fit_elementwise, collectives=fit_collectives, exchange=fit_exchange)

if __name__ == "__main__":
    kind = GPUS[sys.argv[1] if len(sys.argv) > 1 else "hopper"]
    for part in sys.argv[2:] or PARTS:
        PARTS[part](kind)
