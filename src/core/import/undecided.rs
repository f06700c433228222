//! Errors for Services whose pool cannot be decided: a wrong guess would move a live address to other nodes.

use crate::core::import::bindings::Unread;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::node_sets::Reading;
use crate::core::pointer;
use crate::core::pools::PoolSet;
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote::word;
use crate::core::report::suggest::did_you_mean;

/// The maximum number of names in a hint.
const SHOWN: usize = 8;

/// Returns the index of the pool with this value or name.
pub(crate) fn pool_named(text: &str, pools: &PoolSet) -> Option<usize> {
    let by_value = pools.pools.iter().position(|pool| pool.value == text);
    by_value.or_else(|| pools.pools.iter().position(|pool| pool.name == text))
}

/// Returns the pool in the label of a Service.
pub(crate) fn labeled_pool(
    service: &HandWritten,
    bound: Option<usize>,
    pools: &PoolSet,
) -> Result<Option<usize>, Diagnostic> {
    let Some((stated, location)) = &service.stated else { return Ok(None) };
    let field = format!("`metadata.labels[{POOL_LABEL}]` of {} {}", service.kind(), service.name);
    let Some(pool) = pool_named(stated, pools) else {
        let known = || pools.pools.iter().map(|pool| pool.value.as_str());
        let near = did_you_mean(stated, known());
        return Err(Diagnostic::error(format!("{field} is `{stated}`, but this pool does not exist{near}"))
            .at(location.clone())
            .hint(format!("known pools: {}", list(pools))));
    };
    if let Some(bound) = bound.filter(|bound| *bound != pool) {
        return Err(Diagnostic::refusal(format!(
            "{field} is `{stated}`, but its binding selects {}",
            pools.pools[bound].value
        ))
        .at(location.clone())
        .hint("correct the label or the binding"));
    }
    Ok(Some(pool))
}

/// Returns the error for a binding that does not select exactly the nodes of one pool.
pub(crate) fn unread(
    service: &HandWritten,
    unread: &Unread,
    reading: Option<&Reading>,
    pools: &PoolSet,
) -> Diagnostic {
    let Unread { pointer, value, location, platforms } = unread;
    let field = pointer::field(&service.field_pointer(pointer));
    let (does, other) = match (platforms.as_slice(), reading) {
        ([], Some(reading)) => (reading.does.clone(), String::new()),
        ([], None) => ("does not name one pool".to_owned(), String::new()),
        (platforms, _) => (
            "does not name one pool".to_owned(),
            format!(
                "if its load balancer is of platform {}, use --platform; otherwise ",
                platforms.join(" or ")
            ),
        ),
    };
    let empty = match reading.and_then(|reading| reading.nodes) {
        Some(0) | None if platforms.is_empty() => {
            "; POOL may also be a pool that has no nodes now and that the binding names"
        }
        _ => "",
    };
    Diagnostic::refusal(format!(
        "cannot decide the pool of {} {}: `{field}` is `{value}`, which {does}",
        service.kind(),
        service.name
    ))
    .at(location.clone())
    .hint(other + &state_it(service, pools) + empty)
}

/// Returns the error for a Service in a cluster without a binding.
pub(crate) fn live(
    service: &HandWritten,
    field: &str,
    location: &Location,
    reading: Option<&Reading>,
    pools: &PoolSet,
) -> Diagnostic {
    let does = match reading.filter(|_| service.unread.is_empty()) {
        Some(reading) => format!("has no binding and {}", reading.does),
        None => "does not name its pool".to_owned(),
    };
    let hint = match service.unread.as_slice() {
        [] => format!(
            "choose the pool that keeps it: --pool {}=POOL ({}); its load balancer keeps its nodes until you narrow it (docs/howto/split-one-service.md)",
            word(&service.name),
            list(pools)
        ),
        _ => state_it(service, pools),
    };
    Diagnostic::refusal(format!(
        "cannot decide the pool of {} {}: it is in use (`{}` is set) but {does}",
        service.kind(),
        service.name,
        pointer::field(&service.field_pointer(field))
    ))
    .at(location.clone())
    .hint(hint)
}

/// Returns the error for one of several Services of a file that have a placeholder or no binding.
pub(crate) fn open(service: &HandWritten, pools: &PoolSet) -> Diagnostic {
    let (binding, location) = match service.unread.first() {
        Some(unread) => {
            (format!("its binding is the placeholder `{}`", unread.value), unread.location.clone())
        }
        None => ("it has no binding".to_owned(), service.location.clone()),
    };
    Diagnostic::refusal(format!("cannot decide the pool of {} {}: {binding}", service.kind(), service.name))
        .at(location)
        .hint(state_it(service, pools))
}

fn state_it(service: &HandWritten, pools: &PoolSet) -> String {
    format!(
        "state the pool whose nodes its load balancer uses: --pool {}=POOL ({})",
        word(&service.name),
        list(pools)
    )
}

/// Returns the values of the pools, shortened.
pub(crate) fn list(pools: &PoolSet) -> String {
    let values: Vec<&str> = pools.pools.iter().map(|pool| pool.value.as_str()).collect();
    shortened(&values)
}

/// Returns the first names of a list.
pub(crate) fn shortened(names: &[&str]) -> String {
    let mut shown: Vec<&str> = names.iter().take(SHOWN).copied().collect();
    if names.len() > SHOWN {
        shown.push("...");
    }
    shown.join(", ")
}
