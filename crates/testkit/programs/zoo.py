"""One of nearly everything that CPython and its standard library can make."""

import zoo_classes
import zoo_library
import zoo_modules
import zoo_new
import zoo_running
import zoo_values

# What was made stays here.
held = {}


def fill():
    """Makes everything, and keeps it. Returns what this build of Python lacks: the modules
    that can't be imported, and the parts of the zoo that need one of them."""
    missing = zoo_modules.import_everything()
    for part in (zoo_values, zoo_classes, zoo_running, zoo_library, zoo_new):
        for name, make in list(vars(part).items()):
            if name.startswith("make_"):
                try:
                    held[name] = make()
                except ImportError:
                    missing.append(name)
    return missing
