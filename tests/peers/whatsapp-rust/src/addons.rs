//! Polls and events, whose answers are sealed with the secret of the question.

use whatsapp_rust::prelude::Client;
use whatsapp_rust::serde_json::json;
use whatsapp_rust::{EventCreationParams, EventResponseType};

use crate::Answer;
use crate::command::{Command, jid};
use crate::messages::secret_of;
use crate::store::Store;

/// Of several choices of a poll, one may be taken.
const ONE_CHOICE: u32 = 1;

pub async fn run(client: &Client, store: &Store, command: &Command) -> Answer {
    let chat = jid(&command.to)?;
    let sent = match command.cmd.as_str() {
        "poll" => client.polls().create(chat, &command.text, &command.options, ONE_CHOICE).await?.0,
        "event" => {
            let event = EventCreationParams { name: command.text.clone(), ..Default::default() };
            client.events().create(chat, event).await?.0
        }
        "vote" => {
            let (creator, secret) = (jid(&command.sender)?, secret_of(store, &command.msg_id).await?);
            client.polls().vote(chat, &command.msg_id, &creator, &secret, &command.options).await?
        }
        _ => {
            let (creator, secret) = (jid(&command.sender)?, secret_of(store, &command.msg_id).await?);
            let going = EventResponseType::GOING;
            client.events().respond(chat, &command.msg_id, &creator, &secret, going, None).await?
        }
    };
    Ok(json!({ "msgId": sent.message_id }))
}
