"""One of nearly everything that CPython and its standard library can make."""

import importlib

import zoo_classes
import zoo_library
import zoo_running
import zoo_values

# What was made stays here.
held = {}

# Imported so that their module objects, classes, functions and tables are on the heap.
MODULES = """
    abc argparse ast asyncio base64 bdb binascii bisect bz2 calendar cmath cmd code codecs
    codeop collections collections.abc colorsys compileall concurrent.futures configparser
    contextlib contextvars copy copyreg csv ctypes ctypes.util curses dataclasses datetime dbm
    decimal difflib dis doctest email email.message email.mime.text email.parser email.policy
    encodings encodings.idna enum faulthandler fcntl filecmp fileinput fnmatch fractions ftplib
    functools gettext glob graphlib grp gzip hashlib heapq hmac html html.parser http
    http.client http.cookies http.server imaplib importlib.metadata importlib.resources inspect
    io ipaddress itertools json keyword linecache locale logging logging.config
    logging.handlers lzma mailbox marshal math mimetypes mmap modulefinder multiprocessing
    multiprocessing.pool multiprocessing.shared_memory netrc numbers opcode operator optparse os
    pathlib pdb pickle pickletools pkgutil platform plistlib poplib posixpath pprint profile
    pstats pty pwd py_compile pyclbr pydoc queue quopri random re readline reprlib resource
    rlcompleter runpy sched secrets select selectors shelve shlex shutil signal smtplib socket
    socketserver sqlite3 ssl stat statistics string stringprep struct subprocess symtable
    sysconfig syslog tabnanny tarfile tempfile termios textwrap threading timeit token tokenize
    tomllib trace traceback tracemalloc tty types typing unicodedata unittest unittest.mock
    urllib.error urllib.parse urllib.request urllib.robotparser uuid venv wave weakref webbrowser
    wsgiref.simple_server xml.dom.minidom xml.etree.ElementTree xml.parsers.expat xml.sax
    xmlrpc.client xmlrpc.server zipapp zipfile zipimport zlib zoneinfo
"""


def fill():
    """Makes everything, and keeps it."""
    for name in MODULES.split():
        try:
            importlib.import_module(name)
        except ImportError:
            # Distributions leave out what needs libraries that are not installed.
            pass
    for part in (zoo_values, zoo_classes, zoo_running, zoo_library):
        for name, make in list(vars(part).items()):
            if name.startswith("make_"):
                held[name] = make()
