package main

import (
	"os"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// diedOnMessage is the exit status of a process that a message of "dieOn" ended in its handler.
const diedOnMessage = 7

func textOf(msg *waE2E.Message) string {
	switch {
	case msg.GetConversation() != "":
		return msg.GetConversation()
	case msg.GetExtendedTextMessage() != nil:
		return msg.GetExtendedTextMessage().GetText()
	case msg.GetProtocolMessage().GetEditedMessage() != nil:
		return textOf(msg.GetProtocolMessage().GetEditedMessage())
	}
	return ""
}

func kindOf(msg *waE2E.Message) string {
	switch {
	case msg.GetConversation() != "":
		return "conversation"
	case msg.GetExtendedTextMessage() != nil:
		return "extendedTextMessage"
	case msg.GetProtocolMessage() != nil:
		return "protocolMessage"
	case msg.GetReactionMessage() != nil:
		return "reactionMessage"
	}
	return "other"
}

func sourceFields(source *types.MessageSource) object {
	return object{
		"chat":         source.Chat.String(),
		"from":         source.Sender.ToNonAD().String(),
		"sender":       source.Sender.String(),
		"senderAlt":    source.SenderAlt.ToNonAD().String(),
		"recipientAlt": source.RecipientAlt.ToNonAD().String(),
		"fromMe":       source.IsFromMe,
		"addressing":   string(source.AddressingMode),
	}
}

func emitMessage(evt *events.Message) {
	if kindOf(evt.Message) == "other" && evt.Message.GetSenderKeyDistributionMessage() != nil {
		return // whatsmeow tells of each enc; this one only carried the key for the next
	}
	context := evt.Message.GetExtendedTextMessage().GetContextInfo()
	mentions := context.GetMentionedJID()
	if mentions == nil {
		mentions = []string{}
	}
	fields := sourceFields(&evt.Info.MessageSource)
	fields["id"] = evt.Info.ID
	fields["text"] = textOf(evt.Message)
	fields["kind"] = kindOf(evt.Message)
	fields["mentions"] = mentions
	fields["mentionAll"] = context.GetNonJIDMentions()
	fields["quoted"] = context.GetStanzaID()
	fields["pushName"] = evt.Info.PushName
	fields["timestamp"] = evt.Info.Timestamp.Unix()
	fields["retryCount"] = evt.RetryCount
	emit("message", fields)
}

func emitReceipt(evt *events.Receipt) {
	fields := sourceFields(&evt.MessageSource)
	fields["ids"] = evt.MessageIDs
	fields["type"] = "delivery"
	if evt.Type != types.ReceiptTypeDelivered {
		fields["type"] = string(evt.Type)
	}
	emit("receipt", fields)
}

func jidStrings(jids []types.JID) []string {
	list := make([]string, 0, len(jids))
	for _, jid := range jids {
		list = append(list, jid.String())
	}
	return list
}

func emitGroupChange(evt *events.GroupInfo) {
	for action, jids := range map[string][]types.JID{
		"add": evt.Join, "remove": evt.Leave, "promote": evt.Promote, "demote": evt.Demote,
	} {
		if len(jids) > 0 {
			emit("group", object{"group": evt.JID.String(), "action": action,
				"participants": jidStrings(jids)})
		}
	}
	if evt.Name != nil {
		emit("group", object{"group": evt.JID.String(), "action": "subject", "name": evt.Name.Name})
	}
}

// onEvent turns whatsmeow's events into lines. Events that no test looks at are dropped.
func (p *peer) onEvent(raw any) {
	switch evt := raw.(type) {
	case *events.QR:
		emit("qr", object{"code": evt.Codes[0], "codes": evt.Codes})
	case *events.PairSuccess:
		emit("paired", object{"jid": evt.ID.String(), "lid": evt.LID.String()})
	case *events.PairError:
		emit("pairError", object{"error": evt.Error.Error()})
	case *events.Connected:
		p.onConnected()
	case *events.OfflineSyncCompleted:
		emit("offlineDone", object{"count": evt.Count})
	case *events.Disconnected:
		emit("close", object{"reason": "disconnected", "willReconnect": true})
	case *events.LoggedOut:
		emit("close", object{"reason": "logged_out", "code": int(evt.Reason)})
	case *events.StreamReplaced:
		emit("close", object{"reason": "replaced"})
	case *events.TemporaryBan:
		emit("close", object{"reason": "banned", "code": int(evt.Code)})
	case *events.ClientOutdated:
		emit("close", object{"reason": "outdated", "code": 405})
	case *events.ConnectFailure:
		emit("close", object{"reason": "failure", "code": int(evt.Reason)})
	case *events.StreamError:
		emit("streamError", object{"code": evt.Code})
	case *events.Message:
		if p.dieOn != "" && textOf(evt.Message) == p.dieOn {
			os.Exit(diedOnMessage)
		}
		emitMessage(evt)
	case *events.UndecryptableMessage:
		fields := sourceFields(&evt.Info.MessageSource)
		fields["id"] = evt.Info.ID
		fields["unavailable"] = evt.IsUnavailable
		emit("undecryptable", fields)
	case *events.Receipt:
		emitReceipt(evt)
	case *events.JoinedGroup:
		emit("group", object{"group": evt.JID.String(), "action": "joined", "name": evt.Name})
	case *events.GroupInfo:
		emitGroupChange(evt)
	case *events.IdentityChange:
		emit("identity", object{"jid": evt.JID.String()})
	}
}
