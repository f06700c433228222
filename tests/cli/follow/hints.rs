//! Reads problems and the steps of their hints.

use regex_lite::Regex;

/// An error or a warning with its hint.
#[derive(Clone, Debug)]
pub struct Problem {
    pub severity: String,
    pub message: String,
    pub hint: String,
    /// Whether the command line is wrong.
    pub is_usage: bool,
}

impl Problem {
    /// Returns the problem without the numbers of lines, which change when a field is added.
    pub fn fact(&self) -> String {
        let message = Regex::new(r"(\.[a-z]+):\d+\b").unwrap().replace_all(&self.message, "$1");
        format!("{}: {message}", self.severity)
    }
}

/// What a hint says to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A command that changes something.
    Command(String),
    /// A command to use instead.
    Instead(String),
    /// A command that shows something.
    Show(String),
    /// `kubectl label`.
    Label(String),
    /// A flag for the same command.
    Flag(String),
    /// The same command without a flag.
    WithoutFlag(String),
    /// A field of the spec with its value.
    Field(String),
    /// The spec without an overlay, and with a field if the hint has one.
    WithoutOverlay(Option<String>),
}

/// Flags without a value.
const SWITCHES: [&str; 16] = [
    "--all",
    "--allow-outside",
    "--allow-shrink",
    "--check",
    "--commit",
    "--force-conflicts",
    "--keep",
    "--live",
    "--locked",
    "--new-id",
    "--no-git",
    "--overwrite",
    "--prune",
    "--strict",
    "--wait",
    "--yes",
];

/// Fields of `spec`.
const FIELDS: [&str; 16] = [
    "clusterIPServices",
    "clusters",
    "dns",
    "helmHooks",
    "internal",
    "limits",
    "manifests",
    "maxObjects",
    "names",
    "nodes",
    "output",
    "overlays",
    "platform",
    "pools",
    "settings",
    "workload",
];

/// Returns the problems that have a hint.
pub fn problems(output: &str) -> Vec<Problem> {
    all(output).into_iter().filter(|problem| !problem.hint.is_empty()).collect()
}

/// Returns all problems.
pub fn all(output: &str) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for line in output.lines() {
        if let Some((severity @ ("error" | "warning"), message)) = line.split_once(": ") {
            found.push(Problem {
                severity: severity.to_owned(),
                message: message.to_owned(),
                hint: String::new(),
                is_usage: false,
            });
        } else if let (Some(hint), Some(last)) = (line.strip_prefix("  hint: "), found.last_mut()) {
            hint.clone_into(&mut last.hint);
        } else if (line.starts_with("Usage: ") || line.contains("--help"))
            && let Some(last) = found.last_mut()
        {
            last.is_usage = true;
        }
    }
    found
}

/// Returns the words of a hint without names, numbers and values.
pub fn kind(problem: &Problem) -> String {
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || "`,:;-.".contains(c));
    let mut words = vec![problem.severity.as_str()];
    for (index, part) in problem.hint.split('`').enumerate() {
        let limit = if index % 2 == 0 { usize::MAX } else { 4 };
        words.extend(part.split_whitespace().filter(is_word).take(limit));
    }
    words.join(" ")
}

/// Whether the text has a name that only the user knows, such as POOL or `...`.
fn has_placeholder(text: &str) -> bool {
    text.contains("...")
        || Regex::new(r"(^|[^A-Za-z0-9_/$])[A-Z]+($|[^A-Za-z0-9_])")
            .unwrap()
            .is_match(&text.replace("HEAD", ""))
}

/// Returns the steps of a hint that a program can follow.
pub fn actions(hint: &str, command: &str) -> Vec<Action> {
    let mut found = Vec::new();
    let mut before = String::new();
    for (index, part) in hint.split('`').enumerate() {
        if index % 2 == 0 {
            found.extend(flags(part, &before));
        } else if !has_placeholder(part) {
            found.extend(quoted(part, command, &before));
        }
        before.push_str(part);
    }
    if hint.starts_with("remove it from `spec.overlays`") {
        let field = found.iter().find_map(|action| match action {
            Action::Field(field) => Some(field.clone()),
            _ => None,
        });
        found = vec![Action::WithoutOverlay(field)];
    }
    found.retain(|action| match action {
        Action::Flag(flag) => !command.contains(flag.split(' ').next().unwrap()),
        Action::WithoutFlag(flags) => flags.split(' ').any(|flag| command.contains(flag)),
        Action::Field(_) | Action::WithoutOverlay(_) => has_spec(command),
        _ => true,
    });
    found
}

/// Whether the command reads one spec.
fn has_spec(command: &str) -> bool {
    let subcommand = command.split(' ').nth(2).unwrap_or_default();
    !["init", "model", "platforms"].contains(&subcommand) && !command.contains(" -R")
}

/// Returns the step of a text in backquotes.
fn quoted(text: &str, command: &str, before: &str) -> Option<Action> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let own = |text: &str| match words.get(2).copied() {
        // These ask the cluster; tests/e2e follows their hints.
        Some("apply" | "inventory" | "move" | "prune" | "status") => None,
        Some("init") if !["--nodes", "--from", "--gitops"].iter().any(|flag| text.contains(flag)) => None,
        _ if before == "use " => Some(Action::Instead(text.to_owned())),
        Some("pools" | "platforms" | "diff" | "completion" | "doctor") => Some(Action::Show(text.to_owned())),
        _ => Some(Action::Command(text.to_owned())),
    };
    match words.as_slice() {
        ["kubectl", "largescale", _, ..] => own(text),
        ["kubectl", "label", "node" | "nodes", ..] => Some(Action::Label(text.to_owned())),
        // What the next sentences of a hint explain, and flags of Cilium and of the cloud controller manager.
        ["git", "add" | "checkout" | "rm" | "switch"]
        | ["--bpf-lb-map-max" | "--concurrent-service-syncs"] => None,
        // Without a remote, nothing is fetched.
        ["git", "diff" | "log" | "status" | "fetch", ..] => Some(Action::Show(text.to_owned())),
        ["git" | "mv" | "rm" | "cp" | "mkdir", _, ..] => Some(Action::Command(text.to_owned())),
        [flag, ..] if flag.starts_with("--") && *flag != "---" => Some(Action::Flag(text.to_owned())),
        ["render", flags @ ..]
            if flags.iter().all(|flag| flag.starts_with("--"))
                && !flags.is_empty()
                && command.contains(" render")
                && !before.ends_with("only ") =>
        {
            Some(Action::Flag(flags.join(" ")))
        }
        _ => {
            let (path, value) = text.split_once(": ")?;
            let root = path.strip_prefix("spec.").unwrap_or(path).split('.').next()?;
            (FIELDS.contains(&root) && !value.is_empty()).then(|| Action::Field(text.to_owned()))
        }
    }
}

/// Returns the flags that a text outside of backquotes says to add or to leave out.
fn flags(text: &str, before: &str) -> Vec<Action> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<Action> = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let word = words[index].trim_end_matches([',', ';', ')', ':']);
        if !word.starts_with("--") || word == "---" {
            index += 1;
            continue;
        }
        let verb = match index {
            0 => before.split_whitespace().last().unwrap_or_default(),
            _ => words[index - 1],
        };
        let ends = words[index] != word;
        let value = words.get(index + 1).filter(|_| !ends && !SWITCHES.contains(&word));
        let value = value.filter(|value| !value.starts_with('('));
        let value = value.map(|value| value.trim_end_matches([',', ';', ')']));
        let flag = value.map_or_else(|| word.to_owned(), |value| format!("{word} {value}"));
        let is_switch = SWITCHES.contains(&word);
        match verb {
            "without" => {
                // `--commit and --all` is one step.
                let more =
                    words.get(index + 2).filter(|next| words[index + 1] == "and" && next.starts_with("--"));
                let more = more.map(|next| format!(" {}", next.trim_end_matches([',', ';', ')', ':'])));
                found.push(Action::WithoutFlag(format!("{word}{}", more.unwrap_or_default())));
            }
            "use" | "with" | "add" | "pass" if (is_switch || value.is_some()) && !has_placeholder(&flag) => {
                // `--nodes 2500 --per-pool 100` is one step.
                let mut all = flag;
                while value.is_some() && words.get(index + 2).is_some_and(|next| next.starts_with("--")) {
                    let next = words[index + 2..].iter().take(2).copied().collect::<Vec<_>>().join(" ");
                    let next = next.trim_end_matches([',', ';', ')']).to_owned();
                    all = format!("{all} {next}");
                    index += 2;
                }
                if !has_placeholder(&all) {
                    found.push(Action::Flag(all));
                }
            }
            _ => {}
        }
        index += 1;
    }
    found
}

/// Returns a command without some flags and their values.
pub fn without(command: &str, flags: &str) -> String {
    let flags: Vec<&str> = flags.split(' ').collect();
    let mut words = Vec::new();
    let mut all = command.split(' ').peekable();
    while let Some(word) = all.next() {
        if !flags.contains(&word) {
            words.push(word);
        } else if !SWITCHES.contains(&word) && all.peek().is_some_and(|next| !next.starts_with('-')) {
            all.next();
        }
    }
    words.join(" ")
}

/// Returns a command with more flags. `render --no-git` is a render without a commit.
pub fn with(command: &str, flags: &str) -> String {
    let command =
        if flags.contains("--no-git") { without(command, "--commit --all") } else { command.to_owned() };
    format!("{command} {flags}")
}

#[test]
fn the_steps_of_hints() {
    let of = |hint: &str| actions(hint, "kubectl largescale render --locked --commit");
    let texts = |hint: &str| of(hint).iter().map(|action| format!("{action:?}")).collect::<Vec<_>>();
    for (hint, expected) in [
        (
            "run `kubectl largescale render -f a --new-id`",
            vec![r#"Command("kubectl largescale render -f a --new-id")"#],
        ),
        ("list the pools with `kubectl largescale pools`", vec![r#"Show("kubectl largescale pools")"#]),
        ("`kubectl label node NAME a=b`", vec![]),
        (
            "`kubectl label node n a=b`, or `kubectl label node m a-`",
            vec![r#"Label("kubectl label node n a=b")"#, r#"Label("kubectl label node m a-")"#],
        ),
        ("to proceed, use --allow-shrink, or wait", vec![r#"Flag("--allow-shrink")"#]),
        ("use it with --nodes, as in --nodes 2500 --per-pool 100", vec![]),
        ("use --nodes 2500 --per-pool 100", vec![r#"Flag("--nodes 2500 --per-pool 100")"#]),
        (
            "if new: `--new-pool a`, or `spec.pools.declare: [{name: a}]`",
            vec![r#"Flag("--new-pool a")"#, r#"Field("spec.pools.declare: [{name: a}]")"#],
        ),
        (
            "`spec.pools.vmSets: {a: NAME}`, `workload: {perPool: true}`, `spec.type: LoadBalancer`",
            vec![r#"Field("workload: {perPool: true}")"#],
        ),
        ("render once without --locked", vec![r#"WithoutFlag("--locked")"#]),
        ("render without --commit and --all, then", vec![r#"WithoutFlag("--commit --all")"#]),
        (
            "remove it from `spec.overlays`; `internal: true` works",
            vec![r#"WithoutOverlay(Some("internal: true"))"#],
        ),
        ("render without --other; write `---`; choose one with --platform (a, b)", vec![]),
        ("choose one (--label)", vec![]),
        (
            "`render --no-git` does not use git; `git diff` shows it",
            vec![r#"Flag("--no-git")"#, r#"Show("git diff")"#],
        ),
    ] {
        assert_eq!(texts(hint), expected, "{hint}");
    }
    assert_eq!(without("x --nodes a --locked", "--nodes"), "x --locked");
    assert_eq!(without("x --locked a", "--locked"), "x a");
}
