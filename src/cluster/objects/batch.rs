//! Sends API calls, one by one or concurrently.

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::cluster::objects::call::ApiCall;
use crate::cluster::objects::interrupt::times;
use crate::cluster::request::Requests;
use crate::cluster::{Cluster, ClusterError, Problem, pages, response};
use crate::core::json;

/// What to do after a response.
#[derive(Debug)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// Send another call in place of this one.
    Retry(Box<ApiCall>),
    /// Start no further calls.
    Stop,
}

/// Result of one call among many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The call returned a response or an error.
    Ended,
    /// The request was sent, but its result is unknown.
    Unknown,
    /// The request was not sent.
    NotBegun,
}

impl Cluster {
    /// Sends one call. After a second interrupt, does not wait for the response.
    pub fn call(&self, call: &ApiCall) -> Result<Value, ClusterError> {
        self.runtime.block_on(self.response_or_interrupt(call))
    }

    async fn response_or_interrupt(&self, call: &ApiCall) -> Result<Value, ClusterError> {
        let response = std::pin::pin!(execute(&self.requests, call));
        let end = std::pin::pin!(times(self.interrupts.get().cloned(), 2));
        match select(response, end).await {
            Either::Left((response, _)) => response,
            Either::Right(_) => Err(self.requests.failed(&call.ask(), Problem::Interrupted)),
        }
    }

    /// Sends many calls concurrently; returns the responses in the order of the calls.
    pub fn call_all(&self, calls: &[ApiCall], concurrency: usize) -> Vec<Result<Value, ClusterError>> {
        self.runtime.block_on(async {
            let responses = calls.iter().map(|call| self.response_or_interrupt(call));
            let mut responses: Vec<_> = futures_util::stream::iter(responses.enumerate())
                .map(|(index, response)| async move { (index, response.await) })
                .buffer_unordered(concurrency.max(1))
                .collect()
                .await;
            responses.sort_unstable_by_key(|(index, _)| *index);
            responses.into_iter().map(|(_, response)| response).collect()
        })
    }

    /// Like `call_all`, for calls with small responses: sends four in sequence on each connection, because a new
    /// connection takes as long as three responses (TCP, TLS, and the first packet after them waits for the
    /// server's acknowledgment).
    pub fn call_small(&self, calls: &[ApiCall]) -> Vec<Result<Value, ClusterError>> {
        self.call_all(calls, calls.len().div_ceil(4).min(8))
    }

    /// Sends many calls that change something. `answered` is called with each result, and returns what to do next.
    /// After an interrupt, starts no further calls and waits for those in progress; after a second one, stops
    /// waiting.
    pub fn change_all(
        &self,
        calls: Vec<ApiCall>,
        concurrency: usize,
        mut answered: impl FnMut(usize, Result<Value, ClusterError>) -> Next,
    ) -> Vec<CallOutcome> {
        let mut fates = vec![CallOutcome::NotBegun; calls.len()];
        let begin = |index: usize, call: ApiCall| async move {
            let result = execute(&self.requests, &call).await;
            (index, result)
        };
        self.runtime.block_on(async {
            let mut running = FuturesUnordered::new();
            let mut waiting = calls.into_iter().enumerate();
            // Receive a signal that came before this call.
            tokio::task::yield_now().await;
            let mut interrupts = self.interrupts_now();
            let mut stopped = false;
            loop {
                let is_free = !stopped && interrupts == 0 && running.len() < concurrency.max(1);
                if let Some((index, call)) = is_free.then(|| waiting.next()).flatten() {
                    fates[index] = CallOutcome::Unknown;
                    running.push(begin(index, call));
                    continue;
                }
                if running.is_empty() {
                    return;
                }
                let again = std::pin::pin!(times(self.interrupts.get().cloned(), interrupts + 1));
                match select(running.next(), again).await {
                    Either::Left((Some((index, result)), _)) => match answered(index, result) {
                        Next::Retry(call) => running.push(begin(index, *call)),
                        Next::Nothing => fates[index] = CallOutcome::Ended,
                        Next::Stop => {
                            fates[index] = CallOutcome::Ended;
                            stopped = true;
                        }
                    },
                    Either::Right(_) if interrupts == 0 => {
                        interrupts = self.interrupts_now();
                        (self.requests.notice)(
                            "interrupted: finishing requests in progress, starting no new ones (interrupt again to stop waiting)",
                        );
                    }
                    Either::Left((None, _)) | Either::Right(_) => return,
                }
            }
        });
        fates
    }
}

async fn execute(requests: &Requests, call: &ApiCall) -> Result<Value, ClusterError> {
    let ask = call.ask();
    if let (Some(listing), ApiCall::List { resource, .. }) = (call.listing(), call) {
        let whole = |mut item: Value| {
            // Items of a list lack apiVersion and kind, which the list has.
            json::put(&mut item, &["apiVersion"], resource.api_version());
            json::put(&mut item, &["kind"], resource.kind.as_str());
            item
        };
        return Ok(Value::Array(pages::all(requests, &listing, whole).await?));
    }
    let body = match requests.send(&ask, call.request()?).await {
        Ok(body) => body,
        Err(ClusterError::Request { problem: Problem::NotFound | Problem::NoNamespace(_), .. })
            if matches!(call, ApiCall::Get(_)) =>
        {
            return Ok(Value::Null);
        }
        Err(ClusterError::Request { problem, .. }) if is_no_such_group(call, &problem) => {
            return Ok(Value::Null);
        }
        Err(error) => return Err(error),
    };
    let wanted = match call {
        ApiCall::Get(at) | ApiCall::Apply { at, .. } | ApiCall::Patch { at, .. } => at.resource.kind.as_str(),
        ApiCall::Resources { .. } => "APIResourceList",
        ApiCall::Groups => "APIGroupList",
        ApiCall::OwnRights { .. } => "SelfSubjectRulesReview",
        // A delete returns the object if finalizers keep it, otherwise a Status.
        ApiCall::Delete { .. } | ApiCall::List { .. } => "",
    };
    if wanted.is_empty() {
        return Ok(serde_json::from_slice(&body).unwrap_or_default());
    }
    response::parse(&body, wanted, |value: &Value| value["kind"].as_str().unwrap_or_default())
        .map_err(|problem| requests.failed(&ask, problem))
}

/// Returns whether the server lacks a group: its response is then the same as for any unknown path, in plain text.
fn is_no_such_group(call: &ApiCall, problem: &Problem) -> bool {
    let is_missing = match problem {
        Problem::NotFound | Problem::NotServed => true,
        Problem::NotJson { code, .. } => *code == 404,
        _ => false,
    };
    is_missing && matches!(call, ApiCall::Resources { .. })
}
