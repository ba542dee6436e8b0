// Command whatsmeow-peer drives a whatsmeow client through JSON lines: one command per line on
// standard input, replies and events on standard output. The commands and events are those of
// tests/peers/harness/peer.py and are the same as the Baileys driver's.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// longest command line: a text message of WhatsApp's maximum size (65,536 characters), escaped.
const maxCommandBytes = 1 << 20

var stdoutLock sync.Mutex

type object map[string]any

// emit writes one event; lines of several goroutines never mix.
func emit(event string, fields object) {
	fields["event"] = event
	line, err := json.Marshal(fields)
	if err != nil {
		line, _ = json.Marshal(object{"event": "fatal", "error": err.Error()})
	}
	stdoutLock.Lock()
	defer stdoutLock.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func reply(id int, fields object, err error) {
	if fields == nil {
		fields = object{}
	}
	fields["id"] = id
	fields["ok"] = err == nil
	if err != nil {
		fields["error"] = err.Error()
	}
	emit("reply", fields)
}

func main() {
	ctx := context.Background()
	peer := &peer{}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(make([]byte, 0, 64<<10), maxCommandBytes)
	emit("ready", object{"client": "whatsmeow", "pid": os.Getpid()})
	for input.Scan() {
		var cmd command
		if err := json.Unmarshal(input.Bytes(), &cmd); err != nil {
			reply(cmd.ID, nil, fmt.Errorf("bad command: %w", err))
			continue
		}
		if cmd.Cmd == "quit" {
			reply(cmd.ID, nil, peer.close())
			return
		}
		// A send waits for the server's answer; later commands must not wait behind it.
		go func() {
			fields, err := peer.run(ctx, &cmd)
			reply(cmd.ID, fields, err)
		}()
	}
	_ = peer.close()
}
