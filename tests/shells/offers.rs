//! Completions that bash and zsh must both offer.

use crate::typing::Terminal;

/// The typed text, the expected candidates, and candidates that must not appear.
type Offers = &'static [(&'static str, &'static [&'static str], &'static [&'static str])];

const OFFERS: Offers = &[
    ("", &["render", "completion", "capacity"], &["--context", "kubeconfig"]),
    ("render -f app --forget ", &["agentpool1", "agentpool2"], &["kubeconfig"]),
    ("apply -f app --first ", &["agentpool1", "agentpool2"], &["kubeconfig"]),
    ("probe -f app --dns ", &["system", "authoritative"], &["kubeconfig"]),
    ("probe -o ", &["wide", "junit", "name"], &["kubeconfig"]),
    ("apply --wait ", &["ready", "address", "answer"], &["kubeconfig"]),
    ("render --context ", &["plain", "arn:aws"], &["kubeconfig"]),
    ("pools -n ", &["web", "shop"], &["kubeconfig"]),
    ("render -f ", &["app", "kubeconfig"], &["agentpool1"]),
    ("init ", &["app", "bin"], &["kubeconfig"]),
    ("init --platform a", &["aws-ccm", "azure-basic"], &["hetzner", "kubeconfig"]),
    ("status -o ", &["wide", "json", "zone"], &["kubeconfig"]),
    ("diff --fo", &["--force-conflicts", "--forget"], &["--context"]), // typos:ignore
];

/// Checks completion of `kubectl largescale`.
pub(crate) fn through_kubectl(shell: &mut Terminal) {
    offers("kubectl largescale ", shell);
    // kubectl decides how quotes are handled here.
    for (typed, words) in [
        ("kubectl largescale rend", "[kubectl][largescale][render]"),
        ("kubectl largescale render --context pl", "[kubectl][largescale][render][--context][plain]"),
        ("kubectl largescale render --contex", "[kubectl][largescale][render][--context]"), // typos:ignore
        (
            "kubectl largescale render --context arn:aws:",
            "[kubectl][largescale][render][--context][arn:aws:eks:eu-west-1:1:cluster/big]",
        ),
        ("kubectl largescale render -f ap", "[kubectl][largescale][render][-f][app/]"),
    ] {
        assert_eq!(shell.inserted(typed), words, "{typed}");
    }
}

/// Checks completion of `kubectl-largescale`.
pub(crate) fn by_itself(shell: &mut Terminal) {
    offers("kubectl-largescale ", shell);
    for (typed, words) in [
        ("kubectl-largescale rend", "[kubectl-largescale][render]"),
        (
            "kubectl-largescale -f app render --forget agentpool1 --contex", // typos:ignore
            "[kubectl-largescale][-f][app][render][--forget][agentpool1][--context]",
        ),
        (
            "kubectl-largescale pools --context arn",
            "[kubectl-largescale][pools][--context][arn:aws:eks:eu-west-1:1:cluster/big]",
        ),
        (
            "kubectl-largescale pools --context arn:aws:e",
            "[kubectl-largescale][pools][--context][arn:aws:eks:eu-west-1:1:cluster/big]",
        ),
        (
            "kubectl-largescale pools --context=arn:aws:e",
            "[kubectl-largescale][pools][--context=arn:aws:eks:eu-west-1:1:cluster/big]",
        ),
        ("kubectl-largescale pools --context=pl", "[kubectl-largescale][pools][--context=plain]"),
        ("kubectl-largescale pools --context my", "[kubectl-largescale][pools][--context][my context]"),
        ("kubectl-largescale pools --context 'my", "[kubectl-largescale][pools][--context][my context]"),
        ("kubectl-largescale pools --context my\\ c", "[kubectl-largescale][pools][--context][my context]"),
        (
            "kubectl-largescale pools --context 'my context' --outp",
            "[kubectl-largescale][pools][--context][my context][--output]",
        ),
        ("kubectl-largescale pools -f ap", "[kubectl-largescale][pools][-f][app/]"),
        ("kubectl-largescale pools --file=ap", "[kubectl-largescale][pools][--file=app/]"),
        ("kubectl-largescale pools -f app/larg", "[kubectl-largescale][pools][-f][app/largescale.]"),
        ("kubectl-largescale init ap", "[kubectl-largescale][init][app/]"),
        // A context with the name of a command.
        ("kubectl-largescale --context diff rend", "[kubectl-largescale][--context][diff][render]"),
    ] {
        assert_eq!(shell.inserted(typed), words, "{typed}");
    }
}

fn offers(program: &str, shell: &mut Terminal) {
    for (typed, offered, not_offered) in OFFERS {
        let typed = format!("{program}{typed}");
        let shown = shell.offered(&typed);
        for word in *offered {
            assert!(shown.contains(word), "`{typed}` lacks {word}: {shown}");
        }
        for word in *not_offered {
            assert!(!shown.replace(&typed, "").contains(word), "`{typed}` has {word}: {shown}");
        }
    }
}
