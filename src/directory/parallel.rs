//! Reads or writes many files on all processors. The result does not depend on the number of processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// Below this number of items, starting threads costs more than it saves.
const MANY: usize = 1000;

/// More threads do not help, because they share a disk and an allocator.
const MAX_THREADS: usize = 8;

/// Applies `f` to each item, and returns the results in order.
pub fn map<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
    if items.len() < MANY || threads == 1 {
        return items.into_iter().map(f).collect();
    }
    let size = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    let shares = (0..threads).map(|_| items.by_ref().take(size).collect::<Vec<T>>()).collect::<Vec<_>>();
    thread::scope(|scope| {
        let f = &f;
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(f).collect::<Vec<R>>()))
            .collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|cause| resume_unwind(cause)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_their_order() {
        for count in [0, 1, MANY - 1, MANY, MANY + 1, 10 * MANY + 7] {
            let doubled = map((0..count).collect(), |number| number * 2);
            assert_eq!(doubled, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
