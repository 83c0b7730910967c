"""Random calls to two cache managers, or two policies, that should decide the same.

vLLM's CPUOffloadingManager runs twice, with a policy of vLLM's own and with this library's, gets
the same calls, and has to give the same answers: keys stored and evicted, in order, block numbers,
events. LMCache's policies run in a small store of their kind beside this library's.
"""

import random
from collections import namedtuple

from . import contract

CONVERSATIONS = 40
PREFIX_BLOCKS = 16
PENDING_MAX = 8

# One call: its kind, whose prefix, from which block, how many, and a number that picks among what
# is under way. Which calls make sense is told when they are carried out, so that any part of a list
# of calls is a list of calls.
Call = namedtuple("Call", "kind conversation first count pick")
Difference = namedtuple("Difference", "index call theirs ours")

MANAGER_KINDS = {"lookup": 12, "touch": 14, "load": 14, "loaded": 14, "store": 24, "stored": 22,
                 "fail": 3, "finish": 6}
RESET_EACH = 50_000


def manager_calls(seed, count, without=()):
    """`count` random calls, some conversations far more often than others."""
    draw = random.Random(seed)
    kinds = [kind for kind in MANAGER_KINDS if kind not in without]
    weights = [MANAGER_KINDS[kind] for kind in kinds]
    for _ in range(count):
        if draw.randrange(RESET_EACH) == 0:
            yield Call("reset", 0, 0, 0, 0)
            continue
        conversation = int(CONVERSATIONS * draw.random() ** 2)
        first = draw.randrange(PREFIX_BLOCKS) if draw.random() < 0.3 else 0
        blocks = 1 + int((PREFIX_BLOCKS - first) * draw.random() ** 2)
        yield Call(draw.choices(kinds, weights)[0], conversation, first, blocks, draw.random())


class ManagerPair:
    """Two managers of one tree that get the same calls. tree: a foreign.VllmTree."""

    def __init__(self, tree, theirs, ours):
        self._base = tree.base
        self._managers = (theirs, ours)
        self._loading = []
        self._storing = []
        self._contexts = {}
        self.evicted = 0
        self.refused = 0

    def close(self):
        self._managers[1]._policy.close()

    def carry_out(self, call):
        """Answers of both, for comparison; None where the call makes no sense now."""
        return getattr(self, "_" + call.kind)(call)

    def _key(self, conversation, block):
        name = conversation * PREFIX_BLOCKS + block
        # 32 bytes, as of SHA-256.
        return self._base.make_offload_key(name.to_bytes(32, "little"), 0)

    def _contexts_of(self, call):
        """One for each manager: they keep what they note in it."""
        pair = self._contexts.get(call.conversation)
        if pair is None:
            pair = tuple(self._base.ReqContext(req_id=str(call.conversation)) for _ in (0, 1))
            for manager, context in zip(self._managers, pair):
                manager.on_new_request(context)
            self._contexts[call.conversation] = pair
        return pair

    def _keys(self, call, contexts):
        keys = []
        for block in range(call.first, call.first + call.count):
            key = self._key(call.conversation, block)
            keys.append(key)
            for context in contexts:
                if hasattr(context, "set_offload_key_position"):
                    context.set_offload_key_position(key, 16 * (block + 1))
        return keys

    def _lookup(self, call):
        contexts = self._contexts_of(call)
        keys = self._keys(call, contexts)
        return [[manager.lookup(key, context).name for key in keys]
                for manager, context in zip(self._managers, contexts)]

    def _touch(self, call):
        contexts = self._contexts_of(call)
        keys = self._keys(call, contexts)
        for manager, context in zip(self._managers, contexts):
            manager.touch(keys, context)
        return None

    def _load(self, call):
        if len(self._loading) >= PENDING_MAX:
            return self._loaded(call)
        contexts = self._contexts_of(call)
        keys = self._keys(call, contexts)
        hits = [[key for key in keys if manager.lookup(key, context).name == "HIT"]
                for manager, context in zip(self._managers, contexts)]
        if not hits[0] or hits[0] != hits[1]:
            return hits
        self._loading.append((hits[0], contexts))
        return [list(manager.prepare_load(hits[0], context).block_ids)
                for manager, context in zip(self._managers, contexts)]

    def _loaded(self, call):
        if not self._loading:
            return None
        keys, contexts = self._loading.pop(int(call.pick * len(self._loading)))
        for manager, context in zip(self._managers, contexts):
            manager.complete_load(keys, context)
        return None

    def _store(self, call):
        if len(self._storing) >= PENDING_MAX:
            return self._stored(call)
        contexts = self._contexts_of(call)
        keys = self._keys(call, contexts)
        answers = []
        for manager, context in zip(self._managers, contexts):
            made = manager.prepare_store(keys, context)
            answers.append(made and (made.keys_to_store, list(made.store_spec.block_ids),
                                     made.evicted_keys))
        theirs = answers[0]
        if theirs is None:
            self.refused += 1
        elif theirs[0]:
            self.evicted += len(theirs[2])
            self._storing.append((theirs[0], contexts))
        return answers

    def _stored(self, call, success=True):
        if not self._storing:
            return None
        keys, contexts = self._storing.pop(int(call.pick * len(self._storing)))
        for manager, context in zip(self._managers, contexts):
            manager.complete_store(keys, context, success=success)
        return [[(event.keys, event.removed) for event in manager.take_events()]
                for manager in self._managers]

    def _fail(self, call):
        return self._stored(call, success=False)

    def _finish(self, call):
        pair = self._contexts.pop(call.conversation, None)
        busy = [contexts for _, contexts in self._loading + self._storing]
        if pair is None:
            return None
        if any(contexts is pair for contexts in busy):
            self._contexts[call.conversation] = pair  # its transfers come first
            return None
        for manager, context in zip(self._managers, pair):
            manager.on_request_finished(context)
        return None

    def _reset(self, _):
        self._loading.clear()
        self._storing.clear()
        self._contexts.clear()
        for manager in self._managers:
            manager.reset_cache()
        return None


def first_difference(pair, calls):
    """Carries out calls until the answers differ."""
    for index, call in enumerate(calls):
        answers = pair.carry_out(call)
        if answers is not None and answers[0] != answers[1]:
            return Difference(index, call, *answers)
    return None


def shortest(make_pair, calls):
    """A part of calls that still ends in a difference and from which no single call can be left
    out: pieces are left out as long as that succeeds, ever smaller ones. Answers the calls and the
    difference."""
    def differs(part):
        pair = make_pair()
        try:
            return first_difference(pair, part)
        finally:
            pair.close()

    calls = list(calls)
    found = differs(calls)
    calls = calls[:found.index + 1]
    piece = len(calls) // 2
    while piece:
        before = len(calls)
        at = 0
        while at < len(calls):
            part = calls[:at] + calls[at + piece:]
            difference = differs(part)
            if difference:
                calls, found = part[:difference.index + 1], difference
            else:
                at += piece
        if piece > 1 or len(calls) == before:
            piece //= 2
    return calls, found


STORE_KINDS = {"get": 60, "evict": 4, "pin": 6, "unpin": 8}
_Object = type("_Object", (), {"__init__": lambda self: setattr(self, "can_evict", True)})


class StorePair:
    """A store as LMCache's local backends, which keeps objects in the mapping of its policy, and a
    tierpolicy.Cache that decides the same.

    policy: an LMCache policy. cache: of 2 * capacity slots. pins: whether objects may be in use.
    """

    def __init__(self, policy, cache, capacity, pins=True):
        self._policy = policy
        self._mapping = policy.init_mutable_mapping()
        self._cache = cache
        self._pins = pins
        self._slots = {}
        self._free = list(range(0, 2 * capacity, 2))  # two apart: no two share a span
        self._now = 0
        self.evicted = 0
        self.refused = 0

    def close(self):
        self._cache.close()

    def carry_out(self, call):
        self._now += 1
        return getattr(self, "_" + call.kind)(call)

    @staticmethod
    def _key(call):
        return call.conversation * PREFIX_BLOCKS + call.first

    def _get(self, call):
        key = self._key(call)
        if key in self._slots:
            self._policy.update_on_hit(key, self._mapping)
            self._cache.touch([self._slots[key]], self._now)
            return None
        answers = self._make_room(1) if not self._free else None
        if not self._free:
            return answers
        slot = self._free.pop()
        self._slots[key] = slot
        self._mapping[key] = _Object()
        self._policy.update_on_put(key)
        self._cache.insert([slot], self._now, keys=[key])
        self._cache.evictable([slot], self._now, True)
        return answers

    def _evict(self, call):
        return self._make_room(call.count)

    def _make_room(self, count):
        """Best effort, as LMCache's: as many as may leave, at most count."""
        count = min(count, sum(made.can_evict for made in self._mapping.values()))
        if count == 0:
            self.refused += 1
            return None
        theirs = self._policy.get_evict_candidates(self._mapping, count)
        token, spans = self._cache.select(count, self._now)
        self._cache.commit(token, self._now)
        keys = {slot: key for key, slot in self._slots.items()}
        ours = [keys[slot] for slot, _ in spans]
        if theirs != ours:
            return theirs, ours
        for key in theirs:
            del self._mapping[key]
            self._free.append(self._slots.pop(key))
            self._cache.remove([self._free[-1]], self._now, contract.REMOVED_EVICTED)
        self.evicted += count
        return theirs, ours

    def _pin(self, call):
        key = self._key(call)
        if self._pins and key in self._slots and self._mapping[key].can_evict:
            self._mapping[key].can_evict = False
            self._cache.evictable([self._slots[key]], self._now, False)

    def _unpin(self, _):
        for key, made in self._mapping.items():
            if not made.can_evict:
                made.can_evict = True
                self._cache.evictable([self._slots[key]], self._now, True)
                return


def store_calls(seed, count):
    """`count` random calls for a StorePair."""
    draw = random.Random(seed)
    for _ in range(count):
        kind = draw.choices(list(STORE_KINDS), STORE_KINDS.values())[0]
        yield Call(kind, int(CONVERSATIONS * draw.random() ** 2), draw.randrange(PREFIX_BLOCKS),
                   1 + draw.randrange(4), draw.random())
