//! Frames: four bytes of length, big-endian, and the payload.

use core::time::Duration;
use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use tokio::time::timeout;

use super::MAX_FRAME;

/// What comes next on a connection.
#[derive(Debug, Eq, PartialEq)]
pub enum Frame {
    /// The other side closed the connection between two frames.
    Closed,
    /// Nothing came within the idle time.
    Idle,
    /// A whole payload.
    Payload(Vec<u8>),
    /// A frame that is too large: its length, and the first byte of its payload.
    TooLarge(usize, Option<u8>),
}

/// Reads the next frame: its first byte within `idle`, all of it within `whole` from there on.
///
/// # Errors
/// Where the connection fails, or ends or stalls within a frame.
pub async fn read<R>(reader: &mut R, idle: Duration, whole: Duration) -> io::Result<Frame>
where
    R: AsyncBufRead + Unpin,
{
    let Ok(buffered) = timeout(idle, reader.fill_buf()).await else {
        return Ok(Frame::Idle);
    };
    if buffered?.is_empty() {
        return Ok(Frame::Closed);
    }
    timeout(whole, read_begun(reader))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn read_begun<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Frame> {
    let length = reader.read_u32().await? as usize;
    if length > MAX_FRAME {
        let first = reader.fill_buf().await?.first().copied();
        return Ok(Frame::TooLarge(length, first));
    }
    let buffered = match length {
        0 => &[],
        _ => reader.fill_buf().await?,
    };
    if let Some(payload) = buffered.get(..length) {
        let payload = payload.to_vec();
        reader.consume(length);
        return Ok(Frame::Payload(payload));
    }
    // Memory is taken as the bytes come, not as they are promised.
    let mut payload = Vec::new();
    let read = reader.take(length as u64).read_to_end(&mut payload).await?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Frame::Payload(payload))
}

/// The frame of a payload.
///
/// # Panics
/// Where the payload has 4 GiB, which no reply has.
pub fn write(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a payload is shorter than 4 GiB");
    [&length.to_be_bytes(), payload].concat()
}
