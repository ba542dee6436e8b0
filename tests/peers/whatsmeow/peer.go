package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

type quoted struct {
	ID     string `json:"id"`
	Sender string `json:"sender"`
	Text   string `json:"text"`
}

// command has the fields of every command; each uses some of them.
type command struct {
	Cmd          string   `json:"cmd"`
	ID           int      `json:"id"`
	URL          string   `json:"url"`
	RootKey      string   `json:"rootKey"`
	Store        string   `json:"store"`
	Log          string   `json:"log"`
	Name         string   `json:"name"`
	NoReconnect  bool     `json:"noReconnect"`
	Durable      bool     `json:"durable"`
	Buffer       bool     `json:"buffer"`
	DieOn        string   `json:"dieOn"`
	Count        uint32   `json:"count"`
	Phone        string   `json:"phone"`
	To           string   `json:"to"`
	Text         string   `json:"text"`
	MsgID        string   `json:"msgId"`
	Mentions     []string `json:"mentions"`
	Quoted       *quoted  `json:"quoted"`
	Group        string   `json:"group"`
	Action       string   `json:"action"`
	Participants []string `json:"participants"`
	Users        []string `json:"users"`
	State        string   `json:"state"`
	IDs          []string `json:"ids"`
	Sender       string   `json:"sender"`
	Options      []string `json:"options"`
}

type peer struct {
	lock   sync.Mutex
	client *whatsmeow.Client
	db     *sqlstore.Container
	name   string
	dieOn  string
}

// connect opens the store, once, and connects; called again after a disconnect it reconnects.
func (p *peer) connect(ctx context.Context, cmd *command) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.client == nil {
		if err := p.open(ctx, cmd); err != nil {
			return err
		}
	}
	return p.client.Connect()
}

func (p *peer) open(ctx context.Context, cmd *command) error {
	server, err := url.Parse(cmd.URL)
	if err != nil {
		return err
	}
	rootKey, err := hex.DecodeString(cmd.RootKey)
	if err != nil || len(rootKey) != len(whatsmeow.WACertPubKey) {
		return errors.New("rootKey must be 32 bytes in hex")
	}
	whatsmeow.WACertPubKey = [32]byte(rootKey)
	log, err := newFileLog(cmd.Log)
	if err != nil {
		return err
	}
	if err = os.MkdirAll(cmd.Store, 0o700); err != nil {
		return err
	}
	path := filepath.Join(cmd.Store, "whatsapp.db")
	dsn := "file:" + path + "?_foreign_keys=on&_busy_timeout=5000"
	if !cmd.Durable {
		// The first login writes some 800 prekeys one by one: seconds of flushing on a busy disk.
		dsn += "&_sync=OFF"
	}
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return err
	}
	container := sqlstore.NewWithDB(db, "sqlite3", log.Sub("Database"))
	if err = container.Upgrade(ctx); err != nil {
		return err
	}
	device, err := container.GetFirstDevice(ctx)
	if err != nil {
		return err
	}
	p.db, p.name = container, cmd.Name
	p.client = whatsmeow.NewClient(device, log)
	http := &http.Client{Transport: newMockTransport(server)}
	p.client.SetWebsocketHTTPClient(http)
	p.client.SetPreLoginHTTPClient(http)
	p.client.SetMediaHTTPClient(http)
	p.client.EnableAutoReconnect = !cmd.NoReconnect
	p.client.EnableDecryptedEventBuffer = cmd.Buffer
	p.dieOn = cmd.DieOn
	p.client.AddEventHandler(p.onEvent)
	return nil
}

func (p *peer) onConnected() {
	store := p.client.Store
	if store.PushName == "" && p.name != "" {
		// Without app state nobody has told us our name, and presence needs one.
		store.PushName = p.name
		_ = store.Save(context.Background())
	}
	emit("open", object{"jid": store.GetJID().String(), "lid": store.GetLID().String()})
}

func (p *peer) close() error {
	if p.client != nil {
		p.client.Disconnect()
	}
	if p.db != nil {
		return p.db.Close()
	}
	return nil
}

func (p *peer) run(ctx context.Context, cmd *command) (object, error) {
	if cmd.Cmd == "connect" {
		return nil, p.connect(ctx, cmd)
	}
	p.lock.Lock()
	client := p.client
	p.lock.Unlock()
	if client == nil {
		return nil, errors.New("connect first")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	switch cmd.Cmd {
	case "pairCode":
		code, err := client.PairPhone(ctx, cmd.Phone, true, whatsmeow.PairClientChrome,
			"Chrome (Linux)")
		return object{"code": code}, err
	case "sendText":
		return p.sendText(ctx, cmd)
	case "sendSealed":
		return p.sendSealed(ctx, cmd)
	case "createGroup", "groupParticipants", "groupInfo", "groups":
		return p.runGroup(ctx, cmd)
	case "usersInfo", "devices", "onWhatsApp":
		return p.runUsers(ctx, cmd)
	case "presence":
		return nil, client.SendPresence(ctx, types.Presence(cmd.State))
	case "markRead":
		return nil, p.markRead(ctx, cmd)
	case "setName":
		return nil, client.SendAppState(ctx, appstate.BuildSettingPushName(cmd.Name))
	case "dropSessions":
		// What a damaged store looks like: the next message cannot be read and is asked for again.
		jid, err := types.ParseJID(cmd.To)
		if err != nil {
			return nil, err
		}
		return nil, client.Store.Sessions.DeleteAllSessions(ctx, jid.SignalAddressUser())
	case "prekeys":
		// What the next upload would offer.
		made, err := client.Store.PreKeys.GetOrGenPreKeys(ctx, cmd.Count)
		if err != nil {
			return nil, err
		}
		ids := make([]uint32, len(made))
		for i, key := range made {
			ids[i] = key.KeyID
		}
		return object{"ids": ids}, nil
	case "disconnect":
		client.Disconnect()
		return nil, nil
	case "logout":
		return nil, client.Logout(ctx)
	}
	return nil, fmt.Errorf("unknown command %q", cmd.Cmd)
}

func parseJIDs(list []string) ([]types.JID, error) {
	jids := make([]types.JID, 0, len(list))
	for _, text := range list {
		jid, err := types.ParseJID(text)
		if err != nil {
			return nil, err
		}
		jids = append(jids, jid)
	}
	return jids, nil
}

func contentOf(cmd *command) *waE2E.Message {
	if len(cmd.Mentions) == 0 && cmd.Quoted == nil {
		return &waE2E.Message{Conversation: proto.String(cmd.Text)}
	}
	info := &waE2E.ContextInfo{MentionedJID: cmd.Mentions}
	if cmd.Quoted != nil {
		info.StanzaID = proto.String(cmd.Quoted.ID)
		info.Participant = proto.String(cmd.Quoted.Sender)
		info.QuotedMessage = &waE2E.Message{Conversation: proto.String(cmd.Quoted.Text)}
	}
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: proto.String(cmd.Text), ContextInfo: info}}
}

func (p *peer) sendText(ctx context.Context, cmd *command) (object, error) {
	to, err := types.ParseJID(cmd.To)
	if err != nil {
		return nil, err
	}
	extra := whatsmeow.SendRequestExtra{ID: cmd.MsgID}
	sent, err := p.client.SendMessage(ctx, to, contentOf(cmd), extra)
	if err != nil {
		return nil, err
	}
	return object{"msgId": sent.ID, "timestamp": sent.Timestamp.Unix(),
		"as": sent.Sender.String()}, nil
}

func (p *peer) markRead(ctx context.Context, cmd *command) error {
	chat, err := types.ParseJID(cmd.To)
	if err != nil {
		return err
	}
	sender, err := types.ParseJID(cmd.Sender)
	if err != nil {
		return err
	}
	return p.client.MarkRead(ctx, cmd.IDs, time.Now(), chat, sender)
}
