//! docs/compatibility.md, line by line: where certjid answers differently from MongooseIM.

mod anchors;
mod authority;
mod callback;
mod document;
mod logins;
mod names;
mod server;
mod settings;
mod trust;
