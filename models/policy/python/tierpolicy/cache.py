"""One instance of a cache policy: the calls of tp_cache_table, one C call for each batch."""

import ctypes
from array import array
from ctypes import byref, c_size_t, c_uint8, c_void_p, sizeof

from . import contract
from .library import PolicyError, library as open_library
from .views import blocks_of, hints_of, number

assert array("I").itemsize == 4
_ERROR_BYTES = 512
_NOTICES = ("on_request", "on_insert", "on_touch", "on_remove", "on_evictable", "on_lookup",
            "on_hint", "on_tick")


def _words(slots):
    """Slots in prefix order as tp_span words; a row of ascending neighbours is one span. Slots that
    are no uint32 raise OverflowError."""
    if len(slots) == 1:
        return array("I", (slots[0], 1))
    words = []
    following = None
    for slot in slots:
        if slot == following:
            words[-1] += 1
        else:
            words += (slot, 1)
        following = slot + 1
    return array("I", words)


class TapeFile:
    """Receives a tape's bytes. An error while writing ends the tape; `close` raises it."""

    def __init__(self, path):
        self._file = open(path, "wb")
        self.error = None
        self.write = contract.TAPE_WRITE(self._write)

    def _write(self, _host, address, size):
        try:
            self._file.write(ctypes.string_at(address, size))
        except OSError as error:
            self.error = error
            return 1
        return 0

    def close(self):
        self._file.close()
        if self.error:
            raise self.error


class Cache:
    """An instance of the cache policy `name` for one pool.

    capacity_blocks, slot_count, block_tokens, block_bytes: as in tp_pool. config: parameters of the
    policy. tape: path of a decision tape to write, for `tiercast tape verify`; a digest of the
    state every checkpoint_calls calls, 0: at both ends alone.

    Slots are sequences of ints in prefix order. Times are nanoseconds and never go back. Any
    answer of the library but TP_OK raises PolicyError with the call and the code, except for
    TP_EREFUSED of `select`.
    """

    def __init__(self, name, capacity_blocks, *, slot_count=0, block_tokens=0, block_bytes=0,
                 seed=0, config=None, tape=None, checkpoint_calls=0, library=None):
        self._self = c_void_p()
        self._tape = None
        self._library = open_library(library) if not hasattr(library, "cache_table") else library
        table = self._library.cache_table(name)
        pool = contract.Pool(sizeof(contract.Pool), capacity_blocks, block_tokens, block_bytes,
                             slot_count, 0)
        lines = "".join(f"{key}={value}\n" for key, value in (config or {}).items()).encode()
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        made = c_void_p()
        self._check("create", table.create(lines, byref(pool), seed, byref(made), error,
                                           len(error)), error)
        self._table, self._self = table, made
        if tape is not None:
            try:
                self._record(lines, pool, seed, tape, checkpoint_calls)
            except BaseException:
                self.close()
                raise
        self._notices = {name: getattr(self._table, name) or None for name in _NOTICES}
        self._select, self._commit = self._table.select, self._table.commit
        info = table.info().contents
        self.name = info.name.decode()
        self.capabilities = info.capabilities
        self._victims = contract.Victims()
        self._out = (contract.Span * 1)()

    def _record(self, lines, pool, seed, path, checkpoint_calls):
        tape = TapeFile(path)
        self._tape = tape
        how = contract.Tape(sizeof(contract.Tape), checkpoint_calls, None, None, tape.write)
        recording = contract.CacheTable(size=sizeof(contract.CacheTable))
        recorder = c_void_p()
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        code = self._library.record_cache(byref(self._table), self._self, lines, byref(pool), seed,
                                          byref(how), byref(recording), byref(recorder), error,
                                          len(error))
        self._check("tp_record_cache", code, error)
        # The recorder calls the policy through the table that it was given.
        self._recorded_table = self._table
        self._table, self._self = recording, recorder

    @staticmethod
    def _check(call, code, error=None):
        if code != contract.OK:
            detail = error.value.decode(errors="replace") if error is not None else ""
            raise PolicyError(call, code, detail)

    def close(self):
        """Destroys the instance and ends its tape. Closing twice is fine."""
        if self._self:
            self._table.destroy(self._self)
            self._self = c_void_p()
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_self", None):
            self.close()

    def _notice(self, call, *arguments):
        """A notice; one that the policy does not have is not wanted."""
        entry = self._notices[call]
        if entry is not None:
            code = entry(self._self, *arguments)
            if code != contract.OK:
                raise PolicyError(call, code)

    def insert(self, slots, now_ns, *, keys=None, blocks=None, request=None):
        """Blocks entered, pinned. keys: the host's; or blocks: an array of contract.Block."""
        spans = _words(slots)
        if blocks is None and keys is not None:
            blocks = blocks_of(keys)
        if blocks is not None and len(blocks) != len(slots):
            raise ValueError(f"insert: {len(slots)} slots and {len(blocks)} blocks")
        self._notice("on_insert", now_ns, request, spans.buffer_info()[0], len(spans) // 2, blocks)

    def touch(self, slots, now_ns, *, request=None):
        """Blocks were used again."""
        spans = _words(slots)
        self._notice("on_touch", now_ns, request, spans.buffer_info()[0], len(spans) // 2)

    def remove(self, slots, now_ns, reason):
        """Blocks left. reason: contract.REMOVED_*."""
        spans = _words(slots)
        self._notice("on_remove", now_ns, reason, spans.buffer_info()[0], len(spans) // 2)

    def evictable(self, slots, now_ns, on):
        """The last pin went, or the first one came."""
        spans = _words(slots)
        self._notice("on_evictable", now_ns, int(bool(on)), spans.buffer_info()[0],
                     len(spans) // 2)

    def lookup(self, keys, hit_count, now_ns, *, request=None):
        """A prompt's blocks are asked for; the first hit_count are here."""
        if self.hears_lookups():
            self._notice("on_lookup", now_ns, request, blocks_of(keys), len(keys), hit_count)

    def hears_lookups(self):
        return self._notices["on_lookup"] is not None

    def request(self, request, phase, now_ns):
        """A request has come to a contract.PHASE_*. request: of `request_of`, or a
        contract.Request."""
        self._notice("on_request", now_ns, byref(request), phase)

    def hint(self, session, hints, now_ns):
        """What is expected of a session from now on: a value for each contract.HINT_*; a kind
        replaces what was said of it before."""
        views = hints_of(hints)
        self._notice("on_hint", now_ns, number(session), views, len(views))

    def select(self, need_blocks, now_ns):
        """Names need_blocks blocks to leave: (token, [(first_slot, count), ...]) in order of
        eviction, or None where the policy cannot. To be committed or aborted before another
        call. Inside a span the order is the policy's own, from either end."""
        if len(self._out) < need_blocks:
            self._out = (contract.Span * max(need_blocks, 2 * len(self._out)))()
        victims = self._victims
        code = self._select(self._self, now_ns, need_blocks, self._out, len(self._out),
                            byref(victims))
        if code == contract.EREFUSED:
            return None
        self._check("select", code)
        return victims.token, [(span.first_slot, span.count)
                               for span in self._out[:victims.span_count]]

    def commit(self, token, now_ns, accepted=None):
        """accepted: one truth value a span; None accepts all."""
        verdicts = None
        if accepted is not None:
            if len(accepted) != self._victims.span_count:
                raise ValueError(f"commit: {self._victims.span_count} spans and "
                                 f"{len(accepted)} verdicts")
            verdicts = (c_uint8 * max(1, len(accepted)))(*map(bool, accepted))
        self._check("commit", self._commit(self._self, now_ns, token, verdicts))

    def abort(self, token):
        self._check("abort", self._table.abort(self._self, token))

    def tick(self, now_ns):
        self._notice("on_tick", now_ns)

    def next_wakeup(self, now_ns):
        """When tick matters next; None: never."""
        if not self._table.next_wakeup:
            return None
        at = self._table.next_wakeup(self._self, now_ns)
        return None if at == contract.NEVER_NS else at

    def hash_state(self):
        """Digest of all that can influence a later answer; 0 where the policy has none."""
        return self._table.hash_state(self._self) if self._table.hash_state else 0

    def save(self):
        """The state as bytes, for an instance made with the same arguments."""
        if not self._table.save:
            raise PolicyError("save", contract.EINVAL, f"{self.name} does not save")
        size = c_size_t()
        self._check("save", self._table.save(self._self, None, 0, byref(size)))
        buffer = ctypes.create_string_buffer(max(1, size.value))
        self._check("save", self._table.save(self._self, buffer, size.value, byref(size)))
        return buffer.raw[:size.value]

    def restore(self, state):
        if not self._table.restore:
            raise PolicyError("restore", contract.EINVAL, f"{self.name} does not restore")
        self._check("restore", self._table.restore(self._self, state, len(state)))
