use std::io::Write;

use crate::desk::Desk;
use crate::offers::{by_itself as offers_by_itself, through_kubectl as offers_through_kubectl};
use crate::typing::{PROMPT, Terminal};

const SETTINGS: &str = r#"
bind 'set show-all-if-ambiguous on'
bind 'set completion-query-items 0'
bind 'set page-completions off'
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
stty cols 200
words() { printf '[%s]' "$@"; echo; }
"#;

/// kubectl's own completion requires it.
const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

fn terminal(desk: &Desk, sources: &str) -> Terminal {
    desk.write("bashrc", &format!("{SETTINGS}\n{sources}\nPS1='{PROMPT}'\n"));
    Terminal::start(desk, "bash --noprofile --rcfile bashrc -i")
}

#[test]
fn through_kubectl() {
    let Some(desk) = Desk::with(&["bash", "kubectl", "script"]) else { return };
    if !std::path::Path::new(BASH_COMPLETION).exists() {
        assert!(std::env::var_os("CI").is_none(), "no bash-completion, which CI must have");
        writeln!(std::io::stderr(), "skipped: no bash-completion").unwrap();
        return;
    }
    let sources = format!("source {BASH_COMPLETION}\nsource <(kubectl completion bash)");
    offers_through_kubectl(&mut terminal(&desk, &sources));
}

#[test]
fn by_itself() {
    let Some(desk) = Desk::with(&["bash", "script"]) else { return };
    let mut bash = terminal(&desk, "source <(kubectl-largescale completion bash)");
    offers_by_itself(&mut bash);
    assert_eq!(bash.inserted("true --a=b:c && kubectl-largescale pools --context arn:"), "[true][--a=b:c]");
}
