//! Sends API calls, one by one or concurrently.

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::cluster::objects::answer::Answer;
use crate::cluster::objects::call::ApiCall;
use crate::cluster::objects::interrupt::times;
use crate::cluster::request::Requests;
use crate::cluster::{Cluster, ClusterError, Problem, pages};
use crate::core::live::LiveObject;

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
    pub fn call(&self, call: &ApiCall) -> Result<Answer, ClusterError> {
        self.runtime.block_on(self.answer_or_interrupt(call))
    }

    async fn answer_or_interrupt(&self, call: &ApiCall) -> Result<Answer, ClusterError> {
        let answer = std::pin::pin!(execute(&self.requests, call));
        let end = std::pin::pin!(times(self.interrupts.get().cloned(), 2));
        match select(answer, end).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(self.requests.failed(&call.ask(), Problem::Interrupted)),
        }
    }

    /// Sends many calls concurrently. Returns the answer to each with the caller's tag, in the order of the calls.
    pub fn call_all<T>(
        &self,
        calls: Vec<(T, ApiCall)>,
        concurrency: usize,
    ) -> Vec<(T, Result<Answer, ClusterError>)> {
        let ask = |(index, (tag, call)): (usize, (T, ApiCall))| async move {
            (index, tag, self.answer_or_interrupt(&call).await)
        };
        self.runtime.block_on(async {
            let mut answers: Vec<_> = futures_util::stream::iter(calls.into_iter().enumerate().map(ask))
                .buffer_unordered(concurrency.max(1))
                .collect()
                .await;
            answers.sort_unstable_by_key(|(index, ..)| *index);
            answers.into_iter().map(|(_, tag, answer)| (tag, answer)).collect()
        })
    }

    /// Like `call_all`, for calls with small responses: sends four in sequence on each connection, because a new
    /// connection takes as long as three responses (TCP, TLS, and the first packet after them waits for the
    /// server's acknowledgment).
    pub fn call_small<T>(&self, calls: Vec<(T, ApiCall)>) -> Vec<(T, Result<Answer, ClusterError>)> {
        let concurrency = calls.len().div_ceil(4).min(8);
        self.call_all(calls, concurrency)
    }

    /// Sends many calls that change something. `answered` is called with the caller's tag and the result of each
    /// call, and returns what to do next. Returns the tags with the outcome of each call, in the order of the calls.
    /// After an interrupt, starts no further calls and waits for those in progress; after a second one, stops
    /// waiting.
    pub fn change_all<T>(
        &self,
        calls: Vec<(T, ApiCall)>,
        concurrency: usize,
        mut answered: impl FnMut(&mut T, Result<Answer, ClusterError>) -> Next,
    ) -> Vec<(T, CallOutcome)> {
        let (mut fates, calls): (Vec<_>, Vec<_>) =
            calls.into_iter().map(|(tag, call)| ((tag, CallOutcome::NotBegun), call)).unzip();
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
                    fates[index].1 = CallOutcome::Unknown;
                    running.push(begin(index, call));
                    continue;
                }
                if running.is_empty() {
                    return;
                }
                let again = std::pin::pin!(times(self.interrupts.get().cloned(), interrupts + 1));
                match select(running.next(), again).await {
                    Either::Left((Some((index, result)), _)) => {
                        let (tag, outcome) = &mut fates[index];
                        match answered(tag, result) {
                            Next::Retry(call) => running.push(begin(index, *call)),
                            Next::Nothing => *outcome = CallOutcome::Ended,
                            Next::Stop => {
                                *outcome = CallOutcome::Ended;
                                stopped = true;
                            }
                        }
                    }
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

async fn execute(requests: &Requests, call: &ApiCall) -> Result<Answer, ClusterError> {
    let ask = call.ask();
    if let (Some(listing), ApiCall::List { resource, namespace, .. }) = (call.listing(), call) {
        let read = |item| LiveObject::read_item(item, resource)?.located(namespace.as_deref(), None);
        let items = pages::all(requests, &listing, read).await?;
        return Answer::of_items(items).map_err(|problem| requests.failed(&ask, problem));
    }
    match requests.send(&ask, call.request()?).await {
        Ok(body) => Answer::read(call, &body).map_err(|problem| requests.failed(&ask, problem)),
        Err(ClusterError::Request { problem: Problem::NotFound | Problem::NoNamespace(_), .. })
            if matches!(call, ApiCall::Get(_)) =>
        {
            Ok(Answer::Nothing)
        }
        Err(ClusterError::Request { problem, .. }) if is_no_such_group(call, &problem) => Ok(Answer::Nothing),
        Err(error) => Err(error),
    }
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
