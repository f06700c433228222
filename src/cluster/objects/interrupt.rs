//! Ctrl-C, and a pod that is asked to stop: work that has begun is finished, nothing more is begun. Asked twice, the
//! program stops waiting for what is under way.

use std::time::Duration;

use tokio::sync::watch;

use crate::cluster::Cluster;

/// How a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// By itself.
    Over,
    /// Somebody wants the program to end.
    Interrupted,
}

/// How often we were asked to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Cluster {
    /// From now on Ctrl-C does not end the program: what writes and waits here is told. To be called before the first
    /// write; until then a program that just ends is what everybody expects.
    pub fn catch_interrupts(&self) {
        let (sender, receiver) = watch::channel(0);
        if self.interrupts.set(Interrupts(receiver)).is_err() {
            return;
        }
        self.runtime.block_on(async {
            tokio::spawn(count(sender));
            // The handler of the system is in its place when the task has run once.
            tokio::task::yield_now().await;
        });
    }

    /// Whether we were asked to end.
    pub fn is_interrupted(&self) -> bool {
        self.runtime.block_on(async {
            tokio::task::yield_now().await;
            self.interrupts_now() > 0
        })
    }

    pub(super) fn interrupts_now(&self) -> u32 {
        self.interrupts.get().map_or(0, |interrupts| *interrupts.0.borrow())
    }

    /// Waits, or until we are asked to end.
    pub fn pause(&self, time: Duration) -> Pause {
        self.runtime.block_on(async {
            let asked = times(self.interrupts.get().cloned(), 1);
            match tokio::time::timeout(time, asked).await {
                Ok(()) => Pause::Interrupted,
                Err(_) => Pause::Over,
            }
        })
    }
}

/// Returns when we were asked so often; never, if nobody listens.
pub(crate) async fn times(interrupts: Option<Interrupts>, count: u32) {
    if let Some(Interrupts(mut receiver)) = interrupts
        && receiver.wait_for(|asked| *asked >= count).await.is_ok()
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
            sender.send_modify(|asked| *asked += 1);
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        sender.send_modify(|asked| *asked += 1);
    }
}
