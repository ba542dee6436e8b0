//! Polls and events, and what others seal with the secret of a message: votes, answers, comments, reactions.

use whatsapp_rust::prelude::{Client, MessageField, wa};
use whatsapp_rust::serde_json::json;
use whatsapp_rust::wacore::reaction::encrypt_reaction_with_secret;
use whatsapp_rust::wacore::time::now_millis;
use whatsapp_rust::{EventCreationParams, EventResponseType, Jid, SendResult};

use crate::command::{Command, jid};
use crate::messages::{key_of, secret_of};
use crate::store::Store;
use crate::{Answer, Failure};

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
        _ => about(client, store, command, &chat).await?,
    };
    Ok(json!({ "msgId": sent.message_id }))
}

/// What is sealed with the secret of the message that the command names.
async fn about(client: &Client, store: &Store, command: &Command, chat: &Jid) -> Result<SendResult, Failure> {
    let (author, secret) = (jid(&command.sender)?, secret_of(store, &command.msg_id).await?);
    let id = command.msg_id.as_str();
    Ok(match command.cmd.as_str() {
        "vote" => client.polls().vote(chat, id, &author, &secret, &command.options).await?,
        "answerEvent" => client.events().respond(chat, id, &author, &secret, EventResponseType::GOING, None).await?,
        "comment" => client.comments().send_text(chat, key_of(chat, command), &command.text).await?,
        _ => client.send_message(chat, sealed_reaction(client, command, chat, &author, &secret)?).await?,
    })
}

/// The client reacts so in the announcement groups of communities only. Elsewhere it reads the same.
fn sealed_reaction(
    client: &Client,
    command: &Command,
    chat: &Jid,
    author: &Jid,
    secret: &[u8],
) -> Result<wa::Message, Failure> {
    let me = client.lid().ok_or("not logged in")?.to_non_ad_string();
    let author = author.to_non_ad_string();
    let (payload, iv) =
        encrypt_reaction_with_secret(&command.text, now_millis(), secret, &command.msg_id, &author, &me)?;
    let reaction = wa::message::EncReactionMessage {
        target_message_key: MessageField::some(key_of(chat, command)),
        enc_payload: Some(payload),
        enc_iv: Some(iv.to_vec()),
    };
    Ok(wa::Message { enc_reaction_message: MessageField::some(reaction), ..Default::default() })
}
