"""The interface of vLLM's cache policies, as it is described: see docs of tierpolicy.KeyedCache."""

import ctypes
from abc import ABC, abstractmethod

from vllm.logger import init_logger

logger = init_logger(__name__)


class BlockStatus(ctypes.Structure):
    _fields_ = [("ref_cnt", ctypes.c_int32), ("block_id", ctypes.c_int64)]

    def __init__(self, block_id):
        super().__init__(-1, block_id)


class CachePolicy(ABC):
    def __init__(self, cache_capacity):
        self.cache_capacity = cache_capacity

    @abstractmethod
    def get(self, key): ...

    @abstractmethod
    def insert(self, key, block): ...

    @abstractmethod
    def remove(self, key): ...

    @abstractmethod
    def touch(self, keys, req_context): ...

    @abstractmethod
    def evict(self, n, protected): ...

    @abstractmethod
    def clear(self): ...

    def on_request_finished(self, key_groups, insertion_only_keys, reused_keys, req_context):
        for keys in key_groups:
            self.touch(keys, req_context)

    def mark_evictable(self, key):
        pass

    def mark_non_evictable(self, key):
        pass
