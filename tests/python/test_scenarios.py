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


def section_of_page(title):
    page = (SOURCE / "models/policy/README.md").read_text()
    return page[page.index(f"\n## {title}\n"):].split("\n## ")[1]


def rows(lines):
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


SHORT = ["--seeds=4,5", *(f"--set={setting}" for setting in (
    "workload.closed.sessions=12", "workload.closed.turns={fixed: {value: 5}}", "run.warmup=5min",
    "run.duration=2min", "engine.memory.kv_blocks=2000",
    "tiers=[hbm, {kind: dram, capacity: 20GB}]"))]


class EvictionTable(unittest.TestCase):
    def test_rows_of_the_page_come_out_again(self):
        section = section_of_page("End to end")
        shown = rows(line for line in section.splitlines() if line.startswith("| `"))
        for policy, made in table("lru", "fifo").items():
            self.assertEqual(shown[policy], made)

    def test_a_policy_that_is_told_nothing_of_what_it_reads_is_seen_to_be_lru(self):
        # Agents work alone, so `steps` has nothing to go by.
        made = table(*SHORT, "steps", "fifo", "lru")
        self.assertEqual(list(made), ["steps", "fifo", "lru"])
        self.assertEqual(made["steps"], made["lru"])
        self.assertEqual(made["lru"].count("the same"), 2)
        self.assertNotIn("the same", made["fifo"])

    def test_agents_in_workflows_are_told_apart_by_their_steps(self):
        made = table(*SHORT, "--set=workload.closed.workflow_agents=3",
                     "--set=workload.closed.sessions=60", "steps", "lru")
        self.assertNotIn("the same", made["steps"])

    def test_preferred_tenants_are_shown_beside_the_others(self):
        section = section_of_page("Workflows and priorities, end to end")
        shown = rows(line for line in section.splitlines() if line.startswith("| `"))
        made = table("--set=workload.closed.tenants.priorities=[35,35,100]",
                     "--set=workload.closed.tenants.retain=30min", "--tenants=0,2", "lease")
        self.assertEqual(shown["lease"], made["lease"])

    def test_an_error_of_the_program_is_told(self):
        with self.assertRaisesRegex(RuntimeError, "exit code 2\n(.|\n)*unknown name `lruu`"):
            table("lruu")
        with self.assertRaisesRegex(RuntimeError, "no request of tenant 9 has completed"):
            table(*SHORT, "--tenants=9", "lru")
        with self.assertRaisesRegex(RuntimeError, "a longer run.duration"):
            table("--set=run.duration=1s", "--set=run.warmup=0s", "lru")


if __name__ == "__main__":
    unittest.main()
