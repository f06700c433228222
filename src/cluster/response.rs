//! One answer: read within limits, understood, or explained.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cluster::kube_error;
use crate::cluster::kubeconfig::Endpoint;
use crate::cluster::limits::Limits;
use crate::cluster::operation::Operation;
use crate::cluster::request_error::Problem;

/// Errors are small; what is longer is not one.
const ERROR_BYTES: usize = 1 << 20;

/// As much of a server's words as a line takes.
const SHOWN: usize = 400;

/// Reads an answer to its end. Anything but a success is a problem.
pub(super) async fn read(
    response: http::Response<Body>,
    ask: &Operation,
    endpoint: &Endpoint,
    limits: &Limits,
) -> Result<Vec<u8>, Problem> {
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        return bytes(body, limits.answer_bytes, limits).await;
    }
    let body = match bytes(body, ERROR_BYTES, limits).await {
        Ok(body) => body,
        Err(problem @ Problem::CutOff { .. }) if !says_all(head.status) => return Err(problem),
        Err(_) => Vec::new(),
    };
    Err(refusal(head.status, &head.headers, &body, ask, endpoint))
}

/// Whether a status is understood without what comes with it. Of the others, half an answer is none: which object is
/// missing, or whose fields are in conflict, stands in the other half.
fn says_all(status: StatusCode) -> bool {
    status.is_redirection()
        || [
            StatusCode::UNAUTHORIZED,
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            StatusCode::GONE,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ]
        .contains(&status)
}

/// What a server wants a person to read beside its answer, such as that an API version is going away: the texts of
/// headers `Warning: 299 - "text"`.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<String> {
    let texts = headers.get_all(header::WARNING).iter().filter_map(|value| value.to_str().ok());
    let quoted = texts.filter_map(|text| Some(text.split_once('"')?.1.rsplit_once('"')?.0));
    quoted.map(|text| shortened(&text.replace("\\\"", "\""))).collect()
}

/// The kind of a list, whatever its items: custom resources choose the name of theirs.
pub(super) const ANY_LIST: &str = "List";

/// Reads JSON of one kind.
pub(super) fn parse<T: DeserializeOwned>(
    body: &[u8],
    wanted: &str,
    kind: impl Fn(&T) -> &str,
) -> Result<T, Problem> {
    const OK: u16 = 200;
    match body.trim_ascii_start() {
        [] => return Err(Problem::Empty { code: OK }),
        [b'<', ..] => return Err(Problem::WebPage { code: OK }),
        [0x1f, 0x8b, ..] => return Err(Problem::Packing),
        [b'{', ..] => {}
        _ => return Err(Problem::NotJson { code: OK, beginning: String::new() }),
    }
    let error = match serde_json::from_slice::<T>(body) {
        Ok(value) if is_kind(kind(&value), wanted) => return Ok(value),
        Ok(value) => {
            return Err(Problem::WrongKind { kind: named(kind(&value)), wanted: wanted.to_owned() });
        }
        Err(error) => error,
    };
    // serde's own words may hold what stands in the answer.
    if error.is_eof() {
        return Err(Problem::CutOff { bytes: body.len() });
    }
    if !error.is_data() {
        return Err(Problem::NotJson { code: OK, beginning: String::new() });
    }
    let kind = match serde_json::from_slice::<Kind>(body) {
        Ok(Kind { kind: Some(kind) }) if is_kind(&kind, wanted) => {
            format!("a `{wanted}` of another form (line {}, column {})", error.line(), error.column())
        }
        Ok(Kind { kind: Some(kind) }) => named(&kind),
        _ => named(""),
    };
    Err(Problem::WrongKind { kind, wanted: wanted.to_owned() })
}

fn is_kind(kind: &str, wanted: &str) -> bool {
    kind == wanted || wanted == ANY_LIST && !kind.is_empty() && kind != "Status"
}

fn named(kind: &str) -> String {
    if kind.is_empty() { "JSON without a kind".into() } else { format!("a `{}`", shortened(kind)) }
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

async fn bytes(mut body: Body, limit: usize, limits: &Limits) -> Result<Vec<u8>, Problem> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| kube_error::half_an_answer(&error, read.len(), limits))?;
        let Some(data) = frame.data_ref() else { continue };
        if read.len() + data.len() > limit {
            return Err(Problem::TooLarge { limit });
        }
        read.extend_from_slice(data);
    }
    Ok(read)
}

/// What the API server writes when it refuses.
#[derive(Default, Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    name: String,
    /// The resource, in spite of its name.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    causes: Option<Vec<Cause>>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    field: String,
}

fn refusal(
    code: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    ask: &Operation,
    endpoint: &Endpoint,
) -> Problem {
    let status = serde_json::from_slice::<Status>(body).ok().filter(|status| status.kind == "Status");
    let message = status.as_ref().map(|status| shortened(&status.message)).unwrap_or_default();
    match (code, status) {
        (code, _) if code.is_redirection() => Problem::Redirect { to: redirected_to(headers) },
        (
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT,
            _,
        ) => Problem::Busy { code: code.as_u16(), message, retry_after: retry_after(headers) },
        (StatusCode::UNAUTHORIZED, _) => {
            Problem::Unauthorized { user: endpoint.user.clone(), plugin: endpoint.plugin.clone() }
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => Problem::Proxy {
            proxy: endpoint.proxy.clone().unwrap_or_else(|| "on the way".into()),
            reason: "it wants a user name and password".into(),
        },
        // An admission controller refuses with the same status, and not in the words of the authorizer.
        (StatusCode::FORBIDDEN, Some(_)) if is_reading(ask.verb) || message.contains("\" cannot ") => {
            forbidden(&message, ask)
        }
        (StatusCode::NOT_FOUND, Some(status)) => missing(status.details.unwrap_or_default(), ask),
        (StatusCode::CONFLICT, Some(status)) => conflict(status.details.unwrap_or_default(), message),
        (StatusCode::GONE, _) => Problem::Expired,
        (code, Some(status)) => Problem::Rejected { code: code.as_u16(), reason: status.reason, message },
        (code, None) => not_from_kubernetes(code.as_u16(), headers, body),
    }
}

fn is_reading(verb: &str) -> bool {
    ["get", "list", "watch"].contains(&verb)
}

fn missing(details: Details, ask: &Operation) -> Problem {
    match details.kind.as_str() {
        "namespaces" if ask.resource != "namespaces" => Problem::NoNamespace(details.name),
        _ if details.name.is_empty() => Problem::NotServed,
        _ => Problem::NotFound,
    }
}

fn conflict(details: Details, message: String) -> Problem {
    let causes = details.causes.into_iter().flatten();
    let fields: Vec<_> = causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| (cause.field, cause.message))
        .collect();
    if fields.is_empty() { Problem::Moved(message) } else { Problem::Conflicts(fields) }
}

/// Takes `nodes is forbidden: User "x" cannot list resource "nodes" in API group "" at the cluster scope: more`
/// apart. An authorizer may write something else; then it is shown as it is.
fn forbidden(message: &str, ask: &Operation) -> Problem {
    let quoted_behind = |mark: &str| message.split_once(mark).and_then(|(_, rest)| rest.split_once('"'));
    let user = quoted_behind("User \"").map(|(user, _)| user.to_owned());
    let verb = message.split_once("\" cannot ").and_then(|(_, rest)| rest.split_once(" resource \""));
    let resource = quoted_behind(" resource \"").map(|(resource, _)| resource.to_owned());
    let location = quoted_behind("in the namespace \"");
    let rest = location
        .map(|(_, rest)| rest)
        .or_else(|| message.split_once("at the cluster scope").map(|(_, rest)| rest));
    Problem::Forbidden {
        user,
        verb: verb.map_or_else(|| ask.verb.into(), |(verb, _)| verb.into()),
        resource: resource.unwrap_or_else(|| ask.resource.to_string()),
        namespace: location.map(|(namespace, _)| namespace.to_owned()),
        extra: rest.unwrap_or(message).trim_start_matches([':', ' ']).into(),
    }
}

fn not_from_kubernetes(code: u16, headers: &HeaderMap, body: &[u8]) -> Problem {
    let text = body.trim_ascii();
    if text.is_empty() {
        return Problem::Empty { code };
    }
    if text.starts_with(b"<") {
        return Problem::WebPage { code };
    }
    let plain =
        headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let first_line = str::from_utf8(text).ok().and_then(|text| text.lines().next()).filter(|_| plain);
    Problem::NotJson { code, beginning: shortened(first_line.unwrap_or_default()) }
}

/// Only the host: the rest of a login page's address may hold what nobody should see.
fn redirected_to(headers: &HeaderMap) -> String {
    let target = headers
        .get(header::LOCATION)
        .and_then(|to| to.to_str().ok())
        .and_then(|to| to.parse::<http::Uri>().ok());
    target.as_ref().and_then(http::Uri::host).unwrap_or("another page").into()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// One line of a server's words, without control characters that a terminal would obey.
fn shortened(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}
