#!/usr/bin/env python3
"""What each tier is worth to quickstart.yaml's agents: the table of the front page, as markdown.

Usage: compare_tiers.py [--program PATH] SESSIONS...    (PATH: the tiercast program)

A row has the tiers down to one; only what it uses is provisioned. A cell: input found in a cache, mean
and 90th percentile of the time to first token, joules of nodes, fabric and storage an output token;
of seed 1.
"""
import argparse
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
NO_DRIVES = "cluster.node.drives=[]"
NO_STORAGE = "cluster.storage={}"
DRAM, NVME = "{kind: dram, capacity: 100GB}", "{kind: nvme, capacity: 400GB}"
CONTEXT, EXTERNAL = "{kind: context, capacity: 4TB}", "{kind: external, capacity: 20TB}"
CONTEXT_ALONE = "cluster.storage={context: {enclosure: jbof-bf3, count: 1}}"
ROWS = [
    ("(a) HBM", [], [NO_STORAGE, NO_DRIVES]),
    ("(b) + DRAM", [DRAM], [NO_STORAGE, NO_DRIVES]),
    ("(c) + NVMe", [DRAM, NVME], [NO_STORAGE]),
    ("(d) + flash behind DPUs", [DRAM, NVME, CONTEXT], [CONTEXT_ALONE]),
    ("(e) + file store", [DRAM, NVME, CONTEXT, EXTERNAL], []),
]


def cell(program, sessions, tiers, flags):
    command = [program, "run", os.path.join(HERE, "quickstart.yaml"), "--format", "json", "--quiet",
               "--seed", "1", "--set", "run.band=never",
               "--set", "workload.closed.sessions=%d" % sessions,
               "--set", "tiers=[hbm%s]" % "".join(", " + tier for tier in tiers)]
    for flag in flags:
        command += ["--set", flag]
    result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    ttft = result["metrics"]["ttft_ms"]
    return "%.1f %% · %.0f / %.0f ms · %.1f J" % (
        100 * result["cache"]["token_hit_ratio"], ttft["mean"], ttft["p90"],
        result["energy"]["j_per_output_token"])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(HERE, "..", "tiercast"))
    parser.add_argument("sessions", type=int, nargs="+")
    arguments = parser.parse_args()
    print("| tiers |" + "".join(" %d sessions |" % n for n in arguments.sessions))
    print("|---" * (len(arguments.sessions) + 1) + "|")
    for name, tiers, flags in ROWS:
        cells = [cell(arguments.program, n, tiers, flags) for n in arguments.sessions]
        print("| %s |" % name + "".join(" %s |" % one for one in cells), flush=True)


if __name__ == "__main__":
    main()
