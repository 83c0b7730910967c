"""A manager of vLLM's shape decides the same with a policy of its own and with this library's, and
what it decided is decided again from the tape. TIERPOLICY_TEST_OPERATIONS: how many calls each."""

import os
import subprocess
import tempfile
import unittest
from functools import partial
from pathlib import Path

from tierpolicy import diff
from tierpolicy.__main__ import vllm_pair
from tierpolicy.foreign import VllmTree

STANDIN = Path(__file__).parent / "standin"
OPERATIONS = int(os.environ["TIERPOLICY_TEST_OPERATIONS"])


class Decisions(unittest.TestCase):
    def setUp(self):
        self.tree = VllmTree(STANDIN)
        self.addCleanup(self.tree.unload)

    def run_pair(self, policy, ours, capacity, operations, tape=None, without=()):
        pair = vllm_pair(self.tree, policy, ours, capacity, tape)
        try:
            found = diff.first_difference(pair, diff.manager_calls(7, operations, without))
        finally:
            pair.close()
        return found, pair

    def check_same(self, policy, ours, without=()):
        for capacity, share in ((64, 0.8), (20, 0.2)):
            operations = int(OPERATIONS * share)
            with self.subTest(capacity=capacity), tempfile.TemporaryDirectory() as folder:
                tape = os.path.join(folder, "tape")
                found, pair = self.run_pair(policy, ours, capacity, operations, tape, without)
                self.assertIsNone(found)
                self.assertGreater(pair.evicted, operations // 2)
                if capacity == 20:
                    self.assertGreater(pair.refused, operations // 100)
                for made in Path(folder).iterdir():
                    verified = subprocess.run(
                        [os.environ["TESTED_TIERCAST"], "tape", "verify", made],
                        capture_output=True, text=True)
                    self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_lru(self):
        self.check_same("lru", "slru?segments=1")

    def test_lru_in_which_transfers_count(self):
        self.check_same("lru-of-transfers", "lru")

    def test_arc(self):
        self.check_same("arc", "arc-vllm", without=("finish",))

    def test_others_decide_otherwise_and_the_shortest_calls_show_it(self):
        for policy, ours in (("lru", "lru"), ("lru-of-transfers", "fifo"), ("arc", "arc"),
                             ("arc", "slru?segments=1")):
            with self.subTest(policy=policy, ours=ours):
                found, _ = self.run_pair(policy, ours, 20, 5000, without=("finish",))
                self.assertIsNotNone(found)
                calls = list(diff.manager_calls(7, found.index + 1, ("finish",)))
                make = partial(vllm_pair, self.tree, policy, ours, 20, None)
                shortest, last = diff.shortest(make, calls)
                self.assertEqual(last.index, len(shortest) - 1)
                self.assertNotEqual(last.theirs, last.ours)
                self.assertLess(len(shortest), 60)
                for left_out in range(len(shortest)):
                    pair = make()
                    part = shortest[:left_out] + shortest[left_out + 1:]
                    self.assertIsNone(diff.first_difference(pair, part))
                    pair.close()


if __name__ == "__main__":
    unittest.main()
