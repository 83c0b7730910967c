"""What a host tells of its blocks, requests and sessions, as the structs of the contract."""

import hashlib
from ctypes import POINTER, cast, sizeof

from . import contract

_BLOCK_FACTS = {name for name, _ in contract.Block._fields_} - {"size", "key"}
_REQUEST_FACTS = {name for name, _ in contract.Request._fields_} - {"size", "hint_count", "hints"}


def digest(key):
    """The 128-bit key of a block: BLAKE2b of the host's key, bytes or an int of at most 64 bits."""
    if isinstance(key, int):
        key = key.to_bytes(9, "big", signed=True)
    return hashlib.blake2b(key, digest_size=16).digest()


def number(name, bits=64):
    """The number of a session, an agent or, with 32 bits, a tenant, as policies know them: an int is
    one, 0 meaning unknown; of a str or bytes BLAKE2b makes one, never 0. One that does not fit
    raises OverflowError."""
    if isinstance(name, int):
        if not 0 <= name < 1 << bits:
            raise OverflowError(f"{name} does not fit into {bits} bits")
        return name
    if isinstance(name, str):
        name = name.encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=bits // 8).digest(), "big") or 1


def _tell(view, known, facts):
    unknown = facts.keys() - known
    if unknown:
        raise TypeError(f"{type(view).__name__} has no {', '.join(sorted(unknown))}; it has "
                        + ", ".join(sorted(known)))
    for name, value in facts.items():
        if name in ("session", "agent", "tenant"):
            value = number(value, 32 if name == "tenant" else 64)
        setattr(view, name, value)


def blocks_of(keys, **facts):
    """An array of tp_block with the keys. facts: other fields of contract.Block, the same for each;
    sessions and tenants as `number` takes them. What is not told is unknown."""
    views = (contract.Block * len(keys))()
    for view, key in zip(views, keys):
        view.size = sizeof(contract.Block)
        name = digest(key)
        view.key.hi = int.from_bytes(name[:8], "big")
        view.key.lo = int.from_bytes(name[8:], "big")
        view.parent_slot = contract.NO_SLOT
        view.expires_ns = contract.NEVER_NS
        _tell(view, _BLOCK_FACTS, facts)
    return views


def hints_of(hints):
    """An array of tp_hint. hints: a value for each contract.HINT_*; times in nanoseconds."""
    return (contract.Hint * len(hints))(*((kind, 0, value) for kind, value in hints.items()))


def request_of(*, hints=None, **facts):
    """A contract.Request. facts: its fields, sessions, agents and tenants as `number` takes them;
    hints: as `hints_of` takes them. What is not told is unknown, and there is no deadline."""
    request = contract.Request(size=sizeof(contract.Request), deadline_ns=contract.NEVER_NS)
    _tell(request, _REQUEST_FACTS, facts)
    if hints:
        request.hint_count = len(hints)
        request.hints = cast(hints_of(hints), POINTER(contract.Hint))  # keeps the array alive
    return request
