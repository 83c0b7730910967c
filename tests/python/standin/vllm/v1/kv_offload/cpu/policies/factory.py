import importlib

from vllm.v1.kv_offload.cpu.policies.arc import Arc
from vllm.v1.kv_offload.cpu.policies.base import CachePolicy
from vllm.v1.kv_offload.cpu.policies.lru import Lru, Recency


def policy_class(name, module_path):
    known = {"lru": Recency, "lru-of-transfers": Lru, "arc": Arc}
    made = known.get(name) or getattr(importlib.import_module(module_path), name)
    assert issubclass(made, CachePolicy)
    return made
