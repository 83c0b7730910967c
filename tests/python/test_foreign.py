"""Trees shaped like vLLM's and LMCache's, of small files, load without their packages."""

import sys
import tempfile
import unittest
from pathlib import Path

from tierpolicy import diff
from tierpolicy.__main__ import lmcache_pair
from tierpolicy.foreign import ForeignTree, LmcacheTree, VllmTree

STANDIN = Path(__file__).parent / "standin"


def write(folder, **files):
    for name, text in files.items():
        path = Path(folder, *name.split("__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(text)


LMCACHE_BASE = """
from typing import Generic, TypeVar
K = TypeVar("K")
class BaseCachePolicy(Generic[K]):
    pass
"""
LMCACHE_FIFO = """
from lmcache.logging import init_logger
from lmcache.observability import LMCStatsMonitor
from lmcache.utils import CacheEngineKey
from lmcache.v1.storage_backend.cache_policy.base_policy import BaseCachePolicy
init_logger(__name__).info("here")
class FIFOCachePolicy(BaseCachePolicy[CacheEngineKey]):
    def __init__(self):
        self.monitor = LMCStatsMonitor.GetOrCreate()
    def init_mutable_mapping(self):
        return {}
    def update_on_hit(self, key, held):
        self.monitor.on_chunk_reuse(1)
    def update_on_put(self, key):
        assert not isinstance(key, CacheEngineKey)
    def get_evict_candidates(self, held, num_candidates=1):
        return [key for key in held if held[key].can_evict][:num_candidates]
"""


class Trees(unittest.TestCase):
    def test_wanted_files_run_and_the_rest_stands_in(self):
        with tempfile.TemporaryDirectory() as folder:
            write(folder, proj____init__="raise ImportError('runs')",
                  proj__v1__wanted=("import torch\nfrom proj.heavy.part import Thing, make\n"
                                    "class Mine(Thing):\n  at: torch.device | None = None\n"
                                    "hints: dict[str, Thing] = {}\nmade = make(3).anything(4)\n"))
            with ForeignTree(folder, "proj", ("proj.v1.wanted",)) as tree:
                wanted = tree.module("proj.v1.wanted")
                self.assertEqual(Path(wanted.__file__), Path(folder, "proj/v1/wanted.py"))
                self.assertIn("proj.heavy.part", sys.modules)
                with self.assertRaises(ModuleNotFoundError):
                    tree.module("proj.v1.wanted.more")
            self.assertFalse([name for name in sys.modules if name.partition(".")[0] == "proj"])
            self.assertFalse(any(isinstance(found, ForeignTree) for found in sys.meta_path))

    def test_a_wrong_path_says_what_to_give(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(FileNotFoundError, "no folder vllm: give a checkout"):
                VllmTree(folder)
            Path(folder, "vllm").mkdir()
            with self.assertRaises(ModuleNotFoundError):
                VllmTree(folder)
        self.assertNotIn("vllm", sys.modules)

    def test_two_trees_of_a_project_do_not_mix(self):
        with VllmTree(STANDIN):
            with self.assertRaisesRegex(RuntimeError, "imported already"):
                VllmTree(STANDIN)
        with VllmTree(STANDIN / "vllm") as tree:
            self.assertTrue(tree.finishes_requests())

    def test_the_managers_own_factory_finds_this_library(self):
        with VllmTree(STANDIN) as tree:
            manager = tree.manager_out_of_tree(4, "tierpolicy-slru?segments=2")
            self.assertIsInstance(manager._policy, tree.policy_base.CachePolicy)
            self.assertEqual(manager._policy._cache.name, "slru")
            manager._policy.close()
            module = tree.module("tierpolicy.vllm")
            with self.assertRaisesRegex(AttributeError, "policies are tierpolicy-NAME"):
                module.slru
            with self.assertRaisesRegex(AttributeError, "no cache policy 'none'.*arc-vllm"):
                getattr(module, "tierpolicy-none")

    def test_lmcache_policies_decide_as_this_librarys(self):
        with tempfile.TemporaryDirectory() as folder:
            home = "lmcache__v1__storage_backend__cache_policy__"
            write(folder, **{"lmcache____init__": "raise ImportError('runs')",
                             home + "base_policy": LMCACHE_BASE, home + "fifo": LMCACHE_FIFO})
            with LmcacheTree(folder) as tree:
                calls = list(diff.store_calls(5, 10_000))
                for ours, same in (("fifo", True), ("slru?segments=1", False)):
                    pair = lmcache_pair(tree, "fifo", ours, 32, None)
                    found = diff.first_difference(pair, calls)
                    pair.close()
                    self.assertEqual(found is None, same, found)
                with self.assertRaisesRegex(ValueError, "there are lru, lfu, fifo, mru"):
                    tree.policy("arc")


if __name__ == "__main__":
    unittest.main()
