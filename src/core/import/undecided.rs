//! Errors for Services whose pool or names cannot be decided: a wrong guess would move a live address to other nodes.

use std::collections::BTreeMap;

use crate::core::import::bindings::Unread;
use crate::core::import::hand_written::HandWritten;
use crate::core::pointer;
use crate::core::pools::{Pool, PoolSet};
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote::word;
use crate::core::report::suggest::did_you_mean;

/// The maximum number of pools in a hint.
const SHOWN: usize = 8;

/// Returns the pool in the label of a Service.
pub(crate) fn stated_pool<'a>(
    service: &HandWritten,
    bound: Option<&Pool>,
    pools: &'a PoolSet,
) -> Result<Option<&'a Pool>, Diagnostic> {
    let Some((stated, location)) = &service.stated else { return Ok(None) };
    let field = format!("`metadata.labels[{POOL_LABEL}]` of Service {}", service.name);
    let by_value = pools.pools.iter().find(|pool| pool.value == *stated);
    let Some(pool) = by_value.or_else(|| pools.pools.iter().find(|pool| pool.name == *stated)) else {
        let known = || pools.pools.iter().map(|pool| pool.value.as_str());
        let near = did_you_mean(stated, known());
        return Err(Diagnostic::error(format!("{field} is `{stated}`, but this pool does not exist{near}"))
            .at(location.clone())
            .hint(format!("known pools: {}", list(pools))));
    };
    if let Some(bound) = bound.filter(|bound| bound.value != pool.value) {
        return Err(Diagnostic::refusal(format!(
            "{field} is `{stated}`, but its binding selects {}",
            bound.value
        ))
        .at(location.clone())
        .hint("correct the label or the binding"));
    }
    Ok(Some(pool))
}

/// Returns the error for a binding that does not name one pool.
pub(crate) fn unread(service: &HandWritten, unread: &Unread, base: &str, pools: &PoolSet) -> Diagnostic {
    let Unread { pointer, value, location, platforms } = unread;
    let field = pointer::field(pointer);
    let other = match platforms.as_slice() {
        [] => String::new(),
        platforms => format!(
            "if its load balancer is of platform {}, use --platform; otherwise ",
            platforms.join(" or ")
        ),
    };
    Diagnostic::refusal(format!(
        "`{field}` of Service {} is `{value}`, which does not name one pool in a form that init supports",
        service.name
    ))
    .at(location.clone())
    .hint(other + &state_it(service, base, pools))
}

/// Returns the error for a Service in a cluster without a binding: its load balancer sends traffic to all nodes.
pub(crate) fn live(
    service: &HandWritten,
    field: &str,
    location: &Location,
    base: &str,
    pools: &PoolSet,
) -> Diagnostic {
    Diagnostic::refusal(format!(
        "Service {} is in use (`{}` is set) but does not name its pool",
        service.name,
        pointer::field(field)
    ))
    .at(location.clone())
    .hint(state_it(service, base, pools))
}

fn state_it(service: &HandWritten, base: &str, pools: &PoolSet) -> String {
    format!(
        "add the label `{POOL_LABEL}: POOL` to the Service in this file, where POOL is the pool whose nodes its load balancer uses ({}), and run init again: it writes `spec.names: {{{base}: {{POOL: {}}}}}`, which keeps the address",
        list(pools),
        service.name
    )
}

fn list(pools: &PoolSet) -> String {
    let mut names: Vec<&str> = pools.pools.iter().take(SHOWN).map(|pool| pool.value.as_str()).collect();
    if pools.pools.len() > SHOWN {
        names.push("...");
    }
    names.join(", ")
}

/// The result of merging one group of Services.
pub(crate) struct Named {
    pub(crate) base: String,
    pub(crate) namespace: String,
    /// The entry in `spec.names`: pool, then name.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) location: Location,
}

/// Returns errors for Services with one name in several namespaces that need different entries in `spec.names`.
pub(crate) fn namespaces(all: &[Named]) -> Vec<Diagnostic> {
    let mut by_base: BTreeMap<&str, Vec<&Named>> = BTreeMap::new();
    for named in all {
        by_base.entry(&named.base).or_default().push(named);
    }
    let differ = |group: &&Vec<&Named>| {
        group.iter().any(|named| named.names != group[0].names && named.namespace != group[0].namespace)
    };
    by_base.values().filter(differ).flatten().map(|named| in_its_own_directory(named)).collect()
}

fn in_its_own_directory(named: &Named) -> Diagnostic {
    let Named { base, namespace, names, location } = named;
    let shown =
        if namespace.is_empty() { "no namespace".to_owned() } else { format!("the namespace {namespace}") };
    let entry = names.iter().map(|(pool, name)| format!("{pool}: {name}")).collect::<Vec<_>>().join(", ");
    let needs = if names.is_empty() { "none".to_owned() } else { format!("`{{{entry}}}`") };
    let writes = if names.is_empty() {
        String::new()
    } else {
        format!(", which writes `spec.names: {{{base}: {{{entry}}}}}`")
    };
    let (directory, flag) = match namespace.as_str() {
        "" => ("DIRECTORY".to_owned(), String::new()),
        namespace => (word(namespace), format!(" --namespace {}", word(namespace))),
    };
    Diagnostic::refusal(format!(
        "Service {base} is in several namespaces, but `spec.names` has one entry for all of them: in {shown} it needs {needs}"
    ))
    .at(location.clone())
    .hint(format!(
        "give each namespace its own directory: put the objects of this one into a file, and run `kubectl largescale init {directory} --from FILE{flag}`{writes}"
    ))
}
