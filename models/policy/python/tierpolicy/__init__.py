"""The KV-cache policy library for Python, by ctypes alone.

`Cache` is one instance of a policy over slots; `KeyedCache` keeps blocks by the host's keys, in the
shape of vLLM's CachePolicy, and takes what policies for agents ask for; `request_of` makes a request
to tell of; `tierpolicy.vllm` is what vLLM loads.
"""

from . import contract
from .cache import Cache
from .keyed import KeyedCache, parse_policy
from .library import PolicyError, library
from .views import blocks_of, digest, number, request_of

__all__ = ["Cache", "KeyedCache", "PolicyError", "blocks_of", "contract", "digest", "library",
           "number", "parse_policy", "request_of"]
