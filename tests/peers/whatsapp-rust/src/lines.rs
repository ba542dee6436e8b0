//! One line of JSON per event or reply on standard output; the log, whose stanzas have the form of wa-mock's trace.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use log::{LevelFilter, Log, Metadata, Record};
use whatsapp_rust::serde_json::{Value, json};

pub fn emit(event: &str, mut fields: Value) {
    fields["event"] = json!(event);
    // Whoever reads has gone: then there is nothing to tell.
    let _ = std::io::stdout().lock().write_all(format!("{fields}\n").as_bytes());
}

/// The answer to the command with that id: its fields, or what went wrong.
pub fn reply(id: u64, result: std::result::Result<Value, String>) {
    let mut fields = match &result {
        Ok(Value::Null) => json!({}),
        Ok(fields) => fields.clone(),
        Err(error) => json!({ "error": error }),
    };
    fields["id"] = json!(id);
    fields["ok"] = json!(result.is_ok());
    emit("reply", fields);
}

struct FileLog {
    file: Mutex<File>,
}

static LOG: OnceLock<FileLog> = OnceLock::new();

/// Only the first call has an effect: a process has one log.
pub fn log_to(path: &Path) -> Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if LOG.set(FileLog { file: Mutex::new(file) }).is_ok()
        && let Some(log) = LOG.get()
        && log::set_logger(log).is_ok()
    {
        log::set_max_level(LevelFilter::Debug);
    }
    Ok(())
}

impl Log for FileLog {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let text = record.args().to_string();
        let direction = match record.target() {
            "Client/Send" if text.starts_with('<') => Some("send"),
            "Client/Recv" if text.starts_with('<') => Some("recv"),
            _ => None,
        };
        let line = match direction {
            Some(direction) => json!({ "t": time, "dir": direction, "xml": text }),
            None => json!({ "t": time, "level": record.level().as_str(), "module": record.target(), "msg": text }),
        };
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // A log that cannot be written must not end the client.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }

    fn flush(&self) {}
}
