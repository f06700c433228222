//! Sends a request with retries: which failures are retried, when, and until when.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Request;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use crate::cluster::away::AGAIN;
use crate::cluster::error::ClusterError;
use crate::cluster::kubeconfig::Endpoint;
use crate::cluster::limits::Limits;
use crate::cluster::operation::{Operation, Retry};
use crate::cluster::request_error::Problem;
use crate::cluster::{away, kube_error, response};
use crate::core::report::mask::secret_texts;
use crate::core::report::secret_text::redacted;

/// Receives messages for the user about what the program waits for.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Sends requests to one cluster.
pub(super) struct Requests {
    pub(super) client: kube::Client,
    pub(super) endpoint: Endpoint,
    pub(super) limits: Limits,
    pub(super) notice: Notice,
    /// The warnings of the server, each once.
    pub(super) warnings: Mutex<Vec<String>>,
    /// Why an earlier connection of this run gave up on the server; `None` if it did not, or if the server answers again.
    pub(super) away: Mutex<Option<Problem>>,
}

impl Requests {
    /// Sends a request, retries it while that may help, and returns the response body.
    pub(super) async fn send(
        &self,
        ask: &Operation,
        request: Request<Vec<u8>>,
    ) -> Result<Vec<u8>, ClusterError> {
        let began = Instant::now();
        let secrets = secrets_in(&request);
        let mut pause = self.limits.first_pause;
        let mut tries = 0;
        loop {
            tries += 1;
            let away = self.away.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let attempt = self.attempt(ask, request.clone(), &secrets);
            let answer = match &away {
                None => attempt.await,
                Some(known) => timeout(AGAIN, attempt).await.unwrap_or_else(|_| Err(known.clone())),
            };
            let problem = match answer {
                Ok(body) => {
                    self.is_back(away.is_some());
                    return Ok(body);
                }
                Err(problem) => problem.redacted(&secrets),
            };
            match away {
                Some(known) if problem == known || is_unreached(&problem) => {
                    return Err(self.failed(ask, known));
                }
                away => self.is_back(away.is_some()),
            }
            let Some(until) = self.retry_deadline(&problem, ask.repeat, tries) else {
                return Err(self.failed(ask, problem));
            };
            let wait = pause.max(asked_to_wait(&problem));
            if began.elapsed() + wait > until {
                let is_unreached = is_unreached(&problem);
                let problem = give_up(problem, tries, began.elapsed());
                if is_unreached {
                    away::remember(&self.endpoint.server, &problem);
                }
                return Err(self.failed(ask, problem));
            }
            if began.elapsed() + wait > self.limits.notice_after {
                (self.notice)(&format!(
                    "waiting for {} ({}, try {tries})",
                    self.endpoint.server,
                    in_short(&problem)
                ));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(self.limits.longest_pause);
        }
    }

    /// Waits for the server again from now on, if it was away.
    fn is_back(&self, was_away: bool) {
        if was_away {
            *self.away.lock().unwrap_or_else(PoisonError::into_inner) = None;
            away::forget(&self.endpoint.server);
        }
    }

    /// Returns the error of a request.
    pub(super) fn failed(&self, ask: &Operation, problem: Problem) -> ClusterError {
        ClusterError::Request {
            ask: format!("{} {}", ask.verb, ask.what),
            server: self.endpoint.server.clone(),
            problem,
        }
    }

    async fn attempt(
        &self,
        ask: &Operation,
        request: Request<Vec<u8>>,
        secrets: &BTreeSet<String>,
    ) -> Result<Vec<u8>, Problem> {
        let attempt = async {
            let response = self.client.send(request.map(Body::from)).await;
            let response = response
                .map_err(|e| kube_error::no_response(&e, self.endpoint.proxy.as_deref(), &self.limits))?;
            self.take_warnings(response.headers(), secrets);
            response::read(response, ask, &self.endpoint, &self.limits).await
        };
        let attempt = self.with_slow_notice(attempt);
        match self.limits.request.or(self.limits.response) {
            None => attempt.await,
            Some(limit) => match timeout(limit, attempt).await {
                Ok(result) => result,
                Err(_) => Err(Problem::TimedOut { what: "the response", limit }),
            },
        }
    }

    fn take_warnings(&self, headers: &http::HeaderMap, secrets: &BTreeSet<String>) {
        let mut known = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for text in response::warnings(headers) {
            let text = redacted(&text, secrets);
            if !known.contains(&text) {
                known.push(text);
            }
        }
    }

    async fn with_slow_notice<T>(&self, attempt: impl Future<Output = T>) -> T {
        let mut attempt = std::pin::pin!(attempt);
        if let Ok(result) = timeout(self.limits.notice_after, &mut attempt).await {
            return result;
        }
        (self.notice)(&format!("waiting for a response from {}", self.endpoint.server));
        attempt.await
    }

    /// Returns how long after the first try another one may start; `None` if a retry does not help.
    fn retry_deadline(&self, problem: &Problem, repeat: Retry, tries: u32) -> Option<Duration> {
        let is_safe = repeat == Retry::Safe;
        match problem {
            problem if is_unreached(problem) => Some(self.limits.refused),
            // The server may have executed the request before the connection ended.
            Problem::Closed if is_safe => Some(self.limits.give_up),
            // Rule of client-go: a server that sends Retry-After has not executed the request.
            Problem::Busy { retry_after, .. } if is_safe || retry_after.is_some() => {
                Some(self.limits.give_up)
            }
            // The server will not understand it the next time either.
            problem if problem.is_of_input() => None,
            // A webhook that is down causes this error every time, a server error only once.
            Problem::CutOff { .. } | Problem::Rejected { code: 500 | 502, .. }
                if is_safe && tries < self.limits.tries =>
            {
                Some(self.limits.give_up)
            }
            _ => None,
        }
    }
}

/// Whether the server has not received the request.
fn is_unreached(problem: &Problem) -> bool {
    matches!(problem, Problem::Refused | Problem::TimedOut { what: "connecting", .. })
}

/// Returns the values in the body of a request that writes a Secret: the server and its webhooks may quote them.
fn secrets_in(request: &Request<Vec<u8>>) -> BTreeSet<String> {
    if request.body().is_empty() || !request.uri().path().contains("/secrets") {
        return BTreeSet::new();
    }
    let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    if let Some(patch) = body.as_object_mut() {
        // A merge patch has no kind.
        patch.insert("kind".to_owned(), "Secret".into());
    }
    secret_texts(&body)
}

fn asked_to_wait(problem: &Problem) -> Duration {
    match problem {
        Problem::Busy { retry_after: Some(wait), .. } => *wait,
        _ => Duration::ZERO,
    }
}

fn give_up(last: Problem, tries: u32, after: Duration) -> Problem {
    // "gave up after 1 try in 0 s" contains no information.
    if tries == 1 { last } else { Problem::GaveUp { tries, after, last: Box::new(last) } }
}

fn in_short(problem: &Problem) -> String {
    match problem {
        Problem::Busy { code, .. } => code.to_string(),
        other => other.to_string(),
    }
}
