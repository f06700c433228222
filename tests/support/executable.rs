//! Writes programs that a test starts. Another process does the writing: while this one has a program open for
//! writing, a process that a parallel test forks has it open too, and the kernel refuses to start it ("text file busy").

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn write_executable(path: &Path, text: &[u8]) {
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(text).unwrap();
    assert!(writer.wait().unwrap().success(), "cannot write {}", path.display());
}
