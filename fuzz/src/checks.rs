//! Properties that several targets share.

use largescale::core::report::diagnostic::{Diagnostic, Location};
use largescale::core::report::escape::{in_comment, in_json};
use largescale::core::yaml;
use serde_json::Value;

/// The file name of every input.
pub const FILE: &str = "input.yaml";

/// Reads the bytes as text; other bytes never reach a reader of text.
pub fn text(data: &[u8]) -> Option<&str> {
    str::from_utf8(data).ok()
}

/// Checks that each problem names a line of the text, and that it is a sentence.
#[track_caller]
pub fn located<'a>(problems: impl IntoIterator<Item = &'a Diagnostic>, text: &str) {
    let mut count = 0;
    for problem in problems {
        count += 1;
        let Some(location) = &problem.location else { panic!("no location: {problem}") };
        if location.file == FILE {
            inside(location, text);
        }
        assert!(!problem.message.is_empty(), "an empty message");
        assert_ne!(problem.hint.as_deref(), Some(""), "an empty hint");
    }
    assert!(count > 0, "refused without a problem");
}

/// Checks that a location is a line of the text.
#[track_caller]
pub fn inside(location: &Location, text: &str) {
    // YAML has line ends that Rust has not.
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    assert!(location.line as usize <= lines, "{location} in a text of {lines} lines");
}

/// Checks that a text has no character that a terminal or a reviewer takes for something else.
#[track_caller]
pub fn is_plain(text: &str) {
    for line in text.split('\n') {
        assert_eq!(in_comment(&line.replace('\t', " ")), line.replace('\t', " "), "a raw control character");
    }
    assert_eq!(in_json(text), text);
}

/// Checks that a value is written as YAML with the same meaning, and always in the same way.
#[track_caller]
pub fn round_trip(value: &Value) {
    let writers: [fn(&Value) -> String; 2] = [yaml::write_object, yaml::write_plain];
    for write in writers {
        let text = write(value);
        is_plain(&text);
        let read = yaml::read_one(FILE, &text);
        let read = read.unwrap_or_else(|problem| panic!("{problem}\n{text}")).value;
        assert_eq!(&read, value, "{text}");
        assert_eq!(write(&read), text, "written in another way");
    }
}
