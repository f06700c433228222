//! Generates the man pages from the command-line definition: one for the program, one for each command.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use largescale::cli::Cli;
use largescale::exit::Exit;

/// Returns the file name and text of all pages, with a date such as 2026-11-24.
pub(crate) fn pages(date: &str) -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, "kubectl-largescale", date, &mut pages);
    pages
}

fn add(command: &Command, name: &str, date: &str, pages: &mut Vec<(String, String)>) {
    let is_program = name == "kubectl-largescale";
    // clap requires names with a static lifetime.
    let static_name: &'static str = name.to_owned().leak();
    let man = Man::new(command.clone().name(static_name).display_name(static_name))
        .title(name.to_uppercase())
        .source(format!("kubectl-largescale {}", env!("CARGO_PKG_VERSION")))
        .manual("kubectl largescale")
        .date(date);
    let mut text = rendered(&man, Man::render_title) + &rendered(&man, Man::render_name_section);
    text.push_str(&synopsis(command));
    text.push_str(&rendered(&man, Man::render_description_section));
    text.push_str(&rendered(&man, Man::render_options_section));
    if command.has_subcommands() {
        text.push_str(&rendered(&man, Man::render_subcommands_section));
    }
    text.push_str(&exit_status());
    if is_program {
        text.push_str(ENVIRONMENT);
        text.push_str(FILES);
    }
    text.push_str(&see_also(command, name));
    pages.push((format!("{name}.1"), text));
    for sub in command.get_subcommands() {
        add(sub, &format!("{name}-{}", sub.get_name()), date, pages);
    }
}

type Part = fn(&Man, &mut dyn std::io::Write) -> Result<(), std::io::Error>;

/// Renders a part of a page, without the line breaks around empty lines that `mandoc -T lint` reports.
fn rendered(man: &Man, part: Part) -> String {
    let mut text = Vec::new();
    part(man, &mut text).expect("writing to memory does not fail");
    let text = String::from_utf8(text).expect("help is UTF-8");
    // A request at an empty line needs no break around it.
    text.replace(".br\n\n.br\n", ".sp\n").replace("\n\n.br\n", "\n.sp\n")
}

/// Returns the options as in `--help`; `clap_mangen` would list all flags.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines = usage.trim_start_matches("Usage: ").lines().map(|line| format!("{}\n", plain(line.trim())));
    format!(".SH SYNOPSIS\n{}", lines.collect::<Vec<_>>().join(".br\n"))
}

fn exit_status() -> String {
    let of = |(exit, meaning): &(Exit, &str)| format!(".TP\n\\fB{}\\fR\n{}\n", exit.code(), plain(meaning));
    format!(".SH \"EXIT STATUS\"\n{}", Exit::TABLE.iter().map(of).collect::<String>())
}

fn see_also(command: &Command, name: &str) -> String {
    let above = name.rsplit_once('-').map(|(above, _)| above).filter(|above| *above != "kubectl");
    let below = command.get_subcommands().map(|sub| format!("{name}-{}", sub.get_name()));
    let all: Vec<String> = above
        .map(str::to_owned)
        .into_iter()
        .chain(below)
        .map(|page| format!("\\fB{}\\fR(1)", plain(&page)))
        .collect();
    format!(".SH \"SEE ALSO\"\n{},\n\\fBkubectl\\fR(1)\n", all.join(",\n"))
}

/// Escapes text for roff.
fn plain(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('`', "\\(ga").replace('\'', "\\(aq")
}

const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
\fBKUBECONFIG\fR
Kubeconfig files, separated like PATH; \fB\-\-kubeconfig\fR overrides it.
.TP
\fBKUBECTL_EXTERNAL_DIFF\fR
A program that \fBdiff\fR shows differences with, as in \fBkubectl diff\fR.
.TP
\fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBNO_PROXY\fR
The proxy for the API server, and the hosts that are reached without it.
.TP
\fBNO_COLOR\fR, \fBCLICOLOR\fR, \fBCLICOLOR_FORCE\fR, \fBTERM\fR
Whether to use color; \fB\-\-color\fR overrides them.
.TP
\fBPATH\fR
Directories of \fBgit\fR(1), credential plugins and, for \fBdoctor\fR, kubectl and its plugins.
";

const FILES: &str = r".SH FILES
.TP
\fIlargescale.yaml\fR
The spec: manifests, platform, pools, overlays and output directory.
.TP
\fIlargescale.lock\fR
The lock file: the known pools, their cluster, and digests of the files. Commit it.
.TP
\fIrendered/\fR
The rendered directory: one file for each object.
.TP
\fI~/.kube/config\fR
The kubeconfig if KUBECONFIG is not set.
";
