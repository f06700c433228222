use std::fs;
use std::os::unix::fs::symlink;

use crate::desk::Desk;

#[test]
fn through_kubectl() {
    let Some(desk) = Desk::with(&["fish", "kubectl"]) else { return };
    check(&desk, "kubectl completion fish | source", "kubectl largescale ");
}

#[test]
fn by_itself() {
    let Some(desk) = Desk::with(&["fish"]) else { return };
    let sources = "kubectl-largescale completion fish | source";
    check(&desk, sources, "kubectl-largescale ");
    for (typed, offered) in [
        ("pools --context 'my", "my context\tcluster one"),
        ("pools --context=arn:", "--context=arn:aws:eks:eu-west-1:1:cluster/big\tcluster one"),
        ("pools --context 'my context' --outp", "--output\tOutput format [default: a table]"),
        ("pools --file=ap", "--file=app/"),
    ] {
        assert_eq!(offers(&desk, sources, &format!("kubectl-largescale {typed}")), [offered], "{typed}");
    }
}

/// The program answers completion requests of kubectl itself if it has the name that kubectl calls.
#[test]
fn through_a_link() {
    let Some(desk) = Desk::with(&["fish", "kubectl"]) else { return };
    let name = desk.path().join("bin/kubectl_complete-largescale");
    fs::remove_file(&name).unwrap();
    symlink(desk.path().join("bin/kubectl-largescale"), name).unwrap();
    check(&desk, "kubectl completion fish | source", "kubectl largescale ");
}

fn check(desk: &Desk, sources: &str, program: &str) {
    for (typed, offered) in [
        ("rend", &["render\tWrite one Service per pool and the workload into the rendered directory"][..]),
        ("render -f app --forget ", &["agentpool1", "agentpool2"]),
        (
            "pools --context ",
            &[
                "plain\tcluster one",
                "arn:aws:eks:eu-west-1:1:cluster/big\tcluster one",
                "my context\tcluster one",
            ],
        ),
        ("pools -n ", &["web\tof context plain", "shop\tof context arn:aws:eks:eu-west-1:1:cluster/big"]),
        ("render -f a", &["app/"]),
        ("init b", &["bin/"]),
        (
            "diff --forc",
            &["--force-conflicts\tTake ownership of fields managed by others, as apply --force-conflicts"],
        ),
    ] {
        let seen = offers(desk, sources, &format!("{program}{typed}"));
        for line in offered {
            let value = line.split('\t').next().unwrap();
            let found = seen
                .iter()
                .any(|seen| seen == line || (!line.contains('\t') && seen.split('\t').next() == Some(value)));
            assert!(found, "`{program}{typed}` lacks {line}: {seen:?}");
        }
        assert!(!seen.iter().any(|line| line.starts_with("kubeconfig")), "`{program}{typed}`: {seen:?}");
    }
}

/// Returns the candidates of fish with their descriptions.
fn offers(desk: &Desk, sources: &str, typed: &str) -> Vec<String> {
    desk.write("typed", typed);
    let script = format!("{sources}\ncomplete --do-complete (cat typed)");
    let output = desk.command("fish").args(["--no-config", "-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
