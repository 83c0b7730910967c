"""The formulas of models/llm/operators.cpp and attention_cost.cpp, written a second time over arrays.

Times are microseconds. `gpu` holds peaks per microsecond: FLOP (bf16, fp8), bytes (hbm, nvlink), sms.
Parameters come in the order of the lists beside each form.
"""
import numpy as np

GPUS = {
    "hopper": dict(tables="aic_h100_sxm_vllm0.24", bf16=989.4e6, fp8=1978.9e6, hbm=3.35e6, sms=132,
                   nvlink=450e3, vidur=["h100_Llama-2-7b-hf", "h100_Llama-2-70b-hf"]),
    "ampere": dict(tables="aic_a100_sxm_vllm0.14", bf16=312e6, fp8=312e6, hbm=2.039e6, sms=108,
                   nvlink=300e3, vidur=["a100_Meta-Llama-3-8B", "a100_Meta-Llama-3-70B"]),
}
TILES = ((64, 64), (64, 128), (64, 256), (128, 128), (128, 192), (128, 256))


def norm2(a, b):
    return np.sqrt(a * a + b * b)


GEMM = ["launch", "compute", "memory", "tile_load", "tile", "reduce", "waves"]


def tiled(p, m, rows, cols, n, k, split, width, peak, gpu):
    """Waves of tiles on all multiprocessors; a persistent kernel (waves 0) leaves no part empty."""
    _, compute, _, load, tile, _, whole = p[:7]
    depth = np.ceil(k / split)
    filled = np.ceil(m / rows) * np.ceil(n / cols) * split / gpu["sms"]
    waves = whole * np.ceil(filled) + (1 - whole) * np.maximum(filled, 1)
    return waves * (np.maximum(2 * rows * cols * depth / (compute * peak / gpu["sms"]),
                               (rows + cols) * depth * width / load) + tile)


def gemm_split(p, m, n, k, gpu):
    """16 bits: tiles of six shapes, k split 1 to 16 ways; the cheapest wins."""
    memory, tile, reduce = p[2], p[4], p[5]
    traffic = 2 * (m * k + k * n + m * n) / (memory * gpu["hbm"])
    best = None
    for rows, cols in TILES:
        for split in (1, 2, 4, 8, 16):
            t = norm2(tiled(p, m, rows, cols, n, k, split, 2, gpu["bf16"], gpu), traffic)
            if split > 1:
                t = t + split * m * n * 4 / (reduce * gpu["hbm"]) + tile
            best = t if best is None else np.minimum(best, t)
    return p[0] + best


PADDED = GEMM + ["quantise", "quantise_passes"]


def gemm_padded(p, m, n, k, gpu):
    """8 bits: rows padded to 64, 128, then multiples of 256, no split; activations are quantised
    row by row, which moves quantise_passes bytes a number."""
    memory, row, passes = p[2], p[7], p[8]
    padded = np.where(m <= 64, 64, np.where(m <= 128, 128, np.ceil(m / 256) * 256))
    traffic = (m * k + k * n + 2 * m * n) / (memory * gpu["hbm"])
    best = np.full(np.shape(m), 1e30)
    for rows, cols, fits in ((64, 64, m <= 64), (64, 128, m <= 128), (128, 128, m > 64)):
        t = norm2(tiled(p, padded, rows, cols, n, k, 1, 1, gpu["fp8"], gpu), traffic)
        best = np.where(fits, np.minimum(best, t), best)
    return p[0] + best + row * m / 1000 + passes * m * k / (memory * gpu["hbm"])


LAUNCH = ["launch", "launch_dim", "launch_fp8", "launch_window"]
DECODE = ["decode_memory", "decode_memory_fp8", "cta"]
PREFILL = ["prefill_compute", "softmax_dims", "prefill_write", "prefill_fp8", "prefill_cta",
           "kv_row", "kv_row_fp8", "wide_head", "window_tile"]
ATTENTION = LAUNCH + DECODE + PREFILL


def cut(a):
    """Where a window cuts something off; shorter contexts run as without one."""
    return (a["window"] > 0) & (a["length"] > a["window"])


def overshoot(p, a):
    return np.where(cut(a), 1 + p["window_tile"] / np.maximum(a["window"], 1), 1)


def attention_launch(p, a):
    return (p["launch"] + p["launch_dim"] * a["dim"] / 128 + np.where(a["kv8"], p["launch_fp8"], 0) +
            np.where(cut(a), p["launch_window"], 0))


def kv_token(p, a, gpu):
    """Reading one token's keys and values of all KV heads; 8-bit kernels slow down past 128 dims."""
    eight = np.maximum(1, a["dim"] / 128) / p["decode_memory_fp8"]
    width = np.where(a["kv8"], 1, 2)
    return 2 * a["kv"] * a["dim"] * width * np.where(a["kv8"], eight, 1 / p["decode_memory"]) / gpu["hbm"]


def decode(p, a, gpu):
    read = np.where(cut(a), a["window"], a["length"]) * overshoot(p, a)
    return attention_launch(p, a) + a["batch"] * (
        a["kv"] * p["cta"] / gpu["sms"] + read * kv_token(p, a, gpu))


def causal_pairs(rows, window):
    window = np.where(window > 0, window, 1e15)
    growing = np.minimum(rows, window)
    return growing * (growing + 1) / 2 + (rows - growing) * window


def prefill(p, a, gpu):
    dim, heads, kv, chunk = a["dim"], a["heads"], a["kv"], a["length"]
    slow = np.where(dim > 256, p["wide_head"], 1) * np.where(a["kv8"], np.sqrt(np.maximum(1, dim / 128)), 1)
    pair = 4 * (dim / p["prefill_compute"] + p["softmax_dims"]) * slow / gpu["bf16"]
    tile = np.maximum(1, np.floor(128 * kv / heads))
    rows = np.ceil(chunk / tile) * tile
    pairs = causal_pairs(rows, np.where(cut(a), a["window"], 0)) * overshoot(p, a)
    width = np.where(a["kv8"], 1, 2)
    moved = (2 * kv * dim * (2 + width) + 4 * heads * dim) * np.where(a["kv8"], p["prefill_fp8"], 1)
    row = p["kv_row"] / 1000 * np.minimum(kv * dim, 512) / 512 * np.where(a["kv8"], p["kv_row_fp8"], 1)
    return attention_launch(p, a) + a["batch"] * (
        heads * pairs * pair + p["prefill_cta"] * heads / gpu["sms"] +
        chunk * (moved / (p["prefill_write"] * gpu["hbm"]) + row + kv_token(p, a, gpu)))


LEVELS = 8


def routing(tokens, top, experts, held, skewed):
    """Rows of the busiest GPU over the mean, and its experts that see a token. Skewed: popularity
    spread log-uniformly over a factor of 0.8 x tokens, as the tables' power laws are; chance does the
    rest. Balanced: round robin."""
    span = np.maximum(2, 0.8 * tokens)
    popular = [span ** ((i + 0.5) / LEVELS) for i in range(LEVELS)]
    mean = sum(popular) / LEVELS
    spread = np.sqrt(sum(w * w for w in popular) / LEVELS / mean**2 - 1)
    halvings = np.log2(experts / held)
    most = np.where(held < experts, 0.56 + 0.39 * (halvings - 1), 0)  # of that many normal numbers
    imbalance = np.where(skewed, np.minimum(1 + most * spread / np.sqrt(held), experts / top), 1)
    chance = top / experts
    hit = sum(1 - (1 - np.minimum(1, chance * w / mean)) ** tokens for w in popular) / LEVELS
    hit = np.where(skewed, hit, np.minimum(1, tokens * chance))
    return imbalance, held * np.minimum(1, hit * imbalance)


EXPERTS = ["launch", "split_launch", "memory", "compute", "pad_rows", "expert", "activation", "gather"]


def experts(p, a, width, peak, gpu):
    launch, split, memory, compute, pad, expert, activation, gather = p
    imbalance, active = a["imbalance"], a["active"]
    routed = a["tokens"] * a["top"]
    rows = routed * a["held"] / a["experts"] * imbalance
    size = a["matrices"] * a["hidden"] * a["inner"]
    row_bytes = 4 * a["hidden"] + 6 * a["inner"]
    return (launch + np.where(a["held"] < a["experts"], split, 0) + expert * active +
            norm2(active * size * width / (memory * gpu["hbm"]),
                  2 * size * (rows + active * pad) / (compute * peak)) +
            (rows / activation + routed * gather) * row_bytes / gpu["hbm"])


COLLECTIVE = ["launch", "rank", "bandwidth", "half"]


def collective(p, ranks, size, passes, gpu):
    launch, rank, bandwidth, half = p
    return launch + rank * (ranks - 1) + passes * (ranks - 1) / ranks * (
        size + np.sqrt(size * half)) / (bandwidth * gpu["nvlink"])


def distinct_ranks(top, ranks):
    return ranks * (1 - (1 - 1 / ranks) ** top)


EXCHANGE = ["launch", "bandwidth"]


def exchange(p, tokens, copies, row_bytes, ranks, gpu):
    """DeepEP: `copies` of each token leave for ranks drawn evenly; its own needs no link."""
    return p[0] + tokens * copies * row_bytes * (ranks - 1) / ranks / (p[1] * gpu["nvlink"])


MLA = dict(hidden=7168, q_rank=1536, kv_rank=512, nope=128, rope=64, v=128)  # DeepSeek-V3
MLA_PARAMETERS = ["launch", "decode_memory", "decode_memory_fp8", "decode_compute", "decode_head",
                  "prefill_compute", "head_token", "token"]


def mla_products(tokens, heads, product, narrow):
    m = MLA
    n_k = [(m["q_rank"] + m["kv_rank"] + m["rope"], m["hidden"]),
           (heads * (m["nope"] + m["rope"]), m["q_rank"]), (m["hidden"], heads * m["v"])]
    return (sum(narrow(tokens, n + 0 * tokens, k + 0 * tokens) for n, k in n_k) +
            product(tokens, heads * (m["nope"] + m["v"]), m["kv_rank"] + 0 * tokens))


def mla_decode(p, a, gpu):
    latent = MLA["kv_rank"] + MLA["rope"]
    memory = np.where(a["kv8"], p["decode_memory_fp8"], p["decode_memory"])
    read = latent * np.where(a["kv8"], 1, 2) / (memory * gpu["hbm"])
    rows = np.ceil(a["heads"] / 64) * 64
    multiply = 2 * rows * (latent + MLA["kv_rank"]) / (p["decode_compute"] * gpu["bf16"])
    return p["launch"] + a["products"] + a["batch"] * (
        a["heads"] * p["decode_head"] / 1000 + a["length"] * np.maximum(read, multiply))


def mla_prefill(p, a, gpu):
    """Latents in reach are expanded to keys and values; those of the chunk once more, by the layer's
    own product, so head_token is what remains."""
    flops = 2 * a["heads"] / gpu["bf16"]
    pair = flops * (MLA["nope"] + MLA["rope"] + MLA["v"]) / p["prefill_compute"]
    expand = flops * MLA["kv_rank"] * (MLA["nope"] + MLA["v"]) / p["expand_compute"]
    return p["launch"] + a["products"] + a["batch"] * (causal_pairs(a["length"], 0) * pair + a["length"] * (
        (a["heads"] * p["head_token"] + p["token"]) / 1000 + expand))
