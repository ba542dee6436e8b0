// nodecodec - our node codec against whatsmeow's: random stanzas are encoded by whatsmeow, read and
// written again by ours, and must come back byte for byte.
//
//	nodecodec PATH_OF_NODE_PIPE [COUNT] [SEED]
//
// whatsmeow keeps attributes in a map, so a node here has at most one: its order is then fixed.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/binary/token"
	"go.mau.fi/whatsmeow/types"
)

const maxDepth = 6

type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.Intn(len(from))] }

func (g generator) chars(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[g.Intn(len(alphabet))]
	}
	return string(text)
}

func (g generator) address() types.JID {
	user := g.chars("123456789", 1+g.Intn(15))
	device := uint16(g.Intn(256))
	switch g.Intn(7) {
	case 0:
		return types.JID{User: user, Server: g.pick(types.DefaultUserServer, types.HiddenUserServer)}
	case 1:
		return types.JID{User: user, Server: g.pick(types.DefaultUserServer, types.HiddenUserServer), Device: device}
	case 2:
		return types.JID{User: user, Server: g.pick(types.HostedServer, types.HostedLIDServer), Device: device}
	case 3:
		return types.JID{User: user, Server: g.pick(types.GroupServer, types.NewsletterServer,
			types.BotServer, types.BroadcastServer, "call")}
	case 4:
		return types.JID{Server: g.pick(types.GroupServer, types.DefaultUserServer)}
	case 5:
		return types.JID{User: user, Server: types.MessengerServer, Device: uint16(g.Intn(65536))}
	default:
		return types.JID{User: user, Server: types.InteropServer, Device: uint16(g.Intn(65536)),
			Integrator: uint16(g.Intn(65536))}
	}
}

func (g generator) value() any {
	switch g.Intn(8) {
	case 0:
		return g.pick(token.SingleByteTokens[1:]...)
	case 1:
		return g.pick(token.DoubleByteTokens[g.Intn(len(token.DoubleByteTokens))]...)
	case 2:
		return g.chars("0123456789-.", 1+g.Intn(130))
	case 3:
		return g.chars("0123456789ABCDEF", 1+g.Intn(130))
	case 4:
		return g.chars("abcxyzABC 09@/:", 1+g.Intn(300))
	case 5:
		return "" // left out by both
	default:
		return g.address()
	}
}

func (g generator) node(depth int) waBinary.Node {
	n := waBinary.Node{Tag: g.pick(token.SingleByteTokens[1:]...), Attrs: waBinary.Attrs{}}
	if n.Tag == "0" { // whatsmeow's mark for an empty list
		n.Tag = "x"
	}
	if g.Intn(4) > 0 {
		n.Attrs["k"+g.chars("abc", 3)] = g.value()
	}
	switch g.Intn(4) {
	case 0:
		content := make([]byte, g.Intn(400))
		g.Read(content)
		n.Content = content
	case 1:
		if depth < maxDepth {
			children := make([]waBinary.Node, 1+g.Intn(3))
			for i := range children {
				children[i] = g.node(depth + 1)
			}
			n.Content = children
		}
	}
	return n
}

func readBlock(from io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(from, binary.BigEndian, &n); err != nil {
		return nil, err
	}
	block := make([]byte, n)
	_, err := io.ReadFull(from, block)
	return block, err
}

func run(pipe string, count int, seed int64) error {
	g := generator{rand.New(rand.NewSource(seed))}
	sent := make([][]byte, count)
	var input bytes.Buffer
	for i := range sent {
		var err error
		if sent[i], err = waBinary.Marshal(g.node(1)); err != nil {
			return err
		}
		if err = binary.Write(&input, binary.BigEndian, uint32(len(sent[i]))); err != nil {
			return err
		}
		input.Write(sent[i])
	}
	command := exec.Command(pipe)
	command.Stdin, command.Stderr = &input, os.Stderr
	output, err := command.Output()
	if err != nil {
		return err
	}
	replies := bytes.NewReader(output)
	for i, want := range sent {
		code, err := replies.ReadByte()
		if err != nil {
			return err
		}
		got, err := readBlock(replies)
		if err != nil {
			return err
		}
		xml, err := readBlock(replies)
		if err != nil {
			return err
		}
		if code != 0 || !bytes.Equal(got, want) {
			return fmt.Errorf("stanza %d: error %d\n  sent %x\n  got  %x\n  xml  %s", i, code, want, got, xml)
		}
	}
	if replies.Len() != 0 {
		return fmt.Errorf("%d bytes left over", replies.Len())
	}
	fmt.Printf("%d stanzas, all equal byte for byte\n", count)
	return nil
}

func main() {
	numbers := []int64{20000, 20260101}
	if len(os.Args) < 2 || len(os.Args) > 2+len(numbers) {
		fmt.Fprintln(os.Stderr, "usage: nodecodec PATH_OF_NODE_PIPE [COUNT] [SEED]")
		os.Exit(2)
	}
	for i, arg := range os.Args[2:] {
		v, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || v < 1 {
			fmt.Fprintf(os.Stderr, "nodecodec: not a number: %s\n", arg)
			os.Exit(2)
		}
		numbers[i] = v
	}
	if err := run(os.Args[1], int(numbers[0]), numbers[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
