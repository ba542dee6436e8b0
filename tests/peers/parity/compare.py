"""Differences between two clients, and the list of those that are meant."""

import dataclasses
import difflib
import json
import pathlib
import re

LIST = pathlib.Path(__file__).with_name("differences.json")
# With which client: its list.
LISTS = {"whatsmeow": LIST, "whatsapp-rust": LIST.with_name("differences_rust.json")}
NOTHING = "nothing"


@dataclasses.dataclass(frozen=True)
class Difference:
    scenario: str
    exchange: str
    where: str
    ours: str
    theirs: str

    def __str__(self):
        return (f"{self.scenario} / {self.exchange} / {self.where}\n"
                f"      ours:   {self.ours}\n      theirs: {self.theirs}")


def _keys(children):
    """Names by which children of two nodes find each other."""
    seen, keys = {}, []
    for child in children:
        name = child.tag + (f"[{child.attrs['jid']}]" if "jid" in child.attrs else "")
        seen[name] = seen.get(name, 0) + 1
        keys.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return keys


def node_differences(ours, theirs, where):
    """(where, ours, theirs) for each attribute, text and child that differs."""
    found = []
    for name in sorted({*ours.attrs, *theirs.attrs}):
        pair = ours.attrs.get(name, NOTHING), theirs.attrs.get(name, NOTHING)
        if pair[0] != pair[1]:
            found.append((f"{where}@{name}", *pair))
    if ours.text != theirs.text:
        found.append((where, ours.text or NOTHING, theirs.text or NOTHING))
    mine = dict(zip(_keys(ours.children), ours.children))
    other = dict(zip(_keys(theirs.children), theirs.children))
    for key in dict.fromkeys([*mine, *other]):
        path = f"{where}/{key}"
        if key not in mine:
            found.append((path, NOTHING, other[key].show()))
        elif key not in other:
            found.append((path, mine[key].show(), NOTHING))
        else:
            found += node_differences(mine[key], other[key], path)
    if not found and list(mine) != list(other):
        found.append((f"{where} (order)", " ".join(mine), " ".join(other)))
    return found


def list_differences(ours, theirs):
    """Stanzas of one exchange: equal runs are matched, what lies between is compared in pairs."""
    found = []
    mine, other = [node.show() for node in ours], [node.show() for node in theirs]
    matcher = difflib.SequenceMatcher(None, mine, other, autojunk=False)
    for kind, a_from, a_to, b_from, b_to in matcher.get_opcodes():
        if kind == "equal":
            continue
        pairs = min(a_to - a_from, b_to - b_from)
        for offset in range(pairs):
            one, two = ours[a_from + offset], theirs[b_from + offset]
            found += node_differences(one, two, one.tag)
        found += [(node.tag, node.show(), NOTHING) for node in ours[a_from + pairs:a_to]]
        found += [(node.tag, NOTHING, node.show()) for node in theirs[b_from + pairs:b_to]]
    return found


def differences(scenario, ours, theirs):
    found = []
    for name in dict.fromkeys([*ours, *theirs]):
        found += [Difference(scenario, name, *one)
                  for one in list_differences(ours.get(name, []), theirs.get(name, []))]
    return found


@dataclasses.dataclass(frozen=True)
class Allowed:
    """Each field but the reason is a pattern: '*' stands for anything."""
    scenario: str
    exchange: str
    where: str
    ours: str
    theirs: str
    reason: str

    def explains(self, difference):
        return all(_matches(getattr(self, name), getattr(difference, name))
                   for name in ("scenario", "exchange", "where", "ours", "theirs"))


def _matches(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text,
                        re.DOTALL) is not None


def load(path=LIST):
    entries = []
    for number, entry in enumerate(json.loads(pathlib.Path(path).read_text(encoding="utf-8"))):
        allowed = Allowed(**entry)
        if not allowed.reason.strip():
            raise ValueError(f"entry {number} has no reason")
        if allowed.where == "*" or (allowed.ours, allowed.theirs) == ("*", "*") and "*" == allowed.exchange:
            raise ValueError(f"entry {number} would explain anything")
        entries.append(allowed)
    return entries


def judge(found, allowed):
    """(differences without a reason, entries that explain nothing)."""
    unexplained = [one for one in found if not any(entry.explains(one) for entry in allowed)]
    stale = [entry for entry in allowed if not any(entry.explains(one) for one in found)]
    return unexplained, stale


def row(entry):
    """The entry as a row of the table in docs/protocol/parity.md."""
    cells = (entry.scenario, entry.exchange, entry.where, f"{entry.ours} / {entry.theirs}", entry.reason)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(entries, other="whatsmeow"):
    head = [f"| scenario | exchange | where | ours / {other}'s | reason |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(head + [row(entry) for entry in entries])


if __name__ == "__main__":
    for client, path in LISTS.items():
        print(table(load(path), client), end="\n\n")
