//! Gauges as tables, JSON and YAML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::cli::Global;
use crate::commands::capacity::CapacityFormat;
use crate::core::capacity::{Gauge, Room, Subject};
use crate::core::report::plural::thousands;
use crate::output::{format, terminal};

/// So many lines for each limit, where nobody asked for all.
const LINES: usize = 8;

/// The gauges in a format.
pub(super) fn text(
    global: &Global,
    platform: &str,
    gauges: &[Gauge],
    warn_at: u32,
    format: Option<CapacityFormat>,
) -> String {
    match format {
        None => tables(gauges, warn_at, LINES),
        Some(CapacityFormat::Wide) => tables(gauges, warn_at, usize::MAX),
        Some(CapacityFormat::Json) => format::json(global, listed(platform, gauges, warn_at)),
        Some(CapacityFormat::Yaml) => format::yaml(global, listed(platform, gauges, warn_at)),
    }
}

/// Pools that use as much as one another, or the cluster.
struct Line<'a> {
    gauge: &'a Gauge,
    pools: usize,
}

fn tables(gauges: &[Gauge], warn_at: u32, most: usize) -> String {
    let mut rows = Vec::new();
    let mut sources = String::new();
    for group in gauges.chunk_by(|a, b| a.name == b.name) {
        let lines = lines(group, most == usize::MAX);
        let rest: usize = lines.iter().skip(most).map(|line| line.pools).sum();
        for (index, line) in lines.iter().take(most).enumerate() {
            let heading = if index == 0 { line.gauge.name.counted() } else { "" };
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
fn is_product(gauge: &Gauge) -> bool {
    gauge.how.as_ref().is_some_and(|how| how.contains(" x "))
}

fn row(heading: &str, line: &Line<'_>, warn_at: u32) -> Vec<String> {
    let gauge = line.gauge;
    let whose = match &gauge.subject {
        Subject::Cluster => "cluster".to_owned(),
        Subject::Pool(name) if line.pools == 1 => format!("pool {name}"),
        Subject::Pool(name) => format!("pool {name} and {} more", line.pools - 1),
    };
    let number = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let how = gauge.how.as_ref().filter(|_| is_product(gauge));
    let room = gauge.room(warn_at);
    let full = gauge.percent().map(|percent| format!("{}{percent} %", terminal::bar(percent)));
    vec![
        heading.to_owned(),
        whose,
        how.map_or_else(|| thousands(gauge.used), |how| format!("{} ({how})", thousands(gauge.used))),
        number(gauge.limit.as_ref().map(|limit| thousands(u64::from(limit.value)))),
        number(gauge.headroom().map(|room| {
            let sign = if room < 0 { "-" } else { "" };
            format!("{sign}{}", thousands(room.unsigned_abs()))
        })),
        number(full),
        if matches!(room, Room::Little | Room::Over) { room.word().to_owned() } else { String::new() },
    ]
}

/// The fullest first; pools that use the same are one line, unless each shall have its own.
fn lines(group: &[Gauge], each: bool) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut by_use: BTreeMap<u64, usize> = BTreeMap::new();
    for gauge in group {
        if let Some(index) = by_use.get(&gauge.used).filter(|_| !each) {
            lines[*index].pools += 1;
            continue;
        }
        by_use.insert(gauge.used, lines.len());
        lines.push(Line { gauge, pools: 1 });
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.gauge.used));
    lines
}

fn listed(platform: &str, gauges: &[Gauge], warn_at: u32) -> Value {
    let items: Vec<Value> = gauges
        .iter()
        .map(|gauge| {
            let mut item = json!({
                "name": gauge.name,
                "what": gauge.name.counted(),
                "used": gauge.used,
                "state": gauge.room(warn_at).word(),
            });
            if let Subject::Pool(pool) = &gauge.subject {
                item["pool"] = pool.as_str().into();
            }
            if let Some(limit) = &gauge.limit {
                item["limit"] = limit.value.into();
                item["headroom"] = gauge.headroom().into();
                item["percent"] = gauge.percent().into();
                item["source"] = limit.source.as_str().into();
                if let Some(note) = &limit.note {
                    item["note"] = note.as_str().into();
                }
            }
            if let Some(how) = &gauge.how {
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
