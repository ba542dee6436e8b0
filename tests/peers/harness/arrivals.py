"""Traffic of scripted people to the bridge, and the judgement at the end: every message is in
messages.db exactly once, in order, readable, and the bridge asked for nothing
needlessly."""

import re

from .people import pn

RETRY = re.compile(r'<receipt\b[^>]*\btype="retry"[^>]*>')
ID = re.compile(r'\bid="([^"]+)"')


class Arrivals:
    """Messages from several people, 1:1 and in groups. chats: the chat in which each is stored."""

    def __init__(self, case, mock, phone, people, groups):
        self.case, self.mock, self.phone = case, mock, phone
        self.people, self.groups = people, groups
        self.sent = {}  # chat -> texts in order
        self.damaged = set()  # ids that the bridge may ask for again
        self.count = 0

    def send(self, sender, group=None, damage=False, padding=0):
        self.count += 1
        chat = group or pn(sender)
        text = f"{self.count} of {sender} in {chat}" + "." * padding
        if damage:
            self.mock.admin("POST", "/contact/script", {"phone": sender, "corrupt": 1})
        answer = self.mock.contact_send(sender, group or self.phone, text)
        self.sent.setdefault(chat, []).append(text)
        if damage:
            self.damaged.add(answer["id"])

    def new_group(self):
        """A new group, in which everybody's first message brings a sender key."""
        made = self.mock.admin("POST", "/groups", {"subject": f"group {self.count}", "mode": "lid",
                                                   "members": [*self.people, self.phone]})
        self.groups.append(made["jid"])

    def burst(self, rng, size, damage=False):
        """Sends several messages. damage: one of them cannot be read when it first comes."""
        for number in range(size):
            group = rng.choice(self.groups) if rng.random() < 0.5 else None
            self.send(rng.choice(self.people), group, damage and number == size // 2)

    # ---- the judgement ------------------------------------------------------------------------

    @staticmethod
    def stored(bridge):
        """chat -> [(content, state)] of messages that others wrote, in the order of arrival."""
        found = {}
        for row in bridge.rows("SELECT chat_jid, content, state FROM messages WHERE NOT is_from_me"
                               " ORDER BY rowid"):
            found.setdefault(row["chat_jid"], []).append((row["content"], row["state"]))
        return found

    def wait(self, bridge):
        """Waits until as many messages are readable as were sent; judge() checks that they are the
        right ones."""
        def readable():
            return bridge.rows("SELECT count(*) AS n FROM messages WHERE NOT is_from_me AND state = ''")[0]["n"]
        bridge.wait_growing(readable, sum(map(len, self.sent.values())), "messages stored")

    def asked_again(self):
        """Ids in retry receipts that the bridge sent."""
        ids = set()
        for stanza in self.mock.trace():
            if stanza["dir"] == "in" and self.phone in stanza["client"]:
                for receipt in RETRY.findall(stanza["xml"]):
                    ids.add(ID.search(receipt)[1])
        return ids

    def judge(self, bridge):
        stored = self.stored(bridge)
        for chat, texts in self.sent.items():
            self.case.assertEqual([text for text, _ in stored.get(chat, [])], texts,
                                  f"not exactly what was sent to {chat}, in its order")
        self.case.assertEqual(set(stored), set(self.sent), "rows of chats that nobody wrote to")
        states = {state for rows in stored.values() for _, state in rows}
        self.case.assertLessEqual(states, {""}, "a message is not readable")
        self.case.assertLessEqual(self.asked_again(), self.damaged, "asked for without need")
        self.case.assert_no_flags(self.mock)
