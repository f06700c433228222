//! What controllers have said of an object, as far as its events tell.

use serde_json::Value;

use crate::core::status::age::{age, seconds};

/// What a controller has said, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// It is a Warning, and not Normal.
    pub is_warning: bool,
    /// Such as `SyncLoadBalancerFailed`.
    pub reason: String,
    /// The whole message, on one line.
    pub message: String,
    /// How often it was said.
    pub count: u64,
    /// The timestamp of the last time.
    pub last: String,
}

impl Event {
    /// The event as a sentence; `now` is in seconds since 1970.
    pub fn sentence(&self, now: i64) -> String {
        let ago = seconds(&self.last).map(|last| format!("{} ago", age(last, now)));
        let times = (self.count > 1).then(|| format!("{} times", self.count));
        let when: Vec<String> = times.into_iter().chain(ago).collect();
        let when = if when.is_empty() { String::new() } else { format!(" ({})", when.join(", last ")) };
        format!("{}: {}{when}", self.reason, self.message)
    }
}

/// The last warning about an object, or the last event at all if there is no warning: a controller that tries again
/// says first that it does, and then why it could not.
pub fn last_event(object: &Value, events: &[Value]) -> Option<Event> {
    let last = events
        .iter()
        .filter(|event| is_about(&event["involvedObject"], object))
        .max_by_key(|event| (event["type"] == "Warning", seconds(time(event))))?;
    let text = |field: &str| one_line(last[field].as_str().unwrap_or_default());
    let count = last["series"]["count"].as_u64().or_else(|| last["count"].as_u64());
    Some(Event {
        is_warning: last["type"] == "Warning",
        reason: text("reason"),
        message: text("message"),
        // An event of the newer API that was seen once has no count.
        count: count.filter(|count| *count > 0).unwrap_or(1),
        last: time(last).to_owned(),
    })
}

/// An object of the same name that was there before is another one.
fn is_about(involved: &Value, object: &Value) -> bool {
    let metadata = &object["metadata"];
    involved["kind"] == object["kind"]
        && involved["name"] == metadata["name"]
        && involved["namespace"] == metadata["namespace"]
        && (involved["uid"].is_null() || involved["uid"] == metadata["uid"])
}

/// When it was seen last, in whichever of the two forms of events.
fn time(event: &Value) -> &str {
    let times = [
        &event["series"]["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["firstTimestamp"],
    ];
    times.into_iter().find_map(Value::as_str).unwrap_or_default()
}

/// Clouds answer with pages of text, and a terminal obeys what it is sent.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.chars().filter(|c| !c.is_control()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service() -> Value {
        json!({"kind": "Service", "metadata": {"name": "a", "namespace": "web", "uid": "1"}})
    }

    fn event(change: &Value) -> Value {
        let mut event = json!({"type": "Normal", "reason": "EnsuringLoadBalancer", "message": "Ensuring load balancer",
            "lastTimestamp": "2026-01-01T00:00:10Z", "count": 3,
            "involvedObject": {"kind": "Service", "name": "a", "namespace": "web", "uid": "1"}});
        json_patch::merge(&mut event, change);
        event
    }

    fn found(events: &[Value]) -> Option<String> {
        let now = seconds("2026-01-01T00:01:00Z").unwrap();
        last_event(&service(), events).map(|event| event.sentence(now))
    }

    #[test]
    fn the_last_warning_counts_more_than_what_is_later() {
        let failed = |message: &str, time: &str| {
            event(
                &json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": message, "lastTimestamp": time, "count": 1}),
            )
        };
        let events = [
            failed("quota", "2026-01-01T00:00:02Z"),
            failed("no subnet", "2026-01-01T00:00:05Z"),
            event(&json!({})),
        ];
        assert_eq!(found(&events).unwrap(), "SyncLoadBalancerFailed: no subnet (55s ago)");
        assert_eq!(
            found(&[event(&json!({}))]).unwrap(),
            "EnsuringLoadBalancer: Ensuring load balancer (3 times, last 50s ago)"
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn events_of_other_objects_are_not_ours() {
        for other in
            [json!({"name": "b"}), json!({"namespace": "other"}), json!({"uid": "0"}), json!({"kind": "Pod"})]
        {
            assert_eq!(found(&[event(&json!({"involvedObject": other}))]), None, "{other}");
        }
        assert!(found(&[event(&json!({"involvedObject": {"uid": null}}))]).is_some());
    }

    #[test]
    fn both_forms_of_events() {
        let series =
            event(&json!({"lastTimestamp": null, "count": null, "eventTime": "2026-01-01T00:00:00.000000Z",
            "series": {"count": 7, "lastObservedTime": "2026-01-01T00:00:58.500000Z"}}));
        assert_eq!(
            found(&[series]).unwrap(),
            "EnsuringLoadBalancer: Ensuring load balancer (7 times, last 2s ago)"
        );
        let single = event(
            &json!({"lastTimestamp": null, "count": null, "eventTime": "2026-01-01T00:00:00.000000Z", "series": null}),
        );
        assert_eq!(found(&[single]).unwrap(), "EnsuringLoadBalancer: Ensuring load balancer (60s ago)");
        let timeless = event(&json!({"lastTimestamp": null, "count": 0}));
        assert_eq!(found(&[timeless]).unwrap(), "EnsuringLoadBalancer: Ensuring load balancer");
    }

    #[test]
    fn messages_on_one_line() {
        assert_eq!(one_line("a\n\n  b\tc\u{1b}[31m d\r\n"), "a b c[31m d");
    }
}
