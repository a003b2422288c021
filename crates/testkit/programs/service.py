"""A small HTTP server that remembers its last visits.

The greeting has its port. `visits` says how many requests it has answered.
"""

import collections
import http.server
import threading

import protocol


class Session:
    """One visit."""

    def __init__(self, path):
        self.path = path
        self.notes = {"path": path, "parts": path.split("/")}


# Bounded, so that every dump has the same work.
SESSIONS = collections.deque(maxlen=5000)
COUNTING = threading.Lock()
visits = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers are small: none may wait for the kernel to fill a packet.
    disable_nagle_algorithm = True

    def do_GET(self):
        global visits
        with COUNTING:
            visits += 1
        SESSIONS.append(Session(self.path))
        body = ("you asked for " + self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
protocol.serve({"port": server.server_port}, {"visits": lambda _: visits})
