//! Which locales write a decimal comma.

/// Languages that write a decimal comma; their formulas separate arguments by `;`.
pub(super) const DECIMAL_COMMA: [&str; 34] = [
    "ru", "uk", "be", "kk", "bg", "sr", "mk", "sl", "hr", "cs", "sk", "pl", "de", "fr", "it", "es",
    "pt", "nl", "da", "nb", "no", "sv", "fi", "is", "et", "lv", "lt", "hu", "ro", "tr", "el", "az",
    "hy", "ka",
];

/// Their exceptions: decimal point all the same.
pub(super) const DECIMAL_POINT: [&str; 5] = ["de_CH", "es_MX", "es_US", "es_PR", "fr_CH"];

/// Whether a locale such as `ru_RU` writes a decimal comma.
pub(in crate::google) fn decimal_comma(locale: &str) -> bool {
    let language = locale.split(['_', '-']).next().unwrap_or_default();
    DECIMAL_COMMA.contains(&language) && !DECIMAL_POINT.contains(&locale)
}
