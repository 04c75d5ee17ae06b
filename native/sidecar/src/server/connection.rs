//! One connection: requests are read while earlier ones are decided, and each reply is written
//! when it is ready.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::service::{Answer, OpenConnection};
use super::{Limits, Service};
use crate::protocol::frame::{self, Frame};
use crate::protocol::{Format, Id, MAX_FRAME, refuse};

/// A reply, and the place that its request took in the connection.
type Reply = (Vec<u8>, OwnedSemaphorePermit);

/// Serves a connection, which counts as open until its descriptor is closed.
pub(super) async fn serve(
    stream: UnixStream,
    _open: OpenConnection,
    service: Arc<Service>,
    limits: Arc<Limits>,
    stopped: watch::Receiver<bool>,
) {
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let (replies, queue) = mpsc::unbounded_channel();
    let writing = tokio::spawn(write_replies(writer, queue, limits.frame_timeout));
    if let Err(error) = read_requests(&mut reader, service, &limits, stopped, replies).await {
        tracing::debug!(%error, "a connection fails");
    }
    // The queue ends when the last decision is made.
    let is_there = writing.await.unwrap_or(false);
    if is_there {
        linger(reader).await;
    }
}

async fn read_requests(
    reader: &mut BufReader<OwnedReadHalf>,
    service: Arc<Service>,
    limits: &Limits,
    mut stopped: watch::Receiver<bool>,
    replies: mpsc::UnboundedSender<Reply>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    loop {
        let next = async {
            let place = Arc::clone(&places)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            let frame = frame::read(reader, limits.idle_timeout, limits.frame_timeout).await?;
            io::Result::Ok((place, frame))
        };
        let (place, frame) = tokio::select! {
            _ = stopped.wait_for(|&stopped| stopped) => return Ok(()),
            () = replies.closed() => return Ok(()),
            next = next => next?,
        };
        match frame {
            Frame::Payload(payload) => {
                let decision = service.begin().await;
                let service = Arc::clone(&service);
                let answered = answer(service, payload, decision, place, replies.clone());
                // Others that are here already are for other processors.
                if reader.buffer().is_empty() && places.available_permits() + 1 == MAX_IN_FLIGHT {
                    answered.await;
                } else {
                    tokio::spawn(answered);
                }
            }
            Frame::TooLarge(length, first) => {
                service.metrics().count_error();
                let message = format!("{length} bytes are more than the {MAX_FRAME} of a frame");
                let id = Id::absent(Format::of(first));
                let _ = replies.send((refuse(id, "bad_request", &message), place));
                return Ok(());
            }
            // A client that waits for its replies is not idle.
            Frame::Idle if places.available_permits() + 1 < MAX_IN_FLIGHT => {}
            Frame::Closed | Frame::Idle => return Ok(()),
        }
    }
}

async fn answer(
    service: Arc<Service>,
    payload: Vec<u8>,
    decision: Option<OwnedSemaphorePermit>,
    place: OwnedSemaphorePermit,
    replies: mpsc::UnboundedSender<Reply>,
) {
    let answer = service.answer(&payload);
    drop((payload, decision));
    match answer {
        // Fails where the connection is gone.
        Answer::Ready(reply) => drop(replies.send((reply, place))),
        Answer::Waiting(login) => {
            tokio::spawn(async move {
                let _ = replies.send((service.complete(login).await, place));
            });
        }
    }
}

/// Writes until all replies are written, or the client does not take them. True where the client
/// is still there.
async fn write_replies(
    mut writer: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Reply>,
    within: Duration,
) -> bool {
    let mut ready: Vec<Reply> = Vec::new();
    while queue.recv_many(&mut ready, MAX_AT_ONCE).await > 0 {
        let mut frames = Vec::new();
        for (reply, _) in &ready {
            if frame::push(&mut frames, reply).is_err() {
                return false;
            }
        }
        match timeout(within, writer.write_all(&frames)).await {
            // The places are free again.
            Ok(Ok(())) => ready.clear(),
            Ok(Err(_)) | Err(_) => return false,
        }
    }
    writer.shutdown().await.is_ok()
}

/// Takes what the client still sends: closing a Unix socket with unread bytes in it is a reset
/// to the other side, which may then miss the last reply.
async fn linger(reader: BufReader<OwnedReadHalf>) {
    let mut rest = reader.take(MAX_LINGER);
    let _ = timeout(
        LINGER_TIMEOUT,
        tokio::io::copy(&mut rest, &mut tokio::io::sink()),
    )
    .await;
}

/// Requests of one connection that are not answered yet. No further one is read. Logins that wait
/// for a service are among them, and must not keep others from being read for a while.
const MAX_IN_FLIGHT: usize = 1024;

/// Replies that are written together, where so many are ready.
const MAX_AT_ONCE: usize = 16;

const MAX_LINGER: u64 = 1024 * 1024;

const LINGER_TIMEOUT: Duration = Duration::from_millis(200);
