//! "Did you mean": suggests the known word that is nearest to a misspelled one.

/// The length in bytes of the longest word that is compared. A comparison takes time in proportion to the product of both
/// lengths.
const LONGEST: usize = 300;

/// The number of known words that are compared.
const MOST: usize = 10_000;

/// The work of all comparisons of one check: for each pair of words, the product of their lengths. It takes about a
/// tenth of a second. The first thousand unknown names of a spec get a suggestion among a hundred known ones, but no two
/// lists of thousands are compared with each other.
const MOST_WORK: usize = 20_000_000;

/// The similarity from which a word is near: 1 for equal words, 0 if each letter must change.
const NEAR: f64 = 0.6;

/// Suggestions for several words among the same known ones, in linear time: the last of very many words get none.
#[derive(Clone, Debug)]
pub struct Suggestions<'a> {
    known: Vec<&'a str>,
    left: usize,
}

impl<'a> Suggestions<'a> {
    /// Begins with the known words.
    pub fn among(known: impl IntoIterator<Item = &'a str>) -> Self {
        Self { known: known.into_iter().take(MOST).collect(), left: MOST_WORK }
    }

    /// Returns `, did you mean X?` for the end of a sentence, or an empty string.
    pub fn did_you_mean(&mut self, word: &str) -> String {
        let letters: usize = self.known.iter().map(|known| known.len()).sum();
        let Some(left) = self.left.checked_sub(letters.saturating_mul(word.len())) else {
            return String::new();
        };
        self.left = left;
        did_you_mean(word, self.known.iter().copied())
    }
}

/// Returns the nearest of the known words, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let known: Vec<&str> = known.into_iter().filter(|known| known.len() <= LONGEST).take(MOST).collect();
    let same = known.iter().find(|k| k.eq_ignore_ascii_case(word));
    // The first of equally near ones.
    let similar =
        known.iter().rev().map(|known| (similarity(word, known), *known)).filter(|(score, _)| *score >= NEAR);
    same.copied().or_else(|| similar.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, near)| near))
}

/// Compares by the letters to insert, delete, replace or swap. Both words are short.
fn similarity(word: &str, known: &str) -> f64 {
    let lengths = [word, known].map(|word| u32::try_from(word.chars().count()).unwrap_or(u32::MAX));
    let longest = f64::from(lengths[0].max(lengths[1]));
    // The difference of the lengths is the least distance.
    let least = f64::from(lengths[0].abs_diff(lengths[1]));
    if longest == 0.0 || 1.0 - least / longest < NEAR {
        return 0.0;
    }
    let distance = u32::try_from(strsim::osa_distance(word, known)).unwrap_or(u32::MAX);
    1.0 - f64::from(distance) / longest
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

    #[test]
    fn many_words_are_not_all_compared_with_many_others() {
        let known: Vec<String> = (0..10_000).map(|number| format!("service-{number}")).collect();
        let mut suggestions = Suggestions::among(known.iter().map(String::as_str));
        let found = (0..100).filter(|_| !suggestions.did_you_mean("servic-7").is_empty()).count();
        assert_eq!(found, 21);
        assert_eq!(Suggestions::among(["replicas"]).did_you_mean("replica"), ", did you mean `replicas`?");
    }
}
