//! The sockets that `certjid serve` listens on.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use listenfd::ListenFd;

use super::Unusable;
use super::settings::Settings;
use crate::server::socket::{Access, SocketFile};

/// The socket that systemd passes, or else the one of the settings.
pub(super) fn unix(settings: &Settings) -> Result<(UnixListener, Option<SocketFile>), Unusable> {
    if let Some(listener) = ListenFd::from_env()
        .take_unix_listener(0)
        .map_err(|error| {
            Unusable(format!(
                "the socket that systemd passes can't be used: {error}"
            ))
        })?
    {
        return Ok((listener, None));
    }
    let path = settings
        .socket
        .as_deref()
        .ok_or_else(|| Unusable("--socket is missing".to_owned()))?;
    let access = Access {
        mode: mode(settings.socket_mode.as_deref().unwrap_or(DEFAULT_MODE))?,
        owner: settings.socket_owner.as_deref().map(user_id).transpose()?,
        group: settings.socket_group.as_deref().map(group_id).transpose()?,
    };
    let (listener, file) = SocketFile::bind(Path::new(path), &access).map_err(Unusable::new)?;
    Ok((listener, Some(file)))
}

/// A TCP socket.
pub(super) fn tcp(address: SocketAddr) -> Result<TcpListener, Unusable> {
    TcpListener::bind(address).map_err(|error| Unusable(format!("{address}: {error}")))
}

fn mode(text: &str) -> Result<u32, Unusable> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mode| mode <= 0o777)
        .ok_or_else(|| {
            Unusable(format!(
                "socket-mode is {text:?}, not an octal mode such as 0660"
            ))
        })
}

fn user_id(name: &str) -> Result<u32, Unusable> {
    name.parse()
        .ok()
        .or_else(|| uzers::get_user_by_name(name).map(|user| user.uid()))
        .ok_or_else(|| Unusable(format!("socket-owner: there is no user {name:?}")))
}

fn group_id(name: &str) -> Result<u32, Unusable> {
    name.parse()
        .ok()
        .or_else(|| uzers::get_group_by_name(name).map(|group| group.gid()))
        .ok_or_else(|| Unusable(format!("socket-group: there is no group {name:?}")))
}

const DEFAULT_MODE: &str = "0660";
