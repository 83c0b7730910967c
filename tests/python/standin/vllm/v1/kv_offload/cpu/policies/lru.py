"""Least recently used by counters: a block's use is the last time that it was touched, or that its
last user left it. Slow and plain."""

from typing_extensions import override

from vllm.v1.kv_offload.cpu.policies.base import CachePolicy


class Lru(CachePolicy):
    uses_count_while_pinned = False

    def __init__(self, cache_capacity):
        super().__init__(cache_capacity)
        self.clear()

    @override
    def clear(self):
        self.blocks = {}
        self.used = {}
        self.time = 0

    @override
    def get(self, key):
        return self.blocks.get(key)

    def use(self, key):
        self.time += 1
        self.used[key] = self.time

    @override
    def insert(self, key, block):
        self.blocks[key] = block
        self.use(key)

    @override
    def remove(self, key):
        del self.blocks[key], self.used[key]

    @override
    def touch(self, keys, req_context):
        for key in list(keys)[::-1]:
            if key in self.blocks:
                self.use(key)

    @override
    def evict(self, n, protected):
        leaving = sorted((key for key, block in self.blocks.items()
                          if block.ref_cnt == 0 and key not in protected),
                         key=self.used.__getitem__)[:n]
        if len(leaving) < n:
            return None
        evicted = [(key, self.blocks[key]) for key in leaving]
        for key in leaving:
            self.remove(key)
        return evicted

    @override
    def mark_evictable(self, key):
        if not self.uses_count_while_pinned:
            self.use(key)


class Recency(Lru):
    """The same, but transfers do not count as uses."""

    uses_count_while_pinned = True
