//! `smoke SECONDS [TARGET...]`: every target on its seeds, on the inputs of test/data/fuzz, which
//! once failed, and for so many seconds on mutations of both. `smoke --seeds FOLDER` writes the
//! seeds and the words for cargo-fuzz.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use certjid_fuzz::mutation::{Random, mutate};
use certjid_fuzz::{TARGETS, Target, files};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.as_slice() {
        [flag, folder] if flag == "--seeds" => write_seeds(Path::new(folder)),
        [seconds, names @ ..] => {
            let Ok(seconds) = seconds.parse() else {
                return usage();
            };
            let chosen: Vec<&Target> = TARGETS
                .iter()
                .filter(|target| names.is_empty() || names.iter().any(|name| name == target.name))
                .collect();
            if chosen.is_empty() {
                return usage();
            }
            for target in chosen {
                if let Err(input) = smoke(target, Duration::from_secs(seconds)) {
                    let path = env::temp_dir().join(format!("certjid-fuzz-{}", target.name));
                    fs::write(&path, input).expect("a writable folder");
                    println!("{}: FAILED on {}", target.name, path.display());
                    return ExitCode::FAILURE;
                }
            }
        }
        [] => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: smoke SECONDS [TARGET...] | smoke --seeds FOLDER");
    ExitCode::FAILURE
}

/// The first input on which a property does not hold.
fn smoke(target: &Target, time: Duration) -> Result<(), Vec<u8>> {
    let run = |input: Vec<u8>| {
        let checked = catch_unwind(AssertUnwindSafe(|| (target.check)(&input)));
        checked.map_err(|_| input)
    };
    let mut seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    let once_failed = files(&format!("test/data/fuzz/{}", target.name));
    seeds.extend(once_failed.into_iter().map(|(_, input)| input));
    seeds.iter().cloned().try_for_each(run)?;

    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut random = Random::new(u64::try_from(since.as_nanos()).unwrap_or(1));
    let (begun, mut count) = (Instant::now(), 0_u64);
    while begun.elapsed() < time {
        run(mutate(&seeds, target.words, &mut random))?;
        count += 1;
    }
    println!("{}: {} seeds, {count} mutations", target.name, seeds.len());
    Ok(())
}

fn write_seeds(folder: &Path) {
    for target in TARGETS {
        let into: PathBuf = folder.join(target.name);
        fs::create_dir_all(&into).expect("a writable folder");
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(into.join(format!("seed-{number:04}")), seed).expect("a writable folder");
        }
        let escape = |word: &&str| {
            let bytes: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("\"{bytes}\"\n")
        };
        let words: String = target.words.iter().map(escape).collect();
        fs::write(folder.join(format!("{}.dict", target.name)), words).expect("a writable folder");
    }
}
