//! What the repository says without a new process of git: branches, the index, and the locks of a commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::month::desk::Outcome;

/// The name of a branch that is checked out, and the names of the other ones in order.
#[derive(Clone, Debug, Default)]
pub struct Branches {
    pub current: String,
    pub others: Vec<String>,
}

impl Branches {
    /// Reads the branches. Their names have no `/`, and nothing packs them.
    pub fn of(root: &Path) -> Self {
        let head = fs::read_to_string(root.join(".git/HEAD")).unwrap_or_default();
        let current = head.trim_end().strip_prefix("ref: refs/heads/").unwrap_or_default().to_owned();
        let mut others = super::files::names(&root.join(".git/refs/heads"));
        others.remove(&current);
        Self { current, others: others.into_iter().collect() }
    }
}

/// The stages of each path of the index: 0, or what a conflict has of 1 (base), 2 (ours) and 3 (theirs).
pub fn index(root: &Path) -> Outcome<BTreeMap<String, BTreeSet<u8>>> {
    // Before the first `git add`, there is no index.
    let Ok(bytes) = fs::read(root.join(".git/index")) else { return Ok(BTreeMap::new()) };
    let number = |at: usize| bytes.get(at..at + 4).map(|it| u32::from_be_bytes(it.try_into().unwrap()));
    if number(4) != Some(2) {
        return Err("the index has another version than 2".to_owned());
    }
    let mut entries: BTreeMap<String, BTreeSet<u8>> = BTreeMap::new();
    // An entry has 60 bytes about the file, 2 bytes of flags, the path, and zero bytes up to a multiple of 8.
    let mut at = 12;
    for _ in 0..number(8).unwrap_or_default() {
        let path = bytes.get(at + 62..).and_then(|rest| rest.split(|byte| *byte == 0).next());
        let path = String::from_utf8_lossy(path.ok_or("the index ends early")?).into_owned();
        let stage = (bytes[at + 60] >> 4) & 3;
        at += (62 + path.len() + 8) / 8 * 8;
        entries.entry(path).or_default().insert(stage);
    }
    Ok(entries)
}

/// Whether the work tree has a file that the index lacks. Git ignores the nodes.
pub fn has_new_files(root: &Path) -> Outcome<bool> {
    fn is_known(directory: &Path, below: &str, known: &BTreeMap<String, BTreeSet<u8>>) -> bool {
        fs::read_dir(directory).unwrap().flatten().all(|entry| {
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                path == ".git" || is_known(&entry.path(), &format!("{path}/"), known)
            } else {
                path == "nodes.json" || known.contains_key(&path)
            }
        })
    }
    Ok(!is_known(root, "", &index(root)?))
}

/// A process of git that returns the content of objects, as long as the month lasts.
pub struct Objects {
    root: PathBuf,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Objects {
    /// Starts nothing yet.
    pub fn of(root: PathBuf) -> Self {
        Self { root, running: None }
    }

    /// Returns the text of each lock of a commit: they are in directories below the root.
    pub fn locks(&mut self, revision: &str) -> Outcome<Vec<String>> {
        let mut locks = Vec::new();
        for (_, directory) in entries(&self.content(&format!("{revision}^{{tree}}"))?, "40000") {
            for (name, id) in entries(&self.content(&directory)?, "100644") {
                if name.ends_with(".lock") {
                    locks.push(String::from_utf8_lossy(&self.content(&id)?).into_owned());
                }
            }
        }
        if locks.is_empty() { Err(format!("{revision} has no lock")) } else { Ok(locks) }
    }

    fn content(&mut self, name: &str) -> Outcome<Vec<u8>> {
        let root = &self.root;
        let (_, input, output) = self.running.get_or_insert_with(|| start(root));
        let failed = |problem: std::io::Error| format!("`git cat-file` failed: {problem}");
        writeln!(input, "{name}").map_err(failed)?;
        let mut line = String::new();
        output.read_line(&mut line).map_err(failed)?;
        let size = line.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| format!("git has no object {name}: {}", line.trim_end()))?;
        let mut content = vec![0; size + 1];
        output.read_exact(&mut content).map_err(failed)?;
        content.pop();
        Ok(content)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        if let Some((mut child, input, _)) = self.running.take() {
            drop(input);
            let _ = child.wait();
        }
    }
}

fn start(root: &Path) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["cat-file", "--batch"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (child, input, BufReader::new(output))
}

/// Returns the names and ids of the entries of a tree with this mode: each is `MODE NAME`, a zero byte and the 20 bytes of the id.
fn entries(tree: &[u8], mode: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tree;
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let (id, after) = rest[end + 1..].split_at(20);
        if let Some(name) = head.strip_prefix(mode).and_then(|name| name.strip_prefix(' ')) {
            found.push((name.to_owned(), id.iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        rest = after;
    }
    found
}
