//! Waiting for what comes true a moment later, instead of sleeping for luck.

use std::thread;
use std::time::{Duration, Instant};

/// What takes a second on an idle machine may take long on one that runs all tests at once.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks until there is an answer, and returns it.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "not after {} s: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(50));
    }
}
