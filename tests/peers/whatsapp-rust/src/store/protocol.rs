//! What the protocol remembers beside keys: addresses, devices, tokens, sent messages, message secrets.

use whatsapp_rust::async_trait;
use whatsapp_rust::serde_json;
use whatsapp_rust::wacore::store::Device;
use whatsapp_rust::wacore::store::error::Result;
use whatsapp_rust::wacore::store::traits::{
    DeviceListRecord, DeviceStore, LidPnMappingEntry, MessageSecret, MsgSecretEntry, MsgSecretStore, ProtocolStore,
    TcTokenEntry, merge_msg_secret_expiry, merge_msg_secret_message_ts,
};
use whatsapp_rust::wacore::time::now_secs;

use super::{Store, from_json};

const DEVICE: &str = "device";
const HAS_SENDER_KEY: &str = "has-sender-key";
const LID: &str = "lid";
const PN: &str = "pn";
const BASE_KEY: &str = "base-key";
const DEVICES: &str = "devices";
const GROUP: &str = "group";
const TOKEN: &str = "token";
const SENT: &str = "sent";
pub const SECRET: &str = "secret";

/// Text before the time when it was sent.
type Sent = (Vec<u8>, i64);

#[derive(whatsapp_rust::serde::Serialize, whatsapp_rust::serde::Deserialize)]
#[serde(crate = "whatsapp_rust::serde")]
pub struct Secret {
    pub bytes: MessageSecret,
    expires_at: i64,
    message_ts: i64,
}

/// Addresses and ids hold no slash.
fn path(parts: &[&str]) -> String {
    parts.join("/")
}

#[async_trait]
impl ProtocolStore for Store {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let rows = self.all(&path(&[HAS_SENDER_KEY, group_jid]));
        Ok(rows.into_iter().map(|(device, has)| (device, has == [1])).collect())
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        for (device, has) in entries {
            self.put(&path(&[HAS_SENDER_KEY, group_jid]), device, &[u8::from(*has)])?;
        }
        Ok(())
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        self.delete_all(&path(&[HAS_SENDER_KEY, group_jid]))
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        for (key, _) in self.all(HAS_SENDER_KEY) {
            if key.split_once('/').is_some_and(|(_, device)| device_jids.contains(&device)) {
                self.delete(HAS_SENDER_KEY, &key)?;
            }
        }
        Ok(())
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.delete_all(HAS_SENDER_KEY)
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        self.get_json(LID, lid)
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        match self.get(PN, phone) {
            Some(lid) => self.get_json(LID, &String::from_utf8_lossy(&lid)),
            None => Ok(None),
        }
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        if let Some(old) = self.get_json::<LidPnMappingEntry>(LID, &entry.lid)? {
            self.delete(PN, &old.phone_number)?;
        }
        self.put_json(LID, &entry.lid, entry)?;
        self.put(PN, &entry.phone_number, entry.lid.as_bytes())
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        self.all(LID).iter().map(|(_, bytes)| from_json(bytes)).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        self.put(BASE_KEY, &path(&[address, message_id]), base_key)
    }

    async fn has_same_base_key(&self, address: &str, message_id: &str, current_base_key: &[u8]) -> Result<bool> {
        Ok(self.get(BASE_KEY, &path(&[address, message_id])).as_deref() == Some(current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        self.delete(BASE_KEY, &path(&[address, message_id]))
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.put_json(DEVICES, &record.user, &record)
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        self.get_json(DEVICES, user)
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        self.delete(DEVICES, user)
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get(GROUP, group_jid))
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        self.put(GROUP, group_jid, blob)
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        self.delete(GROUP, group_jid)
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        self.get_json(TOKEN, jid)
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        self.put_json(TOKEN, jid, entry)
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        self.delete(TOKEN, jid)
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        Ok(self.all(TOKEN).into_iter().map(|(jid, _)| jid).collect())
    }

    /// A row is of use while either the token or our own issuing of one is recent.
    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        let mut count = 0;
        for (jid, bytes) in self.all(TOKEN) {
            let entry: TcTokenEntry = from_json(&bytes)?;
            let issued = entry.sender_timestamp.is_some_and(|time| time >= sender_cutoff);
            if entry.token_timestamp < token_cutoff && !issued {
                self.delete(TOKEN, &jid)?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn store_sent_message(&self, chat_jid: &str, message_id: &str, payload: &[u8]) -> Result<()> {
        self.put_json(SENT, &path(&[chat_jid, message_id]), &(payload, now_secs()))
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        let key = path(&[chat_jid, message_id]);
        let sent = self.get_json::<Sent>(SENT, &key)?;
        self.delete(SENT, &key)?;
        Ok(sent.map(|(payload, _)| payload))
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        let mut count = 0;
        for (key, bytes) in self.all(SENT) {
            if from_json::<Sent>(&bytes)?.1 < cutoff_timestamp {
                self.delete(SENT, &key)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[async_trait]
impl MsgSecretStore for Store {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let count = entries.len();
        for one in entries {
            let key = path(&[&one.chat, &one.sender, &one.msg_id]);
            let mut secret = Secret { bytes: one.secret, expires_at: one.expires_at, message_ts: one.message_ts };
            if let Some(old) = self.get_json::<Secret>(SECRET, &key)? {
                secret.expires_at = merge_msg_secret_expiry(old.expires_at, secret.expires_at);
                secret.message_ts = merge_msg_secret_message_ts(old.message_ts, secret.message_ts);
            }
            self.put_json(SECRET, &key, &secret)?;
        }
        Ok(count)
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get_msg_secret_with_ts(chat, sender, msg_id).await?.map(|(bytes, _)| bytes))
    }

    async fn get_msg_secret_with_ts(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<(Vec<u8>, i64)>> {
        let secret = self.get_json::<Secret>(SECRET, &path(&[chat, sender, msg_id]))?;
        Ok(secret.map(|secret| (secret.bytes.to_vec(), secret.message_ts)))
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        let mut count = 0;
        for (key, bytes) in self.all(SECRET) {
            let expires_at = from_json::<Secret>(&bytes)?.expires_at;
            if expires_at != 0 && expires_at <= cutoff_timestamp {
                self.delete(SECRET, &key)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[async_trait]
impl DeviceStore for Store {
    async fn save(&self, device: &Device) -> Result<()> {
        // A file cannot hold what is only true while the process runs; the device leaves that out itself.
        self.put(DEVICE, "", &serde_json::to_vec(device).map_err(super::not_json)?)
    }

    async fn load(&self) -> Result<Option<Device>> {
        self.get_json(DEVICE, "")
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.get(DEVICE, "").is_some())
    }

    async fn create(&self) -> Result<i32> {
        self.save(&Device::new()).await?;
        Ok(1)
    }
}
