"""A small CPU offload manager with the calls of vLLM's."""

from vllm.metrics import Stats
from vllm.v1.kv_offload.base import LookupResult, OffloadingEvent, PrepareStoreOutput
from vllm.v1.kv_offload.cpu.common import CPULoadStoreSpec
from vllm.v1.kv_offload.cpu.policies.base import BlockStatus
from vllm.v1.kv_offload.cpu.policies.factory import policy_class


class CPUOffloadingManager:
    def __init__(self, num_blocks, cache_policy="lru", cache_policy_module_path=None,
                 enable_events=False):
        self._policy = policy_class(cache_policy, cache_policy_module_path)(
            cache_capacity=num_blocks)
        self._num_blocks = num_blocks
        self._free = list(range(num_blocks))
        self._events = []
        self._seen = {}

    def stats(self) -> Stats:
        return Stats(free=len(self._free))

    def _record(self, context, keys, stored, reused):
        seen = self._seen.setdefault(context.req_id, ({}, set(), set()))
        seen[0].update(dict.fromkeys(keys))
        seen[1].update(stored)
        seen[2].update(key for key in reused if key not in seen[1])

    def on_new_request(self, context):
        pass

    def on_request_finished(self, context):
        keys, stored, reused = self._seen.pop(context.req_id, ((), set(), set()))
        order = sorted(keys, key=context.get_offload_key_position)
        self._policy.on_request_finished((tuple(order),), stored - reused, reused, context)

    def lookup(self, key, context):
        block = self._policy.get(key)
        if block is None:
            return LookupResult.MISS
        return LookupResult.HIT if block.ref_cnt >= 0 else LookupResult.HIT_PENDING

    def touch(self, keys, context):
        self._policy.touch(keys, context)

    def prepare_load(self, keys, context):
        blocks = [self._policy.get(key) for key in keys]
        for key, block in zip(keys, blocks):
            if block.ref_cnt == 0:
                self._policy.mark_non_evictable(key)
            block.ref_cnt += 1
        self._record(context, keys, (), keys)
        return CPULoadStoreSpec([block.block_id for block in blocks])

    def complete_load(self, keys, context):
        for key in keys:
            block = self._policy.get(key)
            block.ref_cnt -= 1
            if block.ref_cnt == 0:
                self._policy.mark_evictable(key)

    def prepare_store(self, keys, context):
        missing = [key for key in keys if self._policy.get(key) is None]
        evicted = []
        if len(missing) > len(self._free):
            evicted = self._policy.evict(len(missing) - len(self._free), set(keys))
            if evicted is None:
                return None
            self._free += [block.block_id for _, block in evicted]
        blocks = [BlockStatus(self._free.pop()) for _ in missing]
        for key, block in zip(missing, blocks):
            self._policy.insert(key, block)
        ready = [key for key in keys if self._policy.get(key).ref_cnt >= 0]
        self._record(context, missing + ready, missing, ready)
        evicted_keys = [key for key, _ in evicted]
        if evicted_keys:
            self._events.append(OffloadingEvent(evicted_keys, True))
        return PrepareStoreOutput(missing, CPULoadStoreSpec([b.block_id for b in blocks]),
                                  evicted_keys)

    def complete_store(self, keys, context, success=True):
        written = [key for key in keys if self._policy.get(key).ref_cnt == -1]
        for key in written:
            block = self._policy.get(key)
            if success:
                block.ref_cnt = 0
                self._policy.mark_evictable(key)
            else:
                self._policy.remove(key)
                self._free.append(block.block_id)
        if success:
            self._events.append(OffloadingEvent(written, False))

    def reset_cache(self):
        self._policy.clear()
        self._free = list(range(self._num_blocks))
        self._seen = {}

    def take_events(self):
        events, self._events = self._events, []
        return events
