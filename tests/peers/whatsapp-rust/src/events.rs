//! The client's events as lines, in the order in which they came.

use std::sync::Arc;

use whatsapp_rust::Jid;
use whatsapp_rust::async_channel::Receiver;
use whatsapp_rust::prelude::{BatchOrigin, Client, Event, InboundMessage, MessageExt, MessageInfo, wa};
use whatsapp_rust::serde_json::{Value, json};
use whatsapp_rust::wacore::stanza::groups::{GroupNotificationAction, GroupParticipantInfo};
use whatsapp_rust::wacore::types::events::{GroupUpdate, Receipt};
use whatsapp_rust::wacore::types::message::MessageSource;

use crate::lines::emit;

pub async fn tell(client: Arc<Client>, events: Receiver<Arc<Event>>) {
    while let Ok(event) = events.recv().await {
        tell_one(&client, &event);
    }
}

fn bare(jid: Option<&Jid>) -> String {
    jid.map(Jid::to_non_ad_string).unwrap_or_default()
}

fn full(jid: Option<Jid>) -> String {
    jid.as_ref().map(Jid::to_string).unwrap_or_default()
}

/// Events that no test looks at are dropped.
fn tell_one(client: &Client, event: &Event) {
    match event {
        Event::PairingQrCode(qr) => emit("qr", json!({ "code": qr.code, "codes": [qr.code] })),
        Event::PairSuccess(pair) => {
            emit("paired", json!({ "jid": pair.id.to_string(), "lid": pair.lid.to_string() }));
        }
        Event::PairError(pair) => emit("pairError", json!({ "error": pair.error })),
        Event::Connected(_) => emit("open", json!({ "jid": full(client.pn()), "lid": full(client.lid()) })),
        Event::OfflineSyncCompleted(done) => emit("offlineDone", json!({ "count": done.count })),
        Event::Disconnected(end) => {
            emit("close", json!({ "reason": "disconnected", "error": end.reason.to_string(), "willReconnect": true }));
        }
        Event::LoggedOut(end) => emit("close", json!({ "reason": "logged_out", "error": format!("{:?}", end.reason) })),
        Event::StreamReplaced(_) => emit("close", json!({ "reason": "replaced" })),
        Event::TemporaryBan(_) => emit("close", json!({ "reason": "banned" })),
        Event::ClientOutdated(_) => emit("close", json!({ "reason": "outdated", "code": 405 })),
        Event::ConnectFailure(end) => {
            emit("close", json!({ "reason": "failure", "error": format!("{:?}", end.reason) }));
        }
        Event::StreamError(end) => emit("streamError", json!({ "code": end.code })),
        Event::Messages(batch) => {
            for one in batch.iter() {
                tell_message(one, matches!(batch.origin, BatchOrigin::OfflineDrain));
            }
        }
        Event::UndecryptableMessage(one) => {
            let mut fields = source_fields(&one.info.source);
            fields["id"] = json!(one.info.id);
            fields["unavailable"] = json!(one.is_unavailable);
            emit("undecryptable", fields);
        }
        Event::Receipt(receipt) => tell_receipt(receipt),
        Event::GroupUpdate(update) => tell_group(update),
        Event::IdentityChange(change) => emit("identity", json!({ "jid": change.user.to_string() })),
        _ => {}
    }
}

fn source_fields(source: &MessageSource) -> Value {
    json!({
        "chat": source.chat.to_non_ad_string(),
        "from": source.sender.to_non_ad_string(),
        "sender": source.sender.to_string(),
        "senderAlt": bare(source.sender_alt.as_ref()),
        "recipientAlt": bare(source.recipient_alt.as_ref()),
        "fromMe": source.is_from_me,
        "addressing": source.addressing_mode.map(|mode| mode.as_str().to_string()).unwrap_or_default(),
    })
}

/// What a message is: its kind, its text, and the message that it is about.
fn content_fields(message: &wa::Message) -> Value {
    let none = String::new;
    if let Some(about) = message.protocol_message.as_option() {
        let target = about.key.as_option().and_then(|key| key.id.clone()).unwrap_or_else(none);
        let edited = about.edited_message.as_option().and_then(|edited| edited.text_content());
        let action = about.r#type.map(|kind| format!("{kind:?}")).unwrap_or_else(none);
        return json!({
            "kind": "protocolMessage", "text": edited.unwrap_or_default(), "target": target, "action": action,
        });
    }
    if let Some(reaction) = message.reaction_message.as_option() {
        let target = reaction.key.as_option().and_then(|key| key.id.clone()).unwrap_or_else(none);
        let text = reaction.text.clone().unwrap_or_else(none);
        return json!({ "kind": "reactionMessage", "text": text, "target": target });
    }
    let kind = if message.conversation.is_some() {
        "conversation"
    } else if message.extended_text_message.is_set() {
        "extendedTextMessage"
    } else {
        "other"
    };
    json!({ "kind": kind, "text": message.text_content().unwrap_or_default() })
}

fn tell_message(one: &InboundMessage, offline: bool) {
    let info: &MessageInfo = &one.info;
    let message = one.message.get_base_message();
    let context = message.extended_text_message.as_option().and_then(|text| text.context_info.as_option());
    let mut fields = content_fields(message);
    merge(&mut fields, source_fields(&info.source));
    merge(
        &mut fields,
        json!({
            "id": info.id,
            "mentions": context.map(|context| context.mentioned_jid.clone()).unwrap_or_default(),
            "quoted": context.and_then(|context| context.stanza_id.clone()).unwrap_or_default(),
            "pushName": info.push_name,
            "timestamp": info.timestamp.timestamp(),
            "offline": offline,
        }),
    );
    emit("message", fields);
}

fn merge(fields: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (fields, more) {
        fields.extend(more);
    }
}

fn tell_receipt(receipt: &Receipt) {
    let mut fields = source_fields(&receipt.source);
    fields["ids"] = json!(receipt.message_ids);
    fields["type"] = json!(receipt.r#type.as_wire_str());
    emit("receipt", fields);
}

fn tell_group(update: &GroupUpdate) {
    use GroupNotificationAction::{Add, Create, Demote, Promote, Remove, Subject};
    let group = update.group_jid.to_string();
    let members = |list: &[GroupParticipantInfo]| list.iter().map(|one| one.jid.to_string()).collect::<Vec<String>>();
    let fields = match &update.action {
        Create { .. } => json!({ "action": "joined" }),
        Add { participants, .. } => json!({ "action": "add", "participants": members(participants) }),
        Remove { participants, .. } => json!({ "action": "remove", "participants": members(participants) }),
        Promote { participants } => json!({ "action": "promote", "participants": members(participants) }),
        Demote { participants } => json!({ "action": "demote", "participants": members(participants) }),
        Subject { subject, .. } => json!({ "action": "subject", "name": subject }),
        _ => return,
    };
    let mut fields = fields;
    fields["group"] = json!(group);
    emit("group", fields);
}
