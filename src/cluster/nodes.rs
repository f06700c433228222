//! All nodes of a cluster, page by page.

use std::time::Instant;

use http::Request;
use serde::Deserialize;

use super::answer;
use super::error::ClusterError;
use super::problem::Problem;
use super::request::{Ask, Requests};
use crate::core::node::{Node, RawNode, Strings};

const ASK: Ask = Ask { verb: "list", resource: "nodes", what: "nodes" };

/// Lists the nodes. Of each page only what matters is kept, so that the memory is that of the nodes and one page.
///
/// A list that expires while it is read (etcd keeps five minutes) is begun again: continuing with a newer
/// state, which the server offers, could miss a node.
pub(super) async fn list(requests: &Requests) -> Result<Vec<Node>, ClusterError> {
    let mut restarts = 0;
    loop {
        match list_once(requests).await {
            Err(ClusterError::Request { problem: Problem::Expired, .. })
                if restarts < requests.limits.restarts =>
            {
                restarts += 1;
                (requests.notice)("the list of nodes expired while it was read; reading it again");
            }
            result => return result,
        }
    }
}

async fn list_once(requests: &Requests) -> Result<Vec<Node>, ClusterError> {
    let mut told = Instant::now();
    let mut nodes = Vec::new();
    let mut strings = Strings::default();
    let mut token: Option<String> = None;
    loop {
        let body = requests.send(ASK, request(requests.limits.page, token.as_deref())?).await?;
        let page: Page = answer::parse(&body, "NodeList", |page: &Page| &page.kind)
            .map_err(|problem| requests.failed(ASK, problem))?;
        nodes.extend(page.items.unwrap_or_default().into_iter().map(|node| node.keep(&mut strings)));
        let next = page.metadata.r#continue.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(nodes);
        }
        // A server that is out of its mind must neither fill the memory nor keep us for ever.
        if next == token || nodes.len() > requests.limits.nodes {
            return Err(requests.failed(ASK, Problem::Endless { nodes: nodes.len() }));
        }
        if told.elapsed() > requests.limits.notice_after {
            told = Instant::now();
            let missing = page
                .metadata
                .remaining_item_count
                .map(|more| format!(", about {more} to come"))
                .unwrap_or_default();
            (requests.notice)(&format!("reading nodes: {}{missing}", nodes.len()));
        }
        token = next;
    }
}

fn request(page: u32, token: Option<&str>) -> Result<Request<Vec<u8>>, ClusterError> {
    let token = token.map(|token| format!("&continue={}", escaped(token))).unwrap_or_default();
    let request = Request::get(format!("/api/v1/nodes?limit={page}{token}")).body(Vec::new());
    request.map_err(|error| ClusterError::Unusable {
        what: "the server's continue token".into(),
        reason: error.to_string(),
    })
}

/// For a query: everything but RFC 3986's unreserved characters is escaped.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default)]
    items: Option<Vec<RawNode>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    #[serde(default)]
    r#continue: Option<String>,
    #[serde(default)]
    remaining_item_count: Option<u64>,
}
