"""Compares the stanzas that two clients send in the same situation, as the server saw them.

A stanza becomes its shape: tag, attributes and children with everything that must differ between
two runs (ids, times, keys, ciphertexts) replaced by what it is. JIDs stay as they are: both runs
have the same people with the same numbers.
"""

import collections
import json
import re
import xml.etree.ElementTree as tree

# Attributes that two runs cannot share; what they look like is compared instead.
IDS = {"id", "sid", "stanza-id", "server_id", "key", "ref", "call-id"}
TIMES = {"t", "timestamp", "ts", "expiration", "creation"}
HEX = re.compile(r"^(?:[0-9a-f]{2})*$")
# Ciphertexts are as long as their random padding makes them.
SEALED = {"enc"}
LONGEST_EXACT = 80


def _value(name, value):
    if name in TIMES and value.isdigit():
        return "<time>"
    if name in IDS:
        if value.isdigit():
            return "<number>"
        if re.fullmatch(r"3EB0[0-9A-F]+", value):
            return f"<3EB0 id of {len(value)}>"
        return "<id>"
    if name == "phash":
        return re.sub(r"^(\d+:).*", r"\1<hash>", value)
    return value


def _content(element):
    text = element.text or ""
    if not text:
        return ""
    if element.tag in SEALED:
        return "<sealed>"
    if HEX.match(text):
        size = len(text) // 2
        return f"<{size} bytes>" if size <= LONGEST_EXACT else "<bytes>"
    return text


def shape(element):
    """One line of text; runs of equal siblings (prekeys, participants) are drawn together."""
    attrs = "".join(f" {name}={_value(name, value)}" for name, value in sorted(element.attrib.items()))
    children = [shape(child) for child in element]
    drawn = []
    for child in children:
        if drawn and drawn[-1][0] == child:
            drawn[-1][1] += 1
        else:
            drawn.append([child, 1])
    inner = "".join(text + ("+" if count > 1 else "") for text, count in drawn)
    return f"<{element.tag}{attrs}>{_content(element)}{inner}</>"


def parse(xml):
    """xmlns is an ordinary attribute on this wire, and tags may hold a colon."""
    xml = xml.replace(" xmlns=", " _xmlns=")
    xml = re.sub(r"(</?)(\w+):", r"\1\2.", xml)
    return tree.fromstring(xml)


class Trace:
    """The stanzas that one account's client sent, from wa-mock's trace, cut into steps."""

    def __init__(self, path, ignore=()):
        self.path = path
        self.ignore = ignore
        self.read = 0
        self.steps = collections.OrderedDict()

    def cut(self, name, client):
        """What `client` (a substring of the label) sent since the last cut."""
        with open(self.path, encoding="utf-8") as file:
            lines = file.readlines()
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        fresh, self.read = lines[self.read:], len(lines)
        shapes = []
        for line in fresh:
            entry = json.loads(line)
            if entry["dir"] != "in" or not client(entry["client"]):
                continue
            text = shape(parse(entry["xml"]))
            if not any(pattern.search(text) for pattern in self.ignore):
                shapes.append(text)
        self.steps[name] = shapes
        return shapes


def compare(ours, theirs, allowed):
    """Differences that no entry of `allowed` explains, and entries that explain nothing.

    allowed: list of (step regex, shape regex, reason).
    """
    problems, used = [], set()
    for step in dict.fromkeys([*ours, *theirs]):
        mine = collections.Counter(ours.get(step, ()))
        other = collections.Counter(theirs.get(step, ()))
        for side, surplus in (("bridge", mine - other), ("whatsmeow", other - mine)):
            for text, count in surplus.items():
                for number, (where, what, _) in enumerate(allowed):
                    if re.search(where, step) and re.search(what, text):
                        used.add(number)
                        break
                else:
                    problems.append(f"{step}: only {side} ({count}x): {text}")
    stale = [entry for number, entry in enumerate(allowed) if number not in used]
    return problems, stale
