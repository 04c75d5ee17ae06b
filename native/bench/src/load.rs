//! The load generator: one thread, any number of connections, requests that are made before.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{self, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

/// What is asked, and how.
#[derive(Clone)]
pub(crate) struct Load {
    /// The payload of each request.
    pub(crate) request: Vec<u8>,
    pub(crate) connections: usize,
    /// Requests of a connection that are under way at the same time.
    pub(crate) depth: usize,
    pub(crate) during: Duration,
}

impl Load {
    /// Replies in a second, as many as there can be.
    pub(crate) fn greatest_rate(&self, socket: &Path) -> io::Result<f64> {
        let begun = Instant::now();
        let end = begun + self.during;
        let count = LocalSet::new().block_on(&runtime()?, async {
            let mut connections = JoinSet::new();
            for _ in 0..self.connections {
                let stream = UnixStream::connect(socket).await?;
                let load = self.clone();
                connections.spawn_local(async move { load.flood(stream, end).await });
            }
            let mut count = 0;
            while let Some(replies) = connections.join_next().await {
                count += replies.map_err(io::Error::other)??;
            }
            io::Result::Ok(count)
        })?;
        Ok(count as f64 / begun.elapsed().as_secs_f64())
    }

    /// The times from when each request was due to its reply, in order of length, where so many
    /// requests a second are made. Each connection has a thread, for timers that are exact.
    pub(crate) fn latencies(&self, socket: &Path, rate: f64) -> io::Result<Vec<Duration>> {
        let begin = Instant::now() + Duration::from_millis(50);
        let interval = Duration::from_secs_f64(self.connections as f64 / rate);
        let times: io::Result<Vec<_>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|number| {
                    let first = interval.mul_f64(number as f64 / self.connections as f64);
                    scope.spawn(move || self.pace(socket, begin + first, interval))
                })
                .collect();
            let times = threads.into_iter().map(|thread| thread.join());
            times
                .map(|times| times.expect("no thread panics"))
                .collect()
        });
        let mut times: Vec<_> = times?.into_iter().flatten().collect();
        times.sort_unstable();
        Ok(times)
    }

    /// The payload of one reply.
    pub(crate) fn once(&self, socket: &Path) -> io::Result<Vec<u8>> {
        runtime()?.block_on(async {
            let mut stream = UnixStream::connect(socket).await?;
            stream.write_all(&self.frame()).await?;
            let mut reply = vec![0; stream.read_u32().await? as usize];
            stream.read_exact(&mut reply).await?;
            Ok(reply)
        })
    }

    async fn flood(&self, stream: UnixStream, end: Instant) -> io::Result<u64> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::with_capacity(65536, reader);
        let frame = self.frame();
        writer.write_all(&frame.repeat(self.depth)).await?;
        let mut under_way = self.depth;
        let mut count = 0;
        while under_way > 0 {
            let mut taken = 0;
            loop {
                skip_reply(&mut reader).await?;
                taken += 1;
                if reader.buffer().is_empty() {
                    break;
                }
            }
            count += taken as u64;
            under_way -= taken;
            if Instant::now() < end {
                writer.write_all(&frame.repeat(taken)).await?;
                under_way += taken;
            }
        }
        Ok(count)
    }

    fn pace(&self, socket: &Path, first: Instant, interval: Duration) -> io::Result<Vec<Duration>> {
        let mut stream = StdStream::connect(socket)?;
        let frame = self.frame();
        let mut reply = Vec::new();
        let mut times = Vec::new();
        let mut due = first;
        while due < first + self.during {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // The lateness of the timer is not the server's.
            let sent = Instant::now().min(due + TIMER);
            stream.write_all(&frame)?;
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            reply.resize(u32::from_be_bytes(length) as usize, 0);
            stream.read_exact(&mut reply)?;
            times.push(sent.elapsed());
            due += interval;
        }
        Ok(times)
    }

    fn frame(&self) -> Vec<u8> {
        let length = u32::try_from(self.request.len()).expect("a request is short");
        [&length.to_be_bytes(), self.request.as_slice()].concat()
    }
}

async fn skip_reply(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<()> {
    let mut left = reader.read_u32().await? as usize;
    while left > 0 {
        let taken = reader.fill_buf().await?.len().min(left);
        if taken == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reader.consume(taken);
        left -= taken;
    }
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// What a timer of the kernel may be late.
const TIMER: Duration = Duration::from_micros(100);
