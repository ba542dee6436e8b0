//! Drives a whatsapp-rust client through JSON lines: one command per line on standard input, replies and events on
//! standard output. The commands and events are those of tests/peers/harness/peer.py and are the same as the drivers'
//! of the other clients. Nothing but the server named in "connect" is ever contacted.

mod addons;
mod command;
mod events;
mod groups;
mod journal;
mod lines;
mod messages;
mod peer;
mod store;
mod transport;
mod users;
mod websocket;

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader};
use whatsapp_rust::serde_json::{self, Value, json};

use crate::command::Command;
use crate::lines::{emit, reply};
use crate::peer::Peer;

/// What a command can fail with: its text is the reply's "error".
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answer = Result<Value, Failure>;

/// The client expects tasks to run while another one computes.
const THREADS: usize = 2;

fn words(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(err) = cause {
        text += &format!(": {err}");
        cause = err.source();
    }
    text
}

async fn serve() {
    let peer = Arc::new(Peer::default());
    emit("ready", json!({ "client": "whatsapp-rust", "pid": std::process::id() }));
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = input.next_line().await {
        let command: Command = match serde_json::from_str(&line) {
            Ok(command) => command,
            Err(err) => {
                reply(0, Err(format!("bad command: {err}")));
                continue;
            }
        };
        if command.cmd == "quit" {
            peer.disconnect().await;
            return reply(command.id, Ok(Value::Null));
        }
        // A send waits for the server's answers; later commands must not wait behind it.
        let peer = peer.clone();
        tokio::spawn(async move {
            let answer = peer.run(&command).await;
            reply(command.id, answer.map_err(|failure| words(&failure)));
        });
    }
    peer.disconnect().await;
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    runtime.block_on(serve());
    // The thread that reads standard input may wait for ever.
    runtime.shutdown_background();
    Ok(())
}
