//! Holds back the signals that end the program, while something on the disk must be removed first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

/// What the thread that receives signals knows.
#[derive(Debug, Default)]
struct State {
    is_held: AtomicBool,
    is_interrupted: AtomicBool,
    must_end: AtomicBool,
}

/// While this value lives, SIGINT, SIGTERM and SIGHUP do not end the program; afterwards they end it again.
#[derive(Debug)]
pub struct HeldSignals(Arc<State>);

impl HeldSignals {
    /// Holds the signals back from now on. A signal that comes later ends the program with this exit code.
    ///
    /// The process never gets the default behavior of a signal back after the first call, so a thread ends the program
    /// instead.
    pub fn hold(exit_code: u8) -> io::Result<Self> {
        static STATE: OnceLock<Arc<State>> = OnceLock::new();
        if let Some(state) = STATE.get() {
            return Ok(Self::of(state));
        }
        let state = Arc::new(State::default());
        let held = Self::of(&state);
        receive(Arc::clone(&state), exit_code)?;
        let _ = STATE.set(state);
        Ok(held)
    }

    fn of(state: &Arc<State>) -> Self {
        state.is_held.store(true, Ordering::SeqCst);
        Self(Arc::clone(state))
    }

    /// Returns whether SIGINT came. At a terminal, a program that this one waits for has received it, too.
    pub fn is_interrupted(&self) -> bool {
        self.0.is_interrupted.load(Ordering::SeqCst)
    }

    /// Returns whether SIGTERM or SIGHUP came.
    pub fn must_end(&self) -> bool {
        self.0.must_end.load(Ordering::SeqCst)
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        self.0.is_held.store(false, Ordering::SeqCst);
    }
}

/// Starts the thread that receives the signals. Returns when they are caught.
#[expect(
    clippy::exit,
    reason = "the thread acts as the default behavior of the signals, which cannot be restored"
)]
fn receive(state: Arc<State>, exit_code: u8) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::caught()?
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        loop {
            match runtime.block_on(signals.next()) {
                Received::Interrupt => state.is_interrupted.store(true, Ordering::SeqCst),
                Received::End => state.must_end.store(true, Ordering::SeqCst),
            }
            if !state.is_held.load(Ordering::SeqCst) {
                std::process::exit(i32::from(exit_code));
            }
        }
    })?;
    Ok(())
}

/// A signal that came.
enum Received {
    /// SIGINT.
    Interrupt,
    /// SIGTERM or SIGHUP.
    End,
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn caught() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) -> Received {
        let (_, index, _) =
            futures_util::future::select_all(self.0.each_mut().map(|signal| Box::pin(signal.recv()))).await;
        if index == 0 { Received::Interrupt } else { Received::End }
    }
}

#[cfg(not(unix))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    fn caught() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Received {
        self.0.recv().await;
        Received::Interrupt
    }
}
