//! Groups: making them, changing their members, what the server says of them.

use whatsapp_rust::prelude::Client;
use whatsapp_rust::serde_json::{Value, json};
use whatsapp_rust::{GroupCreateOptions, GroupMetadata, GroupParticipantOptions, Jid};

use crate::Answer;
use crate::command::{Command, jid, jids};

fn text(jid: Option<&Jid>) -> String {
    jid.map(Jid::to_string).unwrap_or_default()
}

fn fields(group: &GroupMetadata) -> Value {
    let members: Vec<Value> = group
        .participants
        .iter()
        .map(|member| {
            json!({
                "jid": member.jid.to_string(), "phone": text(member.phone_number.as_ref()),
                "lid": text(member.lid.as_ref()), "admin": member.is_admin(),
            })
        })
        .collect();
    json!({
        "group": group.id.to_string(), "name": group.subject,
        "addressing": group.addressing_mode.as_str(), "participants": members,
    })
}

pub async fn run(client: &Client, command: &Command) -> Answer {
    let groups = client.groups();
    match command.cmd.as_str() {
        "createGroup" => {
            let members = jids(&command.participants)?.into_iter().map(GroupParticipantOptions::new).collect();
            let options: GroupCreateOptions =
                GroupCreateOptions::builder().subject(&command.name).participants(members).build();
            Ok(fields(&groups.create_group(options).await?.metadata))
        }
        "groups" => {
            let joined = groups.get_participating().await?;
            Ok(json!({ "groups": joined.values().map(fields).collect::<Vec<Value>>() }))
        }
        "groupInfo" => Ok(fields(&groups.get_metadata(&jid(&command.group)?).await?)),
        _ => change(client, command).await,
    }
}

async fn change(client: &Client, command: &Command) -> Answer {
    let (group, members) = (jid(&command.group)?, jids(&command.participants)?);
    let groups = client.groups();
    let changed = match command.action.as_str() {
        "add" => groups.add_participants(&group, &members).await?,
        "remove" => groups.remove_participants(&group, &members).await?,
        "promote" => groups.promote_participants(&group, &members).await?,
        "demote" => groups.demote_participants(&group, &members).await?,
        other => return Err(format!("no action {other:?}").into()),
    };
    let members: Vec<Value> =
        changed.iter().map(|one| json!({ "jid": one.jid.to_string(), "error": one.error })).collect();
    Ok(json!({ "participants": members }))
}
