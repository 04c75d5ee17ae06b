//! Chain check (being written).
mod mode;
pub use mode::VerifyMode;
