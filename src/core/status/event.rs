//! The events of an object.

use serde_json::Value;

use crate::core::live::LiveObject;
use crate::core::status::age::{age, seconds};

/// An event of a controller, with the number of occurrences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whether it is of type Warning.
    pub is_warning: bool,
    /// The reason, such as `SyncLoadBalancerFailed`.
    pub reason: String,
    /// The message, on one line.
    pub message: String,
    /// The number of occurrences.
    pub count: u64,
    /// The timestamp of the last occurrence.
    pub last: String,
}

impl Event {
    /// Formats the event as a sentence; `now` is in seconds since 1970.
    pub fn sentence(&self, now: i64) -> String {
        let ago = seconds(&self.last).map(|last| format!("{} ago", age(last, now)));
        let times = (self.count > 1).then(|| format!("{} times", self.count));
        let when: Vec<String> = times.into_iter().chain(ago).collect();
        let when = if when.is_empty() { String::new() } else { format!(" ({})", when.join(", last ")) };
        format!("{}: {}{when}", self.reason, self.message)
    }
}

/// Returns the last warning about an object, or the last event if there are only normal ones. A controller that retries first
/// reports the attempt, and then why it failed.
pub fn last_event(object: &LiveObject, events: &[&LiveObject]) -> Option<Event> {
    let last = events
        .iter()
        .filter(|event| is_about(event.field("involvedObject"), object))
        .map(|event| event.value())
        .max_by_key(|event| (event["type"] == "Warning", seconds(time(event))))?;
    Some(of_value(last))
}

/// Returns the last warning about an object, unless a controller has reported a success after it.
pub fn unresolved_warning(object: &LiveObject, events: &[&LiveObject]) -> Option<Event> {
    let about = events.iter().filter(|event| is_about(event.field("involvedObject"), object));
    let about: Vec<&Value> = about.map(|event| event.value()).collect();
    let last = |is: &dyn Fn(&Value) -> bool| {
        about.iter().copied().filter(|event| is(event)).max_by_key(|event| seconds(time(event)))
    };
    // A controller reports each attempt before it knows the result, such as `EnsuringLoadBalancer`.
    let is_attempt = |event: &Value| {
        let reason = event["reason"].as_str().unwrap_or_default();
        ["Ensuring", "Updating", "Deleting"].iter().any(|word| reason.starts_with(word))
    };
    let warning = last(&|event| event["type"] == "Warning")?;
    let success = last(&|event| event["type"] != "Warning" && !is_attempt(event));
    let is_resolved = success.is_some_and(|success| seconds(time(success)) > seconds(time(warning)));
    (!is_resolved).then(|| of_value(warning))
}

fn of_value(last: &Value) -> Event {
    let text = |field: &str| one_line(last[field].as_str().unwrap_or_default());
    let count = last["series"]["count"].as_u64().or_else(|| last["count"].as_u64());
    Event {
        is_warning: last["type"] == "Warning",
        reason: text("reason"),
        message: text("message"),
        // In the newer events API, an event that occurred once has no count.
        count: count.filter(|count| *count > 0).unwrap_or(1),
        last: time(last).to_owned(),
    }
}

/// Whether an event is about this object, and not about an earlier one with the same name.
fn is_about(involved: &Value, object: &LiveObject) -> bool {
    involved["kind"] == object.kind()
        && involved["name"] == object.name()
        && involved["namespace"].as_str().unwrap_or_default() == object.namespace()
        && (involved["uid"].is_null() || involved["uid"].as_str() == object.uid())
}

/// Returns the time of the last occurrence, in either form of events.
fn time(event: &Value) -> &str {
    let times = [
        &event["series"]["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["firstTimestamp"],
    ];
    times.into_iter().find_map(Value::as_str).unwrap_or_default()
}

/// Puts text on one line without control characters: clouds return long texts, and terminals interpret escape sequences.
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

    #[test]
    fn a_warning_counts_until_a_success() {
        let service =
            LiveObject::sample(&json!({"kind": "Service", "metadata": {"name": "a", "namespace": "web"}}));
        let event = |kind: &str, reason: &str, second: u32| {
            LiveObject::sample(
                &json!({"type": kind, "reason": reason, "message": "m", "lastTimestamp": format!("2026-01-01T00:00:{second:02}Z"),
                "involvedObject": {"kind": "Service", "name": "a", "namespace": "web"}}),
            )
        };
        let failed = event("Warning", "SyncLoadBalancerFailed", 10);
        let again = event("Normal", "EnsuringLoadBalancer", 11);
        let done = event("Normal", "EnsuredLoadBalancer", 12);
        let early = event("Normal", "EnsuredLoadBalancer", 9);
        for (events, expected) in [
            (vec![&failed, &again, &early], true),
            (vec![&failed, &again, &done], false),
            (vec![&again, &done], false),
            (vec![], false),
        ] {
            assert_eq!(unresolved_warning(&service, &events).is_some(), expected, "{events:?}");
        }
    }

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
        let events: Vec<_> = events.iter().map(LiveObject::sample).collect();
        let events: Vec<_> = events.iter().collect();
        last_event(&LiveObject::sample(&service()), &events).map(|event| event.sentence(now))
    }

    #[test]
    fn the_last_warning_comes_before_later_normal_events() {
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
    fn events_of_other_objects_are_ignored() {
        for other in
            [json!({"name": "b"}), json!({"namespace": "other"}), json!({"uid": "0"}), json!({"kind": "Pod"})]
        {
            assert_eq!(found(&[event(&json!({"involvedObject": other}))]), None, "{other}");
        }
        assert!(found(&[event(&json!({"involvedObject": {"uid": null}}))]).is_some());
    }

    #[test]
    fn both_forms_of_events_are_read() {
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
    fn messages_are_put_on_one_line() {
        assert_eq!(one_line("a\n\n  b\tc\u{1b}[31m d\r\n"), "a b c[31m d");
    }
}
