"""The table of eviction policies end to end: how it is made, and that the page shows what comes out."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def table(*arguments):
    """Rows of cells by policy."""
    script = SOURCE / "scenarios/compare_evictions.py"
    run = subprocess.run([sys.executable, script, "--program", os.environ["TESTED_TIERCAST"],
                          *arguments], capture_output=True, text=True, cwd=SOURCE)
    if run.returncode != 0:
        raise RuntimeError(run.stderr)
    return rows(run.stdout.splitlines()[2:])


def rows(lines):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


class EvictionTable(unittest.TestCase):
    def test_rows_of_the_page_come_out_again(self):
        page = (SOURCE / "models/policy/README.md").read_text()
        section = page[page.index("\n## End to end\n"):].split("\n## ")[1]
        shown = rows(line for line in section.splitlines() if line.startswith("| `"))
        for policy, made in table("lru", "fifo").items():
            self.assertEqual(shown[policy], made)

    def test_a_policy_that_is_told_nothing_of_what_it_reads_is_seen_to_be_lru(self):
        # The demand has no agent graphs, so `steps` has nothing to go by.
        settings = ("workload.closed.sessions=12", "workload.closed.turns={fixed: {value: 5}}",
                    "run.warmup=5min", "run.duration=2min", "engine.memory.kv_blocks=2000",
                    "tiers=[hbm, {kind: dram, capacity: 20GB}]")
        short = ["--seeds=4,5", *(f"--set={setting}" for setting in settings)]
        made = table(*short, "steps", "fifo", "lru")
        self.assertEqual(list(made), ["steps", "fifo", "lru"])
        self.assertEqual(made["steps"], made["lru"])
        self.assertEqual(made["lru"].count("the same"), 2)
        self.assertNotIn("the same", made["fifo"])

    def test_an_error_of_the_program_is_told(self):
        with self.assertRaisesRegex(RuntimeError, "exit code 2\n(.|\n)*unknown name `lruu`"):
            table("lruu")
        with self.assertRaisesRegex(RuntimeError, "a longer run.duration"):
            table("--set=run.duration=1s", "--set=run.warmup=0s", "lru")


if __name__ == "__main__":
    unittest.main()
