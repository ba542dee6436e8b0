//! A map from names to bytes in one file: every change is appended, and the file is read at the start.
//! What a killed process had written is there; an unfinished last record is cut off.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Result, Write};
use std::path::Path;

/// A record is: length of the name, length of the value (both u32), name, value.
const HEAD: usize = 8;
/// In place of a value's length: the name is no longer there.
const GONE: u32 = u32::MAX;

pub struct Journal {
    file: File,
    rows: BTreeMap<String, Vec<u8>>,
}

impl Journal {
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (rows, used) = replay(&bytes);
        file.set_len(used as u64)?;
        Ok(Self { file, rows })
    }

    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.rows.get(name).cloned()
    }

    pub fn put(&mut self, name: String, value: Vec<u8>) -> Result<()> {
        self.append(&name, Some(&value))?;
        self.rows.insert(name, value);
        Ok(())
    }

    pub fn delete(&mut self, name: &str) -> Result<()> {
        if self.rows.contains_key(name) {
            self.append(name, None)?;
            self.rows.remove(name);
        }
        Ok(())
    }

    /// All rows whose name begins so, with the rest of the name.
    pub fn below(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        self.rows
            .range(prefix.to_string()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name[prefix.len()..].to_string(), value.clone()))
            .collect()
    }

    fn append(&mut self, name: &str, value: Option<&[u8]>) -> Result<()> {
        let size = value.map_or(GONE, |bytes| bytes.len() as u32);
        let mut record = Vec::with_capacity(HEAD + name.len() + value.map_or(0, <[u8]>::len));
        record.extend((name.len() as u32).to_le_bytes());
        record.extend(size.to_le_bytes());
        record.extend(name.as_bytes());
        record.extend(value.unwrap_or_default());
        self.file.write_all(&record)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?))
}

/// The first record of `bytes` and its size; None when it is not whole.
fn record(bytes: &[u8]) -> Option<(String, Option<Vec<u8>>, usize)> {
    let (name_size, size) = (number(bytes)? as usize, number(bytes.get(4..)?)?);
    let name = String::from_utf8(bytes.get(HEAD..HEAD + name_size)?.to_vec()).ok()?;
    let begin = HEAD + name_size;
    if size == GONE {
        return Some((name, None, begin));
    }
    let end = begin + size as usize;
    Some((name, Some(bytes.get(begin..end)?.to_vec()), end))
}

fn replay(bytes: &[u8]) -> (BTreeMap<String, Vec<u8>>, usize) {
    let (mut rows, mut used) = (BTreeMap::new(), 0);
    while let Some((name, value, size)) = record(&bytes[used..]) {
        match value {
            Some(value) => rows.insert(name, value),
            None => rows.remove(&name),
        };
        used += size;
    }
    (rows, used)
}
