// Command whatsmeow-v6-peer is the whatsmeow of March 2025, whose database has schema version 6, behind
// the part of tests/peers/harness/peer.py's protocol that a hand-over needs: connect, sendText, quit.
// It is the build that lharries/whatsapp-mcp pins.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/gorilla/websocket"
	_ "github.com/mattn/go-sqlite3"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

type object map[string]any

type command struct {
	Cmd     string `json:"cmd"`
	ID      int    `json:"id"`
	URL     string `json:"url"`
	RootKey string `json:"rootKey"`
	Store   string `json:"store"`
	Log     string `json:"log"`
	To      string `json:"to"`
	Text    string `json:"text"`
	Rows    bool   `json:"rows"` // also keep messages.db, as whatsapp-mcp does
}

type peer struct {
	client *whatsmeow.Client
	db     *sqlstore.Container
	rows   *rows
}

var stdoutLock sync.Mutex

func emit(event string, fields object) {
	fields["event"] = event
	line, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	stdoutLock.Lock()
	defer stdoutLock.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func reply(id int, fields object, err error) {
	if fields == nil {
		fields = object{}
	}
	fields["id"], fields["ok"] = id, err == nil
	if err != nil {
		fields["error"] = err.Error()
	}
	emit("reply", fields)
}

// dialer reaches one server only, as plain TCP: the client believes that it talks to WhatsApp.
func dialer(server string) (*websocket.Dialer, error) {
	where, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	return &websocket.Dialer{
		NetDialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, where.Host)
		},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("not without TLS")
		},
	}, nil
}

func (p *peer) connect(cmd *command) error {
	if p.client != nil {
		return p.client.Connect()
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
	// As whatsapp-mcp opens it, but for the flushing: the first login writes 800 prekeys one by one.
	p.db, err = sqlstore.New("sqlite3", "file:"+filepath.Join(cmd.Store, "whatsapp.db")+
		"?_foreign_keys=on&_sync=OFF", log.Sub("Database"))
	if err != nil {
		return err
	}
	device, err := p.db.GetFirstDevice()
	if err != nil {
		return err
	}
	// Only the number is of today: servers send old clients away.
	store.SetWAVersion(store.WAVersionContainer{2, 3000, 1031000000})
	p.client = whatsmeow.NewClient(device, log)
	if cmd.Rows {
		if p.rows, err = openRows(cmd.Store); err != nil {
			return err
		}
		p.rows.client = p.client
	}
	dial, err := dialer(cmd.URL)
	if err != nil {
		return err
	}
	p.client.SetWSDialer(dial)
	p.client.EnableAutoReconnect = true
	p.client.AddEventHandler(p.onEvent)
	return p.client.Connect()
}

func (p *peer) onEvent(raw any) {
	switch evt := raw.(type) {
	case *events.QR:
		emit("qr", object{"code": evt.Codes[0]})
	case *events.PairError:
		emit("pairError", object{"error": evt.Error.Error()})
	case *events.Connected:
		emit("open", object{"jid": p.client.Store.ID.String(), "lid": ""})
	case *events.OfflineSyncCompleted:
		emit("offlineDone", object{"count": evt.Count})
	case *events.Message:
		if p.rows != nil {
			if err := p.rows.put(evt); err != nil {
				emit("rowFailed", object{"id": evt.Info.ID, "error": err.Error()})
			}
		}
		text := evt.Message.GetConversation()
		if text == "" {
			text = evt.Message.GetExtendedTextMessage().GetText()
		}
		emit("message", object{"id": evt.Info.ID, "text": text, "chat": evt.Info.Chat.String(),
			"from": evt.Info.Sender.ToNonAD().String()})
	case *events.UndecryptableMessage:
		emit("undecryptable", object{"id": evt.Info.ID})
	}
}

func (p *peer) sendText(cmd *command) (object, error) {
	if p.client == nil {
		return nil, errors.New("connect first")
	}
	to, err := types.ParseJID(cmd.To)
	if err != nil {
		return nil, err
	}
	sent, err := p.client.SendMessage(context.Background(), to,
		&waE2E.Message{Conversation: proto.String(cmd.Text)})
	return object{"msgId": sent.ID}, err
}

func (p *peer) close() error {
	if p.client == nil {
		return nil
	}
	p.client.Disconnect()
	if p.rows != nil {
		_ = p.rows.db.Close()
	}
	return p.db.Close()
}

func main() {
	p := &peer{}
	input := bufio.NewScanner(os.Stdin)
	emit("ready", object{"client": "whatsmeow-v6", "pid": os.Getpid()})
	for input.Scan() {
		var cmd command
		if err := json.Unmarshal(input.Bytes(), &cmd); err != nil {
			reply(cmd.ID, nil, fmt.Errorf("bad command: %w", err))
			continue
		}
		switch cmd.Cmd {
		case "connect":
			reply(cmd.ID, nil, p.connect(&cmd))
		case "sendText":
			go func() {
				fields, err := p.sendText(&cmd)
				reply(cmd.ID, fields, err)
			}()
		case "quit":
			reply(cmd.ID, nil, p.close())
			return
		default:
			reply(cmd.ID, nil, fmt.Errorf("unknown command %q", cmd.Cmd))
		}
	}
	_ = p.close()
}

// fileLog writes whatsmeow's log as JSON lines, as the newer driver does.
type fileLog struct {
	out    io.Writer
	lock   *sync.Mutex
	module string
}

func newFileLog(path string) (waLog.Logger, error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &fileLog{out: out, lock: &sync.Mutex{}, module: "Client"}, nil
}

func (l *fileLog) write(level, format string, args ...any) {
	line, err := json.Marshal(object{"level": level, "module": l.module,
		"msg": fmt.Sprintf(format, args...)})
	if err != nil {
		return
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	_, _ = l.out.Write(append(line, '\n'))
}

func (l *fileLog) Errorf(format string, args ...any) { l.write("error", format, args...) }
func (l *fileLog) Warnf(format string, args ...any)  { l.write("warn", format, args...) }
func (l *fileLog) Infof(format string, args ...any)  { l.write("info", format, args...) }
func (l *fileLog) Debugf(format string, args ...any) { l.write("debug", format, args...) }
func (l *fileLog) Sub(module string) waLog.Logger {
	return &fileLog{out: l.out, lock: l.lock, module: l.module + "/" + module}
}
