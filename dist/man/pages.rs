//! Man pages of the program and of each command, generated from the definition of the command line.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use largescale::cli::Cli;
use largescale::commands::options;
use largescale::exit::Exit;

/// Returns the file name and text of each page, with a date such as 2026-11-24.
pub(crate) fn pages(date: &str) -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    add(&command, "kubectl-largescale", date, &mut pages);
    pages
}

fn add(command: &Command, name: &str, date: &str, pages: &mut Vec<(String, String)>) {
    let is_program = name == "kubectl-largescale";
    // clap requires static names.
    let static_name: &'static str = name.to_owned().leak();
    // The connection flags have a page of their own; other pages leave them out, as their help does.
    let mut connection = options::definition();
    connection.build();
    let is_options = name == "kubectl-largescale-options";
    let shown = if is_options { command.clone().args(visible(&connection)) } else { command.clone() };
    // The first paragraphs of the help are part of the description here.
    let shown = shown.before_help("");
    let man = Man::new(shown.name(static_name).display_name(static_name))
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
    text.push_str(&examples(command));
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

/// Returns a part of a page without line breaks around blank lines, which `mandoc -T lint` reports.
fn rendered(man: &Man, part: Part) -> String {
    let mut text = Vec::new();
    part(man, &mut text).expect("writing to memory succeeds");
    let text = String::from_utf8(text).expect("help is UTF-8");
    text.replace(".br\n\n.br\n", ".sp\n").replace("\n\n.br\n", "\n.sp\n")
}

/// Returns the usage of `--help`; `clap_mangen` would list all flags.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines = usage.trim_start_matches("Usage: ").lines().map(|line| format!("{}\n", plain(line.trim())));
    format!(".SH SYNOPSIS\n{}", lines.collect::<Vec<_>>().join(".br\n"))
}

/// Returns the examples and the pointer to the connection flags at the end of `--help`.
fn examples(command: &Command) -> String {
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let Some((_, notes)) = notes.split_once("Examples:\n") else { return String::new() };
    let (examples, hint) = match notes.rsplit_once("\n\nUse ") {
        Some((examples, hint)) => (examples, format!(".PP\nUse {}\n", plain(hint))),
        None => (notes, String::new()),
    };
    // The exit codes have a section of their own.
    let examples = examples.split("\n\nExit codes:").next().unwrap_or_default();
    let lines: Vec<String> = examples.lines().map(|line| plain(line.trim())).collect();
    format!(".SH EXAMPLES\n.nf\n{}\n.fi\n{hint}", lines.join("\n").replace("\n\n", "\n.sp\n"))
}

/// Returns the connection flags as shown by `options`.
fn visible(connection: &Command) -> Vec<clap::Arg> {
    connection.get_arguments().map(|flag| flag.clone().hide(false)).collect()
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
The program with which \fBdiff\fR shows differences, as for \fBkubectl diff\fR.
.TP
\fBHTTPS_PROXY\fR, \fBHTTP_PROXY\fR, \fBNO_PROXY\fR
The proxy to the API server, and the hosts to connect to without it.
.TP
\fBNO_COLOR\fR, \fBCLICOLOR\fR, \fBCLICOLOR_FORCE\fR, \fBTERM\fR
Whether to color the output; \fB\-\-color\fR overrides them.
.TP
\fBPATH\fR
Where the program finds \fBgit\fR(1), credential plugins and, for \fBdoctor\fR, kubectl and its plugins.
";

const FILES: &str = r".SH FILES
.TP
\fIlargescale.yaml\fR
The spec: manifests, platform, pools, overlays and the output directory.
.TP
\fIlargescale.lock\fR
The lock file: the known pools, their cluster, and digests of the rendered files. Commit it.
.TP
\fIrendered/\fR
The rendered directory: one file per object.
.TP
\fI~/.kube/config\fR
The kubeconfig if KUBECONFIG is not set.
";
