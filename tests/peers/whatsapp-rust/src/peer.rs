//! The client and its store: connects, and does what the commands say.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::JoinHandle;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::prelude::{ChannelEventHandler, Client, TokioRuntime};
use whatsapp_rust::serde_json::{Value, json};
use whatsapp_rust::store::commands::DeviceCommand;
use whatsapp_rust::store::persistence_manager::PersistenceManager;
use whatsapp_rust::{PresenceStatus, pair_code};

use crate::command::{Command, jid};
use crate::store::Store;
use crate::transport::{NoHttp, ToMock};
use crate::websocket::Address;
use crate::{Answer, Failure, addons, events, groups, lines, messages, users};

/// Fixed, so that nothing asks the network for the newest version.
const WEB_VERSION: (u32, u32, u32) = (2, 3000, 1043857760);
/// A store can have sessions with so many devices of one person.
const MAX_DEVICES: u16 = 20;

/// What a connection needs; kept for the next one.
struct Setup {
    address: String,
    name: String,
    reconnect: bool,
    store: Arc<Store>,
}

struct Running {
    client: Arc<Client>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub struct Peer {
    setup: Mutex<Option<Setup>>,
    running: Mutex<Option<Running>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Peer {
    pub async fn run(&self, command: &Command) -> Answer {
        if command.cmd == "connect" {
            return self.connect(command).await;
        }
        if command.cmd == "disconnect" {
            self.disconnect().await;
            return Ok(Value::Null);
        }
        let client = locked(&self.running).as_ref().map(|running| running.client.clone());
        let client = client.ok_or("connect first")?;
        let store = locked(&self.setup).as_ref().map(|setup| setup.store.clone()).ok_or("connect first")?;
        match command.cmd.as_str() {
            "pairCode" => pair_code(&client, command).await,
            "sendText" => messages::send_text(&client, command).await,
            "edit" | "editSealed" | "revoke" | "react" => messages::change(&client, &store, command).await,
            "poll" | "vote" | "event" | "answerEvent" | "comment" | "reactSealed" => {
                addons::run(&client, &store, command).await
            }
            "createGroup" | "groupParticipants" | "groupInfo" | "groups" => groups::run(&client, command).await,
            "onWhatsApp" | "devices" | "usersInfo" => users::run(&client, command).await,
            "presence" => presence(&client, &command.state).await,
            "markRead" => mark_read(&client, command).await,
            "dropSessions" => drop_sessions(&client, &command.to).await,
            "logout" => {
                client.logout().await;
                Ok(Value::Null)
            }
            other => Err(format!("unknown command {other:?}").into()),
        }
    }

    /// Opens the store, once, and connects; called again after a disconnect it connects anew.
    async fn connect(&self, command: &Command) -> Answer {
        if locked(&self.setup).is_none() {
            *locked(&self.setup) = Some(open(command)?);
        }
        self.disconnect().await;
        let (address, name, reconnect, store) = match &*locked(&self.setup) {
            Some(setup) => (Address::parse(&setup.address)?, setup.name.clone(), setup.reconnect, setup.store.clone()),
            None => return Err("no setup".into()),
        };
        let running = start(address, &name, reconnect, store).await?;
        *locked(&self.running) = Some(running);
        Ok(Value::Null)
    }

    pub async fn disconnect(&self) {
        let running = locked(&self.running).take();
        if let Some(running) = running {
            running.client.disconnect().await;
            // It ends by itself: the client was told to stop.
            let _ = running.task.await;
        }
    }
}

fn open(command: &Command) -> Result<Setup, Failure> {
    if !command.log.is_empty() {
        lines::log_to(Path::new(&command.log))?;
    }
    std::fs::create_dir_all(&command.store)?;
    let store = Store::open(&PathBuf::from(&command.store).join("journal"))?;
    Ok(Setup {
        address: command.url.clone(),
        name: command.name.clone(),
        reconnect: !command.no_reconnect,
        store: Arc::new(store),
    })
}

async fn start(address: Address, name: &str, reconnect: bool, store: Arc<Store>) -> Result<Running, Failure> {
    let persistence = Arc::new(PersistenceManager::new(store).await?);
    if persistence.get_device_snapshot().push_name.is_empty() && !name.is_empty() {
        // Without app state nobody has told us our name, and presence needs one.
        persistence.process_command(DeviceCommand::SetPushName(name.to_string())).await;
    }
    let client = Client::builder()
        .with_runtime(TokioRuntime)
        .with_persistence_manager(persistence)
        .with_transport_factory(ToMock(address))
        .with_http_client(NoHttp)
        .with_version_override(WEB_VERSION)
        .with_skip_history_sync(true)
        .build()
        .await?
        .into_client();
    client.enable_auto_reconnect.store(reconnect, Ordering::Relaxed);
    let (handler, receiver) = ChannelEventHandler::new();
    client.subscribe_handler(handler).detach();
    tokio::spawn(events::tell(client.clone(), receiver));
    let runner = client.clone();
    Ok(Running { client, task: tokio::spawn(async move { runner.run().await }) })
}

async fn pair_code(client: &Arc<Client>, command: &Command) -> Answer {
    let options = PairCodeOptions { phone_number: command.phone.clone(), ..Default::default() };
    let code: Result<String, pair_code::PairError> = client.pair_with_code(options).await;
    Ok(json!({ "code": code? }))
}

async fn presence(client: &Client, state: &str) -> Answer {
    let status = match state {
        "available" => PresenceStatus::Available,
        "unavailable" => PresenceStatus::Unavailable,
        other => return Err(format!("no presence {other:?}").into()),
    };
    client.presence().set(status).await?;
    Ok(Value::Null)
}

async fn mark_read(client: &Client, command: &Command) -> Answer {
    let (chat, sender) = (jid(&command.to)?, jid(&command.sender)?);
    let ids: Vec<&str> = command.ids.iter().map(String::as_str).collect();
    let sender = (sender != chat).then_some(&sender);
    client.mark_as_read(&chat, sender, &ids).await?;
    Ok(Value::Null)
}

/// What a damaged store looks like: the next message cannot be read and is asked for again.
async fn drop_sessions(client: &Client, of: &str) -> Answer {
    let person = jid(of)?;
    let devices: Vec<_> = (0..MAX_DEVICES).map(|device| person.with_device(device)).collect();
    client.signal().delete_sessions(&devices).await?;
    Ok(Value::Null)
}
