//! The socket file: who may open it, and what was there before.

use core::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Who may open the socket.
#[derive(Clone, Debug)]
pub struct Access {
    /// The mode of the file, such as 0o660.
    pub mode: u32,
    /// The owner's id; without one, the process's own.
    pub owner: Option<u32>,
    /// The group's id.
    pub group: Option<u32>,
}

/// A socket file that this process made.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl SocketFile {
    /// Listens at `path`. What a dead sidecar left there is replaced; a live one is not.
    ///
    /// # Errors
    /// Where the path is in use by someone else, or can't be used.
    pub fn bind(path: &Path, access: &Access) -> Result<(UnixListener, Self), SocketError> {
        match fs::symlink_metadata(path) {
            Ok(known) if !known.file_type().is_socket() => {
                return Err(SocketError::NotASocket(path.to_owned()));
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                // Whoever answers in whatever way is alive.
                Ok(_) => return Err(SocketError::InUse(path.to_owned())),
                Err(error) => return Err(SocketError::Io(path.to_owned(), error)),
            },
            Err(_) => {}
        }
        // Made aside and moved, so that nobody finds the socket before its mode is right.
        let mut aside = path.as_os_str().to_owned();
        aside.push(ASIDE);
        let aside = PathBuf::from(aside);
        let failed = |error| SocketError::Io(path.to_owned(), error);
        if fs::symlink_metadata(&aside).is_ok_and(|known| known.file_type().is_socket()) {
            fs::remove_file(&aside).map_err(failed)?;
        }
        let listener = UnixListener::bind(&aside).map_err(failed)?;
        let finish = || {
            chown(&aside, access.owner, access.group)?;
            fs::set_permissions(&aside, Permissions::from_mode(access.mode))?;
            fs::rename(&aside, path)?;
            inode(path)
        };
        match finish() {
            Ok(inode) => Ok((
                listener,
                Self {
                    path: path.to_owned(),
                    inode,
                },
            )),
            Err(error) => {
                let _ = fs::remove_file(&aside);
                Err(failed(error))
            }
        }
    }
}

impl Drop for SocketFile {
    /// Removes the file, unless another sidecar has put its own there.
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Why a socket can't be listened at.
#[derive(Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// A process listens there.
    InUse(PathBuf),
    /// The system's words.
    Io(PathBuf, io::Error),
    /// The path is another kind of file, which is never removed.
    NotASocket(PathBuf),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => {
                write!(
                    f,
                    "{}: another process listens on this socket",
                    path.display()
                )
            }
            Self::Io(path, error) => {
                write!(f, "{}: no socket can be made: {error}", path.display())
            }
            Self::NotASocket(path) => {
                write!(f, "{}: this is a file, and no socket", path.display())
            }
        }
    }
}

impl std::error::Error for SocketError {}

const ASIDE: &str = "~";
