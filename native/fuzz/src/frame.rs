//! Frames: the same ones however the bytes arrive, and no others.

use core::time::Duration;

use certjid_sidecar::protocol::MAX_FRAME;
use certjid_sidecar::protocol::frame::{self, Frame};
use tokio::io::BufReader;
use tokio::runtime::Builder;

/// What a client sends.
pub fn check(data: &[u8]) {
    let due = due(data);
    for piece in [1, 3, 8192] {
        assert_eq!(read(data, piece), due, "in pieces of {piece} bytes");
    }
    let mut written = Vec::new();
    for payload in due.iter().filter_map(|frame| match frame {
        Ok(Frame::Payload(payload)) => Some(payload),
        _ => None,
    }) {
        written.extend(frame::write(payload));
    }
    assert!(
        data.starts_with(&written),
        "what is written is what was read"
    );
}

type Read = Result<Frame, std::io::ErrorKind>;

fn read(data: &[u8], piece: usize) -> Vec<Read> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let hour = Duration::from_secs(3600);
    runtime.block_on(async {
        let mut reader = BufReader::with_capacity(piece, data);
        let mut frames = Vec::new();
        loop {
            let frame = frame::read(&mut reader, hour, hour).await;
            let frame = frame.map_err(|error| error.kind());
            let last = !matches!(frame, Ok(Frame::Payload(_)));
            frames.push(frame);
            if last {
                return frames;
            }
        }
    })
}

/// The frames as docs/protocol.md has them.
fn due(mut data: &[u8]) -> Vec<Read> {
    let mut frames = Vec::new();
    loop {
        let last = match data {
            [] => Ok(Frame::Closed),
            [a, b, c, d, rest @ ..] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                if length > MAX_FRAME {
                    Ok(Frame::TooLarge(length, rest.first().copied()))
                } else if let Some((payload, rest)) = rest.split_at_checked(length) {
                    frames.push(Ok(Frame::Payload(payload.to_vec())));
                    data = rest;
                    continue;
                } else {
                    Err(std::io::ErrorKind::UnexpectedEof)
                }
            }
            _ => Err(std::io::ErrorKind::UnexpectedEof),
        };
        frames.push(last);
        return frames;
    }
}

/// Whole frames, half ones, and ones that are too large.
pub fn seeds() -> Vec<Vec<u8>> {
    let frame = |payload: &[u8]| {
        let length = u32::try_from(payload.len()).expect("a short payload");
        [&length.to_be_bytes(), payload].concat()
    };
    let status = frame(br#"{"id":1,"request":"status"}"#);
    vec![
        Vec::new(),
        status.clone(),
        status.repeat(3),
        [status.clone(), status[..9].to_vec()].concat(),
        [frame(b""), frame(&[131, 116, 0, 0, 0, 0])].concat(),
        vec![0, 4, 0, 1, b'{'],
        vec![0xff; 8],
        frame(&[b' '; 300]),
    ]
}

/// Lengths at the limits.
pub const WORDS: &[&str] = &[
    "\0\0\0\0",
    "\0\0\0\x01",
    "\0\x04\0\0",
    "\0\x04\0\x01",
    "\0\0\x20\0",
];
