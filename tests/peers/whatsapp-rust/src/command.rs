//! The commands of tests/peers/harness/peer.py.

use whatsapp_rust::Jid;
use whatsapp_rust::serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
#[serde(crate = "whatsapp_rust::serde")]
pub struct Quoted {
    pub id: String,
    pub sender: String,
    pub text: String,
}

/// The fields of every command; each command uses some of them.
#[derive(Deserialize, Default)]
#[serde(crate = "whatsapp_rust::serde", default, rename_all = "camelCase")]
pub struct Command {
    pub cmd: String,
    pub id: u64,
    pub url: String,
    pub store: String,
    pub log: String,
    pub name: String,
    pub no_reconnect: bool,
    pub phone: String,
    pub to: String,
    pub text: String,
    pub msg_id: String,
    pub mentions: Vec<String>,
    pub quoted: Option<Quoted>,
    pub group: String,
    pub action: String,
    pub participants: Vec<String>,
    pub users: Vec<String>,
    pub state: String,
    pub ids: Vec<String>,
    pub sender: String,
    /// The choices of a poll, or those that are voted for.
    pub options: Vec<String>,
}

pub fn jid(text: &str) -> Result<Jid, Failure> {
    text.parse().map_err(|err| format!("{text}: {err}").into())
}

pub fn jids(list: &[String]) -> Result<Vec<Jid>, Failure> {
    list.iter().map(|text| jid(text)).collect()
}
