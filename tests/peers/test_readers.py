"""The Go bridge's readers before, between and after our bridge has its store: whatsmeow as whatsapp-mcp
pins it, with rows as whatsapp-mcp writes them, and what its Python server asks of messages.db (P-MC-20..23)."""

import contextlib
import os
import sqlite3
import time
import unittest
from datetime import datetime

from harness.case import Case
from harness.people import ALICE, BOB, pn

BRIDGE = "27820000001"


class Reader:
    """What whatsapp-mcp's server asks, in statements of our own with the same meaning."""

    def __init__(self, store):
        self.path = os.path.join(store, "messages.db")

    def ask(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as database:
            return database.execute(statement, values).fetchall()

    def messages(self, chat=None, sender=None, query=None, after=None, limit=200):
        where, values = ["1"], []
        for condition, value in (("m.chat_jid = ?", chat), ("m.sender = ?", sender),
                                 ("lower(m.content) LIKE lower(?)", query and f"%{query}%"),
                                 ("m.timestamp > ?", after)):
            if value is not None:
                where.append(condition)
                values.append(value)
        rows = self.ask("SELECT m.id, m.timestamp, m.sender, m.content, m.is_from_me, c.name FROM messages m JOIN "
                        f"chats c ON c.jid = m.chat_jid WHERE {' AND '.join(where)} ORDER BY m.timestamp DESC, "
                        "m.rowid DESC LIMIT ?", *values, limit)
        return [{"id": i, "time": datetime.fromisoformat(t), "sender": s, "content": c, "mine": bool(me),
                 "chat_name": name} for i, t, s, c, me, name in reversed(rows)]

    def chats(self):
        """With the last message: both times must be the same text."""
        rows = self.ask("SELECT c.jid, c.name, c.last_message_time, m.content FROM chats c LEFT JOIN messages m ON "
                        "m.chat_jid = c.jid AND m.timestamp = c.last_message_time ORDER BY c.last_message_time DESC")
        found = {}
        for jid, name, last, content in rows:
            chat = found.setdefault(jid, {"name": name, "time": last and datetime.fromisoformat(last), "last": []})
            chat["last"].append(content)
        return found

    def search_contacts(self, query):
        like = f"%{query}%"
        return self.ask("SELECT DISTINCT jid, name FROM chats WHERE (lower(name) LIKE lower(?) OR lower(jid) LIKE "
                        "lower(?)) AND jid NOT LIKE '%@g.us' ORDER BY name, jid LIMIT 50", like, like)

    def direct_chat(self, phone):
        return self.ask("SELECT jid FROM chats WHERE jid LIKE ? AND jid NOT LIKE '%@g.us' LIMIT 1", f"%{phone}%")

    def last_interaction(self, jid):
        return self.ask("SELECT m.content FROM messages m JOIN chats c ON c.jid = m.chat_jid WHERE m.sender = ? OR "
                        "c.jid = ? ORDER BY m.timestamp DESC, m.rowid DESC LIMIT 1", jid, jid)[0][0]

    def sender_name(self, sender):
        """Of the digits in a group: by the 1:1 chat that has them."""
        found = self.ask("SELECT name FROM chats WHERE jid = ? OR jid LIKE ? LIMIT 1", sender, f"%{sender}%")
        return found[0][0] if found else sender


class Readers(Case):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock()
        self.mock.new_groups_pn()
        self.alice = self.start_peer("whatsmeow", self.mock, "alice")
        self.alice.pair_by_qr(ALICE)
        self.said = {}  # chat -> texts, in order

    def go(self):
        go = self.start_peer("whatsmeow-v6", self.mock, "go")
        go.phone = BRIDGE
        return go

    def go_again(self):
        go = self.go()
        since = go.mark()
        go.connect(rows=True)
        go.wait_open(since)
        return go

    def bridge_on(self, store, name):
        bridge = self.start_bridge(self.mock, BRIDGE, store=store, name=name)
        bridge.wait_status("ok")
        return bridge

    @staticmethod
    def next_second():
        """whatsapp-mcp joins a chat with its last message by the second."""
        start = int(time.time())
        while int(time.time()) == start:
            time.sleep(0.02)

    def alice_says(self, reader, tag, group):
        for to, chat in ((pn(BRIDGE), pn(ALICE)), (group, group)):
            self.next_second()
            text = f"{tag} DR1000002 in {chat}"
            self.alice.send(to, text)
            self.said.setdefault(chat, []).append(text)
            self.mock_wait(lambda t=text: reader.ask("SELECT 1 FROM messages WHERE content = ?", t), text)

    def mock_wait(self, look, what):
        def ask():
            with contextlib.suppress(sqlite3.OperationalError):
                return look()
            return None
        self.alice.wait_until(ask, 30, what)

    def check(self, reader, group):
        for chat, texts in self.said.items():
            rows = reader.messages(chat=chat)
            self.assertEqual([r["content"] for r in rows], texts, "each once, in order")
            self.assertEqual([r["time"] for r in rows], sorted(r["time"] for r in rows))
            self.assertTrue(all(r["time"].tzinfo for r in rows))
            self.assertEqual({r["sender"] for r in rows if not r["mine"]}, {ALICE})
            now = datetime.now().astimezone()
            self.assertTrue(all(abs((now - r["time"]).total_seconds()) < 600 for r in rows), rows)
            first = reader.ask("SELECT timestamp FROM messages WHERE id = ?", rows[0]["id"])[0][0]
            self.assertEqual([r["content"] for r in reader.messages(chat=chat, after=first)], texts[1:])
        chats = reader.chats()
        self.assertEqual({jid: chats[jid]["last"] for jid in self.said},
                         {jid: [texts[-1]] for jid, texts in self.said.items()})
        self.assertEqual(chats[group]["name"], "Field team")
        self.assertTrue(chats[pn(ALICE)]["name"])
        self.assertEqual([jid for jid, _ in reader.search_contacts(ALICE)], [pn(ALICE)])
        self.assertEqual(reader.direct_chat(ALICE), [(pn(ALICE),)])
        self.assertEqual(reader.last_interaction(pn(ALICE)), self.said[pn(ALICE)][-1])
        self.assertEqual(reader.sender_name(ALICE), chats[pn(ALICE)]["name"])
        drops = [r for r in reader.messages(sender=ALICE, query="dr1000002") if not r["mine"]]
        self.assertEqual(len(drops), sum("DR1000002" in t for texts in self.said.values() for t in texts))
        self.assertEqual(reader.ask("SELECT count(*) FROM messages WHERE typeof(timestamp) <> 'text'"), [(0,)])

    def test_before_between_and_after(self):
        go = self.go()
        go.connect(rows=True)
        self.mock.scan_qr(BRIDGE, go.wait("qr")["code"])
        go.wait_open()
        reader = Reader(go.store)
        group = self.alice.call("createGroup", name="Field team", participants=[pn(BRIDGE), pn(BOB)])["group"]
        self.alice_says(reader, "before", group)
        go.quit()
        self.check(reader, group)

        bridge = self.bridge_on(go.store, "taken-over")
        self.alice_says(reader, "taken over", group)
        self.next_second()
        reply = bridge.send(group, "from the bridge")
        self.assertEqual(reply.status, 200, reply)
        self.said[group].append("from the bridge")
        self.check(reader, group)
        self.assertEqual(bridge.stop(), 0)
        self.check(reader, group)

        go = self.go_again()
        self.alice_says(reader, "given back", group)
        self.assertEqual(go.seen("rowFailed"), [])
        go.quit()
        self.check(reader, group)

        bridge = self.bridge_on(go.store, "once-more")
        self.alice_says(reader, "once more", group)
        self.check(reader, group)
        self.assertEqual(bridge.stop(), 0)
        self.assert_no_flags(self.mock, BRIDGE)

    def test_go_writes_in_a_store_of_ours(self):
        """Numbers stay numbers: what the drop monitors ask works as it stands (R-201)."""
        bridge = self.start_bridge(self.mock, BRIDGE, name="ours")
        bridge.pair_by_qr()
        reader = Reader(bridge.store)
        group = self.alice.call("createGroup", name="Field team", participants=[pn(BRIDGE), pn(BOB)])["group"]
        self.alice_says(reader, "ours", group)
        self.assertEqual(bridge.stop(), 0)
        go = self.start_peer("whatsmeow-v6", self.mock, "go")
        go.store = bridge.store
        since = go.mark()
        go.connect(rows=True)
        go.wait_open(since)
        self.alice_says(reader, "Go's", group)
        self.assertEqual(go.seen("rowFailed"), [])
        go.quit()
        self.assertEqual(reader.ask("SELECT count(*) FROM messages WHERE typeof(timestamp) = 'text'"), [(2,)])
        again = self.bridge_on(bridge.store, "again")
        self.mock_wait(lambda: reader.ask("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM messages WHERE "
                                          "typeof(timestamp) <> 'integer') AND NOT EXISTS (SELECT 1 FROM chats "
                                          "WHERE typeof(last_message_time) = 'text')"), "numbers only")
        self.alice_says(reader, "ours again", group)
        for chat, texts in self.said.items():
            self.assertEqual(reader.ask("SELECT content FROM messages WHERE chat = ? ORDER BY timestamp", chat),
                             [(t,) for t in texts])
            newest = reader.ask("SELECT MAX(timestamp) FROM messages WHERE chat = ?", chat)[0][0]
            self.assertLess(abs(newest - time.time()), 600)
        self.assertEqual(reader.ask("SELECT COUNT(*) FROM messages WHERE timestamp > strftime('%s','now','-1 hour')"),
                         [(6,)])
        self.assertEqual(again.stop(), 0)


if __name__ == "__main__":
    unittest.main()
