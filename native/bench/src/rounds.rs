//! Times that can be compared: all sides take turns in short rounds, and the best round of each
//! counts, since a busy machine only ever adds time.

use std::time::Instant;

/// Seconds that one call takes, for each side.
pub(crate) fn best<const N: usize>(
    rounds: usize,
    calls: usize,
    mut sides: [&mut dyn FnMut(); N],
) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..rounds {
        for (side, best) in sides.iter_mut().zip(&mut best) {
            let begun = Instant::now();
            for _ in 0..calls {
                side();
            }
            *best = best.min(begun.elapsed().as_secs_f64() / calls as f64);
        }
    }
    best
}

/// One line of the results.
pub(crate) fn report(what: &str, figures: &str, ratio: f64, target: Option<(&str, f64)>) {
    let verdict = match target {
        Some((">=", least)) => format!(">= {least}: {}", met(ratio >= least)),
        Some((_, most)) => format!("<= {most}: {}", met(ratio <= most)),
        None => String::new(),
    };
    println!("{what:<52} {figures:<48} {ratio:>7.2}  {verdict}");
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}
