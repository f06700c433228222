//! Limits for requests: every wait has a timeout, every response a maximum size.

use std::time::Duration;

/// The limits for requests to a cluster. Tests shorten them; users set `--request-timeout`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time to connect, including TLS.
    pub connect: Duration,
    /// Time between two parts of a response; `None` means no limit.
    pub read: Option<Duration>,
    /// Time for one request with its whole response, as the user set it; `None` means `response`.
    pub request: Option<Duration>,
    /// The same if the user set none: a server that sends a byte now and then must not hold the program. `None` means no
    /// limit.
    pub response: Option<Duration>,
    /// No further try starts after this time.
    pub give_up: Duration,
    /// How long a refused connection is tried again. kubectl gives up immediately, but a restarted load balancer is
    /// back within a second or two.
    pub refused: Duration,
    /// Pause before the second try; each further pause is twice as long.
    pub first_pause: Duration,
    /// The longest pause, unless the server requests a longer one.
    pub longest_pause: Duration,
    /// How often a request is tried again after status 500 or a truncated response.
    pub tries: u32,
    /// Shorter waits are not reported.
    pub notice_after: Duration,
    /// Time for a credential plugin without a terminal.
    pub plugin: Duration,
    /// Nodes per page. kubectl uses 500.
    pub page: u32,
    /// Maximum size of a response in bytes. 500 nodes are about 5 MB.
    pub response_bytes: usize,
    /// Maximum number of pages of a list that is empty so far; each item allows one more. A server fills its pages, except
    /// the last.
    pub pages: usize,
    /// Maximum number of items in a list. The largest known clusters have 130,000 nodes.
    pub items: usize,
    /// How often a list that expires during reading is read again from the start.
    pub restarts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Some(Duration::from_mins(1)),
            request: None,
            // A page of 5 MB over a line of 10 kB per second takes eight minutes.
            response: Some(Duration::from_mins(10)),
            give_up: Duration::from_secs(15),
            refused: Duration::from_secs(2),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            tries: 1,
            notice_after: Duration::from_secs(2),
            plugin: Duration::from_mins(1),
            page: 500,
            response_bytes: 256 << 20,
            pages: 100,
            items: 1_000_000,
            restarts: 3,
        }
    }
}

impl Limits {
    /// Returns limits for changes: waits for an API server that restarts, so that one failed response does not end
    /// an update of thousands of objects.
    #[must_use]
    pub fn patient(self) -> Self {
        // An explicit --request-timeout takes precedence.
        if self.request.is_some() {
            return Self { tries: 3, ..self };
        }
        Self { give_up: Duration::from_mins(1), refused: Duration::from_secs(30), tries: 3, ..self }
    }

    /// Applies `--request-timeout`, if given. As in kubectl, zero removes the limit of a single request; retries
    /// still end.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Option<Duration>) -> Self {
        match timeout {
            None => {}
            Some(Duration::ZERO) => {
                self.read = None;
                self.response = None;
            }
            Some(timeout) => {
                self.connect = self.connect.min(timeout);
                self.read = None;
                self.request = Some(timeout);
                self.give_up = timeout;
                self.refused = self.refused.min(timeout);
            }
        }
        self
    }
}
