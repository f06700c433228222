//! "Did you mean": suggests the known word that is nearest to a misspelled one.

/// The length in bytes of the longest word that is compared. A comparison takes time in proportion to the product of both
/// lengths.
const LONGEST: usize = 300;

/// The number of known words that are compared.
const MOST: usize = 10_000;

/// Returns the nearest of the known words, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let known: Vec<&str> = known.into_iter().filter(|known| known.len() <= LONGEST).take(MOST).collect();
    let same = known.iter().find(|k| k.eq_ignore_ascii_case(word));
    same.copied().or_else(|| similar::get_close_matches(word, &known, 1, 0.6).first().copied())
}

/// Returns `, did you mean X?` for the end of a sentence, or an empty string.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_distant_ones_are_not() {
        assert_eq!(nearest("replica", ["replicas", "selector"]), Some("replicas"));
        assert_eq!(nearest("nodeport", ["nodePort"]), Some("nodePort"));
        assert_eq!(did_you_mean("xyz", ["replicas"]), "");
        assert_eq!(nearest(&"x".repeat(1 << 20), ["replicas"]), None);
        assert_eq!(nearest("replica", [&"x".repeat(1 << 20), "replicas"]), Some("replicas"));
    }
}
