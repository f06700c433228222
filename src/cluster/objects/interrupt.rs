//! Handles Ctrl-C and SIGTERM. After the first signal, the program finishes the requests in progress and starts no
//! new ones. After the second, it stops waiting for them.

use std::time::Duration;

use tokio::sync::watch;

use crate::cluster::{Cluster, signals};

/// How a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The time passed.
    Over,
    /// An interrupt ended the pause.
    Interrupted,
}

/// The number of interrupts so far.
#[derive(Clone, Debug)]
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Cluster {
    /// Catches interrupts from now on, instead of letting them end the program. Call this before the first write;
    /// before that, ending the program is safe.
    pub fn catch_interrupts(&self) {
        let (sender, receiver) = watch::channel(0);
        if self.interrupts.set(Interrupts(receiver)).is_err() {
            return;
        }
        self.runtime.block_on(async {
            tokio::spawn(count(sender));
            // The signal handler is installed when the task has run once.
            tokio::task::yield_now().await;
        });
        signals::leave_to_program();
    }

    /// Returns whether the program was interrupted.
    pub fn is_interrupted(&self) -> bool {
        self.runtime.block_on(async {
            tokio::task::yield_now().await;
            self.interrupts_now() > 0
        })
    }

    pub(super) fn interrupts_now(&self) -> u32 {
        self.interrupts.get().map_or(0, |interrupts| *interrupts.0.borrow())
    }

    /// Waits for a time, or until an interrupt.
    pub fn pause(&self, time: Duration) -> Pause {
        self.runtime.block_on(async {
            let interrupted = times(self.interrupts.get().cloned(), 1);
            match tokio::time::timeout(time, interrupted).await {
                Ok(()) => Pause::Interrupted,
                Err(_) => Pause::Over,
            }
        })
    }
}

/// Returns after this number of interrupts; never, if they are not caught.
pub(crate) async fn times(interrupts: Option<Interrupts>, count: u32) {
    if let Some(Interrupts(mut receiver)) = interrupts
        && receiver.wait_for(|received| *received >= count).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn count(sender: watch::Sender<u32>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            let (interrupt, terminate) = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
            futures_util::future::select(interrupt, terminate).await;
            sender.send_modify(|count| *count += 1);
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        sender.send_modify(|count| *count += 1);
    }
}
