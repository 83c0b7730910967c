#!/usr/bin/env python3
"""Runs a scenario with each eviction policy and prints a row of a Markdown table for each.

Usage: compare_evictions.py [--program PATH] [--scenario FILE] [--seeds 1,2,3] [--set PATH=VALUE]...
       [--tenants 0,1] POLICY...

A cell is the mean over the seeds, with their range in brackets. A seed's demand is the same for all policies, so
a difference from lru is taken seed by seed. A row says so where every seed's run was the same as lru's to the
last event. Each of `--tenants`, by number from 0, adds a column with the mean TTFT of its requests
alone. Python 3.10 or later, nothing beside it.
"""
import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIERS = ("hbm", "dram", "nvme", "context", "external")


def result(options, policy, seed):
    """What one run comes to. Thresholds are not asked about here, so exit code 3 is as good as 0."""
    command = [options.program, "run", options.scenario, "--format", "json", "--quiet",
               "--set", f"policy.eviction={policy}", "--seed", seed]
    for setting in options.set:
        command += ["--set", setting]
    with tempfile.TemporaryDirectory() as out:
        if options.tenants:
            command += ["--out", out]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode not in (0, 3):
            sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stderr}")
        answer = json.loads(run.stdout)
        if answer["requests"]["completed"] == 0:
            sys.exit("no request has completed within the run: give it a longer run.duration")
        answer["ttft_ms_of"] = {tenant: tenant_ttft_ms(Path(out), tenant)
                                for tenant in options.tenants}
        return answer


def tenant_ttft_ms(folder, tenant):
    """The mean of a tenant's requests."""
    with open(folder / "requests.csv", newline="") as rows:
        times = [int(row["ttft_ns"]) / 1e6 for row in csv.DictReader(rows)
                 if row["tenant"] == tenant and row["state"] == "completed"]
    if not times:
        sys.exit(f"no request of tenant {tenant} has completed: --tenants takes numbers from 0")
    return sum(times) / len(times)


def hits(run, tier):
    """Percent of input tokens found in a tier; 0 where the scenario has no such tier."""
    found = sum(row["hit_tokens"] for row in run["cache"]["by_tier"] if row["tier"] == tier)
    return 100 * found / run["tokens"]["input"]


def ttft(run, statistic):
    return run["metrics"]["ttft_ms"][statistic]


def kj_per_task(run):
    if "j_per_task" not in run["energy"]:
        sys.exit("no session has ended within the run: a longer run.duration lets some end")
    return run["energy"]["j_per_task"] / 1000


def spread(values, form):
    """Mean and range."""
    mean = form.format(sum(values) / len(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({form.format(min(values))} to {form.format(max(values))})"


def cells(runs, base, tenants):
    """runs and base, those of lru: a result for each seed."""
    def against_base(figure):
        return [100 * (figure(run) / figure(lru) - 1) for run, lru in zip(runs, base)]

    same = all(run["digest"] == lru["digest"] for run, lru in zip(runs, base))
    mean = [sum(hits(run, tier) for run in runs) / len(runs) for tier in TIERS]
    yield spread([ttft(run, "p50") for run in runs], "{:.0f}")
    yield spread([ttft(run, "p99") / 1000 for run in runs], "{:.2f}")
    yield "the same" if same else spread(against_base(lambda run: ttft(run, "mean")), "{:+.1f}")
    yield spread([kj_per_task(run) for run in runs], "{:.0f}")
    yield "the same" if same else spread(against_base(kj_per_task), "{:+.1f}")
    yield f"{sum(run['metrics']['output_tokens_per_s'] for run in runs) / len(runs):.0f}"
    yield f"{sum(mean):.1f}: " + " · ".join(f"{share:.1f}" for share in mean)
    for tenant in tenants:
        of_tenant = against_base(lambda run: run["ttft_ms_of"][tenant])
        yield "the same" if same else spread(of_tenant, "{:+.1f}")


def main():
    parser = argparse.ArgumentParser(description="A table of eviction policies, run end to end.")
    parser.add_argument("--program", default=str(HERE.parent / "tiercast"))
    parser.add_argument("--scenario", default=str(HERE / "agents.yaml"))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--tenants", default=[], metavar="0,1",
                        type=lambda text: [tenant.strip() for tenant in text.split(",")],
                        help="tenants to show the mean TTFT of")
    parser.add_argument("policies", nargs="+", metavar="POLICY")
    options = parser.parse_args()
    seeds = options.seeds.split(",")
    print("| | TTFT p50, ms | p99, s | mean against `lru`, % | kJ a task | against `lru`, % "
          "| tokens/s | hits, %: " + " · ".join(TIERS) + " |"
          + "".join(f" mean of tenant {tenant}, % |" for tenant in options.tenants))
    print("|---" * (8 + len(options.tenants)) + "|")
    base = [result(options, "lru", seed) for seed in seeds]
    for policy in options.policies:
        runs = [result(options, policy, seed) for seed in seeds] if policy != "lru" else base
        print(f"| `{policy}` | " + " | ".join(cells(runs, base, options.tenants)) + " |", flush=True)


if __name__ == "__main__":
    main()
