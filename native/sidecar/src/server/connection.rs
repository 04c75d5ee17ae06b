//! One connection: requests are read while earlier ones are decided, and each reply is written
//! when it is ready.

use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::Arc;

use certjid_core::reason::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::service::{Answer, OpenConnection};
use super::unsent::{Held, Share};
use super::{Limits, Service};
use crate::log_limit::shown;
use crate::protocol::frame::{self, Frame};
use crate::protocol::{Format, Id, MAX_FRAME, refuse};

/// The frame of a reply, or what is left of it, and the place that its request took in the
/// connection.
type Reply = (Vec<u8>, OwnedSemaphorePermit);

/// The replies that are not written yet.
#[derive(Clone)]
struct Outbox {
    queue: mpsc::UnboundedSender<(Reply, Held)>,
    share: Arc<Share>,
}

impl Outbox {
    /// Leaves a reply for the task that writes. It is dropped where the connection is gone, or is
    /// to be closed for what it holds.
    fn put(&self, reply: Reply) {
        if let Some(held) = self.share.hold(reply.0.len()) {
            let _ = self.queue.send((reply, held));
        }
    }
}

/// Serves a connection, which counts as open until its descriptor is closed.
pub(super) async fn serve(
    stream: UnixStream,
    _open: OpenConnection,
    service: Arc<Service>,
    limits: Arc<Limits>,
    share: Arc<Share>,
    stopped: watch::Receiver<bool>,
) {
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let (sender, queue) = mpsc::unbounded_channel();
    let within = limits.frame_timeout;
    let writing = tokio::spawn(write_replies(writer, queue, Arc::clone(&share), within));
    let outbox = Outbox {
        queue: sender,
        share,
    };
    let reading = read_requests(&mut reader, Arc::clone(&service), &limits, stopped, outbox);
    if let Err(error) = reading.await {
        tracing::debug!(error = shown(&error), "a connection fails");
    }
    // The queue ends when the last decision is made.
    match writing.await {
        Ok(Written::All) => linger(reader).await,
        Ok(Written::TooMuchWaits) if service.admits_refusal() => {
            tracing::warn!(
                "a connection is closed: it holds most of the replies that nobody reads"
            );
        }
        _ => {}
    }
}

async fn read_requests(
    reader: &mut BufReader<OwnedReadHalf>,
    service: Arc<Service>,
    limits: &Limits,
    mut stopped: watch::Receiver<bool>,
    outbox: Outbox,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(limits.in_flight));
    let ended = async {
        tokio::select! {
            _ = stopped.wait_for(|&stopped| stopped) => {}
            () = outbox.queue.closed() => {}
        }
    };
    tokio::pin!(ended);
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
            () = &mut ended => return Ok(()),
            next = next => next?,
        };
        let is_alone = places.available_permits() + 1 == limits.in_flight;
        match frame {
            Frame::Payload(payload) => {
                let decision = service.begin().await;
                let service = Arc::clone(&service);
                let answer = answer(service, payload, decision, place, outbox.clone());
                if is_alone && reader.buffer().is_empty() {
                    let reply = answer.await;
                    if let Some(rest) = write_now(reader.get_ref().as_ref(), reply)? {
                        outbox.put(rest);
                    }
                } else {
                    // Others that are here already are for other processors.
                    let outbox = outbox.clone();
                    tokio::spawn(async move { answer.await.map(|reply| outbox.put(reply)) });
                }
            }
            Frame::TooLarge(length, first) => {
                service.metrics().count_error();
                let message = format!("{length} bytes are more than the {MAX_FRAME} of a frame");
                let id = Id::absent(Format::of(first));
                let reply = refuse(&id, Reason::BadRequest, &message);
                outbox.put((frame::write(&reply), place));
                return Ok(());
            }
            // A client that waits for its replies is not idle.
            Frame::Idle if !is_alone => {}
            Frame::Closed | Frame::Idle => return Ok(()),
        }
    }
}

/// The reply, where no service has to be asked; the others are sent when they are there.
async fn answer(
    service: Arc<Service>,
    payload: Vec<u8>,
    decision: Option<OwnedSemaphorePermit>,
    place: OwnedSemaphorePermit,
    outbox: Outbox,
) -> Option<Reply> {
    let answer = service.answer(&payload);
    drop((payload, decision));
    match answer {
        Answer::Ready(reply) => Some((frame::write(&reply), place)),
        Answer::Waiting(login) => {
            tokio::spawn(async move {
                let reply = service.complete(login).await;
                outbox.put((frame::write(&reply), place));
            });
            None
        }
    }
}

/// Writes a reply beside which there is no other: to wake the writing task takes longer than to
/// write. What the socket does not take at once is left for that task.
fn write_now(stream: &UnixStream, reply: Option<Reply>) -> io::Result<Option<Reply>> {
    let Some((mut frame, place)) = reply else {
        return Ok(None);
    };
    match stream.try_write(&frame) {
        Ok(written) if written == frame.len() => return Ok(None),
        Ok(written) => drop(frame.drain(..written)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(Some((frame, place)))
}

/// How the writing of replies ends.
enum Written {
    All,
    /// The client is gone, or does not take them.
    NotAll,
    /// Over all connections, more replies wait than may, and here the most.
    TooMuchWaits,
}

/// Writes until all replies are written, or can't be.
async fn write_replies(
    mut writer: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<(Reply, Held)>,
    share: Arc<Share>,
    within: Duration,
) -> Written {
    let mut ready = Vec::new();
    let writing = async {
        while queue.recv_many(&mut ready, MAX_AT_ONCE).await > 0 {
            match timeout(within, write_all(&mut writer, &ready)).await {
                // The places are free again.
                Ok(Ok(())) => ready.clear(),
                Ok(Err(_)) | Err(_) => return Written::NotAll,
            }
        }
        match writer.shutdown().await {
            Ok(()) => Written::All,
            Err(_) => Written::NotAll,
        }
    };
    tokio::select! {
        () = share.is_closed() => Written::TooMuchWaits,
        written = writing => written,
    }
}

/// Writes several frames, without a copy of them that would not be counted.
async fn write_all(writer: &mut OwnedWriteHalf, replies: &[(Reply, Held)]) -> io::Result<()> {
    let frames = replies.iter().map(|((frame, _), _)| IoSlice::new(frame));
    let mut frames: Vec<IoSlice<'_>> = frames.collect();
    let mut left = frames.as_mut_slice();
    while !left.is_empty() {
        match writer.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut left, written),
        }
    }
    Ok(())
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

/// Replies that are written together, where so many are ready.
const MAX_AT_ONCE: usize = 16;

const MAX_LINGER: u64 = 1024 * 1024;

const LINGER_TIMEOUT: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn what_a_full_socket_does_not_take_is_left() {
        let frame: Vec<u8> = (0..1_000_000).map(|at: u32| at.to_le_bytes()[0]).collect();
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        let (mut taken, rest) = runtime.block_on(async {
            let (ours, theirs) = UnixStream::pair().unwrap();
            ours.writable().await.unwrap();
            let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
            let (rest, place) = write_now(&ours, Some((frame.clone(), place)))
                .unwrap()
                .unwrap();
            let mut taken = Vec::new();
            drop(ours);
            let mut theirs = theirs.into_std().unwrap();
            theirs.set_nonblocking(false).unwrap();
            theirs.read_to_end(&mut taken).unwrap();
            drop(place);
            (taken, rest)
        });
        assert!(!taken.is_empty() && !rest.is_empty());
        taken.extend(rest);
        assert_eq!(taken, frame);
    }
}
