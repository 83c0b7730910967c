#!/usr/bin/env python3
"""Writes reports/accuracy.md: every public measurement beside its forecast, and how far they lie apart.

Usage: accuracy.py DATA [--program PATH] [--no-leave-out]    (DATA: the folder with the published tables)

Forecasts are of the catalogue as it stands. Each model's cases on one engine are forecast again with the
parameters that a fit without them finds (`tiercast calibrate served`, a quarter of an hour), where
another model is left to fit.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "scenarios", "validation", "public_cases.py")
PAGE = os.path.join(HERE, "accuracy.md")

# The eighteen cases of the shared list, by their names here.
LISTED = [
    "inference-sim-llama-2-7b-codegen-stage_0", "inference-sim-llama-2-7b-codegen-stage_1",
    "inference-sim-llama-2-7b-roleplay-stage_0", "inference-sim-llama-2-7b-general-stage_0",
    "inference-sim-llama-2-7b-general-stage_1",
    "ml-energy-llama-3.1-8b-b8", "ml-energy-llama-3.1-8b-b128", "ml-energy-llama-3.1-8b-b768",
    "ml-energy-llama-3.1-70b-b8", "ml-energy-llama-3.1-70b-b192", "ml-energy-llama-3.1-70b-b1024",
    "inferencex-llama-3.1-70b-fp8-1024x1024-c4-tp2",
    "inferencex-llama-3.1-70b-fp8-1024x1024-c16-tp4",
    "inferencex-llama-3.1-70b-fp8-1024x1024-c64-tp4",
    "inferencex-llama-3.1-70b-fp8-1024x1024-c32-tp8",
    "inferencex-llama-3.1-70b-fp8-8192x1024-c16-tp4",
    "inference-bench-vllm-2024-a100-x1-b16-1024x1024",
    "inference-bench-vllm-2024-h100-x1-b16-1024x1024",
]
# Measured of the same two static batches, which stopped at the first token.
LISTED += ["inference-bench-vllm-2024-a100-x1-b16-1024x1",
           "inference-bench-vllm-2024-h100-x1-b16-1024x1"]

INTRO = """# Accuracy

Written by `reports/accuracy.py`: forecasts of the catalogue as it stands beside public measurements.
Errors are forecast / measured - 1; median and 90th percentile of absolute ones, bias the median of
signed ones. The engines' parameters (`configs/engines`) and GPU power were fitted to these cases, so the
columns *left out* tell more where they are filled: each model's cases forecast with parameters that a fit
without any of them found. Cases are simulated as they were run, queueing included. Told apart, and not fitted: runs whose KV
memory was full. Throughput of an open loop is the rate offered and is not listed. Kernels by themselves:
`errors` of `configs/calibration`, held by tests.

Not published, so assumed: prompt lengths of ML.ENERGY (200 tokens in the mean); whether InferenceX states
means or medians (means); host and network of each server.
"""


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def forecasts(program, cases, *flags):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "cases.yaml")
        with open(file, "w") as handle:
            json.dump(cases, handle)
        return json.loads(run([program, "calibrate", "served", file, "--format", "json", *flags]))


def of_several_models(cases):
    models = {}
    for one in cases["cases"]:
        models.setdefault(one["kind"], set()).add(one["group"])
    kinds = {kind for kind, groups in models.items() if len(groups) > 1}
    return dict(cases, cases=[one for one in cases["cases"] if one["kind"] in kinds],
                parameters=[one for one in cases["parameters"] if one["kind"] in kinds])


def percent(share, signed=False):
    return ("%+.1f %%" if signed else "%.1f %%") % (100 * share)


def cells(errors):
    return " %s | %s | %s |" % (percent(errors["median"]), percent(errors["p90"]),
                                percent(errors["bias"], True))


def error_table(shipped, left_out):
    known = {(row["metric"], row["of"]): row.get("left_out") for row in left_out["errors"]}
    lines = ["| metric | of | figures | median | p90 | bias | left out: median | p90 | bias |",
             "|---" * 9 + "|"]
    for row in shipped["errors"]:
        out = known.get((row["metric"], row["of"]))
        lines.append("| `%s` | %s | %d |%s%s" % (
            row["metric"], row["of"], row["all"]["rows"], cells(row["all"]),
            cells(out) if out else " | | |"))
    return lines


def case_table(shipped, left_out, wanted):
    known = {(one["id"], one["metric"]): one.get("left_out") for one in left_out["cases"]}
    lines = ["| case | metric | measured | forecast | error | left out |", "|---" * 6 + "|"]
    for one in shipped["cases"]:
        if not wanted(one["id"]):
            continue
        out = known.get((one["id"], one["metric"]))
        lines.append("| %s%s | `%s` | %.4g | %.4g | %s | %s |" % (
            one["id"], " (apart)" if one["apart"] else "", one["metric"], one["measured"],
            one["forecast"], percent(one["forecast"] / one["measured"] - 1, True),
            percent(out / one["measured"] - 1, True) if out else ""))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--program", default=os.path.join(HERE, "..", "tiercast"))
    parser.add_argument("--no-leave-out", dest="leave_out", action="store_false")
    arguments = parser.parse_args()
    cases = json.loads(run([sys.executable, CASES, arguments.data]))
    shipped = forecasts(arguments.program, dict(cases, parameters=[]))
    left_out = {"errors": [], "cases": []}
    if arguments.leave_out:
        left_out = forecasts(arguments.program, of_several_models(cases))
    missing = set(LISTED) - {one["id"] for one in shipped["cases"]}
    if missing:
        sys.exit("cases are not covered: %s" % ", ".join(sorted(missing)))
    lines = ["## Errors", ""] + error_table(shipped, left_out)
    lines += ["", "## The eighteen listed cases", ""]
    lines += case_table(shipped, left_out, lambda name: name in LISTED)
    lines += ["", "## Every other case", ""]
    lines += case_table(shipped, left_out, lambda name: name not in LISTED)
    with open(PAGE, "w") as handle:
        handle.write(INTRO + "\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
