use crate::desk::Desk;
use crate::offers::{by_itself as offers_by_itself, through_kubectl as offers_through_kubectl};
use crate::typing::{PROMPT, Terminal};

const SETTINGS: &str = r#"
stty cols 200
unsetopt prompt_sp zle_bracketed_paste beep list_ambiguous auto_remove_slash
bindkey -e
LISTMAX=10000
words() { printf '[%s]' "$@"; echo; }
autoload -Uz compinit
compinit -D -u
"#;

fn terminal(desk: &Desk, sources: &str) -> Terminal {
    desk.write(".zshrc", &format!("{SETTINGS}\n{sources}\nPS1='{PROMPT}'\n"));
    Terminal::start(desk, "zsh -i")
}

#[test]
fn through_kubectl() {
    let Some(desk) = Desk::with(&["zsh", "kubectl", "script"]) else { return };
    offers_through_kubectl(&mut terminal(&desk, "source <(kubectl completion zsh)"));
}

#[test]
fn from_a_directory_of_functions() {
    let Some(desk) = Desk::with(&["zsh", "script"]) else { return };
    let script = desk.command("kubectl-largescale").args(["completion", "zsh"]).output().unwrap();
    std::fs::create_dir(desk.path().join("functions")).unwrap();
    desk.write("functions/_kubectl-largescale", str::from_utf8(&script.stdout).unwrap());
    let mut zsh = terminal(&desk, "fpath=(~/functions $fpath); compinit -D -u");
    // The first TAB loads the function, the second uses it.
    for _ in 0..2 {
        assert_eq!(zsh.inserted("kubectl-largescale rend"), "[kubectl-largescale][render]");
    }
}

#[test]
fn by_itself() {
    let Some(desk) = Desk::with(&["zsh", "script"]) else { return };
    offers_by_itself(&mut terminal(&desk, "source <(kubectl-largescale completion zsh)"));
}
