//! The floor under the sidecar: it reads frames as the sidecar does, and answers each with a frame
//! of a length that is told before. It may verify the signatures of a chain for each.

use std::path::Path;
use std::thread;

use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;

use crate::Done;
use crate::chains::Chain;

/// Serves until it is killed, with the runtime that `certjid serve` has.
pub(crate) fn serve(socket: &Path, length: &str, verified: Option<Chain>) -> Done {
    let length: u32 = length.parse()?;
    let mut reply = length.to_be_bytes().to_vec();
    reply.resize(4 + length as usize, b' ');
    let reply: &'static [u8] = reply.leak();
    let verified = verified.map(|chain| &*Box::leak(Box::new(chain)));
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(processors)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = UnixListener::bind(socket)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer(stream, reply, verified));
        }
    })
}

async fn answer(stream: UnixStream, reply: &[u8], verified: Option<&Chain>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut replies = Vec::new();
    loop {
        let length = reader.read_u32().await?;
        let mut payload = vec![0; length as usize];
        reader.read_exact(&mut payload).await?;
        if let Some(chain) = verified {
            chain.floor();
        }
        replies.extend(reply);
        // What has been read already is answered in one go.
        if reader.buffer().is_empty() {
            writer.write_all(&replies).await?;
            replies.clear();
        }
    }
}
