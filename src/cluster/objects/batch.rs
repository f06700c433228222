//! Calls one by one and many at once.

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::cluster::objects::call::ApiCall;
use crate::cluster::objects::interrupt::times;
use crate::cluster::request::Requests;
use crate::cluster::{Cluster, ClusterError, Problem, pages, response};

/// What follows an answer.
#[derive(Debug)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// Something else is asked in its place.
    Retry(Box<ApiCall>),
    /// No further call is begun.
    Stop,
}

/// What became of one call among many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was answered, or could not be.
    Ended,
    /// It was sent, and nobody waited for the answer.
    Unknown,
    /// It was not sent.
    NotBegun,
}

impl Cluster {
    /// Asks one thing. Who has asked us twice to end does not wait for the answer.
    pub fn call(&self, call: &ApiCall) -> Result<Value, ClusterError> {
        self.runtime.block_on(self.answer_or_end(call))
    }

    async fn answer_or_end(&self, call: &ApiCall) -> Result<Value, ClusterError> {
        let answer = std::pin::pin!(answer_to(&self.requests, call));
        let end = std::pin::pin!(times(self.interrupts.get().cloned(), 2));
        match select(answer, end).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(self.requests.failed(&call.ask(), Problem::Interrupted)),
        }
    }

    /// The same for many things, some of them at once; the answers are in the order of the questions.
    pub fn call_all(&self, calls: &[ApiCall], concurrency: usize) -> Vec<Result<Value, ClusterError>> {
        self.runtime.block_on(async {
            let answers = calls.iter().map(|call| self.answer_or_end(call));
            let mut answers: Vec<_> = futures_util::stream::iter(answers.enumerate())
                .map(|(index, answer)| async move { (index, answer.await) })
                .buffer_unordered(concurrency.max(1))
                .collect()
                .await;
            answers.sort_unstable_by_key(|(index, _)| *index);
            answers.into_iter().map(|(_, answer)| answer).collect()
        })
    }

    /// The same for questions with small answers: four one after another on each connection, because opening one more
    /// takes as long as three answers (TCP, TLS, and the first packet behind them waits for the server's acknowledgement).
    pub fn call_small(&self, calls: &[ApiCall]) -> Vec<Result<Value, ClusterError>> {
        self.call_all(calls, calls.len().div_ceil(4).min(8))
    }

    /// The same for calls that change something. `answered` hears of each as it ends, and says what follows. When we
    /// are asked to end, no further call is begun and what is under way is waited for; when we are asked again, it is
    /// not.
    pub fn change_all(
        &self,
        calls: Vec<ApiCall>,
        concurrency: usize,
        mut answered: impl FnMut(usize, Result<Value, ClusterError>) -> Next,
    ) -> Vec<CallOutcome> {
        let mut fates = vec![CallOutcome::NotBegun; calls.len()];
        let begin = |index: usize, call: ApiCall| async move {
            let result = answer_to(&self.requests, &call).await;
            (index, result)
        };
        self.runtime.block_on(async {
            let mut running = FuturesUnordered::new();
            let mut waiting = calls.into_iter().enumerate();
            // A signal that came while nobody looked is seen now.
            tokio::task::yield_now().await;
            let mut asked = self.interrupts_now();
            let mut stopped = false;
            loop {
                let is_free = !stopped && asked == 0 && running.len() < concurrency.max(1);
                if let Some((index, call)) = is_free.then(|| waiting.next()).flatten() {
                    fates[index] = CallOutcome::Unknown;
                    running.push(begin(index, call));
                    continue;
                }
                if running.is_empty() {
                    return;
                }
                let again = std::pin::pin!(times(self.interrupts.get().cloned(), asked + 1));
                match select(running.next(), again).await {
                    Either::Left((Some((index, result)), _)) => match answered(index, result) {
                        Next::Retry(call) => running.push(begin(index, *call)),
                        Next::Nothing => fates[index] = CallOutcome::Ended,
                        Next::Stop => {
                            fates[index] = CallOutcome::Ended;
                            stopped = true;
                        }
                    },
                    Either::Right(_) if asked == 0 => {
                        asked = self.interrupts_now();
                        (self.requests.notice)(
                            "interrupted: what is under way is finished, nothing more is begun (once more: do not wait)",
                        );
                    }
                    Either::Left((None, _)) | Either::Right(_) => return,
                }
            }
        });
        fates
    }
}

async fn answer_to(requests: &Requests, call: &ApiCall) -> Result<Value, ClusterError> {
    let ask = call.ask();
    if let (Some(listing), ApiCall::List { resource, .. }) = (call.listing(), call) {
        let whole = |mut item: Value| {
            // Items of a list leave out what the list says.
            item["apiVersion"] = resource.api_version().into();
            item["kind"] = resource.kind.as_str().into();
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
        // The object where finalizers keep it, else a Status.
        ApiCall::Delete { .. } | ApiCall::List { .. } => "",
    };
    if wanted.is_empty() {
        return Ok(serde_json::from_slice(&body).unwrap_or_default());
    }
    response::parse(&body, wanted, |value: &Value| value["kind"].as_str().unwrap_or_default())
        .map_err(|problem| requests.failed(&ask, problem))
}

/// A server that has no such group says so as for any path that it does not know: in plain text.
fn is_no_such_group(call: &ApiCall, problem: &Problem) -> bool {
    let is_missing = match problem {
        Problem::NotFound | Problem::NotServed => true,
        Problem::NotJson { code, .. } => *code == 404,
        _ => false,
    };
    is_missing && matches!(call, ApiCall::Resources { .. })
}
