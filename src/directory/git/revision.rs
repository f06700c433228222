//! Files as of a git revision.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::path::Path;

use crate::core::bounds::MAX_FILE_BYTES;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::directory::files::unix_lines;
use crate::directory::git::Repository;
use crate::directory::git::command::{GitAccess, git_read};

/// A directory and a file next to it, as of a revision.
#[derive(Clone, Debug, Default)]
pub struct Revision {
    /// The content of each file of the directory, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The content of the file next to it.
    pub beside: Option<Vec<u8>>,
}

impl Repository {
    /// Reads the files of a directory, without subdirectories, and one file next to it. Skips missing files.
    pub fn revision(&self, name: &str, directory: &Path, beside: &Path) -> Result<Revision, Diagnostic> {
        let commit = self.commit_of(name)?;
        let [below, single] = [self.path(directory)?, self.path(beside)?];
        let below = [below, b"/".to_vec()].concat();
        let [below_text, single_text] =
            [&below, &single].map(|path| String::from_utf8_lossy(path).into_owned());
        let listed =
            self.git(&["ls-tree", "-z", "--full-tree", &commit, "--", &below_text, &single_text], &[])?;
        let blobs: Vec<(&[u8], &[u8])> = listed.split(|byte| *byte == 0).filter_map(blob).collect();
        let ids: Vec<&[u8]> = blobs.iter().map(|(id, _)| *id).collect();
        // A partial clone may lack objects. git would fetch them, but a command that only reads starts no
        // transport.
        let absent = |problem: Diagnostic| {
            if problem.hint.is_some() {
                return problem;
            }
            problem.hint(format!(
                "`git -C {} diff --stat {} -- {} {}` fetches what a partial clone lacks",
                shell_quote::path(self.root()),
                shell_quote::word(name),
                shell_quote::word(&below_text),
                shell_quote::word(&single_text)
            ))
        };
        let contents = self.blobs(&ids).map_err(absent)?;
        let mut revision = Revision::default();
        for ((_, path), content) in blobs.into_iter().zip(contents) {
            let Some(content) = content else {
                let path = String::from_utf8_lossy(path);
                return Err(absent(Diagnostic::error(format!("git has no content for {path} of `{name}`"))));
            };
            match path.strip_prefix(below.as_slice()) {
                Some(file) => {
                    drop(revision.files.insert(String::from_utf8_lossy(file).into_owned(), content));
                }
                None => revision.beside = Some(content),
            }
        }
        Ok(revision)
    }

    /// Returns a file as of a commit; `None` if the commit lacks it, or if git does not know.
    pub(in crate::directory) fn version(&self, commit: &str, file: &Path) -> Option<Vec<u8>> {
        let path = self.path(file).ok().filter(|path| !path.contains(&b'\n'))?;
        let name = [commit.as_bytes(), b":", &path].concat();
        self.blobs(&[&name]).ok()?.into_iter().flatten().next()
    }

    /// Returns a file as of the last commit; `None` if the commit lacks it, or if there is none.
    pub(in crate::directory) fn committed(&self, file: &Path) -> Result<Option<Vec<u8>>, Diagnostic> {
        let path = self.shown_path(file)?;
        // Without a commit, there is no HEAD.
        let Ok(listed) = self.git(&["ls-tree", "-z", "--full-tree", "HEAD", "--", &path], &[]) else {
            return Ok(None);
        };
        let Some((id, _)) = listed.split(|byte| *byte == 0).find_map(blob) else { return Ok(None) };
        Ok(self.blobs(&[id])?.into_iter().flatten().next())
    }

    /// Returns the content of objects by their names, with the line ends of Unix; `None` for one that is missing. Refuses
    /// an object that is larger than any file that this program reads.
    pub(in crate::directory) fn blobs(&self, names: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Diagnostic> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let input: Vec<u8> = names.iter().flat_map(|name| [*name, b"\n"].concat()).collect();
        let asked = ["cat-file", "--batch"];
        let options = self.options(GitAccess::ReadOnly);
        let found = git_read(self.root(), options, &asked, &input, |output| {
            names.iter().map(|_| Ok(next_content(output)?.map(unix_lines))).collect()
        });
        found.map_err(|stopped| match stopped {
            Stopped::TooLarge => Diagnostic::error(format!(
                "a version of a file in git has more than {MAX_FILE_BYTES} bytes, which is the limit"
            ))
            .hint("name another revision"),
            Stopped::Early => match self.git(&asked, &input) {
                Err(problem) => problem,
                Ok(_) => Diagnostic::error("git cat-file ended early"),
            },
        })
    }

    fn commit_of(&self, name: &str) -> Result<String, Diagnostic> {
        let commit = format!("{name}^{{commit}}");
        let found = if name.starts_with('-') {
            None
        } else {
            self.git(&["rev-parse", "--verify", "--quiet", &commit], &[]).ok()
        };
        let is_shallow =
            || self.git(&["rev-parse", "--is-shallow-repository"], &[]).is_ok_and(|text| text == b"true\n");
        let hint = || {
            if is_shallow() {
                "the clone is shallow; `git fetch --unshallow` downloads the rest".to_owned()
            } else {
                "name a branch, a tag or a commit; `git fetch` downloads new ones".to_owned()
            }
        };
        found
            .map(|id| String::from_utf8_lossy(&id).trim_end().to_owned())
            .ok_or_else(|| Diagnostic::error(format!("git revision `{name}` not found")).hint(hint()))
    }
}

/// Parses an entry `MODE blob ID<tab>PATH` into id and path.
pub(super) fn blob(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let mut fields = entry[..tab].split(|byte| *byte == b' ');
    let (_, kind, id) = (fields.next()?, fields.next()?, fields.next()?);
    (kind == b"blob").then_some((id, &entry[tab + 1..]))
}

/// Why not all contents were read.
enum Stopped {
    /// An object has more bytes than any file that this program reads.
    TooLarge,
    /// git could not be run, or ended before its output did.
    Early,
}

impl From<io::Error> for Stopped {
    fn from(_: io::Error) -> Self {
        Self::Early
    }
}

/// Reads the next `ID blob SIZE<newline>CONTENT<newline>`, or a line without content, such as `NAME missing`.
fn next_content(output: &mut impl BufRead) -> Result<Option<Vec<u8>>, Stopped> {
    let mut head = Vec::new();
    output.read_until(b'\n', &mut head)?;
    let head = head.strip_suffix(b"\n").ok_or(Stopped::Early)?;
    let size = head.rsplit(|byte| *byte == b' ').next().and_then(|size| std::str::from_utf8(size).ok());
    let Some(size) = size.and_then(|size| size.parse::<u64>().ok()) else { return Ok(None) };
    if size > MAX_FILE_BYTES {
        return Err(Stopped::TooLarge);
    }
    let mut content = Vec::new();
    output.take(size + 1).read_to_end(&mut content)?;
    if content.len() as u64 <= size {
        return Err(Stopped::Early);
    }
    content.pop();
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_of_objects() {
        let read = |mut answer: &[u8], count: usize| {
            (0..count).map(|_| next_content(&mut answer)).collect::<Result<Vec<_>, _>>().ok()
        };
        let both = b"1f blob 3\na\nb\nHEAD:a 12 missing\n2f blob 0\n\n";
        assert_eq!(read(both, 3), Some(vec![Some(b"a\nb".to_vec()), None, Some(Vec::new())]));
        assert_eq!(read(both, 4), None);
        assert_eq!(read(b"1f blob 3\nab", 1), None);
        assert_eq!(read(b"1f blob 3\nabc", 1), None);
        let huge = format!("1f blob {}\n", MAX_FILE_BYTES + 1);
        assert!(matches!(next_content(&mut huge.as_bytes()), Err(Stopped::TooLarge)));
    }
}
