//! whatsapp-rust's storage traits on one journal: a row is `kind/key`, its value bytes or JSON.
//! The crate's own storage is SQLite through diesel, whose build takes longer than everything else here.

mod protocol;
mod signal;

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use whatsapp_rust::serde::{Serialize, de::DeserializeOwned};
use whatsapp_rust::serde_json;
use whatsapp_rust::wacore::store::error::{Result, StoreError};

use crate::journal::Journal;

pub struct Store {
    journal: Mutex<Journal>,
}

impl Store {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { journal: Mutex::new(Journal::open(path)?) })
    }

    fn rows(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn get(&self, kind: &str, key: &str) -> Option<Vec<u8>> {
        self.rows().get(&format!("{kind}/{key}"))
    }

    fn put(&self, kind: &str, key: &str, value: &[u8]) -> Result<()> {
        Ok(self.rows().put(format!("{kind}/{key}"), value.to_vec())?)
    }

    fn delete(&self, kind: &str, key: &str) -> Result<()> {
        Ok(self.rows().delete(&format!("{kind}/{key}"))?)
    }

    fn all(&self, kind: &str) -> Vec<(String, Vec<u8>)> {
        self.rows().below(&format!("{kind}/"))
    }

    fn get_json<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Result<Option<T>> {
        self.get(kind, key).map(|bytes| from_json(&bytes)).transpose()
    }

    fn put_json<T: Serialize>(&self, kind: &str, key: &str, value: &T) -> Result<()> {
        let bytes = serde_json::to_vec(value).map_err(not_json)?;
        self.put(kind, key, &bytes)
    }

    fn delete_all(&self, kind: &str) -> Result<()> {
        for (key, _) in self.all(kind) {
            self.delete(kind, &key)?;
        }
        Ok(())
    }

    /// The secret of a message, by its id alone: the crate keeps it under chat and sender as well.
    pub fn message_secret(&self, id: &str) -> Option<Vec<u8>> {
        let rows = self.all(protocol::SECRET);
        let row = rows.into_iter().find(|(key, _)| key.ends_with(&format!("/{id}")))?;
        from_json::<protocol::Secret>(&row.1).ok().map(|secret| secret.bytes.to_vec())
    }
}

fn not_json(err: serde_json::Error) -> StoreError {
    StoreError::Serialization(Box::new(err))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(not_json)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
