"""How a program talks with the test that started it: lines over stdin and stdout."""

import json
import os
import sys
import threading


def say(answer):
    """Writes one line of JSON, in one system call."""
    os.write(1, json.dumps(answer).encode() + b"\n")


def serve(greeting, commands):
    """Greets, then answers commands until stdin is closed.

    `commands` maps a word to a function of the rest of the line. `ping` is always there.
    """
    say(greeting)
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        say("pong" if word == "ping" else commands[word](rest))


def serve_beside(greeting, commands=None):
    """Greets and answers on a thread, for programs whose main thread has other work.

    Ends the process when stdin is closed.
    """

    def answer():
        # Only a thread that runs can say so: whoever reads the greeting sees all threads.
        say(greeting)
        for line in sys.stdin:
            word, _, rest = line.rstrip("\n").partition(" ")
            say("pong" if word == "ping" else commands[word](rest))
        os._exit(0)

    threading.Thread(target=answer, name="commands", daemon=True).start()
