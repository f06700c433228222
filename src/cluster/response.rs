//! Reads a response within limits, and parses it or its error.

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

/// Maximum size of an error response in bytes.
const ERROR_BYTES: usize = 1 << 20;

/// Maximum number of characters of a server's message that are shown.
const SHOWN: usize = 400;

/// Reads a response to its end. Any status but success is a problem.
pub(super) async fn read(
    response: http::Response<Body>,
    ask: &Operation,
    endpoint: &Endpoint,
    limits: &Limits,
) -> Result<Vec<u8>, Problem> {
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        return bytes(body, limits.response_bytes, limits).await;
    }
    let body = match bytes(body, ERROR_BYTES, limits).await {
        Ok(body) => body,
        Err(problem @ Problem::CutOff { .. }) if !is_status_enough(head.status) => return Err(problem),
        Err(_) => Vec::new(),
    };
    Err(refusal(head.status, &head.headers, &body, ask, endpoint))
}

/// Returns whether the status alone is enough. For other statuses a truncated body is useless: the missing part may
/// name the missing object, or the fields in conflict.
fn is_status_enough(status: StatusCode) -> bool {
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

/// Returns the server's warnings, for example that an API version is deprecated: the texts of headers
/// `Warning: 299 - "text"`.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<String> {
    let texts = headers.get_all(header::WARNING).iter().filter_map(|value| value.to_str().ok());
    let quoted = texts.filter_map(|text| Some(text.split_once('"')?.1.rsplit_once('"')?.0));
    quoted.map(|text| shortened(&text.replace("\\\"", "\""))).collect()
}

/// Matches any list kind: custom resources choose the name of their list kind.
pub(super) const ANY_LIST: &str = "List";

/// Parses JSON of one kind.
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
    // serde's message may contain text of the response.
    if error.is_eof() {
        return Err(Problem::CutOff { bytes: body.len() });
    }
    if !error.is_data() {
        return Err(Problem::NotJson { code: OK, beginning: String::new() });
    }
    let kind = match serde_json::from_slice::<Kind>(body) {
        Ok(Kind { kind: Some(kind) }) if is_kind(&kind, wanted) => {
            format!("a `{wanted}` with unexpected fields (line {}, column {})", error.line(), error.column())
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
        let frame = frame.map_err(|error| kube_error::truncated_response(&error, read.len(), limits))?;
        let Some(data) = frame.data_ref() else { continue };
        if read.len() + data.len() > limit {
            return Err(Problem::TooLarge { limit });
        }
        read.extend_from_slice(data);
    }
    Ok(read)
}

/// The body of an error response of the API server.
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
    /// The resource; the API calls it `kind`.
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

/// Returns the problem that an error response reports.
pub(super) fn refusal(
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
            proxy: endpoint.proxy.clone().unwrap_or_else(|| "between you and the server".into()),
            reason: "it requires a user name and password".into(),
        },
        // Admission controllers use the same status, but other texts than the authorizer.
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

/// Splits `nodes is forbidden: User "x" cannot list resource "nodes" in API group "" at the cluster scope: more`.
/// Some authorizers write other texts, which are shown unchanged.
fn forbidden(message: &str, ask: &Operation) -> Problem {
    let quoted_after = |mark: &str| message.split_once(mark).and_then(|(_, rest)| rest.split_once('"'));
    let user = quoted_after("User \"").map(|(user, _)| user.to_owned());
    let verb = message.split_once("\" cannot ").and_then(|(_, rest)| rest.split_once(" resource \""));
    let resource = quoted_after(" resource \"").map(|(resource, _)| resource.to_owned());
    let location = quoted_after("in the namespace \"");
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

/// Returns only the host, because the rest of a login page's address may contain secrets.
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

/// Returns the reason at the end of a message about a value, as in `Invalid value: {…}: field is immutable`.
fn reason_after_value(text: &str) -> Option<&str> {
    let (_, reason) = text.rsplit_once("}: ")?;
    let is_words = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " .,'`-".contains(c));
    (reason.len() <= SHOWN / 4 && is_words(reason)).then_some(reason)
}

/// Returns one line of a server's message, without control characters that a terminal would interpret.
fn shortened(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        line.push('…');
        if let Some(reason) = reason_after_value(text) {
            line.push_str(": ");
            line.push_str(reason);
        }
    }
    line
}
