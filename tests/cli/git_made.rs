//! Rendered files whose content git made when it joined two branches: a render overwrites them, unless a user edited them.

use std::path::Path;

use crate::environment::Environment;
use crate::merges::sh;

/// `feature` changes the port, and main gives the Service another name. git takes the new files for the old ones, and joins both.
/// The user decides for the manifest of main.
const JOINED: &str = "
start; git switch -qc feature; port 81; keep 81
git switch -q main; pools a1 a2 a3; sed -i 's/name: web/name: site/' app/web.yaml; keep site; pools a1 a2 a3
joined() {
  ! git merge -q feature > /dev/null; git checkout -q main -- app/web.yaml
  grep -q 'port: 81' app/rendered/service-site-a1.yaml
}
committed() { joined; git checkout -q --ours app/largescale.lock; git add app; git commit -qm merged; }
";

const RENDERED: &str = "render; render --check; ! grep -r 'port: 81' app/rendered";

/// Each state, and whether the render overwrites the files.
const STATES: &[(&str, &str, bool)] = &[
    ("the merge is not finished", "joined", true),
    ("the merge is committed", "committed", true),
    (
        "the user takes a side for each file",
        "joined; git checkout -q feature -- app/rendered; git mv -f app/rendered/service-web-a1.yaml app/rendered/service-site-a1.yaml; git rm -qf app/rendered/service-web-*",
        true,
    ),
    (
        "the user edits a file of the merge",
        "joined; sed -i 's/front/back/' app/rendered/service-site-a2.yaml",
        false,
    ),
    (
        "the user edits a file, and commits it in the merge",
        "joined; sed -i 's/front/back/' app/rendered/service-site-a2.yaml; git checkout -q --ours app/largescale.lock; git add app; git commit -qm merged",
        false,
    ),
    (
        "a branch has a file that was edited",
        "git switch -q feature; sed -i 's/front/back/' app/rendered/service-web-a2.yaml; git commit -qam edit; git switch -q main; joined",
        false,
    ),
];

#[test]
fn what_git_made_is_overwritten_and_what_a_user_edited_is_not() {
    for (name, script, is_overwritten) in STATES {
        let environment = Environment::with(Path::new("/nonexistent"));
        sh(&environment, &format!("{JOINED}\n{script}"));
        if *is_overwritten {
            sh(&environment, RENDERED);
        } else {
            let said = sh(&environment, "! render; grep -q back app/rendered/service-site-a2.yaml");
            let messages = ["the file was edited by hand", "the file has merge conflict markers"];
            let is_refused = messages.iter().any(|it| said.contains(&format!("a2.yaml: {it}")));
            assert!(is_refused, "{name}: {said}");
        }
    }
}

/// A revert or a cherry-pick can bring back files without their lock.
#[test]
fn committed_files_of_an_earlier_render_are_overwritten() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let script = "start; port 81; keep 81; pools a1 a2 a3; port 82; keep 82; pools a1 a2 a3; git checkout -q HEAD~1 -- app/rendered";
    let said = sh(&environment, &format!("{script}; ! render; git diff --quiet HEAD~1 -- app/rendered"));
    assert_eq!(said.matches("the file was edited by hand").count(), 3, "{said}");
    sh(&environment, &format!("git commit -qm back; {RENDERED}"));
    sh(
        &environment,
        "sed -i 's/front/back/' app/rendered/service-web-a2.yaml; git commit -qam edit; ! render",
    );
}

/// git would run the programs of merge drivers, and that of `log.showSignature`.
#[test]
fn programs_of_the_configuration_are_not_started() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let executed = environment.path().join("executed");
    sh(
        &environment,
        &format!(
            "{JOINED}
            committed
            for key in gpg.program diff.evil.textconv diff.external merge.evil.driver merge.a=b.driver; do
              git config $key \"touch '$PWD/executed'; false\"
            done
            git config log.showSignature true
            printf '*.yaml diff=evil merge=evil\\n*a2.yaml merge=a=b\\n' > .git/info/attributes"
        ),
    );
    // Without its driver, git's result is another one, and the files are not proven to be its work.
    let said = sh(&environment, "! render");
    assert!(said.contains("was edited by hand"), "{said}");
    assert!(!executed.exists(), "{said}");
    sh(&environment, "git show --remerge-diff --name-only > /dev/null 2>&1 || true; rm executed");
    sh(
        &environment,
        &format!("git config --unset merge.evil.driver; git config --unset merge.a=b.driver; {RENDERED}"),
    );
    assert!(!executed.exists());
}
