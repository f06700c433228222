//! Gauges as tables, JSON and YAML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::commands::capacity::args::CapacityFormat;
use crate::core::capacity::{Headroom, LimitSubject, Usage};
use crate::core::report::plural::thousands;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// So many lines for each limit, where nobody asked for all.
const LINES: usize = 8;

/// The gauges in a format.
pub(super) fn text(
    scope: &Scope,
    platform: &str,
    usages: &[Usage],
    warn_at: u32,
    format: Option<CapacityFormat>,
) -> String {
    match format {
        None => tables(usages, warn_at, LINES),
        Some(CapacityFormat::Wide) => tables(usages, warn_at, usize::MAX),
        Some(CapacityFormat::Json) => format::json(scope, listed(platform, usages, warn_at)),
        Some(CapacityFormat::Yaml) => format::yaml(scope, listed(platform, usages, warn_at)),
    }
}

/// Pools that use as much as one another, or the cluster.
struct Row<'a> {
    usage: &'a Usage,
    pools: usize,
}

fn tables(usages: &[Usage], warn_at: u32, most: usize) -> String {
    let mut rows = Vec::new();
    let mut sources = String::new();
    for group in usages.chunk_by(|a, b| a.name == b.name) {
        let lines = lines(group, most == usize::MAX);
        let rest: usize = lines.iter().skip(most).map(|line| line.pools).sum();
        for (index, line) in lines.iter().take(most).enumerate() {
            let heading = if index == 0 { line.usage.name.counted() } else { "" };
            rows.push(row(heading, line, warn_at));
        }
        if rest > 0 {
            let mut row = vec![String::new(); 7];
            row[1] = format!("and {rest} with less (-o wide)");
            rows.push(row);
        }
        let said = match &group[0].limit {
            Some(limit) => {
                let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
                format!("{}{note}", limit.source)
            }
            None => "no limit is known".to_owned(),
        };
        let how = group[0].how.as_ref().filter(|_| !is_product(&group[0])).map(|how| format!("{how}. "));
        let _ = writeln!(sources, "  {}: {}{said}", group[0].name.counted(), how.unwrap_or_default());
    }
    let table = terminal::table(&["WHAT", "WHOSE", "USED", "LIMIT", "HEADROOM", "FULL", ""], &rows);
    format!("{table}\nSources:\n{sources}")
}

/// Where the way to the number differs from pool to pool.
fn is_product(usage: &Usage) -> bool {
    usage.how.as_ref().is_some_and(|how| how.contains(" x "))
}

fn row(heading: &str, line: &Row<'_>, warn_at: u32) -> Vec<String> {
    let usage = line.usage;
    let whose = match &usage.subject {
        LimitSubject::Cluster => "cluster".to_owned(),
        LimitSubject::Pool(name) if line.pools == 1 => format!("pool {name}"),
        LimitSubject::Pool(name) => format!("pool {name} and {} more", line.pools - 1),
    };
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let how = usage.how.as_ref().filter(|_| is_product(usage));
    let room = usage.room(warn_at);
    let full = usage.percent().map(|percent| format!("{}{percent} %", terminal::bar(percent)));
    vec![
        heading.to_owned(),
        whose,
        how.map_or_else(|| thousands(usage.used), |how| format!("{} ({how})", thousands(usage.used))),
        number(usage.limit.as_ref().map(|limit| thousands(u64::from(limit.value)))),
        number(usage.headroom().map(|room| {
            let sign = if room < 0 { "-" } else { "" };
            format!("{sign}{}", thousands(room.unsigned_abs()))
        })),
        number(full),
        if matches!(room, Headroom::Little | Headroom::Over) {
            room.word().to_owned()
        } else {
            String::new()
        },
    ]
}

/// The fullest first; pools that use the same are one line, unless each shall have its own.
fn lines(group: &[Usage], each: bool) -> Vec<Row<'_>> {
    let mut lines: Vec<Row<'_>> = Vec::new();
    let mut by_use: BTreeMap<u64, usize> = BTreeMap::new();
    for usage in group {
        if let Some(index) = by_use.get(&usage.used).filter(|_| !each) {
            lines[*index].pools += 1;
            continue;
        }
        by_use.insert(usage.used, lines.len());
        lines.push(Row { usage, pools: 1 });
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.usage.used));
    lines
}

fn listed(platform: &str, usages: &[Usage], warn_at: u32) -> Value {
    let items: Vec<Value> = usages
        .iter()
        .map(|usage| {
            let mut item = json!({
                "name": usage.name,
                "what": usage.name.counted(),
                "used": usage.used,
                "state": usage.room(warn_at).word(),
            });
            if let LimitSubject::Pool(pool) = &usage.subject {
                item["pool"] = pool.as_str().into();
            }
            if let Some(limit) = &usage.limit {
                item["limit"] = limit.value.into();
                item["headroom"] = usage.headroom().into();
                item["percent"] = usage.percent().into();
                item["source"] = limit.source.as_str().into();
                if let Some(note) = &limit.note {
                    item["note"] = note.as_str().into();
                }
            }
            if let Some(how) = &usage.how {
                item["how"] = how.as_str().into();
            }
            item
        })
        .collect();
    json!({
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "CapacityReport",
        "platform": platform,
        "warnAt": warn_at,
        "items": items,
    })
}
