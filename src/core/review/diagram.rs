//! Draws an app as a Mermaid diagram, which GitHub and GitLab show: its DNS name, the load balancer of each pool, and the nodes.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::report::escape::in_comment;
use crate::core::report::plural::{plural, thousands};
use crate::core::review::content::{Item, Review};

/// What a diagram shows.
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    /// The DNS name that joins the pools, if there is one.
    pub host: Option<String>,
    /// The pools, in order.
    pub pools: Vec<DrawnPool>,
}

/// A pool and its load balancer.
#[derive(Clone, Debug, Default)]
pub struct DrawnPool {
    /// Its name.
    pub name: String,
    /// The number of nodes; `None` if nodes were not read.
    pub nodes: Option<usize>,
    /// The number of nodes that its load balancer accepts, if that is known.
    pub limit: Option<u32>,
    /// Its state as a word, unless it is an ordinary one.
    pub state: Option<&'static str>,
    /// The reason why the DNS name does not have it.
    pub left_out: Option<&'static str>,
    /// Its changes: objects, and what happens to each.
    pub changes: Vec<(String, &'static str)>,
    /// Whether its load balancer may lose its address.
    pub is_at_risk: bool,
}

/// The largest number of pools in a diagram: more are not legible. Pools with changes come first, and the others are counted.
const POOLS: usize = 50;

/// The largest number of pools in a review that also shows those without a change.
const FEW: usize = 10;

/// The largest number of changes in a box.
const CHANGES: usize = 3;

/// The longest name in a box, in characters: those of Kubernetes have 63 or fewer.
const NAME: usize = 100;

/// The kind of the diagram. Mermaid leaves 50 pixels between boxes, which makes many pools illegible.
const HEAD: &str = "%%{init: {\"flowchart\": {\"nodeSpacing\": 15}}}%%\nflowchart LR\n";

/// The styles, legible in light and dark mode.
const STYLES: &str = "  classDef created fill:#dafbe1,stroke:#1a7f37,color:#1f2328
  classDef changed fill:#fff8c5,stroke:#9a6700,color:#1f2328
  classDef removed fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4
";

/// Returns the text of the diagram, with a newline at the end.
pub fn mermaid(diagram: &Diagram) -> String {
    within(diagram, POOLS)
}

/// Returns the text with this number of pools at most.
fn within(diagram: &Diagram, most: usize) -> String {
    let mut out = HEAD.to_owned();
    let source = diagram.host.as_deref().unwrap_or("clients");
    let _ = writeln!(out, "  dns([{}])", label(&[text(source)]));
    let (drawn, folded) = drawn(&diagram.pools, most);
    for (index, pool) in &drawn {
        draw(*index, pool, &mut out);
    }
    if !folded.is_empty() {
        let _ = writeln!(out, "  dns --> more[{}]", label(&rest(&folded)));
    }
    if drawn.iter().any(|(_, pool)| class(pool).is_some()) {
        out.push_str(STYLES);
    }
    out
}

/// Returns the diagram of a review; `None` if no load balancer changes. With many pools, it has only those with changes.
pub(super) fn of_review(review: &Review) -> Option<String> {
    let mut changes: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in &review.items {
        if let Some(pool) = &item.pool {
            changes.entry(pool).or_default().push(item);
        }
    }
    if changes.is_empty() {
        return None;
    }
    let with_changes = |pool: DrawnPool, items: &[&Item]| DrawnPool {
        changes: items.iter().map(|item| (item.object.clone(), item.action)).collect(),
        is_at_risk: items.iter().any(|item| item.address_risk.is_some()),
        ..pool
    };
    let mut pools: Vec<DrawnPool> = Vec::new();
    for pool in &review.pools {
        let items = changes.remove(pool.name.as_str()).unwrap_or_default();
        let drawn = DrawnPool {
            name: pool.name.clone(),
            nodes: pool.nodes,
            state: Some(pool.state).filter(|state| !["", "present"].contains(state)),
            left_out: pool.left_out,
            ..DrawnPool::default()
        };
        pools.push(with_changes(drawn, &items));
    }
    // A review of the cluster has no nodes, and a pool may be in the cluster only.
    for (name, items) in changes {
        pools.push(with_changes(DrawnPool { name: name.to_owned(), ..DrawnPool::default() }, &items));
    }
    let with_change = pools.iter().filter(|pool| !pool.changes.is_empty()).count();
    let most = if pools.len() > FEW { with_change.min(POOLS) } else { POOLS };
    Some(within(&Diagram { host: review.host.clone(), pools }, most))
}

/// Returns the pools to draw with their numbers, and the others.
fn drawn(pools: &[DrawnPool], most: usize) -> (Vec<(usize, &DrawnPool)>, Vec<&DrawnPool>) {
    if pools.len() <= most {
        return (pools.iter().enumerate().collect(), Vec::new());
    }
    let (changed, same): (Vec<_>, Vec<_>) =
        pools.iter().enumerate().partition(|(_, pool)| !pool.changes.is_empty());
    let mut all = changed.into_iter().chain(same);
    let mut first: Vec<(usize, &DrawnPool)> = all.by_ref().take(most).collect();
    first.sort_by_key(|(index, _)| *index);
    (first, all.map(|(_, pool)| pool).collect())
}

fn draw(index: usize, pool: &DrawnPool, out: &mut String) {
    let arrow = match pool.left_out {
        Some(why) => format!("-.->|{}|", label(&[text(why)])),
        None => "-->".to_owned(),
    };
    let style = class(pool).map_or_else(String::new, |class| format!(":::{class}"));
    let _ = writeln!(
        out,
        "  dns {arrow} lb{index}[{}]{style} --> pool{index}[{}]",
        label(&load_balancer(pool)),
        label(&nodes(pool))
    );
}

fn load_balancer(pool: &DrawnPool) -> Vec<String> {
    let mut lines = Vec::new();
    let change = |(object, action): &(String, &str)| text(&format!("{object} {action}"));
    lines.extend(pool.changes.iter().take(CHANGES).map(change));
    if pool.changes.len() > CHANGES {
        lines.push(format!("and {} more", pool.changes.len() - CHANGES));
    }
    lines.extend(pool.is_at_risk.then(|| "address at risk".to_owned()));
    if lines.is_empty() {
        lines.push("load balancer".to_owned());
    }
    lines
}

fn nodes(pool: &DrawnPool) -> Vec<String> {
    let mut line = text(&pool.name);
    let count = pool.nodes.map(|nodes| {
        let most = pool.limit.map_or_else(String::new, |limit| format!(" of {}", thousands(limit.into())));
        if most.is_empty() {
            plural(nodes, "node")
        } else {
            format!("{}{most} nodes", thousands(nodes as u64))
        }
    });
    for (index, fact) in count.into_iter().chain(pool.state.map(str::to_owned)).enumerate() {
        line.push_str(if index == 0 { ": " } else { ", " });
        line.push_str(&fact);
    }
    vec![line]
}

fn rest(folded: &[&DrawnPool]) -> Vec<String> {
    let mut lines = vec![format!("{} more pools", thousands(folded.len() as u64))];
    if folded.iter().any(|pool| pool.nodes.is_some()) {
        let nodes: usize = folded.iter().filter_map(|pool| pool.nodes).sum();
        lines.push(format!("{} nodes", thousands(nodes as u64)));
    }
    let changed = folded.iter().filter(|pool| !pool.changes.is_empty()).count();
    lines.extend((changed > 0).then(|| format!("{} with changes", thousands(changed as u64))));
    lines
}

/// Returns the style of the strongest change.
fn class(pool: &DrawnPool) -> Option<&'static str> {
    let is = |words: &[&str]| pool.changes.iter().any(|(_, action)| words.contains(action));
    match () {
        () if pool.is_at_risk || is(&["removed", "pruned"]) => Some("removed"),
        () if is(&["changed", "configured"]) => Some("changed"),
        () if !pool.changes.is_empty() => Some("created"),
        () => None,
    }
}

/// Returns lines as one label.
fn label(lines: &[String]) -> String {
    format!("\"{}\"", lines.join("<br/>"))
}

/// Escapes text of users. In a label, `#35;` is the character 35; everything that has a meaning for Mermaid, Markdown or HTML is
/// written so. Source: "Entity codes to escape characters" in Mermaid's page about flowcharts.
fn text(text: &str) -> String {
    let mut out = String::new();
    let line = in_comment(text);
    for c in line.chars().take(NAME) {
        if c.is_alphanumeric() || " ./-_:,".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    if line.chars().nth(NAME).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str, nodes: usize) -> DrawnPool {
        DrawnPool { name: name.to_owned(), nodes: Some(nodes), ..DrawnPool::default() }
    }

    #[test]
    fn pools_with_their_changes() {
        let changes = |action| vec![("service/web-a".to_owned(), action)];
        let diagram = Diagram {
            host: Some("*.example.com".to_owned()),
            pools: vec![
                DrawnPool { changes: changes("created"), limit: Some(300), ..pool("a", 2) },
                DrawnPool { left_out: Some("drained"), state: Some("kept"), ..pool("b", 0) },
                DrawnPool { changes: changes("changed"), is_at_risk: true, ..pool("c", 1) },
                DrawnPool { changes: vec![("x".to_owned(), "configured"); 5], nodes: None, ..pool("d", 1) },
            ],
        };
        let expected = "  dns([\"#42;.example.com\"])
  dns --> lb0[\"service/web-a created\"]:::created --> pool0[\"a: 2 of 300 nodes\"]
  dns -.->|\"drained\"| lb1[\"load balancer\"] --> pool1[\"b: 0 nodes, kept\"]
  dns --> lb2[\"service/web-a changed<br/>address at risk\"]:::removed --> pool2[\"c: 1 node\"]
  dns --> lb3[\"x configured<br/>x configured<br/>x configured<br/>and 2 more\"]:::changed --> pool3[\"d\"]
";
        let drawn = mermaid(&diagram);
        assert_eq!(drawn, format!("{HEAD}{expected}{STYLES}"));
    }

    #[test]
    fn more_than_fifty_pools_are_folded_and_changes_come_first() {
        let mut pools: Vec<DrawnPool> = (0..120).map(|index| pool(&format!("p{index}"), 10)).collect();
        let Some(last) = pools.last_mut() else { return };
        last.changes = vec![("service/last".to_owned(), "removed")];
        let drawn = mermaid(&Diagram { host: None, pools: pools.clone() });
        assert!(drawn.contains("flowchart LR\n  dns([\"clients\"])\n"), "{drawn}");
        assert!(drawn.contains("service/last removed") && drawn.contains("[\"p48: "), "{drawn}");
        assert!(!drawn.contains("[\"p49: "), "{drawn}");
        assert!(drawn.contains("  dns --> more[\"70 more pools<br/>700 nodes\"]\n"), "{drawn}");
        for pool in &mut pools {
            pool.changes = vec![("service/x".to_owned(), "changed")];
        }
        let drawn = mermaid(&Diagram { host: None, pools });
        assert!(drawn.contains("more[\"70 more pools<br/>700 nodes<br/>70 with changes\"]"), "{drawn}");
    }

    #[test]
    fn text_of_users_is_only_text() {
        let hostile = "a\"]; click b \"javascript:x\"\n%%{init: {}}%%`<img src=x>&#;|";
        let drawn = mermaid(&Diagram { host: Some(hostile.to_owned()), pools: vec![pool(hostile, 1)] });
        assert_eq!(drawn.lines().count(), 4, "{drawn}");
        let inside = drawn.lines().nth(2).unwrap_or_default();
        let inside = inside.trim_start_matches("  dns([\"").trim_end_matches("\"])");
        assert!(!inside.contains(['"', '`', '<', '>', '&', '%', '{', '|', '(', '[']), "{inside}");
        let long = "x".repeat(100_000);
        assert!(mermaid(&Diagram { host: Some(long.clone()), pools: vec![pool(&long, 1)] }).len() < 1_000);
    }
}
