//! Styles, colours and number formats by locale and currency.

use std::collections::BTreeMap;

use super::source::{StyleDef, StyleFile};
use crate::sheet::workbook::{Align, Border, Color, Format, NumberKind};

/// How numbers are spelled in a locale with a currency.
#[derive(Debug, Clone)]
pub(super) struct Spelling {
    /// Thousands separator in texts that formulas build.
    pub(super) thousands: &'static str,
    /// Decimal separator in such texts.
    pub(super) decimal: &'static str,
    /// Percent sign with its space.
    pub(super) percent: &'static str,
    /// Before an amount.
    pub(super) prefix: String,
    /// After an amount.
    pub(super) suffix: String,
    /// The currency's sign or code alone.
    pub(super) sign: String,
    million: &'static str,
    russian: bool,
}

/// Whether texts are Russian.
pub(super) fn is_russian(locale: &str) -> bool {
    locale.to_ascii_lowercase().starts_with("ru")
}

/// The sign of a currency by its ISO 4217 code; the code itself where it has none that people know.
pub fn currency_sign(code: &str) -> &str {
    match code {
        "RUB" | "RUR" => "₽",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "UAH" => "₴",
        "KZT" => "₸",
        "BRL" => "R$",
        "BYN" => "Br",
        code => code,
    }
}

impl Spelling {
    /// Of a locale and an ISO 4217 code.
    pub(super) fn new(locale: &str, currency: &str) -> Spelling {
        let russian = is_russian(locale);
        let sign = currency_sign(currency).to_owned();
        let leads = !russian && matches!(currency, "USD" | "EUR" | "GBP" | "BRL");
        let (prefix, suffix) = if leads {
            (sign.clone(), String::new())
        } else {
            (String::new(), format!("\u{a0}{sign}"))
        };
        Spelling {
            thousands: if russian { "\u{a0}" } else { "," },
            decimal: if russian { "," } else { "." },
            percent: if russian { "\u{a0}%" } else { "%" },
            prefix,
            suffix,
            sign,
            million: if russian { "\u{a0}млн" } else { "M" },
            russian,
        }
    }

    fn amount(&self, digits: &str, scale: &str) -> String {
        let quoted = |text: &str| match text {
            "" => String::new(),
            text => format!("\"{text}\""),
        };
        let tail = format!("{scale}{}", self.suffix);
        format!("{}{digits}{}", quoted(&self.prefix), quoted(&tail))
    }

    /// A named number format: kind and pattern.
    pub(super) fn number(&self, name: &str) -> Option<(NumberKind, String)> {
        let money = self.amount("#,##0", "");
        let percent = if self.russian { "0\u{a0}%" } else { "0%" };
        let (kind, pattern) = match name {
            "count" => (NumberKind::Number, "#,##0".to_owned()),
            "signed" => (NumberKind::Number, "#,##0;\"\u{2212}\"#,##0;0".to_owned()),
            "exact" => (NumberKind::Number, "#,##0.00".to_owned()),
            "year" => (NumberKind::Number, "0".to_owned()),
            "decimal" => (NumberKind::Number, "0.0##".to_owned()),
            "one_decimal" => (NumberKind::Number, "#,##0.0".to_owned()),
            "delta" => (NumberKind::Number, "+#,##0;\"\u{2212}\"#,##0;0".to_owned()),
            "money" => (NumberKind::Currency, money),
            "money_card" => (
                NumberKind::Currency,
                format!(
                    "[>=100000000]{};{money}",
                    self.amount("#,##0.0,,", self.million)
                ),
            ),
            "money_axis" => (
                NumberKind::Number,
                format!("[>=1000000]0.0,,\"{}\";#,##0", self.million),
            ),
            // Of what may be below zero: the sign is said, because programs differ on whether a section
            // without a condition of its own shows it.
            "signed_axis" => (
                NumberKind::Number,
                format!(
                    "[>=1000000]0.0,,\"{}\";[<0]\"\u{2212}\"#,##0;#,##0",
                    self.million
                ),
            ),
            "percent" => (NumberKind::Percent, percent.to_owned()),
            "percent_tenths" => (NumberKind::Percent, percent.replacen('0', "0.0", 1)),
            "percent_delta" => (
                NumberKind::Percent,
                format!("+{percent};\"\u{2212}\"{percent};{percent}"),
            ),
            "date" => (
                NumberKind::Date,
                if self.russian {
                    "dd.mm.yyyy"
                } else {
                    "yyyy-mm-dd"
                }
                .to_owned(),
            ),
            "datetime" => (
                NumberKind::DateTime,
                if self.russian {
                    "dd.mm.yyyy hh:mm"
                } else {
                    "yyyy-mm-dd hh:mm"
                }
                .to_owned(),
            ),
            "text" => (NumberKind::Text, "@".to_owned()),
            _ => return None,
        };
        Some((kind, pattern))
    }
}

/// The style sheet, ready to compose formats.
#[derive(Debug)]
pub(super) struct Styles {
    font: String,
    colors: BTreeMap<String, Color>,
    styles: BTreeMap<String, StyleDef>,
    spelling: Spelling,
}

impl Styles {
    /// From `style.toml`.
    pub(super) fn new(file: &StyleFile, spelling: Spelling) -> Result<Styles, String> {
        let mut colors = BTreeMap::new();
        for (name, code) in &file.colors {
            let color =
                parse_color(code).ok_or_else(|| format!("`{code}` is no #rrggbb colour"))?;
            colors.insert(name.clone(), color);
        }
        Ok(Styles {
            font: file.font.clone(),
            colors,
            styles: file.styles.clone(),
            spelling,
        })
    }

    /// A colour by name.
    pub(super) fn color(&self, name: &str) -> Result<Color, String> {
        let color = self.colors.get(name).copied();
        color.ok_or_else(|| format!("no colour `{name}` in style.toml"))
    }

    /// A number pattern by name; empty for an empty name.
    pub(super) fn pattern(&self, name: &str) -> Result<String, String> {
        if name.is_empty() {
            return Ok(String::new());
        }
        let number = self.spelling.number(name);
        number
            .map(|(_, pattern)| pattern)
            .ok_or_else(|| format!("no number format `{name}`"))
    }

    /// The format of a cell with these styles, on top of `base`.
    pub(super) fn over(&self, base: &Format, names: &str) -> Result<Format, String> {
        let mut format = base.clone();
        if format.font.is_none() {
            format.font = Some(self.font.clone());
        }
        for name in names.split_whitespace() {
            self.apply(&mut format, name)?;
        }
        Ok(format)
    }

    /// A conditional format: colours, bold and italic only.
    pub(super) fn conditional(&self, names: &str) -> Result<Format, String> {
        let full = self.over(&Format::default(), names)?;
        Ok(Format {
            background: full.background,
            color: full.color,
            bold: full.bold,
            italic: full.italic,
            ..Format::default()
        })
    }

    fn apply(&self, format: &mut Format, name: &str) -> Result<(), String> {
        let style = self
            .styles
            .get(name)
            .ok_or_else(|| format!("no style `{name}` in style.toml"))?;
        if let Some(color) = &style.color {
            format.color = Some(self.color(color)?);
        }
        if let Some(color) = &style.background {
            format.background = Some(self.color(color)?);
        }
        if let Some(number) = &style.number {
            let known = self.spelling.number(number);
            format.number = Some(known.ok_or_else(|| format!("no number format `{number}`"))?);
        }
        if let Some(align) = &style.align {
            format.align = Some(match align.as_str() {
                "left" => Align::Left,
                "center" => Align::Center,
                "right" => Align::Right,
                other => return Err(format!("`{other}` is no alignment")),
            });
        }
        format.size = style.size.or(format.size);
        format.bold = style.bold.unwrap_or(format.bold);
        format.italic = style.italic.unwrap_or(format.italic);
        format.middle = style.middle.unwrap_or(format.middle);
        format.wrap = style.wrap.unwrap_or(format.wrap);
        format.indent = style.indent.or(format.indent);
        for border in &style.border {
            self.border(format, border)?;
        }
        Ok(())
    }

    fn border(&self, format: &mut Format, text: &str) -> Result<(), String> {
        let mut color = None;
        let mut width = 1;
        let mut sides = Vec::new();
        for word in text.split_whitespace() {
            match word {
                "top" => sides.push(0),
                "right" => sides.push(1),
                "bottom" => sides.push(2),
                "left" => sides.push(3),
                "1" | "2" | "3" => width = word.parse().unwrap_or(1),
                name => color = Some(self.color(name)?),
            }
        }
        let color = color.ok_or_else(|| format!("the border `{text}` names no colour"))?;
        for side in sides {
            if let Some(slot) = format.borders.get_mut(side) {
                *slot = Some(Border { color, width });
            }
        }
        Ok(())
    }
}

fn parse_color(code: &str) -> Option<Color> {
    let digits = code.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some(Color(part(0)?, part(2)?, part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_follow_locale_and_currency() {
        let ru = Spelling::new("ru_RU", "RUB");
        let en = Spelling::new("en_US", "USD");
        let kz = Spelling::new("en_GB", "KZT");
        for (spelling, name, expected) in [
            (&ru, "money", "#,##0\"\u{a0}₽\""),
            (&en, "money", "\"$\"#,##0"),
            (&kz, "money", "#,##0\"\u{a0}₸\""),
            (&ru, "percent", "0\u{a0}%"),
            (&en, "percent_tenths", "0.0%"),
            (&ru, "money_axis", "[>=1000000]0.0,,\"\u{a0}млн\";#,##0"),
            (
                &en,
                "signed_axis",
                "[>=1000000]0.0,,\"M\";[<0]\"−\"#,##0;#,##0",
            ),
            (
                &en,
                "money_card",
                "[>=100000000]\"$\"#,##0.0,,\"M\";\"$\"#,##0",
            ),
            (&ru, "delta", "+#,##0;\"−\"#,##0;0"),
        ] {
            assert_eq!(spelling.number(name).unwrap().1, expected);
        }
        assert!(ru.number("none").is_none());
        assert_eq!(parse_color("#2f6fde"), Some(Color(0x2f, 0x6f, 0xde)));
        assert_eq!(parse_color("2f6fde"), None);
    }
}
