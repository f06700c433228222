//! The reviews of several apps in one text, which fits into a comment of GitHub.

use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::review::content::Review;
use crate::core::review::markdown::{failed_within, markdown_within};

/// A comment on GitHub holds 65,536 characters.
const MOST: usize = 65_000;

/// What an app without a diff needs: a heading and a few sentences.
const SHORT: usize = 600;

/// The size of [`left_out`], and of the empty lines between the apps.
const END: usize = 300;

/// The review of one app, or why it has none.
#[derive(Clone, Copy, Debug)]
pub enum Reviewed<'a> {
    /// It was rendered.
    Changes(&'a Review),
    /// It could not be rendered: its title and the problems.
    Failed(&'a str, &'a [Diagnostic]),
}

/// The place of an app in the text.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The size of the text before it, in bytes.
    pub used: usize,
    /// The number of apps after it.
    pub following: usize,
}

/// Returns the review of one of several apps, or `None` if there is no room for it. The apps after it keep room for their
/// headings, and share half of the rest.
pub fn share(reviewed: Reviewed<'_>, slot: Slot) -> Option<String> {
    let room = MOST.saturating_sub(END + slot.used);
    let free = room.saturating_sub(SHORT * (slot.following + 1));
    let most = SHORT + if slot.following == 0 { free } else { free / 2 };
    let text = match reviewed {
        Reviewed::Changes(review) => markdown_within(review, most),
        Reviewed::Failed(title, problems) => failed_within(title, problems, most),
    };
    (text.len() <= room).then_some(text)
}

/// Returns the sentence at the end of a text without the last apps.
pub fn left_out(apps: usize) -> String {
    format!(
        "{} left out, because the text would be too long for a comment. `kubectl largescale diff` shows all.\n",
        match apps {
            1 => "1 more app is".to_owned(),
            apps => format!("{} are", plural(apps, "more app")),
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::review::content::Item;

    /// Returns the text of all apps, and the number of those that are left out.
    fn all(apps: usize, of: impl Fn(usize) -> Reviewed<'static>) -> (String, usize) {
        let mut text = String::new();
        for index in 0..apps {
            let slot = Slot { used: text.len(), following: apps - 1 - index };
            let Some(one) = share(of(index), slot) else {
                text.push_str(&left_out(apps - index));
                return (text, apps - index);
            };
            text.push_str(&one);
            text.push('\n');
        }
        (text, 0)
    }

    fn review(objects: usize, bytes: usize) -> Reviewed<'static> {
        let item = |number: usize| Item {
            object: format!("service/{number}"),
            action: "changed",
            pool: Some(format!("p{number}")),
            diff: format!("+{number}{}\n", "x".repeat(bytes)),
            address_risk: None,
            address: String::new(),
        };
        let items = (0..objects).map(item).collect();
        let warnings = vec!["a warning".repeat(20); objects / 10];
        let review = Review { title: "web".to_owned(), items, warnings, ..Review::default() };
        Reviewed::Changes(Box::leak(Box::new(review)))
    }

    #[test]
    fn the_text_of_any_number_of_apps_fits_into_a_comment() {
        let (small, large) = (review(0, 0), review(1000, 1000));
        let problem = Diagnostic::error("x".repeat(3000));
        let problems: &[Diagnostic] = Box::leak(vec![problem; 100].into());
        for (apps, expected) in [(1, 0), (2, 0), (20, 0), (400, 0), (5000, 3000)] {
            let (text, left_out) = all(apps, |_| small);
            assert!(text.len() < 65_536, "{}", text.len());
            assert!(left_out >= expected && (expected > 0 || left_out == 0), "{apps}: {left_out}");
        }
        for apps in [2, 10, 20, 50, 400, 5000] {
            for of in [large, Reviewed::Failed("web", problems), review(60, 0)] {
                let (text, left_out) = all(apps, |_| of);
                assert!(text.len() < 65_536, "{}", text.len());
                assert_eq!(text.matches("### web").count() + left_out, apps);
                // A single problem may be longer than the room that the last of ten has.
                assert!(apps > 10 || left_out <= apps / 10, "{apps} apps: {left_out} are left out");
            }
        }
        let (text, _) = all(5000, |_| small);
        let end = text.lines().last().unwrap();
        assert!(end.ends_with("more apps are left out, because the text would be too long for a comment. `kubectl largescale diff` shows all."), "{end}");
        assert!(left_out(1).starts_with("1 more app is left out"));
    }

    #[test]
    fn an_app_with_changes_among_others_keeps_its_diffs() {
        let (small, one) = (review(0, 0), review(3, 1000));
        for position in [0, 10, 19] {
            let (text, _) = all(20, |index| if index == position { one } else { small });
            assert_eq!(text.matches("<details>").count(), 3, "{position}");
        }
    }
}
