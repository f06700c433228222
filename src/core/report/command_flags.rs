//! Adds the flags that name the spec to the commands in hints, so that a command works in the directory where the user is.

use std::borrow::Cow;

const PROGRAM: &str = "kubectl largescale ";

/// The commands that work on one spec.
const OF_A_SPEC: &[&str] =
    &["apply", "capacity", "diff", "doctor", "inventory", "move", "pools", "prune", "render", "status"];

/// Returns the text with the flags, such as ` -f web`, in its commands. A text that already names a spec in a command stays as it
/// is: it may be about several specs. `repeated` are flags of this render, such as ` --allow-shrink`, which another render needs too.
pub fn with_flags<'a>(text: &'a str, flags: &str, repeated: &[String]) -> Cow<'a, str> {
    if flags.is_empty() && repeated.is_empty()
        || !text.contains(PROGRAM)
        || [" -f ", " --only ", " -R"].iter().any(|flag| text.contains(flag))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + flags.len());
    let mut rest = text;
    while let Some(at) = rest.find(PROGRAM) {
        let (before, command) = rest.split_at(at + PROGRAM.len());
        out.push_str(before);
        let length = end_of_name(command);
        out.push_str(&command[..length]);
        if length > 0 {
            out.push_str(flags);
        }
        if &command[..length] == "render" {
            let rest = command[length..].split('`').next().unwrap_or_default();
            // The pools are then those of the lock file.
            let is_locked = rest.contains(" --locked");
            let is_given =
                |flag: &str| rest.contains(flag.trim_start().split(' ').next().unwrap_or_default());
            repeated.iter().filter(|flag| !is_locked && !is_given(flag)).for_each(|flag| out.push_str(flag));
        }
        rest = &command[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the length of the name of a command that works on one spec, with its subcommand; 0 for other commands.
fn end_of_name(command: &str) -> usize {
    let word = |text: &str| text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    let length = word(command);
    if !OF_A_SPEC.contains(&&command[..length]) {
        return 0;
    }
    if &command[..length] != "inventory" {
        return length;
    }
    match command[length..].strip_prefix(' ') {
        Some(rest) if !rest.starts_with("list") && word(rest) > 0 => length + 1 + word(rest),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(with_flags(text, " -f web", &[]), expected);
        assert_eq!(with_flags(text, "", &[]), text);
    }

    #[test]
    fn another_render_has_the_flags_of_this_one() {
        let repeated = [" --allow-shrink".to_owned(), " --nodes n.json".to_owned()];
        for (text, expected) in [
            (
                "`kubectl largescale render --pools-of a`",
                "`kubectl largescale render -f web --allow-shrink --nodes n.json --pools-of a`",
            ),
            (
                "`kubectl largescale render --allow-shrink`",
                "`kubectl largescale render -f web --nodes n.json --allow-shrink`",
            ),
            ("`kubectl largescale render --locked`", "`kubectl largescale render -f web --locked`"),
            ("`kubectl largescale diff`", "`kubectl largescale diff -f web`"),
            ("`kubectl largescale render -f a`", "`kubectl largescale render -f a`"),
        ] {
            assert_eq!(with_flags(text, " -f web", &repeated), expected);
        }
        assert_eq!(
            with_flags("`kubectl largescale render`", "", &repeated),
            "`kubectl largescale render --allow-shrink --nodes n.json`"
        );
    }

    #[test]
    fn commands_name_the_spec() {
        check("run `kubectl largescale render` again", "run `kubectl largescale render -f web` again");
        check(
            "`kubectl largescale inventory verify --fix` rewrites it",
            "`kubectl largescale inventory verify -f web --fix` rewrites it",
        );
        check("next: kubectl largescale apply, which", "next: kubectl largescale apply -f web, which");
        check(
            "`kubectl largescale apply`, then `kubectl largescale prune`",
            "`kubectl largescale apply -f web`, then `kubectl largescale prune -f web`",
        );
    }

    #[test]
    fn other_commands_and_other_specs_stay() {
        for text in [
            "`kubectl largescale init` creates one",
            "`kubectl largescale inventory list -A` lists the ApplySets",
            "`kubectl largescale apply -f other`, or `kubectl largescale apply`",
            "`kubectl largescale platforms NAME`",
            "`kubectl get nodes`",
        ] {
            check(text, text);
        }
    }
}
