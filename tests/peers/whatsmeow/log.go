package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	waLog "go.mau.fi/whatsmeow/util/log"
)

// fileLog writes whatsmeow's log as JSON lines. Stanzas become {"t","dir","xml"}, as in the trace of
// wa-mock, so that both can be compared.
type fileLog struct {
	out    io.Writer
	lock   *sync.Mutex
	module string
}

func newFileLog(path string) (waLog.Logger, error) {
	if path == "" {
		return waLog.Noop, nil
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &fileLog{out: out, lock: &sync.Mutex{}, module: "Client"}, nil
}

func (l *fileLog) write(level, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	line := object{"t": time.Now().UnixMilli()}
	switch {
	case level == "debug" && strings.HasSuffix(l.module, "/Send"):
		line["dir"], line["xml"] = "send", text
	case level == "debug" && strings.HasSuffix(l.module, "/Recv"):
		line["dir"], line["xml"] = "recv", text
	default:
		line["level"], line["module"], line["msg"] = level, l.module, text
	}
	encoded, err := json.Marshal(line)
	if err != nil {
		return
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	_, _ = l.out.Write(append(encoded, '\n'))
}

func (l *fileLog) Errorf(format string, args ...any) { l.write("error", format, args...) }
func (l *fileLog) Warnf(format string, args ...any)  { l.write("warn", format, args...) }
func (l *fileLog) Infof(format string, args ...any)  { l.write("info", format, args...) }
func (l *fileLog) Debugf(format string, args ...any) { l.write("debug", format, args...) }
func (l *fileLog) Sub(module string) waLog.Logger {
	return &fileLog{out: l.out, lock: l.lock, module: l.module + "/" + module}
}
