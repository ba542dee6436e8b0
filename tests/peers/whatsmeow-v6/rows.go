package main

import (
	"database/sql"
	"path/filepath"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// rows keeps messages.db as lharries/whatsapp-mcp does: the same tables, values and order of writing
// (P-MC-12 to P-MC-19), for what its readers and the bridge find in it.
type rows struct {
	db     *sql.DB
	client *whatsmeow.Client
}

const rowsSchema = `
CREATE TABLE IF NOT EXISTS chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);
CREATE TABLE IF NOT EXISTS messages (id TEXT, chat_jid TEXT, sender TEXT, content TEXT,
  timestamp TIMESTAMP, is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, media_key BLOB,
  file_sha256 BLOB, file_enc_sha256 BLOB, file_length INTEGER, PRIMARY KEY (id, chat_jid),
  FOREIGN KEY (chat_jid) REFERENCES chats(jid))`

func openRows(store string) (*rows, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(store, "messages.db")+"?_foreign_keys=on")
	if err != nil {
		return nil, err
	}
	if _, err = db.Exec(rowsSchema); err != nil {
		_ = db.Close()
		return nil, err
	}
	return &rows{db: db}, nil
}

// chatName: one that is there stays; else a group's subject, a contact's full name, or digits.
func (r *rows) chatName(info *types.MessageInfo) string {
	var known sql.NullString
	if r.db.QueryRow("SELECT name FROM chats WHERE jid = ?", info.Chat.String()).Scan(&known) == nil && known.String != "" {
		return known.String
	}
	if info.Chat.Server == types.GroupServer {
		if group, err := r.client.GetGroupInfo(info.Chat); err == nil && group.Name != "" {
			return group.Name
		}
		return "Group " + info.Chat.User
	}
	if contact, err := r.client.Store.Contacts.GetContact(info.Chat); err == nil && contact.FullName != "" {
		return contact.FullName
	}
	return info.Sender.User
}

// text leaves out captions, as the original does.
func text(m *waE2E.Message) string {
	if said := m.GetConversation(); said != "" {
		return said
	}
	return m.GetExtendedTextMessage().GetText()
}

type file struct {
	kind, name, url            string
	key, sha256, encryptedHash []byte
	length                     uint64
}

func fileOf(m *waE2E.Message) (f file) {
	stamp := time.Now().Format("20060102_150405")
	if x := m.GetImageMessage(); x != nil {
		return file{"image", "image_" + stamp + ".jpg", x.GetURL(), x.GetMediaKey(), x.GetFileSHA256(),
			x.GetFileEncSHA256(), x.GetFileLength()}
	}
	if x := m.GetDocumentMessage(); x != nil {
		name := x.GetFileName()
		if name == "" {
			name = "document_" + stamp
		}
		return file{"document", name, x.GetURL(), x.GetMediaKey(), x.GetFileSHA256(), x.GetFileEncSHA256(),
			x.GetFileLength()}
	}
	return file{}
}

func (r *rows) put(evt *events.Message) error {
	info := &evt.Info
	if _, err := r.db.Exec("INSERT OR REPLACE INTO chats (jid, name, last_message_time) VALUES (?, ?, ?)",
		info.Chat.String(), r.chatName(info), info.Timestamp); err != nil {
		return err
	}
	said, f := text(evt.Message), fileOf(evt.Message)
	if said == "" && f.kind == "" {
		return nil
	}
	_, err := r.db.Exec("INSERT OR REPLACE INTO messages (id, chat_jid, sender, content, timestamp, is_from_me, "+
		"media_type, filename, url, media_key, file_sha256, file_enc_sha256, file_length) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", info.ID, info.Chat.String(), info.Sender.User, said,
		info.Timestamp, info.IsFromMe, f.kind, f.name, f.url, f.key, f.sha256, f.encryptedHash, f.length)
	return err
}
