"""What vLLM's CPU offload manager loads as its cache policy, out of tree:

    kv_connector_extra_config: {"cache_policy": "tierpolicy-arc-vllm",
                                "cache_policy_module_path": "tierpolicy.vllm"}

The name is `tierpolicy-` and a policy of the library, with parameters as in
`tierpolicy-slru?segments=1`. Which one decides as a policy of vLLM's own:

    vLLM                          here
    lru before 0.31               lru
    lru since 0.31                slru?segments=1   (recency that transfers do not change)
    arc before 0.31               arc-vllm
    arc since 0.31                arc-vllm, but for the place of blocks that a request has stored
                                  and never found, as it ends

The variable TIERPOLICY_TAPE names a file for the decision tape; %p in it is the process's number.
"""

import os
import time

from vllm.v1.kv_offload.cpu.policies.base import CachePolicy

from .keyed import KeyedCache, parse_policy
from .library import library

PREFIX = "tierpolicy-"
TAPE_VARIABLE = "TIERPOLICY_TAPE"
CHECKPOINT_CALLS = 4096

clock = time.monotonic_ns


class TierPolicyCachePolicy(KeyedCache, CachePolicy):
    """The policy of the library that `policy` names; subclasses name another."""

    policy = "lru"

    def __init__(self, cache_capacity):
        tape = os.environ.get(TAPE_VARIABLE)
        KeyedCache.__init__(self, cache_capacity, self.policy, clock=lambda: clock(),
                            tape=tape and tape.replace("%p", str(os.getpid())),
                            checkpoint_calls=CHECKPOINT_CALLS)


def __getattr__(name):
    """The class of a policy by the name under which a configuration has it."""
    if not name.startswith(PREFIX):
        raise AttributeError(f"module {__name__} has no {name}; policies are {PREFIX}NAME")
    policy = name[len(PREFIX):]
    known = library().cache_names()
    if parse_policy(policy)[0] not in known:
        raise AttributeError(f"no cache policy {policy!r}; there are " + ", ".join(known))
    return type("TierPolicyCachePolicy", (TierPolicyCachePolicy,), {"policy": policy})
