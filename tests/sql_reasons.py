"""Why some statements of the product may read more rows than they are about, or sort.

Reviewed by hand, and read by tests/check_sql.py. A reason says what bounds the work, or when the
work is done; "it is fast" is no reason."""

# Tables that do not grow with messages, chats or people.
SMALL = {
    "sqlite_master": "SQLite's list of tables",
    "bridge_change_seq": "one row",
    "bridge_format": "one row",
    "bridge_owner": "one row",
    "whatsmeow_device": "a row for each number that was linked with this file",
    "whatsmeow_version": "one row",
    "whatsmeow_app_state_sync_keys": "the phone makes a new key some times a year",
    "whatsmeow_nct_salt": "a row for each number",
    "bridge_signed_prekeys": "one more each month",
}

_CHECK = "a worker does it, over its own connection to a copy, when a set of backups is checked"
_CONVERT = "bridge-convert-timestamps: all rows are what it is asked for, and nothing else runs"
_RESTORE = "once, in a copy that no program has opened, when a backup is restored"
_MADE = "once, when messages.db is made or taken over, before the bridge answers anybody"
_HANDBACK = "bridge-handback: counts once what a restore has left, and nothing else runs"
_OUTBOX = "counts who confirmed one message: the members of a chat"
_GROUP = "asks for all members of one group"
_GONE = "a device has STORE_IDENTITIES_GONE_MAX rows at most"

_OUTBOX_ROW = (
    "SELECT seq, message_id, key, body_hash, chat_jid, state, reason, {}, answer, created_at,"
    " sealed_at, acked_at, expires_at, server_time, recipients, (SELECT count(*) FROM"
    " bridge_outbox_receipts r WHERE r.seq = bridge_outbox.seq), (SELECT count(*) FROM"
    " bridge_outbox_receipts r WHERE r.seq = bridge_outbox.seq AND r.state = 4) FROM bridge_outbox {}")
_FULL, _LISTED = "request, sealed, content", "NULL, NULL, NULL"
_BY_STATE = ("INDEXED BY bridge_outbox_state WHERE our_jid = ? AND state = ?"
             " AND (? IS NULL OR chat_jid IN (?, ?)) AND seq ")
_BY_SEQ = "NOT INDEXED WHERE our_jid = ? AND ? < 0 AND (? IS NULL OR chat_jid IN (?, ?)) AND seq "

_SAME_KEYS = "in the mending of a damaged file, before the bridge answers anybody: the tables without their indexes"

# SQL whose names are put in at run time -> why, and which test runs it.
RUN_TIME = {
    'DELETE FROM "%w" WHERE rowid IN (SELECT row FROM (SELECT rowid AS row, row_number() OVER (PARTITION BY %s'
    ' ORDER BY %s rowid DESC) AS nr FROM "%w" NOT INDEXED WHERE %s) WHERE nr > 1)':
        "any table with a unique index, also another program's (unit_store_reindex)",
}

# Statement, with single blanks -> why its plan is right.
REASONS = {
    "UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq) + n.number FROM (SELECT row,"
    " row_number() OVER (ORDER BY seq, row) AS number FROM (SELECT rowid AS row, change_seq AS seq, row_number() OVER"
    " (PARTITION BY change_seq ORDER BY rowid) AS nr FROM messages NOT INDEXED) WHERE nr > 1) AS n"
    " WHERE messages.rowid = n.row": _SAME_KEYS,
    "SELECT count(*) FROM bridge_sessions_receive WHERE our_jid = ?": _HANDBACK,
    "SELECT 1 FROM bridge_sessions_receive LIMIT 1": "the first row is the answer",
    "SELECT value_mac FROM whatsmeow_app_state_mutation_macs WHERE jid = ? AND name = ?"
    " AND index_mac = ? ORDER BY version DESC LIMIT 1":
        "the table and its key are whatsmeow's; no program of ours looks for a MAC while it runs",
    "DELETE FROM whatsmeow_app_state_mutation_macs WHERE jid = ? AND name = ? AND index_mac = ?":
        "the table and its key are whatsmeow's; no program of ours removes a MAC while it runs",
    "SELECT key_id, key_data, timestamp FROM whatsmeow_app_state_sync_keys WHERE jid = ?"
    " ORDER BY timestamp DESC LIMIT 1": SMALL["whatsmeow_app_state_sync_keys"],
    "SELECT count(*) FROM chats": _CHECK,
    "SELECT count(*) FROM whatsmeow_sessions": _CHECK,
    "SELECT count(*) FROM whatsmeow_pre_keys": _CHECK,
    "SELECT count(*) FROM messages": _CHECK,
    "UPDATE OR REPLACE reactions SET chat_jid = ?2 WHERE chat_jid = ?1":
        "all reactions of one chat, once: it moves from a LID to the phone number",
    "SELECT device FROM bridge_skdm WHERE our_jid = ? AND group_jid = ? AND key_id = ?": _GROUP,
    "UPDATE OR REPLACE bridge_skdm SET device = rtrim(device, '?') || '?'"
    " WHERE our_jid = ? AND group_jid = ? AND substr(device, -1) <> '?'": _GROUP,
    "DELETE FROM bridge_skdm WHERE our_jid = ? AND group_jid = ? AND key_id <> ?": _GROUP,
    "UPDATE OR REPLACE bridge_skdm SET device = rtrim(device, '?') WHERE our_jid = ?1"
    " AND group_jid = ?2 AND (device, key_id) IN (SELECT c.device, c.key_id FROM"
    " bridge_skdm_carriers AS c WHERE c.our_jid = ?1 AND c.group_jid = ?2 AND c.carrier = ?3)":
        _GROUP,
    "DELETE FROM bridge_skdm_carriers WHERE our_jid = ? AND group_jid = ? AND carrier = ?": _GROUP,
    "DELETE FROM bridge_skdm_carriers WHERE our_jid = ? AND group_jid = ? AND key_id <> ?": _GROUP,
    "DELETE FROM bridge_skdm_carriers WHERE our_jid = ? AND group_jid = ?": _GROUP,
    "UPDATE OR REPLACE bridge_identities_gone SET their_id = ? WHERE our_jid = ? AND their_id = ?":
        _GONE,
    "DELETE FROM bridge_identities_gone AS g WHERE our_jid = ? AND their_id >= ? AND their_id < ?"
    " AND nr <= (SELECT max(nr) FROM bridge_identities_gone AS n WHERE n.our_jid = g.our_jid"
    " AND n.their_id = g.their_id) - ?": _GONE,
    "INSERT INTO bridge_identities_gone (our_jid, their_id, identity, nr) SELECT our_jid,"
    " their_id, identity, 1 + (SELECT coalesce(max(nr), 0) FROM bridge_identities_gone AS g"
    " WHERE g.our_jid = i.our_jid AND g.their_id = i.their_id) FROM whatsmeow_identity_keys AS i"
    " WHERE our_jid = ? AND their_id >= ? AND their_id < ?"
    " ON CONFLICT (our_jid, their_id, identity) DO UPDATE SET nr = excluded.nr": _GONE,
    "INSERT INTO bridge_identities_gone (our_jid, their_id, identity, nr)"
    " VALUES (?1, ?2, ?3, 1 + (SELECT coalesce(max(nr), 0) FROM bridge_identities_gone"
    " WHERE our_jid = ?1 AND their_id = ?2))"
    " ON CONFLICT (our_jid, their_id, identity) DO UPDATE SET nr = excluded.nr": _GONE,
    "SELECT count(*) FROM bridge_groups": "all groups, for the person who asks for the list of them",
    "SELECT jid, subject, addressing, ephemeral_s, announce, left, version, updated_at, kind,"
    " parent, (SELECT count(*) FROM bridge_group_members AS m WHERE m.our_jid = g.our_jid"
    " AND m.group_jid = g.jid) FROM bridge_groups AS g WHERE our_jid = ?"
    " ORDER BY subject COLLATE NOCASE, jid":
        "all groups, for the person who asks for the list of them, in the order of their names",
    "SELECT lid, pn, rank FROM bridge_group_members WHERE our_jid = ? AND group_jid = ?"
    " ORDER BY member": _GROUP,
    "SELECT count(*) FROM bridge_group_members WHERE our_jid = ? AND group_jid = ?": _GROUP,
    "DELETE FROM bridge_group_members WHERE our_jid = ?1 AND group_jid = ?2 AND ?3 IS NULL"
    " AND ?4 IS NULL": _GROUP,
    "SELECT count(*) FROM chats WHERE last_message_time <= ? AND jid NOT LIKE '%@broadcast'":
        "a row for each chat, only while the gap of a restored backup is open",
    "SELECT coalesce(sum(closed = 0), 0), coalesce(sum(filled), 0) FROM bridge_history_gaps"
    " WHERE our_jid = ?":
        "a row for each chat that ever had a gap, for the person who asks how far it is",
    "SELECT count(*) FROM bridge_history_lost WHERE our_jid = ?":
        "256 rows at most, nearly always none",
    "SELECT coalesce(original_id, id), is_from_me, server_time FROM messages WHERE chat_jid = ?1"
    " AND timestamp >= ?2 AND server_time >= ?3 AND kind IS NOT 'event' ORDER BY timestamp,"
    " server_time LIMIT 1":
        "sorts the messages of one second of one chat, once for each gap",
    "SELECT coalesce(max(CASE typeof(t) WHEN 'text' THEN CAST(strftime('%s', t) AS INTEGER) ELSE t"
    " END), 0) FROM (SELECT * FROM (SELECT timestamp AS t FROM messages WHERE timestamp < ''"
    " AND kind IS NOT 'event' ORDER BY timestamp DESC LIMIT 1) UNION ALL SELECT * FROM (SELECT"
    " timestamp FROM messages WHERE timestamp >= '' AND kind IS NOT 'event' ORDER BY timestamp DESC"
    " LIMIT 1))":
        "goes through two rows, which the index gives behind the events that are newer",
    "DELETE FROM bridge_base_keys WHERE our_jid = ?1 AND signed_prekey_id = ?2 AND base_key IN"
    " (SELECT base_key FROM bridge_base_keys WHERE our_jid = ?1 AND signed_prekey_id = ?2"
    " LIMIT ?3)":
        "all of one retired signed prekey, STORE_PRUNE_ROWS at a time",
    "SELECT typeof(timestamp) = 'text' FROM messages WHERE timestamp IS NOT NULL AND (typeof(timestamp) <>"
    " 'text' OR strftime('%s', timestamp) IS NOT NULL) ORDER BY rowid LIMIT 1":
        "once, when the file is made or taken over: the first row that has a time is the answer",
    "SELECT typeof(last_message_time) = 'text' FROM chats WHERE last_message_time IS NOT NULL AND"
    " (typeof(last_message_time) <> 'text' OR strftime('%s', last_message_time) IS NOT NULL)"
    " ORDER BY rowid LIMIT 1": "once, when a file without messages is made or taken over",
    "UPDATE messages SET change_seq = (SELECT value FROM bridge_change_seq) + n.number FROM"
    " (SELECT rowid AS row, row_number() OVER (ORDER BY rowid) AS number FROM messages"
    " WHERE change_seq = 0) AS n WHERE messages.rowid = n.row": _MADE,
    _OUTBOX_ROW.format(_FULL, "WHERE our_jid = ? AND key = ?"): _OUTBOX,
    _OUTBOX_ROW.format(_FULL, "WHERE our_jid = ? AND message_id = ?"): _OUTBOX,
    _OUTBOX_ROW.format(_FULL, "WHERE our_jid = ? AND state = ? AND seq > ? ORDER BY seq LIMIT 1"):
        _OUTBOX,
    _OUTBOX_ROW.format(_LISTED, _BY_STATE + "> ? ORDER BY seq LIMIT ?"): _OUTBOX,
    _OUTBOX_ROW.format(_LISTED, _BY_STATE + "< ? ORDER BY seq DESC LIMIT ?"): _OUTBOX,
    _OUTBOX_ROW.format(_LISTED, _BY_SEQ + "> ? ORDER BY seq LIMIT ?"): _OUTBOX,
    _OUTBOX_ROW.format(_LISTED, _BY_SEQ + "< ? ORDER BY seq DESC LIMIT ?"): _OUTBOX,
    "SELECT count(*) FROM bridge_outbox_receipts WHERE seq = ? AND state >= ?": _OUTBOX,
    "UPDATE bridge_outbox SET state = ?1, reason = ?2, acked_at = CASE WHEN CASE WHEN ?3 >= created_at"
    " THEN ?3 ELSE created_at END >= sealed_at THEN CASE WHEN ?3 >= created_at THEN ?3 ELSE created_at"
    " END ELSE sealed_at END, sealed = NULL, request = NULL, content = NULL, answer = NULL"
    " WHERE state IN (?4, ?5)": _RESTORE,
    "DELETE FROM bridge_outbox_receipts WHERE seq IN (SELECT seq FROM bridge_outbox WHERE"
    " our_jid = ? AND +state >= ? AND acked_at > 0 AND acked_at < ? ORDER BY acked_at, seq LIMIT ?)":
        "all who confirmed the messages that go",
    "UPDATE whatsmeow_pre_keys SET uploaded = 1 WHERE jid = ?":
        "all prekeys, some hundred, once after a restore",
    "SELECT max(key_id) FROM whatsmeow_pre_keys WHERE jid = ?":
        "the last entry of the index is the answer",
    "SELECT count(*), coalesce(sum(uploaded <> 0), 0) FROM whatsmeow_pre_keys WHERE jid = ?":
        "prekeys that nobody has used yet: the server takes some hundred of them",
    "INSERT INTO bridge_sessions_receive (our_jid, their_id, session) SELECT our_jid,"
    " their_id, session FROM whatsmeow_sessions WHERE our_jid = ? AND session IS NOT NULL"
    " ON CONFLICT (our_jid, their_id) DO UPDATE SET session = excluded.session": _RESTORE,
    "DELETE FROM whatsmeow_sessions WHERE our_jid = ? AND session IS NOT NULL": _RESTORE,
    "DELETE FROM whatsmeow_sender_keys WHERE our_jid = ? AND sender_id = ?": _RESTORE,
    "DELETE FROM whatsmeow_event_buffer WHERE rowid IN (SELECT row FROM (SELECT rowid AS row,"
    " insert_timestamp AS at FROM whatsmeow_event_buffer ORDER BY rowid LIMIT ?) WHERE at < ?)":
        "looks at the first rows only, STORE_PRUNE_ROWS of them",
    "SELECT 1 FROM whatsmeow_sender_keys WHERE our_jid = ? AND instr(sender_id, '_') = 0 LIMIT 1":
        "once after the start; the answer is kept",
    "SELECT sender_id, chat_id FROM whatsmeow_sender_keys WHERE our_jid = ? AND sender_id >= ?"
    " AND sender_id < ?":
        "the table and its key are whatsmeow's; only while a file that was taken over still has"
        " sender keys under phone numbers, and once for each person",
    "SELECT count(*) FROM messages WHERE typeof(timestamp) = 'integer'": _CONVERT,
    "SELECT count(*) FROM chats WHERE typeof(last_message_time) = 'integer'": _CONVERT,
    "UPDATE messages SET timestamp = host_time(timestamp) WHERE typeof(timestamp) = 'integer'":
        _CONVERT,
    "UPDATE chats SET last_message_time = host_time(last_message_time)"
    " WHERE typeof(last_message_time) = 'integer'": _CONVERT,
    "SELECT count(*) FROM messages WHERE typeof(timestamp) = 'text'"
    " AND strftime('%s', timestamp) IS NOT NULL": _CONVERT,
    "SELECT count(*) FROM chats WHERE typeof(last_message_time) = 'text'"
    " AND strftime('%s', last_message_time) IS NOT NULL": _CONVERT,
    "SELECT (SELECT count(*) FROM messages WHERE typeof(timestamp) = 'text'"
    " AND strftime('%s', timestamp) IS NULL) + (SELECT count(*) FROM chats"
    " WHERE typeof(last_message_time) = 'text' AND strftime('%s', last_message_time) IS NULL)":
        _CONVERT,
    "UPDATE messages SET timestamp = CAST(strftime('%s', timestamp) AS INTEGER)"
    " WHERE typeof(timestamp) = 'text' AND strftime('%s', timestamp) IS NOT NULL": _CONVERT,
    "UPDATE chats SET last_message_time = CAST(strftime('%s', last_message_time) AS INTEGER)"
    " WHERE typeof(last_message_time) = 'text' AND strftime('%s', last_message_time) IS NOT NULL":
        _CONVERT,
}

# The statements that readers of messages.db use (docs/databases.md), and the one step of each plan.
READERS = {
    "SELECT * FROM messages WHERE change_seq > ? ORDER BY change_seq LIMIT 500":
        "SEARCH messages USING INDEX bridge_messages_change (change_seq>?)",
    "SELECT MAX(change_seq) FROM messages":
        "SEARCH messages USING COVERING INDEX bridge_messages_change",
    "SELECT MAX(timestamp) FROM messages":
        "SEARCH messages USING COVERING INDEX bridge_messages_time",
    "SELECT MAX(timestamp) FROM messages WHERE chat = ?":
        "SEARCH messages USING INDEX bridge_messages_chat2_time (chat=?)",
    "SELECT MAX(timestamp) FROM messages WHERE chat_jid = ?":
        "SEARCH messages USING COVERING INDEX bridge_messages_chat_time (chat_jid=?)",
    "SELECT COUNT(*) FROM messages WHERE chat = ?":
        "SEARCH messages USING INDEX bridge_messages_chat2_time (chat=?)",
    "SELECT COUNT(*) FROM messages WHERE chat_jid = ? AND timestamp > ?":
        "SEARCH messages USING COVERING INDEX bridge_messages_chat_time (chat_jid=? AND timestamp>?)",
    "SELECT * FROM messages WHERE chat = ? ORDER BY timestamp DESC LIMIT 50":
        "SEARCH messages USING INDEX bridge_messages_chat2_time (chat=?)",
    "SELECT * FROM messages WHERE chat_jid = ? ORDER BY timestamp DESC LIMIT 50":
        "SEARCH messages USING INDEX bridge_messages_chat_time (chat_jid=?)",
    "SELECT * FROM messages WHERE chat = ? AND timestamp > ? ORDER BY timestamp":
        "SEARCH messages USING INDEX bridge_messages_chat2_time (chat=? AND timestamp>?)",
    "SELECT * FROM messages ORDER BY timestamp DESC LIMIT 50":
        "SCAN messages USING INDEX bridge_messages_time",
    "SELECT * FROM messages WHERE id = ? AND chat_jid = ?":
        "SEARCH messages USING INDEX sqlite_autoindex_messages_1 (id=? AND chat_jid=?)",
    "SELECT * FROM reactions WHERE chat_jid = ? AND message_id = ?":
        "SEARCH reactions USING INDEX sqlite_autoindex_reactions_1 (chat_jid=? AND message_id=?)",
}
