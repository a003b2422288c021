"""What an older Python lacks: classes, functions, arguments and syntax."""

import sys


def since(major, minor, make):
    """What `make` makes, or None where Python is older."""
    return make() if sys.version_info >= (major, minor) else None


def compiled(major, minor, source, **names):
    """The names that a piece of source defines, with syntax of some version on; nothing where
    Python is older."""
    if sys.version_info < (major, minor):
        return {}
    space = dict(names)
    exec(source, space)
    return space
