"""Cache and KeyedCache by cases worked by hand."""

import os
import subprocess
import tempfile
import unittest
from itertools import count
from pathlib import Path

from tierpolicy import Cache, KeyedCache, PolicyError, contract, parse_policy


def filled(name="lru", capacity=4, **options):
    cache = Cache(name, capacity, **options)
    cache.insert(range(capacity), 0, keys=[f"k{i}".encode() for i in range(capacity)])
    cache.evictable(range(capacity), 0, True)
    return cache


class SlotCache(unittest.TestCase):
    def test_the_tail_of_a_batch_leaves_first(self):
        with filled() as cache:
            cache.touch([3], 1)
            token, spans = cache.select(2, 2)
            self.assertEqual(spans, [(1, 2)])
            cache.commit(token, 2)
            cache.remove([2, 1], 3, contract.REMOVED_EVICTED)
            self.assertEqual(cache.select(1, 4)[1], [(0, 1)])

    def test_a_refused_span_stays_where_it_was(self):
        with filled(slot_count=8) as cache:
            cache.evictable([0, 1, 2, 3], 1, False)
            for slot in (2, 0, 3, 1):
                cache.evictable([slot], 1, True)
            token, spans = cache.select(2, 2)
            self.assertEqual(spans, [(2, 1), (0, 1)])
            cache.commit(token, 2, [False, True])
            cache.remove([0], 2, contract.REMOVED_EVICTED)
            token, spans = cache.select(2, 3)
            self.assertEqual(spans, [(2, 1), (3, 1)])
            cache.abort(token)

    def test_what_cannot_be_named_is_refused(self):
        with filled() as cache:
            cache.evictable([1], 1, False)
            self.assertIsNone(cache.select(4, 2))

    def test_a_state_comes_back(self):
        with filled("arc") as cache, filled("arc") as other:
            cache.touch([1, 2], 1)
            self.assertNotEqual(cache.hash_state(), other.hash_state())
            other.restore(cache.save())
            self.assertEqual(cache.hash_state(), other.hash_state())

    def test_errors_name_the_call_and_the_code(self):
        with self.assertRaisesRegex(PolicyError, "create: TP_EINVAL: capacity"):
            Cache("lru", 0)
        with self.assertRaisesRegex(PolicyError, "create: TP_EINVAL: .*segmentz"):
            Cache("slru", 4, config={"segmentz": 3})
        with self.assertRaisesRegex(ValueError, "no cache policy 'lruu'.*s3fifo"):
            Cache("lruu", 4)
        with filled() as cache:
            with self.assertRaises(PolicyError) as caught:
                cache.insert([2], 1)
            self.assertEqual((caught.exception.call, caught.exception.code),
                             ("on_insert", contract.EINVAL))
            with self.assertRaisesRegex(PolicyError, "commit: TP_ESTATE"):
                cache.commit(7, 1)
            for slot in (-1, 2**32 + 1):
                with self.assertRaises(OverflowError):
                    cache.touch([slot], 1)
            with self.assertRaisesRegex(ValueError, "1 slots and 2 blocks"):
                cache.insert([0], 1, keys=[b"a", b"b"])
            token, _ = cache.select(1, 1)
            with self.assertRaisesRegex(ValueError, "1 spans and 3 verdicts"):
                cache.commit(token, 1, [True] * 3)

    def test_a_tape_that_cannot_be_written_is_an_error(self):
        with self.assertRaises(FileNotFoundError):
            Cache("lru", 4, tape="/nowhere/tape")
        if os.path.exists("/dev/full"):
            cache = filled(tape="/dev/full")
            with self.assertRaises(OSError):
                cache.close()


class Block:
    def __init__(self, number):
        self.chunk_id = number
        self.ref_cnt = -1


class Keyed(unittest.TestCase):
    def pool(self, policy="lru", capacity=4, **options):
        pool = KeyedCache(capacity, policy, clock=count().__next__, **options)
        self.addCleanup(pool.close)
        return pool

    def store(self, pool, *keys):
        for key in keys:
            used = {pool._number(block) for block in pool._blocks.values()}
            pool.insert(key, Block(min(set(range(pool.cache_capacity)) - used)))
        for key in keys:
            pool.get(key).ref_cnt = 0
            pool.mark_evictable(key)

    def keys(self, evicted):
        return evicted and [key for key, _ in evicted]

    def test_all_or_nothing(self):
        pool = self.pool()
        self.store(pool, b"a", b"b", b"c")
        self.assertEqual(pool.evict(0, set()), [])
        self.assertIsNone(pool.evict(4, set()))
        self.assertIsNone(pool.evict(3, {b"b"}))
        self.assertEqual(self.keys(pool.evict(2, {b"b", b"elsewhere"})), [b"a", b"c"])
        self.assertIsNone(pool.get(b"a"))
        self.assertEqual(self.keys(pool.evict(1, None)), [b"b"])

    def test_protected_blocks_stay_where_they_were(self):
        for policy in ("lru", "fifo", "slru?segments=1", "arc-vllm", "s3fifo", "lfu"):
            with self.subTest(policy):
                pool = self.pool(policy)
                self.store(pool, b"a", b"b", b"c", b"d")
                self.assertEqual(self.keys(pool.evict(1, {b"a", b"b"})), [b"c"])
                self.assertEqual(self.keys(pool.evict(3, set())), [b"a", b"b", b"d"])

    def test_a_ghost_is_known_again(self):
        # ARC with room for 4: b leaves T1 as a ghost. Asked for again twice, it lets T1 grow to 2,
        # so that with e alone in T1 the victim is the oldest of T2.
        pool = self.pool("arc-vllm")
        self.store(pool, b"a", b"b", b"c", b"d")
        pool.touch([b"a", b"c", b"d"])
        self.assertEqual(self.keys(pool.evict(1, set())), [b"b"])
        pool.touch([b"b"])
        pool.touch([b"b"])
        self.store(pool, b"e")
        self.assertEqual(self.keys(pool.evict(1, set())), [b"d"])

    def test_time_passes_before_victims_are_named(self):
        now = [0]
        pool = KeyedCache(4, "ttl", clock=lambda: now[0])
        self.addCleanup(pool.close)
        ticks = []
        pool._cache.next_wakeup = lambda at: 10
        pool._cache.tick = ticks.append
        self.store(pool, b"a", b"b", b"c")
        pool.evict(1, set())
        self.assertEqual(ticks, [])
        now[0] = 10
        pool.evict(1, set())
        self.assertEqual(ticks, [10])

    def test_clear_forgets_ghosts_too(self):
        pool = self.pool("arc-vllm")
        empty = pool._cache.hash_state()
        self.store(pool, b"a", b"b")
        pool.evict(1, set())
        pool.clear()
        self.assertEqual(pool._cache.hash_state(), empty)
        self.assertIsNone(pool.get(b"b"))
        self.store(pool, b"a")

    def test_blocks_that_break_the_rules(self):
        pool = self.pool()
        self.store(pool, b"a")
        with self.assertRaisesRegex(ValueError, "is here already"):
            pool.insert(b"a", Block(1))
        with self.assertRaisesRegex(ValueError, "is here already"):
            pool.insert(b"b", Block(0))
        with self.assertRaisesRegex(ValueError, "block 4 of a pool of 4"):
            pool.insert(b"b", Block(4))
        with self.assertRaisesRegex(ValueError, "offline bound"):
            KeyedCache(4, "belady")
        self.assertEqual(parse_policy("slru?segments=1"), ("slru", {"segments": "1"}))
        with self.assertRaisesRegex(ValueError, "not parameter=value"):
            parse_policy("slru?segments")

    def test_every_policy_serves_keys(self):
        for policy in Cache("lru", 1)._library.cache_names():
            if policy in ("belady", "prefix-bound"):
                continue
            with self.subTest(policy):
                pool = self.pool(policy)
                self.store(pool, b"a", b"b", b"c", b"d")
                pool.touch([b"a", b"x", b"b"])
                self.assertEqual(len(pool.evict(2, {b"c"})), 2)
                self.assertIsNotNone(pool.get(b"c"))

    def test_tapes_of_all_instances_are_decided_again(self):
        with tempfile.TemporaryDirectory() as folder:
            tape = Path(folder) / "tape"
            pool = self.pool("arc-vllm", tape=str(tape), checkpoint_calls=2)
            for _ in range(2):
                self.store(pool, b"a", b"b", b"c")
                pool.touch([b"a", b"b", b"zz"])
                pool.evict(2, {b"b"})
                pool.clear()
            pool.close()
            for path in (tape, Path(f"{tape}.1"), Path(f"{tape}.2")):
                verified = subprocess.run([os.environ["TESTED_TIERCAST"], "tape", "verify", path],
                                          capture_output=True, text=True)
                self.assertEqual(verified.returncode, 0, verified.stderr)
                self.assertIn("identical throughout", verified.stdout)


if __name__ == "__main__":
    unittest.main()
