//! Man pages: one per command, accepted by mandoc and groff.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::Command;

use clap::CommandFactory;
use largescale::cli::Cli;
use largescale::exit::Exit;

#[path = "../../dist/man/pages.rs"]
mod pages;

const DATE: &str = "2026-01-31";

#[test]
fn every_command_has_a_page() {
    let mut expected = BTreeSet::new();
    names(&Cli::command(), "kubectl-largescale", &mut expected);
    let pages = pages::pages(DATE);
    let found: BTreeSet<String> = pages.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(found, expected);
    for (name, text) in pages {
        for (exit, _) in Exit::TABLE {
            assert!(text.contains(&format!("\n\\fB{}\\fR\n", exit.code())), "{name} lacks {exit:?}");
        }
        // The pages that a page refers to exist.
        for (at, _) in text.match_indices("\\fBkubectl\\-largescale") {
            let other = text[at + 3..].split("\\fR").next().unwrap().replace("\\-", "-");
            assert!(expected.contains(&format!("{other}.1")), "{name} refers to {other}");
        }
    }
}

#[test]
fn the_first_page_has_files_and_environment() {
    let (name, text) = pages::pages(DATE).remove(0);
    assert_eq!(name, "kubectl-largescale.1");
    for needed in ["largescale.lock", "KUBECONFIG", "NO_COLOR", "EXIT STATUS", "EXAMPLES", DATE] {
        assert!(text.contains(needed), "{needed}");
    }
}

#[test]
fn mandoc_and_groff_accept_the_pages() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in pages::pages(DATE) {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for words in
        [&["mandoc", "-T", "lint", "-W", "warning"][..], &["groff", "-ww", "-man", "-T", "utf8", "-z"]]
    {
        let mut command = Command::new(words[0]);
        let Ok(output) = command.args(&words[1..]).args(&names).output() else {
            assert!(std::env::var_os("CI").is_none(), "{} not found; CI must have it", words[0]);
            // Written past the capture of the test harness, so that the skip is visible.
            writeln!(std::io::stderr(), "skipped: {} not found", words[0]).unwrap();
            continue;
        };
        let messages = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && messages.is_empty(), "{}", String::from_utf8_lossy(&messages));
    }
}

#[test]
fn the_options_page_has_the_connection_flags() {
    let pages = pages::pages(DATE);
    let page = |name: &str| &pages.iter().find(|(page, _)| page == name).unwrap().1;
    let options = page("kubectl-largescale-options.1");
    for flag in ["kubeconfig", "context", "token", "cache\\-dir"] {
        let flag = format!("\\-\\-{flag}");
        assert!(options.contains(&flag), "the options page lacks {flag}");
    }
    assert!(!page("kubectl-largescale-render.1").contains("\\-\\-kubeconfig"));
    assert!(page("kubectl-largescale-render.1").contains("Use \"kubectl largescale options\""));
}

fn names(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    found.insert(format!("{name}.1"));
    for sub in command.get_subcommands() {
        names(sub, &format!("{name}-{}", sub.get_name()), found);
    }
}
