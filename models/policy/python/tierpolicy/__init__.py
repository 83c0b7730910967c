"""The KV-cache policy library for Python, by ctypes alone.

`Cache` is one instance of a policy over slots; `KeyedCache` keeps blocks by the host's keys, in the
shape of vLLM's CachePolicy; `tierpolicy.vllm` is what vLLM loads.
"""

from . import contract
from .cache import Cache, digest
from .keyed import KeyedCache, parse_policy
from .library import PolicyError, library

__all__ = ["Cache", "KeyedCache", "PolicyError", "contract", "digest", "library", "parse_policy"]
