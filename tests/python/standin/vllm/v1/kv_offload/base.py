"""A small stand-in for the module of this name in vLLM: what offload managers and policies share."""

from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
import torch

from vllm.v1.hints import Hints
from vllm.v1.kv_offload.config import Config


def make_offload_key(block_hash, group):
    return block_hash + group.to_bytes(4, "big")


@dataclass
class ReqContext:
    req_id: str
    hints: Hints | None = None
    positions: dict = field(default_factory=dict)

    def set_offload_key_position(self, key, end_token):
        self.positions[key] = end_token

    def get_offload_key_position(self, key):
        return self.positions.get(key)


class LookupResult(Enum):
    MISS = auto()
    HIT = auto()
    HIT_PENDING = auto()


@dataclass
class PrepareStoreOutput:
    keys_to_store: list
    store_spec: object
    evicted_keys: list


@dataclass
class OffloadingEvent:
    keys: list
    removed: bool


class LoadStoreSpec:
    device: torch.device = None

    def __init__(self, config: Config, block_ids):
        self.block_ids = np.array(block_ids, dtype=np.int32)
