//! What the server says of people.

use whatsapp_rust::Jid;
use whatsapp_rust::prelude::Client;
use whatsapp_rust::serde_json::{Map, Value, json};

use crate::Answer;
use crate::command::{Command, jids};

fn numbers(users: &[String]) -> Vec<Jid> {
    users.iter().map(|user| Jid::pn(user.trim_start_matches('+'))).collect()
}

pub async fn run(client: &Client, command: &Command) -> Answer {
    if command.cmd == "onWhatsApp" {
        let found = client.contacts().is_on_whatsapp(&numbers(&command.users)).await?;
        let users: Vec<Value> = found
            .iter()
            .map(|user| json!({ "query": user.jid.user, "jid": user.jid.to_string(), "exists": user.is_registered }))
            .collect();
        return Ok(json!({ "users": users }));
    }
    let people = jids(&command.users)?;
    if command.cmd == "devices" {
        let devices = client.signal().get_user_devices(&people).await?;
        return Ok(json!({ "devices": devices.iter().map(Jid::to_string).collect::<Vec<String>>() }));
    }
    let mut users = Map::new();
    for (jid, info) in client.contacts().get_user_info(&people).await? {
        let devices: Vec<String> = info.devices.iter().map(|device| jid.with_device(*device).to_string()).collect();
        let lid = info.lid.as_ref().map(Jid::to_string).unwrap_or_default();
        users.insert(jid.to_string(), json!({ "devices": devices, "lid": lid }));
    }
    Ok(json!({ "users": users }))
}
