//! Runs asynchronous work of this shell to its end.

use std::io;

use tokio::runtime::Builder;

/// Runs a future on this thread, and returns its result. Work that it left behind ends without being waited for.
///
/// # Errors
///
/// Fails if the operating system has no resources for it.
pub fn run<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(future);
    // A name that the operating system still resolves must not delay the end of the program.
    runtime.shutdown_background();
    Ok(result)
}
