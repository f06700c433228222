//! `status` of an app that is ready, of one that is not, and with few rights.

mod dns;
mod doubt;
mod shown;
mod spellings;

use serde_json::Value;

use crate::app::App;
use crate::run::Run;
use crate::wait::until;

fn apply(app: &App) {
    app.kubectl(&["apply", "--server-side", "-f", "rendered"]).ok();
}

/// Returns the status when all is ready.
fn ready(app: &App) -> Value {
    until("all is ready", || {
        let run = app.run(&["status", "-o", "json"]);
        (run.code == Some(0)).then(|| run.json())
    })
}

fn as_json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}
