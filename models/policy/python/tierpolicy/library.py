"""Finds and opens libtierpolicy.so."""

import ctypes
import os
from pathlib import Path

from . import contract

LIBRARY_VARIABLE = "TIERPOLICY_LIBRARY"
_FILE = "libtierpolicy.so.0"


class PolicyError(RuntimeError):
    """A call of the policy library that did not answer TP_OK."""

    def __init__(self, call, code, detail=""):
        self.call = call
        self.code = code
        names = contract.CODE_NAMES
        self.code_name = names[code] if 0 <= code < len(names) else f"code {code}"
        super().__init__(f"{call}: {self.code_name}" + (f": {detail}" if detail else ""))


def _beside_this_package():
    """Where `cmake --install` puts the library: this file is PREFIX/share/tierpolicy/python/..."""
    prefix = Path(__file__).resolve().parents[4]
    for folder in ("lib", "lib64"):
        yield prefix / folder / _FILE
        yield from sorted((prefix / folder).glob(f"*-linux-gnu/{_FILE}"))


class Library:
    """The open library. `path`: else the variable TIERPOLICY_LIBRARY, else the prefix that this
    package is installed in, else where the system looks."""

    def __init__(self, path=None):
        path = path or os.environ.get(LIBRARY_VARIABLE) or None
        if path is None:
            path = next((str(found) for found in _beside_this_package() if found.is_file()), _FILE)
        self.path = str(path)
        try:
            self._c = ctypes.CDLL(self.path)
        except OSError as error:
            raise OSError(f"{error}; set {LIBRARY_VARIABLE} to the path of "
                          "libtierpolicy.so") from None
        table = ctypes.POINTER(contract.CacheTable)
        self._c.tp_find_builtin_cache.restype = table
        self._c.tp_find_builtin_cache.argtypes = [ctypes.c_char_p]
        self._c.tp_builtin_cache.restype = table
        self._c.tp_builtin_cache.argtypes = [ctypes.c_size_t]
        self.record_cache = self._c.tp_record_cache
        self.record_cache.restype = ctypes.c_int
        self.record_cache.argtypes = [
            table, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(contract.Pool),
            ctypes.c_uint64, ctypes.POINTER(contract.Tape), table,
            ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p, ctypes.c_size_t]

    def cache_names(self):
        """Names of the cache policies in the library, in its order."""
        names = []
        while table := self._c.tp_builtin_cache(len(names)):
            names.append(table.contents.info().contents.name.decode())
        return names

    def cache_table(self, name):
        """The table of a cache policy as a copy: entries that it does not have are NULL."""
        found = self._c.tp_find_builtin_cache(name.encode())
        if not found:
            raise ValueError(f"no cache policy {name!r} in {self.path}; it has "
                             + ", ".join(self.cache_names()))
        size = found.contents.size
        if size < contract.CACHE_TABLE_SIZE_MIN:
            raise PolicyError(f"table of {name}", contract.EINVAL,
                              f"{size} bytes, fewer than {contract.CACHE_TABLE_SIZE_MIN}")
        info = found.contents.info().contents
        if info.abi_major != contract.ABI_MAJOR or info.abi_minor < contract.ABI_MINOR:
            raise PolicyError(f"table of {name}", contract.EINVAL,
                              f"contract {info.abi_major}.{info.abi_minor}, and this module is for "
                              f"{contract.ABI_MAJOR}.{contract.ABI_MINOR}")
        table = contract.CacheTable()
        ctypes.memmove(ctypes.byref(table), found, min(size, ctypes.sizeof(table)))
        return table


_opened = {}


def library(path=None):
    """The library at `path`, opened once."""
    if path not in _opened:
        _opened[path] = Library(path)
    return _opened[path]
