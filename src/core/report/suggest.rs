//! "Did you mean": the known word that a misspelt one most likely stands for.

/// The nearest of the known words, if any is near enough to be worth saying.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let same = known.iter().find(|k| k.eq_ignore_ascii_case(word));
    same.copied().or_else(|| similar::get_close_matches(word, &known, 1, 0.6).first().copied())
}

/// `, did you mean X?` or nothing, to put behind a sentence.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far() {
        assert_eq!(nearest("replica", ["replicas", "selector"]), Some("replicas"));
        assert_eq!(nearest("nodeport", ["nodePort"]), Some("nodePort"));
        assert_eq!(did_you_mean("xyz", ["replicas"]), "");
    }
}
