//! Certificates that differ between pools, or that expire soon.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::probe::findings::{Facts, Finding, Weight, listed};
use crate::core::probe::rows::Row;

/// A certificate with less time left is mentioned: Let's Encrypt's clients renew 30 days before the end, so that something is wrong
/// when only this is left.
const SOON: i64 = 7 * DAY;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

pub(super) fn findings(rows: &[Row], facts: Facts<'_>) -> Vec<Finding> {
    let mut by_port: BTreeMap<(&str, u16), BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    let mut soon: BTreeMap<(&str, i64), BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let certificate = row.tried.as_ref().and_then(|tried| tried.certificate.as_ref());
        let (Some(certificate), Some((port, _))) = (certificate, row.port) else { continue };
        let pools = by_port.entry((&row.source, port)).or_default();
        pools.entry(&certificate.fingerprint).or_default().insert(row.pool.clone());
        let left = certificate.not_after.saturating_sub(facts.now);
        if (0..SOON).contains(&left) {
            let pools = soon.entry((&certificate.fingerprint, left)).or_default();
            pools.insert(format!("{} (port {port})", row.pool));
        }
    }
    let of_soon = soon.into_iter().map(|((_, left), pools)| Finding {
        weight: Weight::Warning,
        kind: "certificate-expires",
        message: format!(
            "the certificate of pool {} expires in {}",
            listed(&pools.into_iter().collect::<Vec<_>>()),
            days(left)
        ),
        hint: "check why it was not renewed: kubectl get certificates --all-namespaces".to_owned(),
    });
    let of_different = by_port.into_iter().filter(|(_, certificates)| certificates.len() > 1);
    let of_different = of_different.map(|((source, port), certificates)| {
        let groups: Vec<String> = certificates
            .into_iter()
            .map(|(fingerprint, pools)| {
                let short = fingerprint.get(..16).unwrap_or(fingerprint);
                format!("{short} at {}", listed(&pools.into_iter().collect::<Vec<_>>()))
            })
            .collect();
        Finding {
            weight: Weight::Warning,
            kind: "certificates-differ",
            message: format!("the pools have different certificates on port {port} of {source}: {}", listed(&groups)),
            hint: "nothing to do while a renewal reaches the pools one after the other; otherwise compare the Secrets"
                .to_owned(),
        }
    });
    of_soon.chain(of_different).collect()
}

fn days(seconds: i64) -> String {
    match seconds / DAY {
        0 => format!("{} hours", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
