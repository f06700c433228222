//! The signals that end the program: holds them back while something on the disk must be removed first, and reports how far the
//! program came.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

/// Reports a signal to the user before it ends the program.
type Report = Box<dyn Fn() + Send>;

/// What the thread that receives signals knows.
#[derive(Default)]
struct State {
    is_held: AtomicBool,
    is_interrupted: AtomicBool,
    must_end: AtomicBool,
    /// Whether the program itself handles SIGINT and SIGTERM.
    is_left: AtomicBool,
    report: Mutex<Option<Report>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("is_held", &self.is_held).finish_non_exhaustive()
    }
}

static STATE: OnceLock<Arc<State>> = OnceLock::new();

/// From now on, a signal that ends the program is reported first. The program then ends with this exit code.
pub fn report_interrupts(exit_code: u8, report: impl Fn() + Send + 'static) -> io::Result<()> {
    let state = state(exit_code)?;
    *state.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
    state.is_left.store(false, Ordering::SeqCst);
    Ok(())
}

/// From now on, a signal ends the program without a report: the report would no longer be true.
pub fn end_silently() {
    if let Some(state) = STATE.get() {
        state.report.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Leaves SIGINT and SIGTERM to the program, which counts them.
pub(super) fn leave_to_program() {
    end_silently();
    if let Some(state) = STATE.get() {
        state.is_left.store(true, Ordering::SeqCst);
    }
}

/// Starts the thread that receives signals, if it does not run yet.
fn state(exit_code: u8) -> io::Result<&'static Arc<State>> {
    if let Some(state) = STATE.get() {
        return Ok(state);
    }
    let state = Arc::new(State::default());
    receive(Arc::clone(&state), exit_code)?;
    Ok(STATE.get_or_init(|| state))
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
        let state = state(exit_code)?;
        state.is_held.store(true, Ordering::SeqCst);
        Ok(Self(Arc::clone(state)))
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
            let received = runtime.block_on(signals.next());
            match received {
                Received::Interrupt => state.is_interrupted.store(true, Ordering::SeqCst),
                Received::Terminate | Received::HangUp => state.must_end.store(true, Ordering::SeqCst),
            }
            let is_left = state.is_left.load(Ordering::SeqCst) && received != Received::HangUp;
            if is_left || state.is_held.load(Ordering::SeqCst) {
                continue;
            }
            if let Some(report) = state.report.lock().unwrap_or_else(PoisonError::into_inner).take() {
                report();
            }
            std::process::exit(i32::from(exit_code));
        }
    })?;
    Ok(())
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Received {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    HangUp,
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
        [Received::Interrupt, Received::Terminate, Received::HangUp][index]
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
