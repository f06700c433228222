//! The man pages: one of the program, one of each command, out of the command line as data.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use largescale::cli::Cli;
use largescale::exit::Exit;

/// All pages, as of a date such as 2026-11-24: file name and text.
pub(crate) fn pages(date: &str) -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, "kubectl-largescale", date, &mut pages);
    pages
}

fn add(command: &Command, name: &str, date: &str, pages: &mut Vec<(String, String)>) {
    let is_program = name == "kubectl-largescale";
    // clap takes names that are there for ever.
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

/// A part of a page, without the line breaks around blank lines that `mandoc -T lint` complains of.
fn rendered(man: &Man, part: Part) -> String {
    let mut text = Vec::new();
    part(man, &mut text).expect("memory takes it");
    let text = String::from_utf8(text).expect("help is UTF-8");
    // What looks like an empty line is one, and needs no break around it.
    text.replace(".br\n\n.br\n", ".sp\n").replace("\n\n.br\n", "\n.sp\n")
}

/// As `--help` has it; `clap_mangen` would list all flags.
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

/// Text that roff shows as it stands.
fn plain(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('`', "\\(ga").replace('\'', "\\(aq")
}

const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
\fBKUBECONFIG\fR
Kubeconfig files, a list like PATH; \fB\-\-kubeconfig\fR overrides it.
.TP
\fBKUBECTL_EXTERNAL_DIFF\fR
A program that \fBdiff\fR shows differences with, as in \fBkubectl diff\fR.
.TP
\fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBNO_PROXY\fR
The proxy to the API server, and the hosts that need none.
.TP
\fBNO_COLOR\fR, \fBCLICOLOR\fR, \fBCLICOLOR_FORCE\fR, \fBTERM\fR
Whether to use colour; \fB\-\-color\fR overrides them.
.TP
\fBPATH\fR
Where \fBgit\fR(1), credential plugins and, for \fBdoctor\fR, kubectl and its plugins are looked for.
";

const FILES: &str = r".SH FILES
.TP
\fIlargescale.yaml\fR
The spec: which manifests, platform, pools and overlays, and where to.
.TP
\fIlargescale.lock\fR
The pools as last seen, the cluster they belong to, and digests of the files. Commit it.
.TP
\fIrendered/\fR
The tree: one file an object.
.TP
\fI~/.kube/config\fR
The kubeconfig where KUBECONFIG names none.
";
