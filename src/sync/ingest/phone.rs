//! Phone numbers as marks: equal numbers are seen to be equal, and nothing else is kept of them.
//!
//! How many different people an employee has called (R69) needs to tell numbers apart, not to know
//! them. A number's digits are hashed with a secret of the company (HMAC-SHA-256, the first 16 of
//! its 32 bytes). Numbers are few enough to be tried out one by one by whoever has the key, so the
//! key belongs to the store and is as private as the store is.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::domain::crm::PhoneMark;

/// Digits below which a text is no number of a person: extensions, short codes.
const DIGITS_MIN: usize = 5;
/// National digits that tell numbers apart whatever stands before them: `+7`, `8` or nothing.
const DIGITS_COMPARED: usize = 10;

/// A company's secret for marks.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneKey([u8; 32]);

impl PhoneKey {
    /// From its bytes.
    pub fn of(bytes: [u8; 32]) -> PhoneKey {
        PhoneKey(bytes)
    }

    /// From what [`PhoneKey::text`] gave; none when it is something else.
    pub fn parse(text: &str) -> Option<PhoneKey> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(PhoneKey(bytes))
    }

    /// As text, for the store alone.
    pub fn text(&self) -> String {
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The mark of a number, however it is written; none for what is no number of a person.
    pub(super) fn mark(&self, number: &str) -> Option<PhoneMark> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if digits.len() < DIGITS_MIN {
            return None;
        }
        let from = digits.len().saturating_sub(DIGITS_COMPARED);
        // Any length of key is good for this hash, so this never fails.
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        hash.update(digits.get(from..)?.as_bytes());
        let full = hash.finalize().into_bytes();
        let mut mark = [0; 16];
        mark.copy_from_slice(full.get(..16)?);
        Some(PhoneMark(mark))
    }
}

impl fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_number_are_one_mark_and_other_numbers_another() {
        let key = PhoneKey::of([1; 32]);
        let mark = key.mark("+7 (906) 123-45-67");
        assert!(mark.is_some());
        for same in [
            "89061234567",
            "9061234567",
            "7 906 123 45 67",
            "tel:+79061234567",
        ] {
            assert_eq!(key.mark(same), mark, "{same}");
        }
        for other in ["+79061234568", "+39061234566"] {
            assert_ne!(key.mark(other), mark, "{other}");
        }
        for none in ["", "anonymous", "112", "0000"] {
            assert_eq!(key.mark(none), None, "{none}");
        }
        assert_ne!(PhoneKey::of([2; 32]).mark("89061234567"), mark);
    }

    #[test]
    fn a_key_is_kept_as_text_and_never_shown() {
        let key = PhoneKey::of([0xAB; 32]);
        assert_eq!(PhoneKey::parse(&key.text()), Some(key.clone()));
        assert_eq!(PhoneKey::parse("ab"), None);
        assert_eq!(PhoneKey::parse(&"zz".repeat(32)), None);
        assert!(!format!("{key:?}").contains("ab"));
    }
}
