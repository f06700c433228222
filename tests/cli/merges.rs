//! Two people change one directory in two branches: however git joins the branches, no pool is lost and none comes back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::environment::{Environment, PROGRAM};

/// Functions for the scripts. `pools` gives each named pool two nodes. `port` changes the manifest. `keep` renders and commits.
const FUNCTIONS: &str = r#"
set -e
pools() {
  for pool in "$@"; do for n in 1 2; do
    echo "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"$pool-$n\",\"labels\":{\"pool\":\"$pool\"}},\"spec\":{\"providerID\":\"hcloud://$n\"}}"
  done; done > nodes.json
}
port() { sed -i "s/port: .*/port: $1}]/" app/web.yaml; }
render() { "$PROGRAM" render -f app "$@"; }
keep() { render > out.txt 2>&1 || { cat out.txt; exit 1; }; git add app; git commit -qm "$1"; git checkout -q nodes.json 2> /dev/null || true; }
start() {
  git init -q -b main .
  printf 'nodes.json\nout.txt\nclone\n' > .gitignore
  mkdir app
  printf 'apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {name: web, namespace: prod}\nspec:\n  manifests: [web.yaml]\n  platform: hetzner\n  pools: {label: pool}\n  nodes: ../nodes.json\n' > app/largescale.yaml
  printf 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: {tier: front}\nspec:\n  type: LoadBalancer\n  selector: {app: web}\n  ports: [{port: 80}]\n' > app/web.yaml
  pools a1 a2 a3
  git add .gitignore
  keep start
}
# main changes the port; feature adds pool a4, which has no nodes when the branches meet.
two() {
  start
  git switch -qc feature; pools a1 a2 a3 a4; keep "add a4"
  git switch -q main; pools a1 a2 a3; port 8080; keep "change port"
}
"#;

struct Scenario {
    name: &'static str,
    script: &'static str,
    /// The pools after the next render, and the port of every Service.
    pools: &'static [&'static str],
    port: &'static str,
    /// Finishes the operation of git.
    finish: &'static str,
}

const MERGED: &[&str] = &["a1", "a2", "a3", "a4"];

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a merge with markers",
        script: "two; ! git merge -q feature",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "our lock is taken",
        script: "two; ! git merge -q feature; git checkout -q --ours app/largescale.lock",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "their lock is taken",
        script: "two; ! git merge -q feature; git checkout -q --theirs app/largescale.lock",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "our lock is taken and added in a merge",
        script: "two; ! git merge -q feature; git checkout -q --ours app/largescale.lock; git add app",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "their lock is taken and added in a merge",
        script: "two; ! git merge -q feature; git checkout -q --theirs app/largescale.lock; git add app",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "one lock is taken and added in a rebase",
        script: "two; git switch -q feature; ! git rebase -q main 2> /dev/null; git checkout -q --ours app/largescale.lock; git add app",
        pools: MERGED,
        port: "8080",
        finish: "GIT_EDITOR=true git rebase --continue > /dev/null",
    },
    Scenario {
        name: "our lock is taken and added in a cherry-pick",
        script: "two; ! git cherry-pick feature > /dev/null 2>&1; git checkout -q --ours app/largescale.lock; git add app",
        pools: MERGED,
        port: "8080",
        finish: "git -c core.editor=true cherry-pick --continue > /dev/null",
    },
    Scenario {
        name: "our lock is committed in the merge",
        script: "two; ! git merge -q feature; git checkout -q --ours app/largescale.lock; git add app; git commit -qm merged",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm rendered",
    },
    Scenario {
        name: "our lock is committed in the merge, and another commit follows",
        script: "two; ! git merge -q feature; git checkout -q --ours app/largescale.lock; git add app; git commit -qm merged; echo > other; git add other; git commit -qm other",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm rendered",
    },
    Scenario {
        name: "their lock is committed in the merge",
        script: "two; ! git merge -q feature; git checkout -q --theirs app/largescale.lock; git add app; git commit -qm merged",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm rendered",
    },
    Scenario {
        name: "our lock is committed in the merge, and our branch moved the directory",
        script: "start; git mv app old; git commit -qm move; git switch -qc feature; pools a1 a2 a3 a4; \
                 \"$PROGRAM\" render -f old > out.txt 2>&1; git add old; git commit -qm 'add a4'; git switch -q main; \
                 pools a1 a2 a3; git mv old app; git commit -qm back; git merge -q feature > out.txt 2>&1 || true; \
                 git checkout -q main -- app/largescale.lock; git add app; git commit -qm merged",
        pools: MERGED,
        port: "80",
        finish: "git commit -qm rendered",
    },
    Scenario {
        name: "a rebase",
        script: "two; git switch -q feature; ! git rebase -q main 2> /dev/null",
        pools: MERGED,
        port: "8080",
        finish: "GIT_EDITOR=true git rebase --continue > /dev/null",
    },
    Scenario {
        name: "a rebase that takes one lock",
        script: "two; git switch -q feature; ! git rebase -q main 2> /dev/null; git checkout -q --ours app/largescale.lock",
        pools: MERGED,
        port: "8080",
        finish: "GIT_EDITOR=true git rebase --continue > /dev/null",
    },
    Scenario {
        name: "a cherry-pick",
        script: "two; ! git cherry-pick feature > /dev/null 2>&1",
        pools: MERGED,
        port: "8080",
        finish: "git -c core.editor=true cherry-pick --continue > /dev/null",
    },
    Scenario {
        name: "a stash",
        script: "start; pools a1 a2 a3 a4; render > /dev/null; git add app; git stash -q; pools a1 a2 a3; port 8080; keep port; ! git stash pop -q 2> /dev/null",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm stashed; git stash drop -q",
    },
    Scenario {
        name: "a stash, and our lock is taken",
        script: "start; pools a1 a2 a3 a4; render > /dev/null; git add app; git stash -q; pools a1 a2 a3; port 8080; keep port; ! git stash pop -q 2> /dev/null; git checkout -q --ours app/largescale.lock",
        pools: MERGED,
        port: "8080",
        finish: "git commit -qm stashed; git stash drop -q",
    },
    Scenario {
        name: "a revert of the pool",
        script: "start; pools a1 a2 a3 a4; keep pool; port 8080; pools a1 a2 a3; keep port; ! git revert --no-edit HEAD~1 > /dev/null 2>&1",
        pools: &["a1", "a2", "a3"],
        port: "8080",
        finish: "git -c core.editor=true revert --continue > /dev/null",
    },
    Scenario {
        name: "a pool that one branch forgot",
        script: "start; git switch -qc feature; pools a1 a2; render --forget a3 > /dev/null 2>&1; git add app; git commit -qm forget; git switch -q main; port 8080; keep port; ! git merge -q feature > /dev/null",
        pools: &["a1", "a2"],
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "a pool that one branch forgot, and the lock of the other is taken",
        script: "start; git switch -qc feature; pools a1 a2; render --forget a3 > /dev/null 2>&1; git add app; git commit -qm forget; git switch -q main; port 8080; keep port; ! git merge -q feature > /dev/null; git checkout -q --ours app/largescale.lock",
        pools: &["a1", "a2"],
        port: "8080",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "two new pools",
        script: "start; git switch -qc feature; pools a1 a2 a3 a4; keep a4; git switch -q main; pools a1 a2 a3 a5; keep a5; pools a1 a2 a3; ! git merge -q feature > /dev/null",
        pools: &["a1", "a2", "a3", "a4", "a5"],
        port: "80",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "an old branch",
        script: "start; git switch -qc feature; pools a1 a2 a3 a4; keep a4; git switch -q main; for p in 81 82 83; do pools a1 a2 a3; port $p; keep $p; done; git switch -q feature; ! git merge -q main > /dev/null",
        pools: MERGED,
        port: "83",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "the same line of the manifest and of each rendered file",
        script: "start; git switch -qc feature; port 81; pools a1 a2 a3 a4; keep 81; git switch -q main; port 82; pools a1 a2 a3; keep 82; ! git merge -q feature > /dev/null; git checkout -q --theirs app/web.yaml",
        pools: MERGED,
        port: "81",
        finish: "git commit -qm merged",
    },
    Scenario {
        name: "a new pool whose file git takes for that of a forgotten pool",
        script: "start; git switch -qc feature; port 81; keep 81; git switch -q main; port 82; pools a1 a2 a4; render --forget a3 > /dev/null 2>&1; git add app; git commit -qm a4; ! git merge -q feature > /dev/null; git checkout -q --theirs app/web.yaml; git ls-files -s | grep -q '1.app/rendered/service-web-a4'",
        pools: &["a1", "a2", "a4"],
        port: "81",
        finish: "git commit -qm merged",
    },
];

/// States that a render refuses, and the commands of its hints. They are followed as they are printed.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "two clusters",
        "start; git switch -qc feature; pools a1 a2 a3 a4; keep a4; sed -i '/^platform/a cluster: bbb' app/largescale.lock; git commit -qam bbb; git switch -q main; sed -i '/^platform/a cluster: aaa' app/largescale.lock; git commit -qam aaa; pools a1 a2 a3; ! git merge -q feature > /dev/null; git rm -q --cached app/rendered/service-web-a4.yaml; rm app/rendered/service-web-a4.yaml",
        "`cluster` is aaa in one and bbb in the other",
    ),
    (
        "markers that were added to the index",
        "two; ! git merge -q feature > /dev/null; git add app",
        "git does not have the two versions",
    ),
    (
        "markers that were committed",
        "two; ! git merge -q feature > /dev/null; git add app; git commit -qm merged",
        "git does not have the two versions",
    ),
    (
        "a rebase whose lock was taken from one side",
        "two; git switch -q feature; ! git rebase -q main 2> /dev/null; git checkout -q --ours app/largescale.lock; git add app; GIT_EDITOR=true git rebase --continue > /dev/null; git commit -q --allow-empty -m more",
        "is not in the lock",
    ),
    (
        "a lock that was restored from an older commit",
        "start; pools a1 a2 a3 a4; keep a4; git checkout -q HEAD~1 -- app/largescale.lock; git commit -qm old",
        "is not in the lock",
    ),
    (
        "an older lock after a rebase of the pool",
        "two; git switch -q feature; ! git rebase -q main 2> /dev/null; pools a1 a2 a3; render > /dev/null 2>&1; git add app; GIT_EDITOR=true git rebase --continue > /dev/null; test -e .git/REBASE_HEAD; git checkout -q main -- app/largescale.lock",
        "is not in the lock",
    ),
    (
        "an older lock than a merge that was rendered",
        "two; ! git merge -q feature; pools a1 a2 a3; render > /dev/null 2>&1; git add app; git commit -qm merged; pools a1 a2 a3 a5; keep a5; git checkout -q HEAD~1^1 -- app/largescale.lock",
        "is not in the lock",
    ),
    (
        "two pools that were lost, and two branches that have one each",
        "start; git switch -qc one; pools a1 a2 a3 a4; keep a4; git switch -q main; git switch -qc two; pools a1 a2 a3 a5; keep a5; git switch -q main; git checkout -q one -- app/rendered; git checkout -q two -- app/rendered; git commit -qm 'files of both'",
        "is not in the lock",
    ),
    (
        "a lost lock, and another branch that forgot a pool",
        "start; pools a1 a2 a3 a4 a5; keep two; git switch -qc other; pools a1 a2 a3 a4; port 81; render --forget a5 > /dev/null 2>&1; git add app; git commit -qm forget; git switch -q main; rm app/largescale.lock",
        "is not in the lock",
    ),
];

/// Returns the first command in backticks of the last hint.
fn hinted(said: &str) -> String {
    let hint = said.lines().rev().find_map(|line| line.trim().strip_prefix("hint: ")).unwrap_or_default();
    hint.split('`').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn hints_about_locks_lead_out() {
    for (name, script, message) in REFUSED {
        let environment = Environment::with(Path::new("/nonexistent"));
        sh(&environment, script);
        let said = sh(&environment, "pools a1 a2 a3; ! render");
        assert!(said.contains(message), "{name}: {said}");
        let command = hinted(&said).replace("kubectl largescale", "\"$PROGRAM\"");
        assert!(!command.is_empty(), "{name}: {said}");
        let said = sh(&environment, &format!("{command}; render; render --check > /dev/null"));
        let rendered = names(&environment.path().join("app/rendered"));
        let expected = match *name {
            "two clusters" => "a1 a2 a3",
            "two pools that were lost, and two branches that have one each"
            | "an older lock than a merge that was rendered"
            | "a lost lock, and another branch that forgot a pool" => "a1 a2 a3 a4 a5",
            _ => "a1 a2 a3 a4",
        };
        assert_eq!(rendered.into_iter().collect::<Vec<_>>().join(" "), expected, "{name}: {command}\n{said}");
    }
}

/// Files of a Service that the spec does not have are kept until the user removes them, whatever lock lists them.
#[test]
fn files_of_a_service_that_left_the_spec_are_not_removed_to_keep_them() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let said = sh(
        &environment,
        "start; sed 's/web/api/' app/web.yaml > app/api.yaml; sed -i 's/web.yaml/web.yaml, api.yaml/' app/largescale.yaml; keep api
        git checkout -q HEAD~1 -- app/largescale.yaml app/largescale.lock; pools a1 a2 a3; ! render; ! render --pools-of HEAD",
    );
    let files =
        "app/rendered/service-api-a1.yaml app/rendered/service-api-a2.yaml app/rendered/service-api-a3.yaml";
    assert_eq!(hinted(&said), "spec.manifests", "{said}");
    assert_eq!(said.matches(&format!("to delete all of them, `rm {files}`")).count(), 2, "{said}");
    sh(&environment, &format!("ls {files}; rm {files}; render; render --check"));
}

#[test]
fn pools_come_back_from_a_branch_that_moved_the_directory() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let said = sh(
        &environment,
        "start; git switch -qc feature; git mv app old; git commit -qm moved; pools a1 a2 a3 a4; \"$PROGRAM\" render -f old > /dev/null 2>&1; git add old; git commit -qm 'add a4'
        git switch -q main; git show feature:old/rendered/service-web-a4.yaml > app/rendered/service-web-a4.yaml; pools a1 a2 a3; render --pools-of feature; render --check",
    );
    assert!(said.contains("kept from the lock of feature: a4"), "{said}");
    assert!(names(&environment.path().join("app/rendered")).contains("a4"), "{said}");
}

#[test]
fn a_directory_gets_its_own_lock_back_after_a_merge_took_that_of_another() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let said = sh(
        &environment,
        "start; git switch -qc feature; mkdir shop; sed 's/web/api/' app/web.yaml > shop/api.yaml; sed 's/name: web/name: shop/; s/web.yaml/api.yaml/' app/largescale.yaml > shop/largescale.yaml
        shop() { \"$PROGRAM\" render -f shop \"$@\"; }
        shop --pools-of app > out.txt 2>&1; git add shop; git commit -qm shop
        git switch -q main; pools a1 a2 a3 a4; keep a4; git merge -q --no-commit feature > /dev/null; cp app/largescale.lock shop/; git add shop; git commit -qm merged
        ! render 2> app.txt; ! shop 2> shop.txt; cat app.txt shop.txt; grep -oh 'git checkout [^`]*' app.txt shop.txt | sort -u > commands.txt
        test $(grep -c . commands.txt) = 1; cd shop; sh ../commands.txt; cd ..; shop; render
        grep -q \"$(git show feature:shop/largescale.lock | grep '^id:')\" shop/largescale.lock",
    );
    assert_eq!(
        said.matches("a merge took the lock of one directory for that of another").count(),
        2,
        "{said}"
    );
}

/// git moves all files to the name of one branch. A user who takes the spec and the lock of the other one has an empty output directory,
/// in which no file shows that the lock lacks a pool.
#[test]
fn no_pool_is_lost_if_one_branch_renamed_the_output_directory() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let said = sh(
        &environment,
        "start; git switch -qc feature; sed -i 's/^  nodes:/  output: tree\\n  nodes:/' app/largescale.yaml; git mv app/rendered app/tree; pools a1 a2 a3 a4; keep 'rename and add a4'
        git switch -q main; pools a1 a2; sed -i 's/^  nodes:/  # main\\n  nodes:/' app/largescale.yaml; render --forget a3 > out.txt 2>&1; git commit -qam 'forget a3'
        ! git merge -q feature; git checkout -q --ours app/largescale.lock app/largescale.yaml; git add -A; git commit -qm merged
        pools a1 a2; render; render --check; render --check --locked",
    );
    assert!(said.contains("this render merged the locks of both"), "{said}");
    let found = names(&environment.path().join("app/rendered"));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a1", "a2", "a4"], "{said}");
}

/// git takes the lock of a new directory for the renamed one of a directory that the same branch removed. Then the other branch has that
/// lock as its version, and the lock of the new directory is nowhere in the work tree.
#[test]
fn a_new_directory_keeps_its_lock_if_git_takes_it_for_a_renamed_one() {
    for commit in ["true", "git add -A; git commit -qm merged"] {
        let environment = Environment::with(Path::new("/nonexistent"));
        let said = sh(
            &environment,
            &format!(
                "split() {{ mkdir $1; sed 's/web/api/' app/web.yaml > $1/api.yaml; sed \"s/name: web/name: $1/; s/web.yaml/api.yaml/\" app/largescale.yaml > $1/largescale.yaml; \"$PROGRAM\" render -f $1 --pools-of app > out.txt 2>&1; git add $1; }}
                start; split old; git commit -qm old
                git switch -qc feature; pools a1 a2 a3 a4; \"$PROGRAM\" render -f old > out.txt 2>&1; git add old; git commit -qm a4
                git switch -q main; git rm -qrf old; pools a1 a2 a3 a5; keep a5; split new; git commit -qm new; id=$(grep '^id:' new/largescale.lock)
                ! git merge -q feature; git checkout -q --theirs new/largescale.lock; {commit}
                pools a1 a2 a3 a4; ! \"$PROGRAM\" render -f new 2> error.txt; cat error.txt; cd new; sh -c \"$(grep -oh 'git checkout [^`]*' ../error.txt)\"; cd ..
                \"$PROGRAM\" render -f new; \"$PROGRAM\" render -f new --check; ls new/rendered
                grep -q \"$id\" new/largescale.lock",
            ),
        );
        assert!(said.contains("the lock has the id of another directory: a merge took the lock"), "{said}");
        for pool in ["a1", "a2", "a3", "a4", "a5"] {
            assert!(said.contains(&format!("\nservice-api-{pool}.yaml")), "{said}");
        }
    }
}

#[test]
fn a_lock_that_was_merged_by_hand_is_kept_with_a_warning() {
    let environment = Environment::with(Path::new("/nonexistent"));
    sh(
        &environment,
        "two; ! git merge -q feature; git checkout -q --ours app/largescale.lock; echo '# by hand' >> app/largescale.lock; git rm -qf app/rendered/service-web-a4.yaml",
    );
    let rendered = environment.path().join("app/rendered");
    let said = sh(&environment, "pools a1 a2 a3; render");
    assert!(said.contains("a branch of the merge has pool `a4`, and this lock does not"), "{said}");
    assert!(!names(&rendered).contains("a4"), "{said}");
    let command = hinted(&said);
    let said = sh(&environment, &format!("{command}; render"));
    assert!(names(&rendered).contains("a4"), "{command}: {said}");
}

#[test]
fn a_file_with_a_conflict_is_ours_although_the_lock_has_none() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let said = sh(
        &environment,
        "start; pools a1 a2 a3 a4; keep a4
        sed -i 's/^  nodes:/  output: tree\\n  nodes:/' app/largescale.yaml; git mv app/rendered app/tree; render > out.txt 2>&1; git add app; git commit -qm moved
        ! git revert --no-edit HEAD~1 > /dev/null 2>&1; git status --porcelain
        pools a1 a2 a3 a4; port 81; render; render --check",
    );
    assert!(
        said.contains(" app/tree/service-web-a4.yaml") && !said.contains("U app/largescale.lock"),
        "{said}"
    );
    assert!(names(&environment.path().join("app/tree")).contains("a4"), "{said}");
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries
        .filter_map(|name| Some(name.strip_prefix("service-web-")?.strip_suffix(".yaml")?.to_owned()))
        .collect()
}

#[track_caller]
pub fn sh(environment: &Environment, script: &str) -> String {
    let output = environment.line(&format!("PROGRAM='{PROGRAM}'\n{FUNCTIONS}\n{script}"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{script}\n{said}");
    said
}

fn check(scenario: &Scenario) {
    let environment = Environment::with(Path::new("/nonexistent"));
    sh(&environment, scenario.script);
    let said = sh(&environment, "pools a1 a2; ! render --check");
    assert!(!environment.path().join("app/.git").exists(), "{said}");
    // The nodes of the moment must not matter: only the lock has the pools without nodes.
    let alive: Vec<&str> =
        scenario.pools.iter().filter(|pool| ["a1", "a2", "a3"].contains(pool)).copied().collect();
    let script = format!(
        "pools {}; render && render --check --locked > /dev/null && render --check > /dev/null",
        alive.join(" ")
    );
    let said = sh(&environment, &script);
    let rendered = environment.path().join("app/rendered");
    let expected: BTreeSet<String> = scenario.pools.iter().map(|pool| (*pool).to_owned()).collect();
    assert_eq!(names(&rendered), expected, "{}\n{said}", scenario.name);
    for pool in &expected {
        let text = fs::read_to_string(rendered.join(format!("service-web-{pool}.yaml"))).unwrap();
        assert!(text.contains(&format!("port: {}\n", scenario.port)), "{}: {text}", scenario.name);
    }
    let lock = fs::read_to_string(environment.path().join("app/largescale.lock")).unwrap();
    let locked = largescale::core::lock::Lock::read("lock", &lock).unwrap();
    assert_eq!(locked.pools.into_keys().collect::<BTreeSet<_>>(), expected, "{}", scenario.name);
    // What is committed is complete.
    let script = format!(
        "git add app; {}; git status --porcelain; git clone -q . clone; cd clone; \"$PROGRAM\" render -f app --check --locked > /dev/null",
        scenario.finish
    );
    sh(&environment, &script);
}

#[test]
fn branches_keep_all_pools() {
    let failed: Vec<&str> = SCENARIOS
        .iter()
        .filter(|scenario| {
            let outcome = std::panic::catch_unwind(|| check(scenario));
            outcome.is_err()
        })
        .map(|scenario| scenario.name)
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}
