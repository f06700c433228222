//! Quoting for a POSIX shell. Every command that this program prints goes through it.

use std::fmt::Write;
use std::path::Path;

use crate::core::report::escape::is_shown;

/// Quotes a text so that a POSIX shell reads it as one word.
///
/// The quoted text has only characters that a terminal shows as they are, on one line; `printf` writes the others. Only line
/// ends at the end of the text stay, because a shell removes those of `printf`.
pub fn word(text: &str) -> String {
    quoted(text.as_bytes())
}

/// Quotes a path so that a POSIX shell reads it as one word, and no program takes it for a flag.
pub fn path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    match bytes.first() {
        None => ".".to_owned(),
        Some(b'-') => quoted(&[b"./", bytes].concat()),
        Some(_) => quoted(bytes),
    }
}

fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => text.to_owned(),
        Ok(text) if text.chars().all(is_shown) => in_quotes(text),
        _ => by_printf(bytes),
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c);
    // zsh replaces a word that begins with `=`.
    !text.is_empty() && !text.starts_with('=') && text.chars().all(plain)
}

fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Writes bytes that a terminal does not show as octal numbers.
fn by_printf(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
    // The shell removes line ends at the end of a substitution.
    let (bytes, line_ends) = bytes.split_at(end);
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => escaped.push_str(r"\\"),
                c if is_shown(c) && c != '\'' => escaped.push(c),
                c => octal(&mut escaped, c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        octal(&mut escaped, chunk.invalid());
    }
    let ends = if line_ends.is_empty() { String::new() } else { in_quotes(&"\n".repeat(line_ends.len())) };
    format!("\"$(printf '%b' '{escaped}')\"{ends}")
}

fn octal(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "\\0{byte:03o}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// Texts that a shell, a program or a terminal could take for something else.
    const HOSTILE: &[&str] = &[
        "plain-1.2_x/y:z=a,b@c",
        "",
        " ",
        "it's $(touch x) `touch x` \"q\" \\ \\n",
        "; touch x & | > < * ? [a] {a,b} ~ ! # % ^",
        "~root",
        "=ls",
        "-rf",
        "--flag=value",
        "two\nlines\n",
        "\n\n",
        "tab\tand\rreturn",
        "\u{1b}]0;title\u{7}\u{1b}[31m\\0033 it's",
        "\u{202e}gpj.exe\u{2028}\u{85}\u{feff}\n",
        "日本語 é \u{1f600}",
        "100%b\\",
    ];

    #[test]
    fn quoted_words() {
        assert_eq!(word("Standard_D2_v2"), "Standard_D2_v2");
        assert_eq!(word("a=b c"), "'a=b c'");
        assert_eq!(word("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(word(""), "''");
        assert_eq!(word("=ls"), "'=ls'");
        assert_eq!(word("a\u{1b}b"), r#""$(printf '%b' 'a\0033b')""#);
        assert_eq!(word("a\nb"), r#""$(printf '%b' 'a\0012b')""#);
        assert_eq!(path(Path::new("-x/y")), "./-x/y");
        assert_eq!(path(Path::new("")), ".");
    }

    #[test]
    fn a_shell_reads_exactly_the_text_and_a_terminal_shows_the_command() {
        let show = |words: &[String]| {
            let line = format!("for word in {}; do printf '%s\\0' \"$word\"; done", words.join(" "));
            assert!(line.chars().all(|c| c == '\n' || is_shown(c)), "{line:?}");
            let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            output.stdout
        };
        let expected: Vec<u8> = HOSTILE.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(show(&HOSTILE.iter().map(|text| word(text)).collect::<Vec<_>>()), expected);
        // A path is the same path, and no flag.
        for text in HOSTILE.iter().filter(|text| !text.is_empty()) {
            let read = show(&[path(Path::new(text))]);
            let read = PathBuf::from(String::from_utf8(read[..read.len() - 1].to_vec()).unwrap());
            assert!(!read.as_os_str().as_encoded_bytes().starts_with(b"-"), "{read:?}");
            assert_eq!(read.strip_prefix(".").unwrap_or(&read), Path::new(text));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_utf8() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(OsStr::from_bytes(b"a\xff b"));
        let output = Command::new("sh").arg("-c").arg(format!("printf %s {}", path(name))).output().unwrap();
        assert_eq!(output.stdout, b"a\xff b");
    }
}
