//! Keys and sessions of the Signal protocol, and the keys of app state.

use whatsapp_rust::async_trait;
use whatsapp_rust::bytes::Bytes;
use whatsapp_rust::wacore::appstate::hash::HashState;
use whatsapp_rust::wacore::appstate::processor::AppStateMutationMAC;
use whatsapp_rust::wacore::store::error::{Result, StoreError};
use whatsapp_rust::wacore::store::traits::{AppStateSyncKey, AppSyncStore, SignalStore};

use super::{Store, hex};

const IDENTITY: &str = "identity";
const SESSION: &str = "session";
const PREKEY: &str = "prekey";
const SIGNED_PREKEY: &str = "signed-prekey";
const SENDER_KEY: &str = "sender-key";
const SYNC_KEY: &str = "sync-key";
const LATEST_SYNC_KEY: &str = "latest-sync-key";
const SYNC_VERSION: &str = "sync-version";
const SYNC_MAC: &str = "sync-mac";

fn numbered(row: (String, Vec<u8>)) -> Option<(u32, Vec<u8>)> {
    Some((row.0.parse().ok()?, row.1))
}

#[async_trait]
impl SignalStore for Store {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.put(IDENTITY, address, &key)
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        self.get(IDENTITY, address)
            .map(|key| key.try_into())
            .transpose()
            .map_err(|_| StoreError::Validation(format!("identity of {address}")))
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        self.delete(IDENTITY, address)
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self.get(SESSION, address).map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.put(SESSION, address, session)
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.delete(SESSION, address)
    }

    async fn store_prekey(&self, id: u32, record: &[u8], _uploaded: bool) -> Result<()> {
        self.put(PREKEY, &id.to_string(), record)
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        Ok(self.get(PREKEY, &id.to_string()).map(Bytes::from))
    }

    /// Nothing asks a store which keys were uploaded: the device counts them.
    async fn mark_prekeys_uploaded(&self, _ids: &[u32]) -> Result<()> {
        Ok(())
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.delete(PREKEY, &id.to_string())
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        let rows = self.all(PREKEY).into_iter().filter_map(numbered);
        Ok(rows.map(|(id, _)| id).max().unwrap_or(0))
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        self.put(SIGNED_PREKEY, &id.to_string(), record)
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        Ok(self.get(SIGNED_PREKEY, &id.to_string()))
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        Ok(self.all(SIGNED_PREKEY).into_iter().filter_map(numbered).collect())
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.delete(SIGNED_PREKEY, &id.to_string())
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.put(SENDER_KEY, address, record)
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(SENDER_KEY, address))
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.delete(SENDER_KEY, address)
    }
}

fn mac_key(name: &str, index_mac: &[u8]) -> String {
    format!("{name}/{}", hex(index_mac))
}

#[async_trait]
impl AppSyncStore for Store {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        self.get_json(SYNC_KEY, &hex(key_id))
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        self.put_json(SYNC_KEY, &hex(key_id), &key)?;
        self.put(LATEST_SYNC_KEY, "", key_id)
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        Ok(self.get_json(SYNC_VERSION, name)?.unwrap_or_default())
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        self.put_json(SYNC_VERSION, name, &state)
    }

    async fn put_mutation_macs(&self, name: &str, _version: u64, mutations: &[AppStateMutationMAC]) -> Result<()> {
        for one in mutations {
            self.put(SYNC_MAC, &mac_key(name, &one.index_mac), &one.value_mac)?;
        }
        Ok(())
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.get(SYNC_MAC, &mac_key(name, index_mac)))
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        for index_mac in index_macs {
            self.delete(SYNC_MAC, &mac_key(name, index_mac))?;
        }
        Ok(())
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        self.delete_all(&format!("{SYNC_MAC}/{name}"))
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.get(LATEST_SYNC_KEY, ""))
    }
}
