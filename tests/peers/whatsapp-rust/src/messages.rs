//! Texts, and what is done to them later.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use whatsapp_rust::prelude::{Client, MessageBuilderExt, MessageField, SendOptions, wa};
use whatsapp_rust::serde_json::json;
use whatsapp_rust::wacore_binary::JidExt;
use whatsapp_rust::{Jid, RevokeType};

use crate::command::{Command, jid};
use crate::store::Store;
use crate::{Answer, Failure};

/// The client writes message secrets to its store behind a send; this is how long that may take.
const SECRET_PATIENCE: Duration = Duration::from_secs(10);
const SECRET_LOOK: Duration = Duration::from_millis(20);

fn content_of(command: &Command) -> wa::Message {
    if command.mentions.is_empty() && command.quoted.is_none() {
        return wa::Message::text(&command.text);
    }
    let mut context = wa::ContextInfo { mentioned_jid: command.mentions.clone(), ..Default::default() };
    if let Some(quoted) = &command.quoted {
        context.stanza_id = Some(quoted.id.clone());
        context.participant = Some(quoted.sender.clone());
        context.quoted_message = MessageField::some(wa::Message::text(&quoted.text));
    }
    wa::Message::text_with_context(&command.text, context)
}

pub async fn send_text(client: &Client, command: &Command) -> Answer {
    let to = jid(&command.to)?;
    let mut options = SendOptions::default();
    if !command.msg_id.is_empty() {
        options = options.with_message_id(&command.msg_id);
    }
    let sent = client.send_message_with_options(to, content_of(command), options).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(json!({ "msgId": sent.message_id, "timestamp": now }))
}

/// The secret that the message with this id brought, or was sent with.
pub async fn secret_of(store: &Store, id: &str) -> Result<Vec<u8>, Failure> {
    let wait = async {
        loop {
            if let Some(secret) = store.message_secret(id) {
                return secret;
            }
            tokio::time::sleep(SECRET_LOOK).await;
        }
    };
    tokio::time::timeout(SECRET_PATIENCE, wait).await.map_err(|_| format!("no secret of message {id}").into())
}

/// How others find a message: in a group by its sender too, who is ourselves if none is named.
pub fn key_of(chat: &Jid, command: &Command) -> wa::MessageKey {
    let others = !command.sender.is_empty();
    wa::MessageKey {
        remote_jid: Some(chat.to_string()),
        from_me: Some(!others),
        id: Some(command.msg_id.clone()),
        participant: (others && chat.is_group()).then(|| command.sender.clone()),
    }
}

pub async fn change(client: &Arc<Client>, store: &Store, command: &Command) -> Answer {
    let chat = jid(&command.to)?;
    let id = command.msg_id.clone();
    match command.cmd.as_str() {
        "edit" => {
            client.edit_message(chat, id.as_str(), wa::Message::text(&command.text)).await?;
        }
        "editSealed" => {
            let secret = secret_of(store, &id).await?;
            client.edit_message_encrypted(chat, id.as_str(), &secret, wa::Message::text(&command.text)).await?;
        }
        "revoke" => client.revoke_message(chat, id.as_str(), RevokeType::Sender).await?,
        _ => {
            let key = key_of(&chat, command);
            client.send_reaction(&chat, key, &command.text).await?;
        }
    }
    Ok(json!({ "msgId": id }))
}
