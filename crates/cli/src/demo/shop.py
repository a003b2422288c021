"""A small web shop that leaks, for `exuvia demo`.

It answers HTTP requests on the loopback interface. Each request opens a session, and
nothing ever closes one: they pile up in SESSIONS. Around the leak stand a few things that
real services have as well: a cache without a limit, listeners that nobody removes, a
queue that a worker thread keeps in a local variable, and objects in cycles.

Standard library only, Python 3.8 or later. The service says on stdout where it listens, and
ends when its stdin is closed.
"""

import collections
import functools
import http.server
import json
import os
import sys
import threading

#: The leak: session number -> Session. Entries are added here and never removed.
SESSIONS = {}

#: Callbacks for the end of a day; each closure keeps the basket that it was made for.
LISTENERS = []

#: The last requests, bounded as such a thing should be.
RECENT = collections.deque(maxlen=1000)


class Item:
    """A line of a basket."""

    __slots__ = ("article", "quantity", "price")

    def __init__(self, article, quantity, price):
        self.article = article
        self.quantity = quantity
        self.price = price


class Basket:
    """What a customer is about to buy. It knows its session, which makes a cycle."""

    def __init__(self, session):
        self.session = session
        self.items = []


class Session:
    """A visit of one customer."""

    def __init__(self, number):
        self.number = number
        self.customer = "customer-%06d" % number
        self.token = os.urandom(16)
        self.basket = Basket(self)


@functools.lru_cache(maxsize=None)
def article_page(number):
    """A page of the catalogue, cached for ever."""
    return "<h1>Article %d</h1>" % number


def visit(number):
    """Serves one request, and leaves a session behind."""
    session = SESSIONS[number] = Session(number)
    for quantity in (1, 2):
        session.basket.items.append(Item("article-%d" % (number % 50), quantity, 9.5 * quantity))
    if number % 100 == 0:
        basket = session.basket
        LISTENERS.append(lambda: len(basket.items))
    RECENT.append((number, session.customer))
    article_page(number % 500)
    return {"session": number, "items": len(session.basket.items)}


class Handler(http.server.BaseHTTPRequestHandler):
    """Every GET is a visit."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet.
    wbufsize = -1

    def do_GET(self):
        body = json.dumps(visit(len(SESSIONS))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def bill(wake_up):
    """A worker that holds its queue in a local variable, as workers do."""
    unpaid = ["invoice-%05d" % number for number in range(500)]
    wake_up.wait()
    unpaid.clear()


def end_with_the_demo():
    """Waits until nobody is left who could talk to this service."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    for number in range(20_000):
        visit(number)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=bill, args=(threading.Event(),), daemon=True).start()
    threading.Thread(target=end_with_the_demo, daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()
