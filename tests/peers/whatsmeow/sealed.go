package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/hkdfutil"
	"google.golang.org/protobuf/proto"
)

// withSecret is a text or (with options) a poll that brings its secret along; whatsmeow keeps it.
func (p *peer) withSecret(cmd *command) (*waE2E.Message, error) {
	if len(cmd.Options) > 0 {
		return p.client.BuildPollCreation(cmd.Text, cmd.Options, 0), nil
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return &waE2E.Message{Conversation: proto.String(cmd.Text),
		MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: secret}}, nil
}

// target is the message that a sealed one is about: cmd.MsgID of cmd.Sender in cmd.To.
func target(cmd *command, chat types.JID) (*types.MessageInfo, error) {
	sender, err := types.ParseJID(cmd.Sender)
	if err != nil {
		return nil, err
	}
	info := &types.MessageInfo{ID: cmd.MsgID}
	info.Chat, info.Sender, info.IsGroup = chat, sender, chat.Server == types.GroupServer
	return info, nil
}

// sealEdit is what no function of whatsmeow makes: its own HKDF and AES-GCM, with the secret of its
// own store.
func (p *peer) sealEdit(ctx context.Context, info *types.MessageInfo,
	content *waE2E.Message) (*waE2E.Message, error) {
	secret, sender, err := p.client.Store.MsgSecrets.GetMessageSecret(ctx, info.Chat, info.Sender, info.ID)
	if err != nil {
		return nil, err
	} else if secret == nil {
		return nil, errors.New("the secret of that message is not known")
	}
	plain, err := proto.Marshal(content)
	if err != nil {
		return nil, err
	}
	name := sender.ToNonAD().String()
	key := hkdfutil.SHA256(secret, nil, []byte(info.ID+name+name+"Message Edit"), 32)
	iv := make([]byte, 12)
	if _, err = rand.Read(iv); err != nil {
		return nil, err
	}
	sealed, err := gcmutil.Encrypt(key, iv, plain, nil)
	if err != nil {
		return nil, err
	}
	return &waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{
		TargetMessageKey: &waCommon.MessageKey{RemoteJID: proto.String(info.Chat.String()),
			FromMe: proto.Bool(true), ID: proto.String(info.ID)},
		EncPayload: sealed, EncIV: iv, SecretEncType: waE2E.SecretEncryptedMessage_MESSAGE_EDIT.Enum()}}, nil
}

// sealed is the content of "sendSealed", by its action.
func (p *peer) sealed(ctx context.Context, cmd *command, chat types.JID) (*waE2E.Message, error) {
	info, err := target(cmd, chat)
	if err != nil {
		return nil, err
	}
	text := &waE2E.Message{Conversation: proto.String(cmd.Text)}
	switch cmd.Action {
	case "edit":
		edit := p.client.BuildEdit(chat, info.ID, text).GetEditedMessage().GetMessage()
		return p.sealEdit(ctx, info, edit)
	case "reaction":
		reaction, err := p.client.EncryptReaction(ctx, info, &waE2E.ReactionMessage{
			Key: p.client.BuildMessageKey(chat, info.Sender, info.ID), Text: proto.String(cmd.Text)})
		return &waE2E.Message{EncReactionMessage: reaction}, err
	case "comment":
		return p.client.EncryptComment(ctx, info, text)
	case "vote":
		return p.client.BuildPollVote(ctx, info, cmd.Options)
	}
	return nil, fmt.Errorf("unknown action %q", cmd.Action)
}

func (p *peer) sendSealed(ctx context.Context, cmd *command) (object, error) {
	chat, err := types.ParseJID(cmd.To)
	if err != nil {
		return nil, err
	}
	var content *waE2E.Message
	if cmd.Action == "" {
		content, err = p.withSecret(cmd)
	} else {
		content, err = p.sealed(ctx, cmd, chat)
	}
	if err != nil {
		return nil, err
	}
	sent, err := p.client.SendMessage(ctx, chat, content)
	if err != nil {
		return nil, err
	}
	return object{"msgId": sent.ID, "as": sent.Sender.String()}, nil
}
