//! The load generator: any number of connections, requests that are made before. Its thread does
//! all but the sending of requests that are due at a time, which another does.

use std::io::Write as _;
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{
    self, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
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
        let count = self.count(socket)?;
        Ok(count as f64 / begun.elapsed().as_secs_f64())
    }

    /// Replies, as many as there can be.
    pub(crate) fn count(&self, socket: &Path) -> io::Result<u64> {
        let end = Instant::now() + self.during;
        LocalSet::new().block_on(&runtime()?, async {
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
            Ok(count)
        })
    }

    /// The times from when each request was due to its reply, in order of length, where so many
    /// requests a second are made on all connections in turn.
    pub(crate) fn latencies(&self, socket: &Path, rate: f64) -> io::Result<Vec<Duration>> {
        let mut times = LocalSet::new().block_on(&runtime()?, async {
            let mut writers = Vec::new();
            let mut readers = JoinSet::new();
            for _ in 0..self.connections {
                let stream = StdStream::connect(socket)?;
                stream.set_nonblocking(true)?;
                let (sent, due) = mpsc::unbounded_channel();
                writers.push((stream.try_clone()?, sent));
                readers.spawn_local(time_replies(UnixStream::from_std(stream)?, due));
            }
            let (load, interval) = (self.clone(), Duration::from_secs_f64(1.0 / rate));
            let writing = thread::spawn(move || load.send_when_due(writers, interval));
            let mut times = Vec::new();
            while let Some(taken) = readers.join_next().await {
                times.extend(taken.map_err(io::Error::other)??);
            }
            let written = writing.join();
            written.map_err(|_| io::Error::other("the writing thread panicked"))??;
            io::Result::Ok(times)
        })?;
        times.sort_unstable();
        Ok(times)
    }

    /// Sleeps between requests, so that it leaves the processors to the server. What it is late,
    /// as timers are, counts among the times.
    fn send_when_due(&self, mut writers: Vec<Writer>, interval: Duration) -> io::Result<()> {
        let frame = self.frame();
        let begun = Instant::now();
        let mut due = begun;
        while due < begun + self.during {
            for (stream, sent) in &mut writers {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                // Fails where the reader has ended, which tells why.
                let _ = sent.send(due);
                write_all(stream, &frame)?;
                due += interval;
            }
        }
        Ok(())
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

    fn frame(&self) -> Vec<u8> {
        let length = u32::try_from(self.request.len()).expect("a request is short");
        [&length.to_be_bytes(), self.request.as_slice()].concat()
    }
}

/// A connection, and when the requests on it were due.
type Writer = (StdStream, mpsc::UnboundedSender<Instant>);

/// Writes to a socket that does not block, for its other half must not.
fn write_all(stream: &mut StdStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_micros(50));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn time_replies(
    reader: UnixStream,
    mut due: mpsc::UnboundedReceiver<Instant>,
) -> io::Result<Vec<Duration>> {
    let mut reader = BufReader::new(reader);
    let mut times = Vec::new();
    while let Some(due) = due.recv().await {
        skip_reply(&mut reader).await?;
        times.push(due.elapsed());
    }
    Ok(times)
}

async fn skip_reply(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<()> {
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
