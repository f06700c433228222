//! Reads all items of a list, page by page.

use std::time::Instant;

use http::Request;
use kube::api::ListParams;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cluster::error::ClusterError;
use crate::cluster::operation::Operation;
use crate::cluster::request::Requests;
use crate::cluster::request_error::Problem;
use crate::cluster::response;

/// A list to read.
pub(super) struct Listing {
    /// The operation, for errors.
    pub(super) ask: Operation,
    /// The path of the collection.
    pub(super) path: String,
    /// The selectors.
    pub(super) params: ListParams,
    /// The expected kind of the response.
    pub(super) kind: &'static str,
}

/// Reads the list; `keep` converts each item to what the caller needs, so that memory holds only this and one page.
///
/// Starts again if the list expires during reading (etcd keeps five minutes). The server offers to continue with a
/// newer state instead, but that could miss an item.
pub(super) async fn all<T: DeserializeOwned, K>(
    requests: &Requests,
    listing: &Listing,
    mut keep: impl FnMut(T) -> K,
) -> Result<Vec<K>, ClusterError> {
    let mut restarts = 0;
    loop {
        match once(requests, listing, &mut keep).await {
            Err(ClusterError::Request { problem: Problem::Expired, .. })
                if restarts < requests.limits.restarts =>
            {
                restarts += 1;
                let what = &listing.ask.what;
                (requests.notice)(&format!("the list of {what} expired during reading; reading it again"));
            }
            result => return result,
        }
    }
}

async fn once<T: DeserializeOwned, K>(
    requests: &Requests,
    listing: &Listing,
    keep: &mut impl FnMut(T) -> K,
) -> Result<Vec<K>, ClusterError> {
    let Listing { ask, kind, .. } = listing;
    let mut told = Instant::now();
    let mut kept = Vec::new();
    let mut pages = 0;
    let mut token: Option<String> = None;
    loop {
        let body = requests.send(ask, request(listing, requests.limits.page, token.as_deref())?).await?;
        let page: Page<T> = response::parse(&body, kind, |page: &Page<T>| &page.kind)
            .map_err(|problem| requests.failed(ask, problem))?;
        kept.extend(page.items.unwrap_or_default().into_iter().map(&mut *keep));
        let next = page.metadata.r#continue.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(kept);
        }
        // A faulty server must not fill the memory or keep the program in an endless loop.
        pages += 1;
        let is_too_long = kept.len() > requests.limits.items || pages > requests.limits.pages + kept.len();
        if next == token || is_too_long {
            return Err(requests.failed(ask, Problem::Endless { items: kept.len() }));
        }
        if told.elapsed() > requests.limits.notice_after {
            told = Instant::now();
            let missing = page
                .metadata
                .remaining_item_count
                .map(|more| format!(", about {more} to come"))
                .unwrap_or_default();
            (requests.notice)(&format!("reading {}: {}{missing}", ask.what, kept.len()));
        }
        token = next;
    }
}

fn request(listing: &Listing, page: u32, token: Option<&str>) -> Result<Request<Vec<u8>>, ClusterError> {
    let params =
        ListParams { limit: Some(page), continue_token: token.map(str::to_owned), ..listing.params.clone() };
    let request = kube::core::Request::new(listing.path.clone()).list(&params);
    request.map_err(|error| ClusterError::Unusable {
        what: "the request".into(),
        reason: error.into(),
        hint: "",
    })
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default = "Option::default")]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    #[serde(default)]
    r#continue: Option<String>,
    #[serde(default)]
    remaining_item_count: Option<u64>,
}
