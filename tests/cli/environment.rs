//! A temporary directory for each test, and the program in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-largescale");

/// Returns the root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A temporary directory, removed after the test.
pub struct Environment {
    directory: TempDir,
}

impl Environment {
    /// Creates a directory with a copy of `from`.
    pub fn with(from: &Path) -> Self {
        let directory = tempfile::Builder::new().prefix("case-").tempdir().unwrap();
        copy(from, directory.path());
        Self { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a shell line; `kubectl largescale` is the program under test.
    pub fn line(&self, line: &str) -> Output {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line.replace("kubectl largescale", PROGRAM));
        self.run(command)
    }

    /// Runs the program with arguments.
    pub fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.run(command)
    }

    /// Runs a command in the directory, isolated from the developer's environment.
    pub fn run(&self, mut command: Command) -> Output {
        self.prepare(&mut command);
        command.output().unwrap()
    }

    /// Sets the directory and the environment of a command.
    pub fn prepare(&self, command: &mut Command) {
        for variable in [
            "KUBECTL_EXTERNAL_DIFF",
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "HTTPS_PROXY",
            "https_proxy",
            "RUST_BACKTRACE",
        ] {
            command.env_remove(variable);
        }
        command
            .current_dir(self.path())
            .env("HOME", self.path().join("no-home"))
            .env("KUBECONFIG", self.path().join("no-kubeconfig"))
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_AUTHOR_NAME", "test")
            .env("GIT_AUTHOR_EMAIL", "test@example.com")
            .env("GIT_COMMITTER_NAME", "test")
            .env("GIT_COMMITTER_EMAIL", "test@example.com")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(std::process::Stdio::null());
    }

    /// Returns every file and link below the directory with its content, except those of git.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        walk(self.path(), &mut |path| {
            let relative = path.strip_prefix(self.path()).unwrap().to_owned();
            if !relative.starts_with(".git") {
                let content = if path.is_symlink() {
                    fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
                } else {
                    fs::read(path).unwrap()
                };
                files.insert(relative, content);
            }
        });
        files
    }
}

/// Calls `visit` with every file and link below a directory, in order.
pub fn walk(directory: &Path, visit: &mut impl FnMut(&Path)) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.is_symlink() { walk(&path, visit) } else { visit(&path) }
    }
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
