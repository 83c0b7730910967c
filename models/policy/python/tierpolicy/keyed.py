"""A cache policy that is told keys and blocks, as CPU cache managers call theirs."""

import time

from . import contract
from .cache import Cache
from .views import blocks_of

_ID_NAMES = ("block_id", "chunk_id", "slot_id")


def parse_policy(text):
    """`name?parameter=value&...`, as in `slru?segments=1`, to the name and its parameters."""
    name, _, query = text.partition("?")
    config = {}
    for item in filter(None, query.split("&")):
        parameter, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"policy {text!r}: {item!r} is not parameter=value")
        config[parameter] = value
    return name, config


class KeyedCache:
    """The calls of vLLM's `CachePolicy` (vllm/v1/kv_offload/cpu/policies/base.py) on a policy of
    this library.

    A block is any object with `ref_cnt` and one of block_id, chunk_id, slot_id: its number in the
    pool, in [0, cache_capacity). The manager says with mark_evictable and mark_non_evictable when
    ref_cnt becomes 0 and when it stops to be; managers that leave that to be read off ref_cnt are
    not served. A block that is inserted with ref_cnt 0 is evictable at once.

    Each block gets a verdict of its own at eviction, while the library takes verdicts by span:
    slots are numbered two apart, so that no two blocks share a span. That also makes their order
    plain.

    What policies for agents decide by is told beside these calls, in arguments that vLLM does not
    give: `request` says which request, and so which session and tenant, is behind an insert or a
    touch, and what phase one has come to; `lookup` what a prompt asks for; `hint` what is expected
    of a session. Requests are of `request_of`.

    clock: gives nanoseconds that never go back; a policy that waits for a time hears of it before
    it is asked for victims. tape: path of a decision tape; `clear` starts a new
    instance, whose tape has `.1`, `.2`, ... behind its name.
    """

    def __init__(self, cache_capacity, policy="lru", *, seed=0, block_tokens=0, block_bytes=0,
                 clock=time.monotonic_ns, tape=None, checkpoint_calls=0, library=None):
        self.cache_capacity = cache_capacity
        self._name, self._config = parse_policy(policy)
        self._options = dict(slot_count=2 * cache_capacity, seed=seed, block_tokens=block_tokens,
                             block_bytes=block_bytes, config=self._config, library=library)
        self._clock = clock
        self._tape = tape
        self._checkpoint_calls = checkpoint_calls
        self._instances = 0
        self._cache = None
        self._id = None
        self._start()
        capabilities = self._cache.capabilities
        if capabilities & contract.CAP_NEEDS_FUTURE:
            self.close()
            raise ValueError(f"{self._name} is an offline bound: it needs to know the future")
        self._reads_blocks = bool(capabilities
                                  & (contract.CAP_READS_KEYS | contract.CAP_READS_BLOCKS))
        self._tells_missing = self._cache.hears_lookups()  # with touches
        self._pin_protected = self._pins_leave_no_trace()

    def _start(self):
        tape = self._tape
        if tape is not None and self._instances:
            tape = f"{tape}.{self._instances}"
        self._instances += 1
        self._cache = Cache(self._name, self.cache_capacity, tape=tape,
                            checkpoint_calls=self._checkpoint_calls, **self._options)
        self._blocks = {}
        self._evictable = set()
        self._keys = [None] * self.cache_capacity  # by number in the pool

    def _pins_leave_no_trace(self):
        """Whether the policy is as before once a block was in use for a while."""
        with Cache(self._name, 3, config=self._config, library=self._options["library"]) as probe:
            for slot in range(3):
                probe.insert([slot], 0, keys=[slot])
                probe.evictable([slot], 0, True)
            before = probe.hash_state()
            probe.evictable([0], 0, False)
            probe.evictable([0], 0, True)
            return before != 0 and probe.hash_state() == before

    def close(self):
        self._cache.close()

    def _number(self, block):
        if self._id is None:
            self._id = next((name for name in _ID_NAMES if hasattr(block, name)), None)
            if self._id is None:
                raise TypeError(f"{block!r} has none of " + ", ".join(_ID_NAMES))
        return getattr(block, self._id)

    def _slot(self, key):
        return 2 * self._number(self._blocks[key])

    def get(self, key):
        return self._blocks.get(key)

    def insert(self, key, block, *, request=None, parent=None, **facts):
        """A new block, pinned unless its ref_cnt is 0. request: whose it is. parent: the key before
        it in its prefix; facts: other fields of contract.Block, as `blocks_of` takes them."""
        number = self._number(block)
        if not 0 <= number < self.cache_capacity:
            raise ValueError(f"insert: block {number} of a pool of {self.cache_capacity}")
        if key in self._blocks or self._keys[number] is not None:
            raise ValueError(f"insert: key {key!r} or block {number} is here already")
        if parent in self._blocks:
            facts["parent_slot"] = self._slot(parent)
        views = blocks_of([key], **facts) if self._reads_blocks or facts else None
        self._cache.insert([2 * number], self._clock(), blocks=views, request=request)
        self._blocks[key] = block
        self._keys[number] = key
        if block.ref_cnt == 0:
            self.mark_evictable(key)

    def remove(self, key):
        """A store has failed."""
        self._cache.remove([self._slot(key)], self._clock(), contract.REMOVED_FAILED)
        self._forget(key)

    def _forget(self, key):
        self._keys[self._number(self._blocks.pop(key))] = None
        self._evictable.discard(key)

    def touch(self, keys, req_context=None, *, request=None):
        """Keys in prefix order; those that are not here count as asked for, unless the host tells
        of that by `lookup`. request: whose use it is; req_context, which vLLM gives, is not read."""
        keys = list(keys)
        blocks = self._blocks
        now = self._clock()
        if self._tells_missing:
            missing = [key for key in keys if key not in blocks]
            if missing:
                self._cache.lookup(missing, 0, now, request=request)
        slots = [self._slot(key) for key in keys if key in blocks]
        if slots:
            self._cache.touch(slots, now, request=request)

    def lookup(self, keys, *, request=None):
        """A prompt asks for these keys, in prefix order, once and before its touch. How many of
        them are here, from the first on. A host that calls this does so for every prompt: touches
        no longer count keys as asked for."""
        self._tells_missing = False
        keys = list(keys)
        blocks = self._blocks
        hits = next((i for i, key in enumerate(keys) if key not in blocks), len(keys))
        missing = [key for key in keys[hits:] if key not in blocks]
        self._cache.lookup(keys[:hits] + missing, hits, self._clock(), request=request)
        return hits

    def request(self, request, phase):
        """A request has come to a contract.PHASE_*; one that calls a tool or finishes may bring
        hints."""
        self._cache.request(request, phase, self._clock())

    def hint(self, session, hints):
        """What is expected of a session from now on: a value for each contract.HINT_*."""
        self._cache.hint(session, hints, self._clock())

    def on_request_finished(self, key_groups, insertion_only_keys, reused_keys, req_context):
        """A request's keys by KV cache group, once (vLLM from 0.31 on). What it found counts as
        used; what it stored itself does for policies that know nothing but recency."""
        keys = [key for group in key_groups for key in group]
        position = getattr(req_context, "get_offload_key_position", lambda key: None)
        positions = {key: position(key) for key in keys}
        if None not in positions.values():
            keys.sort(key=positions.__getitem__)
        if not self._knows_recency_alone():
            keys = [key for key in keys if key in reused_keys]
        self.touch([key for key in keys if key in self._blocks], req_context)

    def _knows_recency_alone(self):
        return self._name == "lru" or (self._name, self._config.get("segments")) == ("slru", "1")

    def evict(self, n, protected=None):
        """Exactly n blocks that are not in `protected`, as [(key, block), ...] in order of
        eviction, or None; all or nothing."""
        if n == 0:
            return []
        kept = [key for key in protected or () if key in self._evictable]
        if n > len(self._evictable) - len(kept):
            return None
        now = self._clock()
        wakeup = self._cache.next_wakeup(now)
        if wakeup is not None and wakeup <= now:
            self._cache.tick(now)
        if kept and self._pin_protected:
            slots = [self._slot(key) for key in kept]
            self._cache.evictable(slots, now, False)
            try:
                victims = self._take(n, now, ())
            finally:
                self._cache.evictable(slots, now, True)
        else:
            victims = self._take(n, now, set(kept))
        if victims is None:
            return None
        self._cache.remove([self._slot(key) for key in victims], now, contract.REMOVED_EVICTED)
        evicted = [(key, self._blocks[key]) for key in victims]
        for key in victims:
            self._forget(key)
        return evicted

    def _take(self, n, now, refused):
        """Commits the first n victims that are not refused: asking for more changes nothing, and
        what is refused stays where it was."""
        need = n
        while answer := self._cache.select(need, now):
            token, spans = answer
            keys = [self._keys[first // 2] for first, count in spans]
            accepted = [key not in refused for key in keys]
            found = sum(accepted)
            if found == n:
                self._cache.commit(token, now, accepted if refused else None)
                return [key for key, taken in zip(keys, accepted) if taken]
            self._cache.abort(token)
            need += n - found
        return None

    def clear(self):
        """Everything is gone, ghosts and what was learned included."""
        self._cache.close()
        self._start()

    def mark_evictable(self, key):
        self._cache.evictable([self._slot(key)], self._clock(), True)
        self._evictable.add(key)

    def mark_non_evictable(self, key):
        self._cache.evictable([self._slot(key)], self._clock(), False)
        self._evictable.discard(key)
