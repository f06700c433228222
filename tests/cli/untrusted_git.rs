//! git runs in content that has not been reviewed yet: the git configuration in a pull request or an unpacked archive
//! can name programs. Each repository here names programs that create the file `executed`.

use std::fs;
use std::process::{Command, Output};
use std::sync::Mutex;

use crate::environment::{Environment, PROGRAM, checkout};
use crate::executable::write_executable;

/// The expected use of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Every command refuses it, with an error that contains this text.
    Refused(&'static str),
    /// Commands work. Only `render --commit` starts programs, including hooks.
    Used,
    /// Commands work and start no programs: only another repository names some.
    Unaffected,
}
use Expected::{Refused, Unaffected, Used};

/// A repository, the directory of a spec in it, and the expected result.
struct Repository {
    name: &'static str,
    /// Shell commands that build it, with the functions of `FUNCTIONS`.
    script: &'static str,
    spec: &'static str,
    expected: Expected,
}

/// `app DIR` makes an app with a rendered tree, `save DIR` commits everything there, `evil FILE` writes a configuration
/// that names programs, and `plant DIR` makes a directory look like a bare repository.
const FUNCTIONS: &str = r#"
    set -e
    top=$PWD
    mkdir hooks
    for hook in pre-commit commit-msg post-commit post-index-change reference-transaction; do
        printf '#!/bin/sh\necho hook >>%s/executed\n' "$top" >hooks/$hook
        chmod +x hooks/$hook
    done
    app() {
        mkdir -p "$1"
        cp largescale.yaml nginx.yaml nodes.json "$1"
        kubectl largescale render --no-git -f "$1" >/dev/null
    }
    save() { git -C "$1" add -A . && git -C "$1" commit -q -m start; }
    evil() {
        git config -f "$1" core.hooksPath "$top/hooks"
        for key in ${KEYS:-core.fsmonitor filter.evil.clean filter.other.process filter.a=b.clean}; do
            git config -f "$1" "$key" "echo $key >>'$top/executed'; cat"
        done
    }
    plant() {
        mkdir -p "$1/objects/pack" "$1/refs/heads"
        touch "$1/objects/pack/keep" "$1/refs/heads/keep"
        echo 'ref: refs/heads/main' >"$1/HEAD"
        git config -f "$1/config" core.repositoryFormatVersion 0
        git config -f "$1/config" core.bare false
        git config -f "$1/config" core.worktree "${2:-.}"
        evil "$1/config"
    }
    attributes() { printf 'service*.yaml filter=evil\ndeploy*.yaml filter=other\n*.lock filter=a=b\n' >"$1/.gitattributes"; }
    repo() { git init -q -b main repo && app repo/app && attributes repo && save repo; }
"#;

const REPOSITORIES: [Repository; 24] = [
    Repository {
        name: "planted beside the spec",
        script: "repo && plant repo/app && save repo",
        spec: "repo/app",
        expected: Refused("repo/app: git takes this directory for a repository"),
    },
    Repository {
        name: "planted beside the spec, with the real root as its work tree",
        script: "repo && plant repo/app .. && save repo",
        spec: "repo/app",
        expected: Refused("repo/app: git takes this directory for a repository"),
    },
    Repository {
        name: "planted above the spec",
        script: "repo && app repo/team/app && plant repo/team && save repo",
        spec: "repo/team/app",
        expected: Refused("repo/team: git takes this directory for a repository"),
    },
    Repository {
        name: "reached by a symbolic link",
        script: "repo && plant repo/app && save repo && ln -s repo/app link",
        spec: "link",
        expected: Refused("repo/app: git takes this directory for a repository"),
    },
    Repository {
        name: "planted beside the spec, with its objects elsewhere",
        script: "repo && plant repo/app && mv repo/app repo/more && app repo/app && cp repo/more/HEAD repo/app
            echo ../more >repo/app/commondir && save repo",
        spec: "repo/app",
        expected: Refused("repo/app: git takes this directory for a repository"),
    },
    Repository {
        name: "planted in the output directory",
        script: "repo && plant repo/app/rendered && save repo",
        spec: "repo/app",
        expected: Unaffected,
    },
    Repository {
        name: "planted in another directory",
        script: "repo && plant repo/app/manifests .. && plant repo/other && save repo",
        spec: "repo/app",
        expected: Unaffected,
    },
    Repository {
        name: "a .git file that names content beside it",
        script: "repo && plant repo/app/planted .. && save repo && echo 'gitdir: planted' >repo/app/.git",
        spec: "repo/app",
        expected: Refused("which is inside the work tree"),
    },
    Repository {
        name: "a .git file that names content of the repository above",
        script: "repo && plant repo/planted ../app && save repo && echo 'gitdir: ../planted' >repo/app/.git",
        spec: "repo/app",
        expected: Refused("which is inside the work tree"),
    },
    Repository {
        name: "a .git link to content",
        script: "repo && plant repo/planted ../app && save repo && ln -s ../planted repo/app/.git",
        spec: "repo/app",
        expected: Refused("which is inside the work tree"),
    },
    Repository {
        name: "a .git file that names content with the files of a linked worktree",
        script: "repo && plant repo/planted && mkdir -p repo/planted/worktrees/app && save repo
            cp repo/planted/HEAD repo/planted/worktrees/app && echo ../.. >repo/planted/worktrees/app/commondir
            echo ../../../app/.git >repo/planted/worktrees/app/gitdir
            echo 'gitdir: ../planted/worktrees/app' >repo/app/.git",
        spec: "repo/app",
        expected: Refused("which is inside the work tree"),
    },
    Repository {
        name: "a .git file that names the repository above",
        script: "repo && evil repo/.git/config && echo 'gitdir: ../.git' >repo/app/.git",
        spec: "repo/app",
        expected: Refused("the git directory of the work tree"),
    },
    Repository {
        name: "a .git file that names a worktree's git directory",
        script: "repo && git -C repo worktree add -q ../linked && evil repo/.git/config && app other
            cp linked/.git other",
        spec: "other",
        expected: Refused("which is not the git directory of a linked worktree here"),
    },
    Repository {
        name: "a .git file without a path",
        script: "repo && evil repo/.git/config && echo 'gitdir: ' >repo/app/.git",
        spec: "repo/app",
        expected: Refused("the file does not name a git directory"),
    },
    Repository {
        name: "an empty .git, and a repository above",
        script: "repo && evil repo/.git/config && mkdir repo/app/.git",
        spec: "repo/app",
        expected: Refused("git does not use it, but the repository"),
    },
    Repository {
        name: "a spec in a git directory",
        script: "repo && evil repo/.git/config && mv repo/app repo/.git",
        spec: "repo/.git/app",
        expected: Refused("it is inside the git directory"),
    },
    Repository {
        name: "an unpacked archive with its own configuration",
        script: "repo && evil repo/.git/config && mkdir outer && git init -q outer && mv repo outer/archive",
        spec: "outer/archive/app",
        expected: Used,
    },
    Repository {
        name: "an unpacked archive with a work tree elsewhere",
        script: "repo && evil repo/.git/config && git config -f repo/.git/config core.worktree ../..",
        spec: "repo/app",
        expected: Refused("`core.worktree` names a work tree other than"),
    },
    Repository {
        name: "an unpacked archive with the branches of another repository",
        script: "repo && cp -r repo victim && evil repo/.git/config && echo ../../victim/.git >repo/.git/commondir",
        spec: "repo/app",
        expected: Refused("which is not the git directory of a linked worktree here"),
    },
    Repository {
        name: "a linked worktree",
        script: "repo && git -C repo worktree add -q ../linked && evil repo/.git/config",
        spec: "linked/app",
        expected: Used,
    },
    Repository {
        name: "a linked worktree of a bare repository beside it",
        script: "repo && mkdir project && git clone -q --bare repo project/.bare && echo 'gitdir: ./.bare' >project/.git
            git -C project worktree add -q main && evil project/.bare/config",
        spec: "project/main/app",
        expected: Used,
    },
    Repository {
        name: "a submodule",
        script: "repo && git init -q outer
            git -C outer -c protocol.file.allow=always submodule --quiet add \"file://$top/repo\" sub
            evil outer/.git/modules/sub/config",
        spec: "outer/sub/app",
        expected: Used,
    },
    Repository {
        name: "a submodule in the output directory",
        script: "repo && git init -q outer && app outer/app
            git -C outer -c protocol.file.allow=always submodule --quiet add \"file://$top/repo\" app/rendered/sub
            save outer && evil outer/.git/modules/app/rendered/sub/config",
        spec: "outer/app",
        expected: Unaffected,
    },
    Repository {
        name: "a separate git directory",
        script: "repo && git init -q --separate-git-dir \"$top/away\" repo && evil away/config",
        spec: "repo/app",
        expected: Used,
    },
];

#[test]
fn only_a_commit_in_the_verified_repository_starts_programs() {
    let failures = Mutex::new(Vec::new());
    // Whether a `.git` is refused does not depend on git.
    let is_for_old = |it: &&Repository| it.name.contains("planted") || !matches!(it.expected, Refused(_));
    let mut runs: Vec<_> = REPOSITORIES.iter().map(|it| (it, Git::Here)).collect();
    runs.extend(REPOSITORIES.iter().filter(is_for_old).map(|it| (it, Git::Old)));
    let next = Mutex::new(runs.iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((repository, git)) = next.lock().unwrap().next() else { return };
                    failures.lock().unwrap().extend(check(repository, *git));
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The installed git, or one that behaves like a version before 2.36.
#[derive(Clone, Copy, Debug)]
enum Git {
    Here,
    Old,
}

/// git 2.35 has no `safe.bareRepository`, and every value of `core.fsmonitor` is the path of a program.
const OLD_GIT: &str = r#"#!/bin/bash
settings=()
while [ "$1" = -C ] || [ "$1" = -c ] || [ "$1" = --no-pager ]; do
    case $2 in
    safe.bareRepository=*) shift 2 ;;
    core.fsmonitor=?*) touch TOP/executed; shift 2 ;;
    *) [ "$1" = --no-pager ] && shift || { settings+=("$1" "$2"); shift 2; } ;;
    esac
done
exec GIT "${settings[@]}" "$@"
"#;

/// Runs every command that uses git, and returns the unexpected results.
fn check(repository: &Repository, git: Git) -> Vec<String> {
    let Repository { name, script, spec, expected } = repository;
    let location = location(script, git);
    let executed = location.path().join("executed");
    let mut failures = Vec::new();
    let mut fail = |what: &str, output: &Output| {
        failures.push(format!("{name}, {git:?}: {what}\n{}", text(output)));
    };
    let refs = || text(&sh(&location, "git -C repo for-each-ref 2>&1; git -C outer for-each-ref 2>&1"));
    // `doctor` runs kubectl, which writes its cache if any program of the machine answers at its usual address.
    let files = || {
        let mut files = location.files();
        files.retain(|path, _| !path.starts_with("no-home"));
        files
    };
    let (before, refs_before) = (files(), refs());
    for command in ["render", "render --check", "diff --base HEAD", "doctor", "init", "render --commit"] {
        let _ = fs::remove_file(&executed);
        let line = match (command, expected) {
            ("init", _) => format!("kubectl largescale init {spec} --gitops argocd"),
            ("render --commit", Used | Unaffected) => format!(
                "sed -i 's/port: 80/port: 81/' {spec}/nginx.yaml; kubectl largescale {command} --all -f {spec}"
            ),
            _ => format!("kubectl largescale {command} -f {spec}"),
        };
        // An old mtime makes git compare the content.
        let output = sh(&location, &format!("find {spec}/ -type f -exec touch -d 2001-01-01 {{}} +\n{line}"));
        let code = output.status.code();
        let said = String::from_utf8_lossy(&output.stderr);
        match (expected, command) {
            // `doctor` only asks for the version of git.
            (_, "doctor") => {}
            // The spec has no namespace, which `init` checks after the repository.
            (_, "init") if said.contains("`metadata.namespace` is required") => {}
            (Used | Unaffected, _) if code == Some(0) => {}
            (Used | Unaffected, _) => fail(&format!("{command} ended with {code:?}"), &output),
            (Refused(why), _) => {
                if !matches!(code, Some(3 | 5)) || !said.contains(why) || !said.contains("\n  hint: ") {
                    fail(&format!("{command} is not refused with `{why}`, exit code {code:?}"), &output);
                }
            }
        }
        let programs = fs::read_to_string(&executed).unwrap_or_default();
        if *expected == Used && command == "render --commit" {
            if programs.contains("fsmonitor") {
                fail("a commit started fsmonitor", &output);
            }
            if !programs.contains("hook") {
                fail("a commit started no hook", &output);
            }
        } else if !programs.is_empty() {
            fail(&format!("{command} started {programs}"), &output);
        }
    }
    let _ = fs::remove_file(&executed);
    let without = sh(&location, &format!("kubectl largescale render --no-git -f {spec}"));
    if without.status.code() != Some(0) || executed.exists() {
        fail("--no-git does not work", &without);
    }
    if matches!(expected, Refused(_)) && (files() != before || refs() != refs_before) {
        fail("a refused command wrote files or committed", &without);
    }
    failures
}

/// Builds a repository; `KEYS` may be set in front of the script.
fn location(script: &str, git: Git) -> Environment {
    let location = Environment::with(&checkout().join("tests/cases/shared"));
    let built = sh(&location, &format!("{FUNCTIONS}\n{script}"));
    assert!(built.status.success(), "{script}\n{}", text(&built));
    if matches!(git, Git::Old) {
        let found = text(&sh(&location, "command -v git"));
        let script =
            OLD_GIT.replace("TOP", &location.path().display().to_string()).replace("GIT", found.trim());
        program(&location, "git", &script);
    }
    location
}

fn program(location: &Environment, name: &str, script: &str) {
    let path = location.path().join("bin").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_executable(&path, script.as_bytes());
}

fn sh(location: &Environment, script: &str) -> Output {
    let mut command = Command::new("bash");
    let path = format!("{}:{}", location.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.arg("-c").arg(script.replace("kubectl largescale", PROGRAM)).env("PATH", path);
    location.run(command)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn variables_count_only_if_they_name_the_repository() {
    let script = "repo && cp -r repo other && evil other/.git/config && plant planted ../repo/app";
    let location = location(script, Git::Here);
    for (variables, is_used) in [
        ("GIT_DIR=repo/.git", true),
        ("GIT_DIR=$PWD/repo/.git GIT_WORK_TREE=repo GIT_INDEX_FILE=.git/index", true),
        ("GIT_INDEX_FILE=$PWD/repo/.git/index", true),
        ("GIT_DIR=other/.git", false),
        ("GIT_DIR=other/.git GIT_WORK_TREE=repo", false),
        ("GIT_DIR=planted", false),
        ("GIT_DIR=nowhere", false),
        ("GIT_WORK_TREE=other", false),
        ("GIT_WORK_TREE=repo/app", false),
        ("GIT_INDEX_FILE=$PWD/other/.git/index", false),
        ("GIT_INDEX_FILE=../index", false),
        // git would take configuration, branches or objects from these variables.
        ("GIT_COMMON_DIR=$PWD/other/.git", true),
        ("GIT_OBJECT_DIRECTORY=$PWD/other/.git/objects", true),
        ("GIT_CONFIG=$PWD/other/.git/config", true),
        ("GIT_NAMESPACE=other GIT_PREFIX=other/", true),
    ] {
        for command in ["render", "render --check", "diff --base HEAD", "render --commit"] {
            let line = format!("{variables} kubectl largescale {command} -f repo/app");
            let output = sh(&location, &line);
            let said = text(&output);
            if is_used {
                assert_eq!(output.status.code(), Some(0), "{line}\n{said}");
            } else {
                assert_eq!(output.status.code(), Some(5), "{line}\n{said}");
                assert!(said.contains("hint: unset GIT_"), "{said}");
            }
        }
    }
    assert!(!location.path().join("executed").exists());
    let outside = "app lonely && GIT_DIR=other/.git kubectl largescale render -f lonely";
    let output = sh(&location, &format!("{}\n{outside}", FUNCTIONS.replace("mkdir hooks", "mkdir -p hooks")));
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
}

#[test]
fn the_repository_of_another_user_is_refused() {
    let location = location("repo && evil repo/.git/config", Git::Here);
    for command in ["render", "render --check", "diff --base HEAD", "render --commit"] {
        let line = format!("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 kubectl largescale {command} -f repo/app");
        let output = sh(&location, &line);
        assert_eq!(output.status.code(), Some(3), "{line}\n{}", text(&output));
        assert!(text(&output).contains("detected dubious ownership"), "{}", text(&output));
    }
    assert!(!location.path().join("executed").exists());
}

#[test]
fn a_pre_commit_hook_checks_what_is_committed() {
    for (script, directory) in [
        ("repo", "repo"),
        ("repo && git -C repo worktree add -q ../linked", "linked"),
        ("repo && git init -q --separate-git-dir \"$top/away\" repo", "repo"),
    ] {
        let location = location(script, Git::Here);
        let hook = "kubectl largescale render --check -f app && env | grep ^GIT_ >../variables; exit 0";
        let output = sh(
            &location,
            &format!(
                "hook=$(git -C {directory} rev-parse --git-path hooks/pre-commit) && cd {directory} \
                 && mkdir -p $(dirname $hook) && printf '#!/bin/sh\\n{hook}\\n' >$hook && chmod +x $hook \
                 && echo '# more' >>app/nginx.yaml && git commit -q -m more app/nginx.yaml"
            ),
        );
        assert!(output.status.success(), "{}", text(&output));
        let said = text(&output);
        assert!(said.contains("3 unchanged, 0 kept (check only, nothing written)"), "{said}");
        let variables = fs::read_to_string(location.path().join("variables")).unwrap();
        assert!(variables.contains("GIT_INDEX_FILE="), "{variables}");
    }
}

#[test]
fn a_filtered_file_is_unknown_and_crlf_is_not_a_change() {
    let script =
        "repo && git -C repo config core.autocrlf true && rm -r repo/app && git -C repo checkout -q .
        KEYS=filter.evil.clean evil repo/.git/config && grep -q $'\\r' repo/app/largescale.lock";
    let location = location(script, Git::Here);
    let line = "touch -d 2001-01-01 repo/app/*.lock repo/app/rendered/*; kubectl largescale render --check -f repo/app";
    let said = text(&sh(&location, line));
    let services = ["1", "2"].map(|pool| format!("repo/app/rendered/service-nginx-agentpool{pool}.yaml"));
    let expected = format!("not compared because of a git filter: {}\n", services.join(", "));
    assert!(said.contains(&expected) && !said.contains("not committed"), "{said}");
    let json = text(&sh(&location, "kubectl largescale render --check -f repo/app -o json"));
    assert_eq!(json.matches("\"git\": \"unknown\"").count(), 2, "{json}");
    assert!(!location.path().join("executed").exists());
    // Results that need no comparison stay.
    let more = "git -C repo rm -q --cached app/rendered/service-nginx-agentpool1.yaml
        kubectl largescale render --check -f repo/app";
    let said = text(&sh(&location, more));
    assert!(said.contains("not committed, new: repo/app/rendered/service-nginx-agentpool1.yaml\n"), "{said}");
    // Without a driver in the configuration, the attribute has no effect.
    let none = "git -C repo add app && git -C repo config --unset filter.evil.clean
        kubectl largescale render --check -f repo/app";
    assert!(!text(&sh(&location, none)).contains("not compared"));
}

#[test]
fn a_partial_clone_is_not_fetched_into() {
    let script = "repo && sed -i 's/port: 80/port: 81/' repo/app/nginx.yaml
        kubectl largescale render --no-git -f repo/app >/dev/null && save repo
        git -C repo config uploadpack.allowFilter true && git -C repo config uploadpack.allowAnySHA1InWant true
        git clone -q --filter=blob:none \"file://$top/repo\" clone
        git -C clone config remote.origin.uploadpack \"touch '$top/executed'; git-upload-pack\"";
    let location = location(script, Git::Here);
    let diff = "kubectl largescale diff --base HEAD~1 --summary -f clone/app";
    let output = sh(&location, diff);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(!location.path().join("executed").exists(), "{said}");
    let hint = said.split_once("hint: `").and_then(|(_, hint)| hint.split_once("` fetches")).unwrap().0;
    assert!(sh(&location, hint).status.success(), "{hint}");
    let followed = sh(&location, diff);
    assert_eq!(text(&followed), "0 created, 2 changed, 0 removed, 1 unchanged\n");
}
