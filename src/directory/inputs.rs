//! The files that a user names on the command line as manifests: files, directories and standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::core::bounds::{MAX_FILE_BYTES, MAX_INPUT_FILES};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::shell_quote::word;
use crate::directory::FileError;
use crate::directory::files::{read_text, read_text_of_user, text_of};

/// The name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";

/// The file name for the content of standard input.
pub const STDIN_FILE: &str = "stdin.yaml";

/// The file endings of manifests, as for kubectl.
const ENDINGS: &[&str] = &["yaml", "yml", "json"];

/// Files that a directory has if another tool makes the manifests from it, with the command that does.
const OF_TOOLS: &[(&str, &str)] = &[
    ("kustomization.yaml", "kubectl kustomize"),
    ("kustomization.yml", "kubectl kustomize"),
    ("Kustomization", "kubectl kustomize"),
    ("Chart.yaml", "helm template NAME"),
];

/// A text with manifests.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// The path as the user wrote it, for messages.
    pub shown: String,
    /// The path below what the user named, or the name of the file.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Reads a file, or all manifests in a directory and below it. `-` is standard input. Skips hidden files and directories, and links
/// to directories, as kubectl does. The order is that of the names.
pub fn read_inputs(path: &Path) -> Checked<Vec<InputFile>> {
    if path == Path::new("-") {
        let name = STDIN_FILE.to_owned();
        return Ok(vec![InputFile { shown: STANDARD_INPUT.to_owned(), name, text: standard_input()? }]);
    }
    let shown = path.display().to_string();
    if ["http://", "https://"].iter().any(|scheme| shown.starts_with(scheme)) && !path.exists() {
        let command = format!("curl -fsSL {} | kubectl largescale init --from -", word(&shown));
        return Err(Diagnostic::error(format!("{shown} is a URL, and --from reads files"))
            .hint(format!("download it: `{command}`"))
            .into());
    }
    if !path.is_dir() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![InputFile { text: read_text_of_user(path, &shown)?, shown, name }]);
    }
    let mut files = Vec::new();
    walk(path, &mut files).map_err(|problem| match problem {
        Walk::Wrong(problems) => problems,
        Walk::TooMany => vec![too_large(&shown, &format!("more than {MAX_INPUT_FILES} files"))],
    })?;
    if files.is_empty() {
        return Err(Diagnostic::error(
            "no file with the ending .yaml, .yml or .json in the directory or below it",
        )
        .at(Location::file(shown))
        .into());
    }
    let root = fs::canonicalize(path).map_err(|error| FileError::read_path(error, path))?;
    let mut problems = Vec::new();
    let mut inputs = Vec::with_capacity(files.len());
    let mut bytes = 0;
    for file in files {
        match read_below(&file, path, &root) {
            Ok(input) => {
                bytes += input.text.len() as u64;
                if bytes > MAX_FILE_BYTES {
                    return Err(too_large(&shown, &format!("more than {MAX_FILE_BYTES} bytes")).into());
                }
                inputs.push(input);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

fn too_large(directory: &str, has: &str) -> Diagnostic {
    Diagnostic::error(format!("the manifests in the directory and below it have {has}, which is the limit"))
        .at(Location::file(directory))
        .hint(
            "name the files or smaller directories with --from; with several runs, each writes its own spec",
        )
}

/// Why a directory was not read.
enum Walk {
    Wrong(Vec<Diagnostic>),
    TooMany,
}

impl From<Vec<Diagnostic>> for Walk {
    fn from(problems: Vec<Diagnostic>) -> Self {
        Self::Wrong(problems)
    }
}

fn read_below(file: &Path, directory: &Path, root: &Path) -> Result<InputFile, Diagnostic> {
    let shown = file.display().to_string();
    // A link could bring a private file into the manifests.
    let target = fs::canonicalize(file).map_err(|error| FileError::read(error, file, &shown))?;
    if !target.starts_with(root) {
        return Err(Diagnostic::refusal("the link leads out of the directory that --from names")
            .at(Location::file(shown))
            .hint("name its target with --from, too, and remove the link"));
    }
    let name = file.strip_prefix(directory).unwrap_or(file).to_string_lossy().into_owned();
    Ok(InputFile { text: read_text(file, &shown)?, shown, name })
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Walk> {
    let failed = |error: io::Error| Walk::Wrong(FileError::read_path(error, directory).into());
    let entries: Vec<fs::DirEntry> =
        fs::read_dir(directory).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    let names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if let Some((file, command)) = OF_TOOLS.iter().find(|(file, _)| names.iter().any(|name| name == file)) {
        let file = directory.join(file);
        let problem = Diagnostic::error("the directory is the input of another tool, not manifests")
            .at(Location::file(file.display().to_string()))
            .hint(format!(
                "give --from the output of the tool: `{command} DIRECTORY | kubectl largescale init --from -`"
            ));
        return Err(Walk::Wrong(problem.into()));
    }
    let mut below: Vec<PathBuf> = Vec::new();
    let visible = entries.iter().zip(&names).filter(|(_, name)| !name.starts_with('.'));
    for (entry, _) in visible {
        let kind = entry.file_type().map_err(failed)?;
        let path = entry.path();
        let is_manifest = path
            .extension()
            .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
        // A pipe or a device is refused when it is read: leaving it out would hide an object.
        if kind.is_dir() || is_manifest && !path.is_dir() {
            below.push(path);
        }
    }
    below.sort();
    for path in below {
        if path.is_dir() {
            walk(&path, files)?;
        } else if files.len() < MAX_INPUT_FILES {
            files.push(path);
        } else {
            return Err(Walk::TooMany);
        }
    }
    Ok(())
}

fn standard_input() -> Result<String, Diagnostic> {
    let failed = |error| FileError::read(error, Path::new("-"), STANDARD_INPUT);
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()).into());
    }
    text_of(bytes, STANDARD_INPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Result<Vec<String>, String> {
        let shown =
            |problems: Vec<Diagnostic>| problems[0].to_string().replace(&path.display().to_string(), "D");
        Ok(read_inputs(path).map_err(shown)?.into_iter().map(|input| input.name).collect())
    }

    #[test]
    fn a_directory_is_read_in_the_order_of_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        assert!(names(root).unwrap_err().starts_with("D: no file with the ending"));
        for file in
            ["b.yml", "a/z.JSON", "a/b/c.yaml", ".hidden.yaml", ".git/x.yaml", "notes.txt", "c, d.yaml"]
        {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        assert_eq!(names(root).unwrap(), ["a/b/c.yaml", "a/z.JSON", "b.yml", "c, d.yaml"]);
        assert_eq!(names(&root.join("notes.txt")).unwrap(), ["notes.txt"]);
        fs::write(root.join("a/kustomization.yaml"), "x").unwrap();
        assert!(
            names(root)
                .unwrap_err()
                .starts_with("D/a/kustomization.yaml: the directory is the input of another tool")
        );
    }

    #[test]
    fn a_directory_has_limits() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for index in 0..=MAX_INPUT_FILES {
            fs::write(root.join(format!("{index}.yaml")), "").unwrap();
        }
        assert_eq!(
            names(root).unwrap_err(),
            "D: the manifests in the directory and below it have more than 10000 files, which is the limit"
        );
        fs::remove_file(root.join("0.yaml")).unwrap();
        assert_eq!(names(root).unwrap().len(), MAX_INPUT_FILES);
        let large = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml"] {
            let file = fs::File::create(large.path().join(name)).unwrap();
            file.set_len(MAX_FILE_BYTES / 2 + 1).unwrap();
        }
        assert_eq!(
            names(large.path()).unwrap_err(),
            "D: the manifests in the directory and below it have more than 100000000 bytes, which is the limit"
        );
    }

    #[test]
    fn a_url_is_not_a_file() {
        let problem = &read_inputs(Path::new("https://example.com/a.yaml?b=c&d")).unwrap_err()[0];
        assert_eq!(problem.to_string(), "https://example.com/a.yaml?b=c&d is a URL, and --from reads files");
        assert_eq!(
            problem.hint.as_deref().unwrap(),
            "download it: `curl -fsSL 'https://example.com/a.yaml?b=c&d' | kubectl largescale init --from -`"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_in_the_directory() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("in");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("a.yaml"), "x").unwrap();
        fs::write(directory.path().join("secret.yaml"), "x").unwrap();
        symlink("a.yaml", root.join("b.yaml")).unwrap();
        symlink("..", root.join("sub/loop.yaml")).unwrap();
        assert_eq!(names(&root).unwrap(), ["a.yaml", "b.yaml"]);
        symlink("../../secret.yaml", root.join("sub/c.yaml")).unwrap();
        assert_eq!(
            names(&root).unwrap_err(),
            "D/sub/c.yaml: the link leads out of the directory that --from names"
        );
    }
}
