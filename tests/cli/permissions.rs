//! Rendering into a directory without write permission. Root may write everywhere, so as root the tests run the
//! program as the user `nobody`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::environment::{Environment, PROGRAM, checkout};
use crate::executable::write_executable;

#[test]
fn an_output_directory_that_is_not_writable() {
    let environment = project();
    let output = environment.path().join("rendered");
    fs::create_dir(&output).unwrap();
    mode(&output, 0o555);
    let result = as_nobody(&environment, &["render"]);
    mode(&output, 0o755);
    let said = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with("error: rendered/")
            && said.contains("cannot write: permission denied\n  hint: check its owner and mode"),
        "{said}"
    );
    assert!(!environment.path().join("largescale.lock").exists());
    assert_eq!(fs::read_dir(output).unwrap().count(), 0);
}

#[test]
fn a_directory_where_the_lock_may_not_be_written() {
    let environment = project();
    fs::create_dir(environment.path().join("rendered")).unwrap();
    mode(&environment.path().join("rendered"), 0o777);
    mode(environment.path(), 0o555);
    let result = as_nobody(&environment, &["render"]);
    mode(environment.path(), 0o755);
    let said = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(3), "{said}");
    assert!(said.contains("largescale.lock: cannot write: permission denied"), "{said}");
    assert_eq!(
        fs::read_dir(environment.path().join("rendered")).unwrap().count(),
        0,
        "no file and no temporary file must be written"
    );
}

#[test]
fn a_manifest_that_may_not_be_read() {
    let environment = project();
    mode(&environment.path().join("nginx.yaml"), 0o000);
    let result = as_nobody(&environment, &["render"]);
    let said = String::from_utf8_lossy(&result.stderr);
    assert_eq!(result.status.code(), Some(3), "{said}");
    assert!(said.contains("nginx.yaml: cannot read: permission denied"), "{said}");
}

fn project() -> Environment {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    mode(environment.path(), 0o777);
    environment
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn as_nobody(environment: &Environment, arguments: &[&str]) -> Output {
    let is_root = fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"));
    if !is_root {
        return environment.program(arguments);
    }
    // The user may not be allowed to read the checkout, so the program is copied next to the project.
    let program = environment
        .path()
        .join("../")
        .join(format!("{}-program", environment.path().file_name().unwrap().to_string_lossy()));
    write_executable(&program, &fs::read(PROGRAM).unwrap());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).args(arguments);
    let output = environment.run(command);
    fs::remove_file(program).unwrap();
    output
}
