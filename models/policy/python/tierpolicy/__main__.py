"""python3 -m tierpolicy diff: this library beside the policies of a user's vLLM or LMCache."""

import argparse
import itertools
import os
import sys
import time
from functools import partial

from . import diff
from .cache import Cache
from .foreign import LmcacheTree, VllmTree
from .keyed import parse_policy

LMCACHE_OURS = {"lru": "slru?segments=1", "fifo": "fifo", "lfu": "lfu"}
# Objects in use keep their place among equals in LMCache's LFU, and lose it in this library's.
LMCACHE_WITHOUT_PINS = ("lfu",)


def vllm_ours(tree, policy):
    """The policy of this library that decides as vLLM's of that name, and calls to leave out."""
    finishes = tree.finishes_requests()
    if policy == "arc":
        return "arc-vllm", ("finish",)
    if policy == "lru" and finishes:
        return "slru?segments=1", ()
    if policy == "lru":
        return "lru", ("finish",)
    raise ValueError(f"no counterpart of vLLM's {policy!r} is known: name one by --ours")


def vllm_pair(tree, policy, ours, capacity, tape):
    """Managers with vLLM's policy and with this library's, found as in production."""
    os.environ.pop("TIERPOLICY_TAPE", None)
    if tape:
        os.environ["TIERPOLICY_TAPE"] = tape
    module = tree.module("tierpolicy.vllm")
    module.clock = itertools.count().__next__
    name = module.PREFIX + ours
    made = tree.manager_out_of_tree(capacity, name)
    if made is None:
        made = tree.manager(capacity, policy, getattr(module, name))
    return diff.ManagerPair(tree, tree.manager(capacity, policy), made)


def lmcache_pair(tree, policy, ours, capacity, tape):
    name, config = parse_policy(ours)
    cache = Cache(name, capacity, slot_count=2 * capacity, config=config, tape=tape,
                  checkpoint_calls=4096)
    return diff.StorePair(tree.policy(policy), cache, capacity,
                          pins=policy not in LMCACHE_WITHOUT_PINS)


def readable(answer):
    """An answer with keys as in calls: conversation.block."""
    if isinstance(answer, bytes):
        name = int.from_bytes(answer[:32], "little")
        return f"{name // diff.PREFIX_BLOCKS}.{name % diff.PREFIX_BLOCKS}"
    if isinstance(answer, (list, tuple)):
        return type(answer)(map(readable, answer))
    return answer


def run(make_pair, calls, operations, title):
    """Runs and tells what came out; the exit status."""
    started = time.monotonic()
    pair = make_pair()
    try:
        found = diff.first_difference(pair, calls())
    finally:
        pair.close()
    seconds = time.monotonic() - started
    if found is None:
        print(f"{title}: {operations} operations, {pair.evicted} blocks evicted, {pair.refused} "
              f"times none could be, no difference ({seconds:.0f} s)")
        return 0
    print(f"{title}: operation {found.index} differs\n  {tuple(found.call)}\n  theirs "
          f"{readable(found.theirs)}\n  ours   {readable(found.ours)}")
    shortest, last = diff.shortest(make_pair.without_tape, itertools.islice(calls(),
                                                                            found.index + 1))
    print(f"the shortest such calls found, {len(shortest)} (kind, conversation, first block, "
          "blocks, pick):")
    for call in shortest:
        print(f"  {tuple(call)}")
    print(f"  theirs {readable(last.theirs)}\n  ours   {readable(last.ours)}")
    return 1


class PairMaker:
    def __init__(self, make, tape):
        self.without_tape = partial(make, tape=None)
        self._make = partial(make, tape=tape)

    def __call__(self):
        return self._make()


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m tierpolicy")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("diff", help="random operations through vLLM's own manager, or "
                                  "LMCache's policies: the same victims at each step?")
    tree = command.add_mutually_exclusive_group(required=True)
    tree.add_argument("--vllm", metavar="PATH", help="a checkout or site-packages with vllm")
    tree.add_argument("--lmcache", metavar="PATH", help="the same with lmcache")
    command.add_argument("--policy", required=True, help="theirs: lru, arc; lru, fifo, lfu")
    command.add_argument("--ours", help="name?parameter=value&...; else its counterpart")
    command.add_argument("--operations", type=int, default=100_000)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--capacity", type=int, default=64, help="blocks")
    command.add_argument("--tape", help="file for the decision tape; FILE.1, ... after each reset")
    chosen = parser.parse_args(arguments)
    title = chosen.policy
    if chosen.vllm:
        with VllmTree(chosen.vllm) as tree:
            ours, without = vllm_ours(tree, chosen.policy) if chosen.ours is None else (
                chosen.ours, () if tree.finishes_requests() else ("finish",))
            if without and tree.finishes_requests():
                print(f"{ours} does not follow what vLLM's {chosen.policy} does as a request ends: "
                      "none ends here")
            make = partial(vllm_pair, tree, chosen.policy, ours, chosen.capacity)
            calls = partial(diff.manager_calls, chosen.seed, chosen.operations, without)
            return run(PairMaker(make, chosen.tape), calls, chosen.operations,
                       f"vLLM {title}, here {ours}")
    with LmcacheTree(chosen.lmcache) as tree:
        ours = chosen.ours or LMCACHE_OURS.get(chosen.policy)
        if ours is None:
            raise ValueError(f"no counterpart of LMCache's {chosen.policy!r} is known: name one "
                             "by --ours")
        make = partial(lmcache_pair, tree, chosen.policy, ours, chosen.capacity)
        calls = partial(diff.store_calls, chosen.seed, chosen.operations)
        return run(PairMaker(make, chosen.tape), calls, chosen.operations,
                   f"LMCache {title}, here {ours}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"tierpolicy: {error}")
