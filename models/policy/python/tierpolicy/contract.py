"""The structs of tierpolicy.h and tierpolicy_tape.h for ctypes, with the C names less their `tp_`.

tests/python compares every size and offset with what the C compiler says.
"""

from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_uint8,
                    c_uint32, c_uint64, c_void_p)

ABI_MAJOR = 0
ABI_MINOR = 4

OK, EINVAL, ENOMEM, ESTATE, EREFUSED, ESPACE = range(6)
CODE_NAMES = ("TP_OK", "TP_EINVAL", "TP_ENOMEM", "TP_ESTATE", "TP_EREFUSED", "TP_ESPACE")

REMOVED_EVICTED, REMOVED_DROPPED, REMOVED_MOVED, REMOVED_FAILED = 1, 2, 3, 4

CAP_SPANS, CAP_PREFIX_CLOSED, CAP_READS_KEYS, CAP_READS_BLOCKS, CAP_NEEDS_FUTURE = 1, 2, 4, 8, 16

BLOCK_LEAF, BLOCK_PINNED = 1, 2

PHASE_ARRIVE, PHASE_SCHEDULE, PHASE_PREEMPT, PHASE_FINISH, PHASE_TOOL_CALL, PHASE_RESUME = range(1, 7)

HINT_STEPS_TO_RUN, HINT_TOOL_RETURN_NS, HINT_TOOL_RETURN_P90_NS = 1, 2, 3
HINT_SESSION_ENDS, HINT_JOINING_SIBLINGS = 4, 5

NO_SLOT = 2**32 - 1
NEVER_NS = 2**63 - 1


class Span(Structure):
    _fields_ = [("first_slot", c_uint32), ("count", c_uint32)]


class Key(Structure):
    _fields_ = [("hi", c_uint64), ("lo", c_uint64)]


class Block(Structure):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("key", Key), ("parent_slot", c_uint32),
                ("depth", c_uint32), ("tokens", c_uint32), ("bytes", c_uint32),
                ("tenant", c_uint32), ("priority", c_uint32), ("session", c_uint64),
                ("recompute_ns", c_uint64), ("expires_ns", c_int64)]


class Hint(Structure):
    _fields_ = [("kind", c_uint32), ("reserved", c_uint32), ("value", c_int64)]


class Request(Structure):
    _fields_ = [("size", c_uint32), ("tenant", c_uint32), ("id", c_uint64), ("session", c_uint64),
                ("agent", c_uint64), ("turn", c_uint32), ("priority", c_uint32),
                ("arrival_ns", c_int64), ("deadline_ns", c_int64), ("prompt_tokens", c_uint32),
                ("hint_count", c_uint32), ("hints", POINTER(Hint)), ("retain_ns", c_int64)]


class Pool(Structure):
    _fields_ = [("size", c_uint32), ("capacity_blocks", c_uint32), ("block_tokens", c_uint32),
                ("block_bytes", c_uint32), ("slot_count", c_uint32), ("reserved", c_uint32)]


class Victims(Structure):
    _fields_ = [("token", c_uint64), ("span_count", c_uint32), ("block_count", c_uint32)]


class Info(Structure):
    _fields_ = [("size", c_uint32), ("abi_major", c_uint32), ("abi_minor", c_uint32),
                ("capabilities", c_uint32), ("name", c_char_p), ("version", c_char_p)]


# Instances, and arrays that are passed by address, are plain addresses here.
_SELF = c_void_p
_SPANS = c_void_p
_BLOCKS = c_void_p
_REQUEST = POINTER(Request)
_VERDICTS = POINTER(c_uint8)


class CacheTable(Structure):
    _fields_ = [
        ("size", c_uint32),
        ("reserved", c_uint32),
        ("info", CFUNCTYPE(POINTER(Info))),
        ("create", CFUNCTYPE(c_int, c_char_p, POINTER(Pool), c_uint64, POINTER(c_void_p), c_char_p,
                             c_size_t)),
        ("destroy", CFUNCTYPE(None, _SELF)),
        ("save", CFUNCTYPE(c_int, _SELF, c_void_p, c_size_t, POINTER(c_size_t))),
        ("restore", CFUNCTYPE(c_int, _SELF, c_void_p, c_size_t)),
        ("hash_state", CFUNCTYPE(c_uint64, _SELF)),
        ("on_request", CFUNCTYPE(c_int, _SELF, c_int64, _REQUEST, c_uint32)),
        ("on_insert", CFUNCTYPE(c_int, _SELF, c_int64, _REQUEST, _SPANS, c_size_t, _BLOCKS)),
        ("on_touch", CFUNCTYPE(c_int, _SELF, c_int64, _REQUEST, _SPANS, c_size_t)),
        ("on_remove", CFUNCTYPE(c_int, _SELF, c_int64, c_uint32, _SPANS, c_size_t)),
        ("on_evictable", CFUNCTYPE(c_int, _SELF, c_int64, c_uint32, _SPANS, c_size_t)),
        ("admit", CFUNCTYPE(c_int, _SELF, c_int64, _REQUEST, _BLOCKS, c_size_t, _VERDICTS)),
        ("select", CFUNCTYPE(c_int, _SELF, c_int64, c_uint32, POINTER(Span), c_size_t,
                             POINTER(Victims))),
        ("commit", CFUNCTYPE(c_int, _SELF, c_int64, c_uint64, _VERDICTS)),
        ("abort", CFUNCTYPE(c_int, _SELF, c_uint64)),
        ("on_tick", CFUNCTYPE(c_int, _SELF, c_int64)),
        ("next_wakeup", CFUNCTYPE(c_int64, _SELF, c_int64)),
        ("on_lookup", CFUNCTYPE(c_int, _SELF, c_int64, _REQUEST, _BLOCKS, c_size_t, c_size_t)),
        ("on_hint", CFUNCTYPE(c_int, _SELF, c_int64, c_uint64, POINTER(Hint), c_size_t)),
    ]


# A host reads tables of every minor version that reach over `abort`; what is behind is absent.
CACHE_TABLE_SIZE_MIN = CacheTable.on_tick.offset

TAPE_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)


class Tape(Structure):
    _fields_ = [("size", c_uint32), ("checkpoint_calls", c_uint32), ("pool_name", c_char_p),
                ("host", c_void_p), ("write", TAPE_WRITE), ("policy_build", c_char_p)]


STRUCTS = {"tp_span": Span, "tp_key": Key, "tp_block": Block, "tp_hint": Hint,
           "tp_request": Request, "tp_pool": Pool, "tp_victims": Victims, "tp_info": Info,
           "tp_cache_table": CacheTable, "tp_tape": Tape}
