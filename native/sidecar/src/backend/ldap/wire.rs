//! LDAP messages on the wire (RFC 4511), where ldap3 is not asked: it takes any length and any
//! depth from a directory, and can't check a server's name as an outgoing pool has it.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;

use crate::log_limit::shown;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, copy};
use tokio::net::UnixStream;

/// Puts a guard between a directory and ldap3, which gets the other end. What is no LDAP message
/// within bounds ends the connection.
pub(super) fn guard<S>(stream: S) -> io::Result<StdUnixStream>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (ours, theirs) = UnixStream::pair()?;
    let (mut requests, mut replies) = ours.into_split();
    let (directory, mut to_directory) = tokio::io::split(stream);
    tokio::spawn(async move {
        let mut directory = BufReader::new(directory);
        let answers = async {
            while let Some(message) = read_message(&mut directory).await? {
                replies.write_all(&message).await?;
            }
            io::Result::Ok(())
        };
        // The first side that ends closes the other.
        let ended = tokio::select! {
            ended = answers => ended,
            ended = copy(&mut requests, &mut to_directory) => ended.map(drop),
        };
        if let Err(error) = ended {
            tracing::debug!(error = shown(&error), "the connection to a directory ends");
        }
        let _ = to_directory.shutdown().await;
    });
    theirs.into_std()
}

/// Asks for TLS on a plain connection (RFC 4511 section 4.14), and waits until the directory is
/// ready for it.
pub(super) async fn start_tls<S>(stream: &mut S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(START_TLS).await?;
    // Unbuffered: what follows the answer belongs to TLS.
    let message = read_message(stream).await?.unwrap_or_default();
    match result_code(&message) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::other(format!(
            "the directory refuses StartTLS with result {code}"
        ))),
        None => Err(invalid("the directory's answer to StartTLS can't be read")),
    }
}

/// The next message, or None where the directory has closed the connection.
async fn read_message<R>(reader: &mut R) -> io::Result<Option<Vec<u8>>>
where
    R: AsyncRead + Unpin,
{
    let mut message = vec![0; 2];
    if reader.read(&mut message[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut message[1..]).await?;
    if message[0] != SEQUENCE {
        return Err(invalid("what the directory sends is no LDAP message"));
    }
    let more = length_of_length(message[1])?;
    message.resize(2 + more, 0);
    reader.read_exact(&mut message[2..]).await?;
    let length = length(&message[1..])?;
    if length > MAX_MESSAGE {
        return Err(invalid("a message of the directory is too long"));
    }
    let start = message.len();
    message.resize(start + length, 0);
    reader.read_exact(&mut message[start..]).await?;
    check(&message[start..], 1)?;
    Ok(Some(message))
}

/// The result code of an ExtendedResponse.
fn result_code(message: &[u8]) -> Option<u8> {
    let (_, message, _) = element(message).ok()?;
    let (_, _id, rest) = element(message).ok()?;
    let (tag, response, _) = element(rest).ok()?;
    let (_, code, _) = element(response).ok()?;
    match (tag, code) {
        (EXTENDED_RESPONSE, &[code]) => Some(code),
        _ => None,
    }
}

/// Checks that all elements are whole, down to a depth that no message needs.
fn check(mut elements: &[u8], depth: usize) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(invalid("a message of the directory is too deep"));
    }
    while !elements.is_empty() {
        let (tag, content, rest) = element(elements)?;
        if tag & CONSTRUCTED != 0 {
            check(content, depth + 1)?;
        }
        elements = rest;
    }
    Ok(())
}

/// Tag, content and what follows.
fn element(bytes: &[u8]) -> io::Result<(u8, &[u8], &[u8])> {
    let cut = || invalid("an element of a message ends too soon");
    let [tag, first, ..] = *bytes else {
        return Err(cut());
    };
    let start = 2 + length_of_length(first)?;
    let length = length(bytes.get(1..start).ok_or_else(cut)?)?;
    let (header, rest) = bytes.split_at_checked(start + length).ok_or_else(cut)?;
    Ok((tag, &header[start..], rest))
}

/// How many bytes of the length follow its first. There is no indefinite length in LDAP.
fn length_of_length(first: u8) -> io::Result<usize> {
    match first {
        0..=0x7f => Ok(0),
        0x81..=0x84 => Ok(usize::from(first - 0x80)),
        _ => Err(invalid("a message has a length that LDAP does not know")),
    }
}

fn length(bytes: &[u8]) -> io::Result<usize> {
    match bytes {
        [short] => Ok(usize::from(*short)),
        [_, long @ ..] => Ok(long
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte))),
        [] => Err(invalid("a message has no length")),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// An ExtendedRequest for 1.3.6.1.4.1.1466.20037, as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

const SEQUENCE: u8 = 0x30;

const EXTENDED_RESPONSE: u8 = 0x78;

const CONSTRUCTED: u8 = 0x20;

/// The greatest message: an entry with its attributes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// A search result has 6 levels, and controls some more.
const MAX_DEPTH: usize = 16;
