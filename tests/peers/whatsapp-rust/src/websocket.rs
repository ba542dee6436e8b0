//! The client's side of a plain WebSocket (RFC 6455) to a server on this machine, for which no TLS is needed.

use std::io::{Error, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Lengths up to here fit into the second byte; these two say that 2 or 8 bytes with the length follow.
const SHORT_MAX: usize = 125;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;
/// The mask is against proxies that cache (RFC 6455, 10.3). There is none on the way to this machine.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x8e];
/// More than the largest frame of the Noise layer (24 bits of length), so that no frame is refused here.
const MAX_MESSAGE: usize = 1 << 25;
const MAX_HEAD: usize = 8192;

pub struct Address {
    pub host: String,
    pub path: String,
}

impl Address {
    /// `ws://127.0.0.1:4000/ws/chat`: nothing but this machine is ever contacted.
    pub fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("ws://").unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.rsplit_once(':').is_none_or(|(name, _)| name != "127.0.0.1") {
            return Err(Error::other(format!("{url}: the server must be at ws://127.0.0.1:PORT/")));
        }
        Ok(Self { host: host.to_string(), path: format!("/{path}") })
    }
}

pub async fn open(address: &Address, origin: &str) -> Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let mut stream = TcpStream::connect(&address.host).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2hhdHNhcHAtcnVzdHBlZQ==\r\n\r\n",
        address.path, address.host
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(Error::other("the answer to the upgrade is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        let line = String::from_utf8_lossy(&head);
        return Err(Error::other(format!("no upgrade: {}", line.lines().next().unwrap_or_default())));
    }
    Ok(stream.into_split())
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![FINAL | opcode];
    match payload.len() {
        size if size <= SHORT_MAX => bytes.push(MASKED | size as u8),
        size if size <= usize::from(u16::MAX) => {
            bytes.push(MASKED | LENGTH_16);
            bytes.extend((size as u16).to_be_bytes());
        }
        size => {
            bytes.push(MASKED | LENGTH_64);
            bytes.extend((size as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

pub async fn send_binary(writer: &mut OwnedWriteHalf, payload: &[u8]) -> Result<()> {
    writer.write_all(&frame(BINARY, payload)).await
}

pub async fn send_pong(writer: &mut OwnedWriteHalf, payload: &[u8]) -> Result<()> {
    writer.write_all(&frame(PONG, payload)).await
}

pub async fn send_close(writer: &mut OwnedWriteHalf) -> Result<()> {
    const NORMAL: [u8; 2] = 1000u16.to_be_bytes();
    writer.write_all(&frame(CLOSE, &NORMAL)).await?;
    writer.shutdown().await
}

pub enum Frame {
    Data(Vec<u8>),
    Ping(Vec<u8>),
    /// The server's code and words, if it gave any.
    Close(Option<u16>, String),
    Other,
}

pub async fn receive(reader: &mut OwnedReadHalf) -> Result<Frame> {
    let opcode = reader.read_u8().await? & 0x0f;
    let size = match reader.read_u8().await? {
        LENGTH_16 => usize::from(reader.read_u16().await?),
        LENGTH_64 => usize::try_from(reader.read_u64().await?).unwrap_or(usize::MAX),
        size => usize::from(size),
    };
    if size > MAX_MESSAGE {
        return Err(Error::other(format!("a frame of {size} bytes")));
    }
    let mut payload = vec![0; size];
    reader.read_exact(&mut payload).await?;
    Ok(match opcode {
        // A message in parts reads as well as a whole one: the Noise layer has lengths of its own.
        0 | BINARY => Frame::Data(payload),
        PING => Frame::Ping(payload),
        CLOSE => {
            let code = payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
            let words = payload.get(2..).unwrap_or_default();
            Frame::Close(code, String::from_utf8_lossy(words).into_owned())
        }
        _ => Frame::Other,
    })
}
