//! Runs the steps of the workflows in examples/ci and examples/cronjob, with a local repository and a fake `gh`
//! that records its calls.

use std::fs;
use std::process::{Command, Output};

use largescale::core::yaml;
use serde_json::Value;

use crate::environment::{Environment, PROGRAM, checkout};
use crate::executable::write_executable;

/// Creates two apps in a repository with a bare `origin`, and the programs of a runner.
fn repository() -> Environment {
    let location = Environment::with(&checkout().join("tests/cases/shared"));
    let tool = |name: &str, text: &str| {
        let path = location.path().join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_executable(&path, text.as_bytes());
    };
    tool("kubectl", &format!("#!/bin/sh\nshift\nexec {PROGRAM} \"$@\"\n"));
    let log = location.path().join("gh.log");
    let log = log.display();
    tool(
        "gh",
        &format!(
            "#!/bin/sh\necho \"$@\" | sed 's|/[^ ]*/tmp[^ ]*|SUMMARY|' >>{log}\n\
             case \"$1 $2\" in\n\
             'pr view') grep -q '^pr create' {log} && echo OPEN || exit 1 ;;\n\
             'pr create' | 'pr edit') while [ $# -gt 0 ]; do [ \"$1\" = --body-file ] && cat \"$2\" >body.md; shift; done ;;\n\
             'pr comment') case \"$*\" in *--edit-last*) exit 1 ;; esac ;;\n\
             esac\n"
        ),
    );
    let made = shell(
        &location,
        "git init -q --bare -b main origin.git
         git clone -q origin.git clone 2>&1
         mkdir -p clone/apps/web clone/apps/api clone/examples
         cp largescale.yaml nginx.yaml nodes.json clone/apps/web
         sed 's/name: nginx$/name: api/' largescale.yaml >clone/apps/api/largescale.yaml
         cp nginx.yaml nodes.json clone/apps/api
         cd clone
         git switch -q -c main
         kubectl largescale render -f apps -R >/dev/null 2>&1
         git add . && git commit -q -m start && git push -q origin main",
    );
    assert!(made.status.success(), "{}", text(&made));
    let example = checkout().join("examples/ci");
    fs::create_dir_all(location.path().join("clone/examples/ci")).unwrap();
    fs::copy(example.join("refresh.sh"), location.path().join("clone/examples/ci/refresh.sh")).unwrap();
    location
}

fn shell(location: &Environment, script: &str) -> Output {
    let mut command = Command::new("bash");
    let path = format!("{}:{}", location.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.args(["-e", "-o", "pipefail", "-c", script]).env("PATH", path);
    location.run(command)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn log(location: &Environment) -> String {
    let path = location.path().join("gh.log");
    let log = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, "pr create, before\n").unwrap();
    log
}

#[test]
fn a_refresh_opens_a_pull_request_and_updates_it_only_on_changes() {
    let location = repository();
    let refresh =
        |more: &str| shell(&location, &format!("cd clone && FORGE=github {more} sh examples/ci/refresh.sh"));

    let nothing = refresh("");
    assert!(nothing.status.success() && text(&nothing).contains("no changes\n"), "{}", text(&nothing));
    assert_eq!(log(&location), "");
    fs::remove_file(location.path().join("gh.log")).unwrap();

    // A third pool in one of the two apps.
    let more = "cp ../three.json apps/web/nodes.json && git add apps/web && git commit -q -m nodes && git push -q origin HEAD:main";
    assert!(shell(&location, &format!("cd clone && git switch -q main && {more}")).status.success());
    let opened = refresh("");
    assert!(opened.status.success(), "{}", text(&opened));
    let calls = log(&location);
    assert!(calls.contains("pr create --base main --head largescale/refresh --title"), "{calls}");
    let body = fs::read_to_string(location.path().join("clone/body.md")).unwrap();
    assert!(body.contains("`service/nginx-agentpool3` created"), "{body}");
    let pushed = shell(&location, "git -C origin.git log -1 --format=%B --name-status largescale/refresh");
    assert!(
        text(&pushed).contains("A\tapps/web/rendered/service-nginx-agentpool3.yaml"),
        "{}",
        text(&pushed)
    );
    assert!(!text(&pushed).contains("body.md"), "{}", text(&pushed));

    let again = refresh("");
    assert!(text(&again).contains("the pull request already exists\n"), "{}", text(&again));
    assert_eq!(log(&location), "pr create, before\n");

    // Half of the pools of one app have disappeared: its render is refused, and the change of the other must still
    // be shown.
    let gone = "sed -i 's/agentpool[12]\"/gone\"/' apps/api/nodes.json && sed -i 's/port: 80/port: 81/' apps/web/nginx.yaml";
    let push = "git add apps && git commit -q -m gone && git push -q origin HEAD:main";
    assert!(
        shell(&location, &format!("cd clone && git switch -q main && {gone} && {push}")).status.success()
    );
    let refused = refresh("");
    assert_ne!(refused.status.code(), Some(0), "{}", text(&refused));
    let body = fs::read_to_string(location.path().join("clone/body.md")).unwrap();
    assert!(body.contains("**Not rendered**") && body.contains("`service/nginx-agentpool3`"), "{body}");
    assert!(log(&location).contains("pr edit largescale/refresh"));

    let forge = shell(&location, "cd clone && git switch -q main && FORGE=other sh examples/ci/refresh.sh");
    assert!(text(&forge).contains("FORGE is `other`, expected github or gitlab"), "{}", text(&forge));
}

#[test]
fn on_gitlab_a_push_opens_the_merge_request() {
    let location = repository();
    let options = "git -C origin.git config receive.advertisePushOptions true
        printf '#!/bin/sh\\nenv | grep ^GIT_PUSH_OPTION_ | sort >../options\\n' >origin.git/hooks/pre-receive
        chmod +x origin.git/hooks/pre-receive";
    assert!(shell(&location, options).status.success());
    let change = "cd clone && cp ../three.json apps/web/nodes.json && git add apps/web && git commit -q -m nodes && git push -q origin HEAD:main";
    assert!(shell(&location, change).status.success());
    let opened = shell(&location, "cd clone && FORGE=gitlab sh examples/ci/refresh.sh");
    assert!(opened.status.success(), "{}", text(&opened));
    let seen = fs::read_to_string(location.path().join("options")).unwrap();
    assert!(
        seen.contains("=merge_request.create\n") && seen.contains("=merge_request.target=main\n"),
        "{seen}"
    );
}

#[test]
fn a_pull_request_is_checked_and_summarized() {
    let location = repository();
    let workflow = example("ci/github-review.yaml");
    let steps = workflow[0]["jobs"]["review"]["steps"].as_array().unwrap();
    let step = |name: &str| {
        let step = steps.iter().find(|step| step["name"] == name).unwrap();
        let script = step["run"].as_str().unwrap();
        shell(
            &location,
            &format!(
                "cd clone && export GITHUB_BASE_REF=main GITHUB_STEP_SUMMARY=../step.md NUMBER=7\n{script}"
            ),
        )
    };
    assert!(shell(&location, "cd clone && git switch -q -c change").status.success());
    assert_eq!(step("Check the rendered directories").status.code(), Some(0));
    assert_eq!(step("Summary").status.code(), Some(0));
    let summary = || fs::read_to_string(location.path().join("step.md")).unwrap();
    assert_eq!(summary().matches("Nothing changes, compared with `origin/main`.").count(), 2);

    // A manifest is changed, first without rendering, then with.
    assert!(
        shell(&location, "cd clone && sed -i 's/port: 80/port: 81/' apps/web/nginx.yaml").status.success()
    );
    assert_eq!(step("Check the rendered directories").status.code(), Some(1));
    assert!(
        shell(&location, "cd clone && kubectl largescale render -f apps/web --commit --all").status.success()
    );
    assert_eq!(step("Check the rendered directories").status.code(), Some(0));
    assert_eq!(step("Summary").status.code(), Some(0));
    assert!(summary().contains("**2 changed, 1 unchanged**, compared with `origin/main`."), "{}", summary());
    let comment = step("Comment");
    assert_eq!(comment.status.code(), Some(0), "{}", text(&comment));
    let expected = "pr comment 7 --edit-last --body-file summary.md\npr comment 7 --body-file summary.md\n";
    assert_eq!(log(&location), expected);
}

#[test]
fn the_cron_job_runs_the_same_script_with_the_rights_of_its_tier() {
    let objects = example("cronjob/cronjob.yaml");
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
    let script = fs::read_to_string(checkout().join("examples/ci/refresh.sh")).unwrap();
    assert_eq!(of("ConfigMap")["data"]["refresh.sh"].as_str(), Some(script.as_str()));
    let tier = fs::read_to_string(checkout().join("docs/rbac/pools.yaml")).unwrap();
    assert_eq!(of("ClusterRole")["rules"], yaml::read("pools.yaml", &tier).unwrap()[0].value["rules"]);
}

#[test]
fn every_workflow_is_yaml() {
    for name in ["ci/github-review.yaml", "ci/github-refresh.yaml", "ci/gitlab-ci.yaml"] {
        assert_eq!(example(name).len(), 1, "{name}");
    }
    let refresh = &example("ci/github-refresh.yaml")[0];
    let steps = refresh["jobs"]["refresh"]["steps"].as_array().unwrap();
    let last = steps.last().unwrap()["run"].as_str().unwrap();
    assert!(last.ends_with("sh examples/ci/refresh.sh\n"), "{last}");
}

fn example(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(checkout().join("examples").join(name)).unwrap();
    yaml::read(name, &text).unwrap().into_iter().map(|document| document.value).collect()
}
