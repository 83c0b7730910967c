"""What policies for agents are told through Cache and KeyedCache, by cases worked by hand. Each case
is also run untold, where the policy decides as lru does."""

import os
import subprocess
import tempfile
import unittest
from itertools import count
from pathlib import Path

from tierpolicy import Cache, KeyedCache, PolicyError, contract, number, request_of


class Block:
    def __init__(self, number_in_pool):
        self.block_id = number_in_pool
        self.ref_cnt = 0


class Agents(unittest.TestCase):
    """A pool of four: a and b of one session, then c and d of another, so that a is lru's victim."""

    def setUp(self):
        self.now = 0

    def pool(self, policy, told=True, **options):
        pool = KeyedCache(4, policy, clock=lambda: self.now, **options)
        self.addCleanup(pool.close)
        for block, (key, session) in enumerate(((b"a", 1), (b"b", 1), (b"c", 2), (b"d", 2))):
            pool.insert(key, Block(block), request=request_of(session=session) if told else None)
        return pool

    def victims(self, pool, blocks=1):
        return [key for key, _ in pool.evict(blocks)]

    def test_sessions_that_have_ended_leave_first(self):
        for told, expected in ((True, [b"c", b"d", b"a"]), (False, [b"a", b"b", b"c"])):
            pool = self.pool("session", told)
            pool.hint(2, {contract.HINT_SESSION_ENDS: 1})
            self.assertEqual(self.victims(pool, 3), expected)

    def test_a_session_that_arrives_has_not_ended(self):
        pool = self.pool("session")
        pool.hint(2, {contract.HINT_SESSION_ENDS: 1})
        pool.request(request_of(session=2), contract.PHASE_ARRIVE)
        self.assertEqual(self.victims(pool), [b"a"])

    def test_a_touch_hands_blocks_to_the_session_behind_it(self):
        pool = self.pool("session")
        pool.touch([b"a", b"b"], request=request_of(session=2))
        pool.hint(1, {contract.HINT_SESSION_ENDS: 1})
        self.assertEqual(self.victims(pool), [b"c"])

    def test_a_tool_caller_is_held_until_it_is_expected_back(self):
        for told, expected in ((True, b"c"), (False, b"a")):
            pool = self.pool("ttl?margin=0", told)
            pool.request(request_of(session=1, hints={contract.HINT_TOOL_RETURN_NS: 100}),
                         contract.PHASE_TOOL_CALL)
            self.now += 99
            self.assertEqual(self.victims(pool), [expected])
            self.now += 2
            self.assertEqual(self.victims(pool), [b"a" if told else b"b"])

    def test_what_runs_last_leaves_first(self):
        for told, expected in ((True, b"c"), (False, b"a")):
            pool = self.pool("steps", told)
            pool.hint(1, {contract.HINT_STEPS_TO_RUN: 1})
            pool.hint(2, {contract.HINT_STEPS_TO_RUN: 5})
            self.assertEqual(self.victims(pool), [expected])

    def test_who_waits_in_the_queue_leaves_last(self):
        for told, expected in ((True, b"c"), (False, b"a")):
            pool = self.pool("lookahead", told)
            pool.request(request_of(session=1), contract.PHASE_ARRIVE)
            self.assertEqual(self.victims(pool), [expected])
            pool.request(request_of(session=1), contract.PHASE_SCHEDULE)
            self.assertEqual(self.victims(pool), [b"a" if told else b"b"])

    def test_a_block_has_the_tenant_that_it_or_its_request_says(self):
        for policy in ("classes", "group-ttl"):
            states = []
            for told in ({}, {"tenant": 7}, {"request": request_of(tenant=7)}, {"tenant": 8}):
                pool = KeyedCache(4, policy, clock=count().__next__)
                self.addCleanup(pool.close)
                pool.insert(b"a", Block(0), **told)
                states.append(pool._cache.hash_state())
            untold, by_block, by_request, other = states
            self.assertEqual(by_block, by_request)
            self.assertEqual(len({untold, by_block, other}), 3)

    def test_a_class_that_is_never_used_again_leaves_first(self):
        # Tenant 1 uses its block every 1.25 s, of tenant 2 twenty blocks have come to nothing after
        # 0.25 s each; then each has one, unused for 0.25 s and 0 s. With the 60 s and the one use that
        # laws start from, tenant 1's rate is 21 in 85 s and its block is used again within a life of
        # 1 s with chance 0.2, tenant 2's is 1 in 65 s, the chance 0.015. As one class both have one
        # rate, and what has been unused longer goes.
        for tenants, expected in (((1, 2), b"new"), ((0, 0), b"old")):
            self.now = 0
            pool = KeyedCache(4, "classes?turns=0&life=1", clock=lambda: self.now)
            self.addCleanup(pool.close)
            ours, theirs = (request_of(tenant=tenant) for tenant in tenants)
            pool.insert(b"old", Block(0), request=ours)
            for turn in range(20):
                self.now += 1_000_000_000
                pool.touch([b"old"], request=ours)
                pool.insert(turn, Block(1), request=theirs)
                self.now += 250_000_000
                pool.remove(turn)
            self.now += 1_000_000
            pool.insert(b"new", Block(1), request=theirs)
            self.assertEqual(self.victims(pool), [expected])

    def test_a_parent_and_costs_are_told(self):
        pool = KeyedCache(4, "leaf-lru", clock=count().__next__)
        self.addCleanup(pool.close)
        pool.insert(b"a", Block(0))
        pool.insert(b"b", Block(1), parent=b"a", depth=1)
        pool.insert(b"c", Block(2), parent=b"gone", depth=1)
        self.assertEqual(self.victims(pool, 3), [b"b", b"a", b"c"])
        pool = KeyedCache(4, "gdsf", clock=count().__next__)
        self.addCleanup(pool.close)
        for block, (key, cost_ns) in enumerate(((b"a", 9000), (b"b", 1000), (b"c", 5000))):
            pool.insert(key, Block(block), recompute_ns=cost_ns, bytes=1)
        self.assertEqual(self.victims(pool, 3), [b"b", b"c", b"a"])

    def test_a_lookup_knows_a_ghost_again_and_its_touch_does_not(self):
        def asked_for(pool):
            pool.touch([b"a", b"c", b"d"])
            self.assertEqual(self.victims(pool), [b"b"])
            return pool

        by_touch, by_lookup, untold = (asked_for(self.pool("arc-vllm")) for _ in range(3))
        self.assertEqual(by_lookup.lookup([b"a", b"c", b"b", b"d"]), 2)
        after_lookup = by_lookup._cache.hash_state()
        self.assertNotEqual(after_lookup, untold._cache.hash_state())
        by_lookup.touch([b"b"])
        self.assertEqual(by_lookup._cache.hash_state(), after_lookup)
        by_touch.touch([b"b"])
        self.assertEqual(by_touch._cache.hash_state(), after_lookup)

    def test_names_are_numbers_and_never_unknown(self):
        self.assertEqual(number(7), 7)
        self.assertEqual(number("agent"), number(b"agent"))
        self.assertNotIn(number("agent"), (0, number("other")))
        self.assertLess(number("tenant", 32), 1 << 32)
        pool = self.pool("steps", told=False)
        pool.touch([b"a", b"b"], request=request_of(session="agent"))
        pool.touch([b"c", b"d"], request=request_of(session="other"))
        pool.hint("agent", {contract.HINT_STEPS_TO_RUN: 1})
        self.assertEqual(self.victims(pool), [b"d"])

    def test_errors_say_what_is_wrong(self):
        with self.assertRaisesRegex(TypeError, "Request has no sesion; it has .*session"):
            request_of(sesion=1)
        pool = self.pool("ttl")
        self.victims(pool)
        with self.assertRaisesRegex(TypeError, "Block has no cost; it has .*recompute_ns"):
            pool.insert(b"e", Block(0), cost=1)
        with self.assertRaisesRegex(OverflowError, "-1 does not fit into 64 bits"):
            pool.hint(-1, {})
        with self.assertRaises(OverflowError):
            request_of(tenant=1 << 32)
        with self.assertRaisesRegex(PolicyError, "on_request: TP_EINVAL"):
            pool.request(request_of(session=1), 99)
        pool.insert(b"e", Block(0))  # nothing of what was wrong has stayed

    def test_slots_are_told_of_too(self):
        with Cache("session", 4) as cache:
            for slots, session in (([0, 1], 1), ([2, 3], 2)):
                cache.insert(slots, 0, keys=slots, request=request_of(session=session))
                cache.evictable(slots, 0, True)
            cache.hint(2, {contract.HINT_SESSION_ENDS: 1}, 1)
            cache.abort(self.first_victim(cache, (3, 1)))
            cache.hint(2, {contract.HINT_SESSION_ENDS: 0}, 2)
            cache.abort(self.first_victim(cache, (1, 1)))

    def first_victim(self, cache, expected):
        token, spans = cache.select(1, 2)
        self.assertEqual(spans, [expected])
        return token

    def test_tapes_hold_sessions_and_hints(self):
        for policy in ("ttl", "session", "steps", "lookahead", "classes", "group-ttl"):
            with self.subTest(policy), tempfile.TemporaryDirectory() as folder:
                tape = Path(folder) / "tape"
                pool = self.pool(policy, tape=str(tape), checkpoint_calls=2)
                pool.request(request_of(session=2, tenant=3, turn=1), contract.PHASE_ARRIVE)
                pool.lookup([b"c", b"x"], request=request_of(session=2))
                pool.hint(1, {contract.HINT_STEPS_TO_RUN: 1, contract.HINT_TOOL_RETURN_NS: 10**9})
                pool.evict(2)
                pool.close()
                verified = subprocess.run([os.environ["TESTED_TIERCAST"], "tape", "verify", tape],
                                          capture_output=True, text=True)
                self.assertEqual(verified.returncode, 0, verified.stderr)
                self.assertIn("identical throughout", verified.stdout)


if __name__ == "__main__":
    unittest.main()
