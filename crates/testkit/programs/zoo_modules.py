"""The whole standard library, imported."""

import importlib
import os
import pkgutil
import sys
import warnings

# Tests, programs with windows, and what does something when it is imported: `antigravity` opens
# a browser, `this` prints a poem.
LEFT_OUT = {
    "__main__", "__phello__", "antigravity", "idlelib", "site-packages", "test", "tests", "this",
    "turtledemo",
}  # fmt: skip


def import_everything():
    """Imports every module that can be, and returns the names of the others.

    Their module objects, classes, functions and tables are on the heap from then on.
    """
    missing = []
    # Some are there only to say that they are deprecated.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in sorted(set(sys.builtin_module_names).union(found_in(folders(), ""))):
            try:
                importlib.import_module(name)
            except (ImportError, OSError):
                # Of another platform, or of a library that this build lacks; `_pyrepl` looks
                # for one of them itself.
                missing.append(name)
    return missing


def folders():
    """Where the standard library is."""
    library = os.path.dirname(os.__file__)
    return [library] + [path for path in sys.path if path.endswith("lib-dynload")]


def found_in(paths, prefix):
    """The full names of all modules in some folders and in the packages there."""
    for module in pkgutil.iter_modules(paths, prefix):
        last = module.name.rpartition(".")[2]
        if last in LEFT_OUT:
            continue
        yield module.name
        if module.ispkg:
            inside = [os.path.join(path, last) for path in paths]
            yield from found_in(inside, module.name + ".")
