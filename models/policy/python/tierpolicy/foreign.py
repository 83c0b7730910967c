"""Loads cache managers and policies of vLLM and LMCache from files that the user has, without
running their packages' __init__ and without torch.

Packages on the way to a wanted module become shells that have a path and nothing else; wanted
modules run from their files, unchanged; whatever else they import is a stand-in whose attributes
are empty classes. Names and layout are those of the projects' trees; no file of theirs is part of
this one.
"""

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
from pathlib import Path

VLLM_MODULES = ("vllm.v1.kv_offload.base", "vllm.v1.kv_offload.cpu.common",
                "vllm.v1.kv_offload.cpu.manager", "vllm.v1.kv_offload.cpu.policies")
LMCACHE_MODULES = ("lmcache.v1.storage_backend.cache_policy",)


class _Anything(type):
    """A class of which every attribute is a class again, and which can be called and subscripted:
    enough for what modules do with names that they import and never need here."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)

    def __getitem__(cls, _):
        return cls


def stand_in(name):
    made = _Anything(name, (), {"__init__": lambda self, *_, **__: None,
                                "__getattr__": _ignored_method,
                                "__doc__": "Stands in for a class that is not loaded."})
    return made


def _ignored_method(_self, name):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *_, **__: None


class _SortedDict(dict):
    """As sortedcontainers.SortedDict, as far as walking goes: in order of keys."""

    def __iter__(self):
        return iter(sorted(super().__iter__()))

    def keys(self):
        return list(self)

    def items(self):
        return [(key, self[key]) for key in self]

    def values(self):
        return [self[key] for key in self]


def _monitor():
    return stand_in("LMCStatsMonitor")()


# What the wanted modules do need of others.
_KNOWN = {
    "vllm.logger": {"init_logger": logging.getLogger},
    "lmcache.logging": {"init_logger": logging.getLogger},
    "lmcache.observability": {"LMCStatsMonitor": type("LMCStatsMonitor", (), {
        "GetOrCreate": staticmethod(_monitor)})},
    "typing_extensions": {"override": lambda function: function},
    "numpy": {"array": lambda values, dtype=None: list(values)},
    "sortedcontainers": {"SortedDict": _SortedDict},
    "torch": {},
}
_IF_MISSING = ("typing_extensions", "numpy", "sortedcontainers")


class _Shell:
    """A loader of modules that hold what is given, and nothing for a package on the way."""

    def __init__(self, attributes):
        self._attributes = attributes

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        if self._attributes is None:
            return
        module.__dict__.update(self._attributes)
        module.__getattr__ = self._stand_in

    @staticmethod
    def _stand_in(name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class ForeignTree:
    """The modules of one project's tree while it is loaded; a context manager.

    path: a checkout or a folder of site-packages, in which the package `project` lies. wanted:
    modules to run from their files; a package stands for all modules in it. Others that they
    import are stand-ins. One tree of a project can be loaded at a time.
    """

    def __init__(self, path, project, wanted):
        folder = Path(path)
        if folder.name == project and (folder / "v1").is_dir():
            folder = folder.parent
        if not (folder / project).is_dir():
            raise FileNotFoundError(f"{folder} has no folder {project}: give a checkout of it, or "
                                    "the site-packages that it is installed in")
        if project in sys.modules:
            raise RuntimeError(f"{project} is imported already; load its files in a new process")
        self._folder = folder
        self._project = project
        self._wanted = wanted
        self._made = []
        self._absent = tuple(name for name in _IF_MISSING
                             if name not in sys.modules and importlib.util.find_spec(name) is None)
        sys.meta_path.insert(0, self)

    def find_spec(self, name, path=None, target=None):
        """For the import system."""
        root = name.partition(".")[0]
        if root == self._project:
            spec = self._spec(name)
        elif root in self._absent or (root == "torch" and root not in sys.modules):
            spec = importlib.machinery.ModuleSpec(name, _Shell(_KNOWN.get(name, {})),
                                                  is_package=True)
        else:
            return None
        self._made.append(name)
        return spec

    def _spec(self, name):
        place = self._folder.joinpath(*name.split("."))
        for wanted in self._wanted:
            if wanted.startswith(name + ".") or (wanted == name and place.is_dir()):
                spec = importlib.machinery.ModuleSpec(name, _Shell(None), is_package=True)
                spec.submodule_search_locations = [str(place)]
                return spec
            if name == wanted or name.startswith(wanted + "."):
                file = place.with_suffix(".py")
                if not file.is_file():
                    return None
                return importlib.util.spec_from_file_location(name, file)
        return importlib.machinery.ModuleSpec(name, _Shell(_KNOWN.get(name, {})), is_package=True)

    def module(self, name):
        """A module of the tree, run from its file."""
        return importlib.import_module(name)

    def unload(self):
        """Forgets the tree's modules and their stand-ins."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in self._made:
            sys.modules.pop(name, None)
        sys.modules.pop("tierpolicy.vllm", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unload()


class VllmTree(ForeignTree):
    """vLLM's CPU offload manager and its policies."""

    def __init__(self, path):
        super().__init__(path, "vllm", VLLM_MODULES)
        try:
            self.base = self.module("vllm.v1.kv_offload.base")
            self.policy_base = self.module("vllm.v1.kv_offload.cpu.policies.base")
            self.manager_class = self.module(
                "vllm.v1.kv_offload.cpu.manager").CPUOffloadingManager
        except BaseException:
            self.unload()
            raise

    def finishes_requests(self):
        """Whether policies are told of a request's end with all its keys (vLLM from 0.31 on)."""
        hook = getattr(self.policy_base.CachePolicy, "on_request_finished", None)
        return hook is not None and "reused_keys" in hook.__code__.co_varnames

    def manager(self, blocks, policy, ours=None):
        """A manager with vLLM's own policy of that name, or with the class `ours`."""
        made = self.manager_class(blocks, cache_policy=policy, enable_events=True)
        if ours is not None:
            made._policy = ours(cache_capacity=blocks)
        return made

    def manager_out_of_tree(self, blocks, name):
        """A manager that finds tierpolicy.vllm by its own factory, as in production; None for
        managers that have none."""
        if "cache_policy_module_path" not in self.manager_class.__init__.__code__.co_varnames:
            return None
        return self.manager_class(blocks, cache_policy=name,
                                  cache_policy_module_path="tierpolicy.vllm", enable_events=True)


class LmcacheTree(ForeignTree):
    """LMCache's cache policies."""

    CLASSES = {"lru": "LRUCachePolicy", "lfu": "LFUCachePolicy", "fifo": "FIFOCachePolicy",
               "mru": "MRUCachePolicy"}

    def __init__(self, path):
        super().__init__(path, "lmcache", LMCACHE_MODULES)

    def policy(self, name):
        if name not in self.CLASSES:
            raise ValueError(f"no policy {name!r} of LMCache is known here; there are "
                             + ", ".join(self.CLASSES))
        module = self.module(f"{LMCACHE_MODULES[0]}.{name}")
        return getattr(module, self.CLASSES[name])()
