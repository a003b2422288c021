"""Eight threads that change dicts, lists and sets as fast as they can.

Whatever a `Table` holds under a key is a `Member` that has this very key; whatever a `Row` or a
`Bag` holds is a `Member`. A thread changes only its own containers, but the interpreter goes from
thread to thread all the time.
"""

import itertools
import sys
import threading

import protocol

THREADS = 8
SIZE = 200


class Table(dict):
    pass


class Row(list):
    pass


class Bag(set):
    pass


class Member:
    __slots__ = ("key",)

    def __init__(self, key):
        self.key = key


def change_tables(tables):
    for number in itertools.count():
        for table in tables:
            key = f"key {number}"
            table[key] = Member(key)
            if len(table) > SIZE:
                del table[next(iter(table))]
            if number % 500 == 0:
                copy = dict(table)
                table.clear()
                table.update(copy)


def change_rows(rows):
    for number in itertools.count():
        for row in rows:
            row.append(Member(number))
            row.insert(0, Member(number))
            if len(row) > SIZE:
                row.pop()
                row.pop(0)
                del row[10:20]
            if number % 50 == 0:
                row.sort(key=sort_key)
                row.reverse()


def sort_key(member):
    return member.key


def change_bags(bags):
    for number in itertools.count():
        for bag in bags:
            bag.add(Member(number))
            if len(bag) > SIZE:
                for _ in range(SIZE // 2):
                    bag.pop()
            if number % 100 == 0:
                bag |= set(bag)


WORK = [(change_tables, Table), (change_rows, Row), (change_bags, Bag)]

sys.setswitchinterval(1e-6)
held = []
for number in range(THREADS):
    work, kind = WORK[number % len(WORK)]
    containers = [kind() for _ in range(5)]
    held.append(containers)
    threading.Thread(target=work, args=(containers,), daemon=True).start()

protocol.serve_beside({"threads": THREADS})
threading.Event().wait()
