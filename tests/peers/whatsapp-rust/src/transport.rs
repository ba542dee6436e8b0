//! How the client reaches the mock, and nothing else.

use std::sync::Arc;

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use whatsapp_rust::anyhow::{self, Result, anyhow};
use whatsapp_rust::async_channel::{Receiver, Sender, unbounded};
use whatsapp_rust::async_trait;
use whatsapp_rust::bytes::Bytes;
use whatsapp_rust::wacore::net::{
    DisconnectReason, HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent, TransportFactory,
    WHATSAPP_WEB_ORIGIN,
};

use crate::websocket::{self, Address, Frame};

/// Makes one connection after the other to the same server.
pub struct ToMock(pub Address);

struct Connection {
    writer: Arc<Mutex<OwnedWriteHalf>>,
}

#[async_trait]
impl Transport for Connection {
    async fn send(&self, data: Bytes) -> Result<()> {
        Ok(websocket::send_binary(&mut *self.writer.lock().await, &data).await?)
    }

    async fn disconnect(&self) {
        // A connection that is gone already needs no farewell.
        let _ = websocket::send_close(&mut *self.writer.lock().await).await;
    }
}

/// Hands on what comes until the connection ends. The reason of its end.
async fn read(
    mut reader: OwnedReadHalf,
    writer: Arc<Mutex<OwnedWriteHalf>>,
    events: &Sender<TransportEvent>,
) -> DisconnectReason {
    loop {
        match websocket::receive(&mut reader).await {
            Ok(Frame::Data(data)) => {
                if events.send(TransportEvent::DataReceived(data.into())).await.is_err() {
                    return DisconnectReason::Unknown;
                }
            }
            Ok(Frame::Ping(data)) => {
                if let Err(err) = websocket::send_pong(&mut *writer.lock().await, &data).await {
                    return DisconnectReason::ReadError(err.to_string());
                }
            }
            Ok(Frame::Close(code, reason)) => return DisconnectReason::ServerClose { code, reason },
            Ok(Frame::Other) => {}
            Err(err) if err.kind() == std::io::ErrorKind::UnexpectedEof => return DisconnectReason::StreamEnded,
            Err(err) => return DisconnectReason::ReadError(err.to_string()),
        }
    }
}

#[async_trait]
impl TransportFactory for ToMock {
    async fn create_transport(&self) -> Result<(Arc<dyn Transport>, Receiver<TransportEvent>), anyhow::Error> {
        let (reader, writer) = websocket::open(&self.0, WHATSAPP_WEB_ORIGIN).await?;
        let writer = Arc::new(Mutex::new(writer));
        let (events, receiver) = unbounded();
        events.send(TransportEvent::Connected).await?;
        let answering = writer.clone();
        tokio::spawn(async move {
            let reason = read(reader, answering, &events).await;
            // Nobody listens any more once the client has ended.
            let _ = events.send(TransportEvent::Disconnected(reason)).await;
        });
        Ok((Arc::new(Connection { writer }), receiver))
    }
}

/// The client would look its version up and fetch media. Here it may do neither.
pub struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse> {
        Err(anyhow!("{} {}: no other host is contacted here", request.method, request.url))
    }
}
