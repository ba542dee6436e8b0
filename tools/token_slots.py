#!/usr/bin/env python3
"""Writes proto/token_slots.inc from proto/token_list.inc.

The slots are an open-addressing hash table (FNV-1a, 32 bits, folded; linear probing) from a string
to its code. The table is computed here so that the program carries it read-only. Run this after a
change of the list; tests/unit/proto/test_node.c fails when list and table do not match.
"""
import pathlib
import re

SLOTS = 4096  # a power of two; a third full, so that a miss ends after one or two probes
ROW = 16


def fnv1a(data):
    h = 0x811C9DC5
    for byte in data:
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def slots_of(tokens):
    slots = [0] * SLOTS
    for code, text in tokens:
        h = fnv1a(text.encode())
        at = (h ^ h >> 16) & (SLOTS - 1)
        while slots[at]:
            at = (at + 1) & (SLOTS - 1)
        slots[at] = code
    return slots


def main():
    proto = pathlib.Path(__file__).resolve().parent.parent / "proto"
    found = re.findall(r'T\((\d+), "([^"]*)"\)', (proto / "token_list.inc").read_text())
    slots = slots_of([(int(code), text) for code, text in found])
    lines = ["/* token_slots.inc - written by tools/token_slots.py: hash slot -> token code, 0 free. */"]
    for i in range(0, SLOTS, ROW):
        lines.append(" ".join(f"{code}," for code in slots[i:i + ROW]))
    (proto / "token_slots.inc").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
