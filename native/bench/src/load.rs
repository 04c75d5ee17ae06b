//! The load generator: any number of connections, requests that are made before.
//!
//! For rates, one thread looks at its connections now and then: to wake it at every reply would
//! cost the server's processors more than many a decision does. For latencies it waits for each
//! reply, and another thread sends the requests when they are due.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{self, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
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
        let connect = |_| Flood::begin(socket, self);
        let mut floods: Vec<Flood> = (0..self.connections)
            .map(connect)
            .collect::<io::Result<_>>()?;
        let end = Instant::now() + self.during;
        let mut bytes = vec![0; 65536];
        let mut pause = Duration::ZERO;
        let (mut count, mut under_way) = (0, self.connections * self.depth);
        while under_way > 0 {
            let goes_on = Instant::now() < end;
            let mut taken = 0;
            for flood in &mut floods {
                taken += flood.turn(&mut bytes, goes_on)?;
            }
            count += taken as u64;
            if !goes_on {
                under_way -= taken;
            }
            // So long that a part of the replies is here then, and the server has the rest to do.
            if taken * 4 < under_way {
                pause = (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            } else if taken * 2 > under_way {
                pause /= 2;
            }
            thread::sleep(pause);
        }
        Ok(count)
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
        let mut stream = StdStream::connect(socket)?;
        stream.write_all(&self.frame())?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut reply = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut reply)?;
        Ok(reply)
    }

    fn frame(&self) -> Vec<u8> {
        let length = u32::try_from(self.request.len()).expect("a request is short");
        [&length.to_be_bytes(), self.request.as_slice()].concat()
    }
}

/// A connection that always has the same number of requests under way.
struct Flood {
    stream: StdStream,
    frame: Vec<u8>,
    /// What has come of replies that are not whole.
    started: Vec<u8>,
}

impl Flood {
    fn begin(socket: &Path, load: &Load) -> io::Result<Self> {
        let frame = load.frame();
        let mut stream = StdStream::connect(socket)?;
        stream.set_nonblocking(true)?;
        write_all(&mut stream, &frame.repeat(load.depth))?;
        Ok(Self {
            stream,
            frame,
            started: Vec::new(),
        })
    }

    /// Counts the replies that are here, and asks as often again if it goes on.
    fn turn(&mut self, bytes: &mut [u8], goes_on: bool) -> io::Result<usize> {
        match self.stream.read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => self.started.extend(&bytes[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error),
        }
        let (mut taken, mut at) = (0, 0);
        while let Some((length, rest)) = self.started[at..].split_first_chunk() {
            let length = u32::from_be_bytes(*length) as usize;
            if rest.len() < length {
                break;
            }
            taken += 1;
            at += 4 + length;
        }
        self.started.drain(..at);
        if goes_on {
            write_all(&mut self.stream, &self.frame.repeat(taken))?;
        }
        Ok(taken)
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_micros(20);

const LONGEST_PAUSE: Duration = Duration::from_millis(1);

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
