//! Memory of processes.

use std::fs;

/// What a process has resident, in MiB.
pub(crate) fn resident(process: u32) -> Result<f64, Box<dyn core::error::Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .ok_or("there is no VmRSS")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
