//! How long, how often and how much: every wait has an end and every answer a size.

use std::time::Duration;

/// The limits of talking to a cluster. Tests shorten them; people set `--request-timeout`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a connection to come about, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer; `None` waits for ever.
    pub read: Option<Duration>,
    /// For one request with its whole answer; `None` leaves it to `read`.
    pub request: Option<Duration>,
    /// After this no further try begins.
    pub give_up: Duration,
    /// A refused connection is tried again for this long. kubectl gives up at once; a load balancer that
    /// has just been restarted is back within a second or two.
    pub refused: Duration,
    /// Before the second try; each further pause is twice as long.
    pub first_pause: Duration,
    /// The longest pause, unless the server asks for a longer one.
    pub longest_pause: Duration,
    /// How often an answer of status 500, or one that is cut off, is asked for.
    pub tries: u32,
    /// A person hears nothing about waiting that is shorter than this.
    pub notice_after: Duration,
    /// For a credential plugin that has no terminal to ask its user on.
    pub plugin: Duration,
    /// Nodes that are asked for at once. 500 is what kubectl takes.
    pub page: u32,
    /// The largest answer that is read. 500 nodes are some 5 MB.
    pub answer_bytes: usize,
    /// A list that is longer than this is not believed. The largest known clusters have 130,000 nodes.
    pub items: usize,
    /// How often a list that expired while it was read is begun again.
    pub restarts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Some(Duration::from_mins(1)),
            request: None,
            give_up: Duration::from_secs(15),
            refused: Duration::from_secs(2),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            tries: 1,
            notice_after: Duration::from_secs(2),
            plugin: Duration::from_mins(1),
            page: 500,
            answer_bytes: 256 << 20,
            items: 1_000_000,
            restarts: 3,
        }
    }
}

impl Limits {
    /// For a cluster that is being changed: an API server that restarts is waited for, an update of thousands of
    /// objects is not given up for one answer that went wrong.
    #[must_use]
    pub fn patient(self) -> Self {
        // What the user has said counts.
        if self.request.is_some() {
            return Self { tries: 3, ..self };
        }
        Self { give_up: Duration::from_mins(1), refused: Duration::from_secs(30), tries: 3, ..self }
    }

    /// With `--request-timeout`, if it was given. Zero takes the limit away from a single request, as in
    /// kubectl; trying again still ends, for nobody means for ever by it.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Option<Duration>) -> Self {
        match timeout {
            None => {}
            Some(Duration::ZERO) => self.read = None,
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
