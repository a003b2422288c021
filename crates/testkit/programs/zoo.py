"""One of nearly everything that CPython and its standard library can make."""

import importlib
import sys

import zoo_classes
import zoo_library
import zoo_modules
import zoo_new
import zoo_running
import zoo_values

# What was made stays here.
held = {}


def fill(packages=None):
    """Makes everything, and keeps it. Returns what this build of Python lacks: the modules
    that can't be imported, and the parts of the zoo that need one of them. `packages` is
    a folder with extension libraries, of whose types objects are made too."""
    missing = zoo_modules.import_everything()
    parts = [zoo_values, zoo_classes, zoo_running, zoo_library, zoo_new]
    if packages:
        sys.path.insert(0, packages)
        parts.append(importlib.import_module("zoo_extensions"))
    for part in parts:
        for name, make in list(vars(part).items()):
            if name.startswith("make_"):
                try:
                    held[name] = make()
                except ImportError:
                    missing.append(name)
    return missing
