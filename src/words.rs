//! Words as people look them up: folded, and found by how they begin.

use unicode_normalization::UnicodeNormalization;

/// Lower case, without accents or punctuation: how texts are compared and looked up.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|letter| !is_latin_mark(*letter));
    let folded: String = plain
        .flat_map(char::to_lowercase)
        .map(|letter| if letter.is_alphanumeric() || is_word_mark(letter) { letter } else { ' ' })
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The accents of Latin letters, which people leave out when they search.
const fn is_latin_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Vowel signs of other scripts, which are part of the word.
fn is_word_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter) && !is_latin_mark(letter)
}

/// Where the words that begin with `prefix` end: a prefix is a range, which stays an index scan
/// behind row-level security where LIKE does not.
#[must_use]
pub fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// A text from each of its words on, so that it is found by any of them and by several in a row.
#[must_use]
pub fn beginnings(folded: &str) -> Vec<&str> {
    let starts = folded.char_indices().filter(|(at, _)| *at == 0 || folded[..*at].ends_with(' '));
    starts.map(|(at, _)| &folded[at..]).filter(|rest| !rest.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{beginnings, fold};

    #[test]
    fn a_name_is_found_from_each_of_its_words_on() {
        assert_eq!(beginnings(&fold("Priya  Sharma-Rao")), ["priya sharma rao", "sharma rao", "rao"]);
        assert!(beginnings("").is_empty());
    }
}
