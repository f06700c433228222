//! Usage as tables, JSON and YAML.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::commands::capacity::args::CapacityFormat;
use crate::core::capacity::{Headroom, LimitSubject, Usage};
use crate::core::json;
use crate::core::platform::LimitName;
use crate::core::report::plural::thousands;
use crate::core::report::pool_words;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Rows for each limit without `-o wide`.
const ROWS: usize = 8;

/// Returns the usage in a format.
pub(super) fn text(
    scope: &Scope,
    platform: &str,
    usages: &[Usage],
    warn_at: u32,
    format: Option<CapacityFormat>,
) -> String {
    match format {
        None => {
            let tables = tables(usages, warn_at, Detail::Short);
            format!("{tables}\nUse -o wide to show the source of each number.\n")
        }
        Some(CapacityFormat::Wide) => {
            format!("{}\nSources:\n{}", tables(usages, warn_at, Detail::Wide), sources(usages))
        }
        Some(CapacityFormat::Json) => format::json(scope, listed(platform, usages, warn_at)),
        Some(CapacityFormat::Yaml) => format::yaml(scope, listed(platform, usages, warn_at)),
    }
}

/// How much a table shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The first rows of each limit; pools with the same usage share a row.
    Short,
    /// A row for each pool.
    Wide,
}

/// The cluster, or pools with the same usage.
struct Row<'a> {
    usage: &'a Usage,
    pools: usize,
}

/// Returns the limits, then the price of copies, then what helps where a limit is near or exceeded.
fn tables(usages: &[Usage], warn_at: u32, detail: Detail) -> String {
    let is_price = |usage: &Usage| usage.name.is_price();
    let (prices, limits): (Vec<&Usage>, Vec<&Usage>) = usages.iter().partition(|usage| is_price(usage));
    let mut text = table(&limits, warn_at, detail);
    if !prices.is_empty() {
        let _ = write!(text, "\nThe price of copies:\n{}", price_table(&prices, warn_at));
        // The sources of the wide output have it.
        let endpoints = prices.iter().find(|usage| usage.name == LimitName::Endpoints);
        if let (Some(how), Detail::Short) = (endpoints.and_then(|usage| usage.how.as_ref()), detail) {
            let _ = writeln!(text, "Endpoints: {how}.");
        }
    }
    let remedies = remedies(usages, warn_at);
    if !remedies.is_empty() {
        let _ = write!(text, "\nRemedies:\n{remedies}");
    }
    text
}

/// Returns one line for each limit that is near or exceeded.
fn remedies(usages: &[Usage], warn_at: u32) -> String {
    let mut text = String::new();
    for group in usages.chunk_by(|a, b| a.name == b.name) {
        let is_full = |usage: &&Usage| matches!(usage.room(warn_at), Headroom::Little | Headroom::Over);
        if let Some(usage) = group.iter().find(is_full) {
            let effect = usage.effect.as_ref().map(|effect| format!("{effect}; ")).unwrap_or_default();
            let _ = writeln!(text, "  {}: {effect}{}", usage.name.counted(), usage.remedy);
        }
    }
    text
}

/// Returns the costs of the whole cluster; most have no limit.
fn price_table(usages: &[&Usage], warn_at: u32) -> String {
    let cells: Vec<Vec<String>> = usages
        .iter()
        .map(|usage| {
            let mut cells = cells_of(usage.name.counted(), &Row { usage, pools: 1 }, warn_at);
            cells.remove(1);
            cells
        })
        .collect();
    terminal::table(&["WHAT", "USED", "LIMIT", "HEADROOM", "FULL", ""], &cells)
}

fn table(usages: &[&Usage], warn_at: u32, detail: Detail) -> String {
    let most = if detail == Detail::Wide { usize::MAX } else { ROWS };
    let mut cells = Vec::new();
    for group in usages.chunk_by(|a, b| a.name == b.name) {
        let rows = rows(group, detail);
        let rest: usize = rows.iter().skip(most).map(|row| row.pools).sum();
        for (index, row) in rows.iter().take(most).enumerate() {
            let heading = if index == 0 { row.usage.name.counted() } else { "" };
            cells.push(cells_of(heading, row, warn_at));
        }
        if rest > 0 {
            let mut more = vec![String::new(); 7];
            more[1] = format!("and {rest} with less (-o wide)");
            cells.push(more);
        }
    }
    terminal::table(&["WHAT", "WHOSE", "USED", "LIMIT", "HEADROOM", "FULL", ""], &cells)
}

/// Returns one line for each limit: how it is counted, and where its number is from.
fn sources(usages: &[Usage]) -> String {
    let mut sources = String::new();
    for group in usages.chunk_by(|a, b| a.name == b.name) {
        let source = match &group[0].limit {
            Some(limit) => {
                let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
                format!("{}{note}", limit.source)
            }
            None => "no limit is known".to_owned(),
        };
        let how = group[0].how.as_ref().filter(|_| !is_product(&group[0])).map(|how| format!("{how}. "));
        let basis = group[0].basis.as_ref().map(|basis| format!("{basis}. "));
        let counted = [how, basis].into_iter().flatten().collect::<String>();
        let _ = writeln!(sources, "  {}: {counted}{source}", group[0].name.counted());
    }
    sources
}

/// Returns whether the calculation differs from pool to pool.
fn is_product(usage: &Usage) -> bool {
    usage.how.as_ref().is_some_and(|how| how.contains(" x ") || how.contains("of other apps"))
}

fn cells_of(heading: &str, row: &Row<'_>, warn_at: u32) -> Vec<String> {
    let usage = row.usage;
    let whose = match &usage.subject {
        LimitSubject::Cluster => "cluster".to_owned(),
        LimitSubject::Pool(name) if row.pools == 1 => pool_words::named(name),
        LimitSubject::Pool(name) => format!("{} and {} more", pool_words::named(name), row.pools - 1),
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

/// Returns the rows of a limit, the highest usage first.
fn rows<'a>(group: &[&'a Usage], detail: Detail) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut by_use: BTreeMap<u64, usize> = BTreeMap::new();
    for usage in group {
        if let Some(index) = by_use.get(&usage.used).filter(|_| detail == Detail::Short) {
            rows[*index].pools += 1;
            continue;
        }
        by_use.insert(usage.used, rows.len());
        rows.push(Row { usage, pools: 1 });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.usage.used));
    rows
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
                json::put(&mut item, &["pool"], pool.as_str());
            }
            if let Some(limit) = &usage.limit {
                json::put(&mut item, &["limit"], limit.value);
                json::put(&mut item, &["headroom"], usage.headroom());
                json::put(&mut item, &["percent"], usage.percent());
                json::put(&mut item, &["source"], limit.source.as_str());
                if let Some(note) = &limit.note {
                    json::put(&mut item, &["note"], note.as_str());
                }
            }
            if let Some(how) = &usage.how {
                json::put(&mut item, &["how"], how.as_str());
            }
            if let Some(basis) = &usage.basis {
                json::put(&mut item, &["basis"], basis.as_str());
            }
            if let Some(effect) = &usage.effect {
                json::put(&mut item, &["effect"], effect.as_str());
            }
            if matches!(usage.room(warn_at), Headroom::Little | Headroom::Over) {
                json::put(&mut item, &["remedy"], usage.remedy);
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
