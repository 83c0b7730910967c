"""ARC as described for vLLM, with lists."""

from vllm.v1.kv_offload.cpu.policies.base import CachePolicy


class Arc(CachePolicy):
    def __init__(self, cache_capacity):
        super().__init__(cache_capacity)
        self.clear()

    def clear(self):
        self.once, self.often = [], []  # keys, oldest first
        self.ghosts_of_once, self.ghosts_of_often = [], []
        self.blocks = {}
        self.share_of_once = 0.0

    def get(self, key):
        return self.blocks.get(key)

    def insert(self, key, block):
        self.blocks[key] = block
        self.once.append(key)
        for ghosts in (self.ghosts_of_once, self.ghosts_of_often):
            if key in ghosts:
                ghosts.remove(key)

    def remove(self, key):
        del self.blocks[key]
        (self.once if key in self.once else self.often).remove(key)

    def touch(self, keys, req_context):
        for key in list(keys)[::-1]:
            if key in self.blocks:
                held = self.once if key in self.once else self.often
                held.remove(key)
                written = self.blocks[key].ref_cnt == -1
                (self.once if written and held is self.once else self.often).append(key)
            elif key in self.ghosts_of_once:
                grown = max(1, len(self.ghosts_of_often) / len(self.ghosts_of_once))
                self.share_of_once = min(self.cache_capacity, self.share_of_once + grown)
                self._renew(self.ghosts_of_once, key)
            elif key in self.ghosts_of_often:
                less = max(1, len(self.ghosts_of_once) / len(self.ghosts_of_often))
                self.share_of_once = max(0, self.share_of_once - less)
                self._renew(self.ghosts_of_often, key)

    @staticmethod
    def _renew(ghosts, key):
        ghosts.remove(key)
        ghosts.append(key)

    def evict(self, n, protected):
        def may_leave(key):
            return self.blocks[key].ref_cnt == 0 and key not in protected
        once = [key for key in self.once if may_leave(key)]
        often = [key for key in self.often if may_leave(key)]
        if len(once) + len(often) < n:
            return None
        staying = len(self.once)
        evicted = []
        for _ in range(n):
            from_once = once and (staying >= int(self.share_of_once) or not often)
            key = (once if from_once else often).pop(0)
            staying -= bool(from_once)
            evicted.append((key, self.blocks[key]))
            ghosts = self.ghosts_of_once if from_once else self.ghosts_of_often
            self.remove(key)
            ghosts.append(key)
        del self.ghosts_of_once[:-self.cache_capacity], self.ghosts_of_often[:-self.cache_capacity]
        return evicted
