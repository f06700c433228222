//! Waits for a condition instead of sleeping.

use std::thread;
use std::time::{Duration, Instant};

/// Generous, because a busy machine may need long for what takes a second on an idle one.
const PATIENCE: Duration = Duration::from_mins(1);

/// Calls the function until it returns a value.
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
