//! Whose number wins in one plan cell: base × seen × generated → what is to become of it.
//!
//! | sheet now, against what the daemon last wrote | result |
//! |---|---|
//! | the same | the daemon's cell: a new generated value replaces it |
//! | another valid number | the person's: adopted, locked, never overwritten |
//! | emptied | handed back: the generated value returns |
//! | not a number, negative, an error | left as typed; the last good value is in force |
//! | not in the sheet | nothing is written; the value in force is kept |
//!
//! First meeting without a base: equal → the daemon's; blank → the generated value; else the
//! person's. What the daemon set out to write before it died counts as its own ([`BaseCell`]'s
//! `pending`), so a crash between publishing and confirming is not mistaken for a person's edit.
//! A person's cell that has something pending is being restored: until the sheet shows that number,
//! or something that is neither it nor the base, it is still to be written.
//!
//! Reading ([`read`]) and settling ([`settle`]) are apart, because what is generated for a free
//! cell may depend on which cells of its row are locked.

use rust_decimal::{Decimal, RoundingStrategy};

use super::spelling::read_number;
use super::{BaseCell, CellProblem, Merged, Owner, Seen};

/// Significant digits in which two numbers are compared: a spreadsheet keeps binary doubles and
/// shows 15 digits, so a difference beyond them is not an edit.
const DIGITS_COMPARED: u32 = 15;
/// The largest number that a cell may hold: ten trillion, so that kopecks stay exact in a double.
const LARGEST: Decimal = Decimal::from_parts(1_316_134_912, 2328, 0, false, 0);

/// Which numbers make sense in a cell, with the stable code of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Zero or more.
    NotNegative,
    /// Above zero.
    Positive(&'static str),
    /// Above zero, up to one.
    Share(&'static str),
    /// From −100 % (not included) to +100 %; the one target that may be negative.
    Growth(&'static str),
    /// From zero to twelve.
    Coefficient(&'static str),
    /// A whole number from one up to this.
    Choice(&'static str, u32),
    /// Any number, below zero too: a planned profit may be a loss.
    Signed,
}

impl Range {
    /// Whether a number makes sense.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(self, number: Decimal) -> Result<(), CellProblem> {
        let may_be_negative = matches!(self, Range::Growth(_) | Range::Signed);
        if number.is_sign_negative() && !number.is_zero() && !may_be_negative {
            return Err(CellProblem::Negative);
        }
        if number.abs() > LARGEST {
            return Err(CellProblem::OutOfRange("too_large".to_owned()));
        }
        let (holds, code) = match self {
            Range::NotNegative | Range::Signed => (true, ""),
            Range::Choice(code, last) => (
                number.fract().is_zero() && number >= Decimal::ONE && number <= last.into(),
                code,
            ),
            Range::Positive(code) => (number > Decimal::ZERO, code),
            Range::Share(code) => (number > Decimal::ZERO && number <= Decimal::ONE, code),
            Range::Growth(code) => (number > -Decimal::ONE && number <= Decimal::ONE, code),
            Range::Coefficient(code) => (number <= Decimal::from(12), code),
        };
        if holds {
            Ok(())
        } else {
            Err(CellProblem::OutOfRange(code.to_owned()))
        }
    }
}

/// What a cell says, read against what the store remembers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// The daemon's, or blank: may be replaced. Holds what it shows.
    Free(Option<Decimal>),
    /// The person's number.
    Typed(Decimal),
    /// The person's number, which the sheet does not show yet: it was asked for, and the program
    /// died before it was written. Holds what the sheet shows, and the number.
    Restored(Option<Decimal>, Decimal),
    /// Cannot be used as typed. Holds the owner and the last good value, if there is a base.
    Broken(CellProblem, Option<(Owner, Option<Decimal>)>),
    /// Not in the sheet. Holds the owner and the value in force, if there is a base.
    Absent(Option<(Owner, Option<Decimal>)>),
    /// Not in the sheet, and its row is about to be put there (again). Holds the same.
    Inserted(Option<(Owner, Option<Decimal>)>),
}

impl Reading {
    /// The number at which the cell is fixed, whatever is generated; the outer `None` when it is
    /// free.
    pub(super) fn fixed(&self) -> Option<Option<Decimal>> {
        match self {
            Reading::Typed(value) | Reading::Restored(_, value) => Some(Some(*value)),
            Reading::Broken(_, Some((_, value))) => Some(*value),
            Reading::Absent(Some((Owner::Person, value)))
            | Reading::Inserted(Some((Owner::Person, value))) => Some(*value),
            Reading::Free(_)
            | Reading::Broken(_, None)
            | Reading::Absent(_)
            | Reading::Inserted(_) => None,
        }
    }
}

/// Reads one cell. `adopt` is the number that makes a first meeting the daemon's own.
pub(super) fn read(
    base: Option<&BaseCell>,
    seen: Option<&Seen>,
    adopt: Option<Decimal>,
    range: Range,
) -> Reading {
    let remembered = base.map(|base| (base.owner, base.value));
    let Some(seen) = seen else {
        return Reading::Absent(remembered);
    };
    let shown = match number_of(seen) {
        Ok(shown) => shown,
        Err(problem) => return Reading::Broken(problem, remembered),
    };
    if let Some(BaseCell {
        owner: Owner::Person,
        base: before,
        pending: Some(Some(wanted)),
        ..
    }) = base
        && same(shown, *before)
        && !same(shown, Some(*wanted))
    {
        return Reading::Restored(shown, *wanted);
    }
    // What the daemon may find there as its own; kept exact where a double shows it shortened.
    let candidates = match base {
        None => [Some(adopt), None],
        Some(base) => [
            (base.owner == Owner::Daemon).then_some(base.base),
            // A person's number that is put back is still his.
            base.pending.filter(|_| base.owner == Owner::Daemon),
        ],
    };
    let own = candidates
        .into_iter()
        .flatten()
        .find(|own| same(shown, *own));
    match (shown, own) {
        (None, _) => Reading::Free(None),
        (Some(_), Some(own)) => Reading::Free(own),
        (Some(number), None) => match range.check(number) {
            Ok(()) => Reading::Typed(number),
            Err(problem) => Reading::Broken(problem, remembered),
        },
    }
}

/// Settles one cell with the number that is generated for it.
pub(super) fn settle(reading: Reading, generated: Option<Decimal>) -> Merged {
    match reading {
        Reading::Free(shown) => Merged {
            owner: Owner::Daemon,
            value: generated,
            write: (!same(shown, generated)).then_some(generated),
            problem: None,
            shown: Some(shown),
        },
        Reading::Typed(number) => Merged {
            owner: Owner::Person,
            value: Some(number),
            write: None,
            problem: None,
            shown: Some(Some(number)),
        },
        Reading::Restored(shown, number) => Merged {
            owner: Owner::Person,
            value: Some(number),
            write: Some(Some(number)),
            problem: None,
            shown: Some(shown),
        },
        Reading::Broken(problem, remembered) => {
            let (owner, value) = remembered.unwrap_or((Owner::Daemon, generated));
            Merged {
                owner,
                value,
                write: None,
                problem: Some(problem),
                shown: None,
            }
        }
        Reading::Absent(Some((Owner::Person, value))) => Merged {
            owner: Owner::Person,
            value,
            write: None,
            problem: None,
            shown: None,
        },
        Reading::Inserted(remembered) => {
            let (owner, value) = match remembered {
                Some((Owner::Person, value)) => (Owner::Person, value),
                _ => (Owner::Daemon, generated),
            };
            Merged {
                owner,
                value,
                write: value.is_some().then_some(value),
                problem: None,
                shown: Some(None),
            }
        }
        Reading::Absent(_) => Merged {
            owner: Owner::Daemon,
            value: generated,
            write: None,
            problem: None,
            shown: None,
        },
    }
}

/// What is to become of one cell: the table at the head of this file.
pub fn merge(
    base: Option<&BaseCell>,
    seen: Option<&Seen>,
    generated: Option<Decimal>,
    range: Range,
) -> Merged {
    settle(read(base, seen, generated, range), generated)
}

/// What a cell shows as a number; `Ok(None)` when it is blank.
pub(super) fn number_of(seen: &Seen) -> Result<Option<Decimal>, CellProblem> {
    match seen {
        Seen::Blank => Ok(None),
        Seen::Number(number) => Ok(Some(*number)),
        Seen::Text(text) => read_number(text),
        Seen::Bool(truth) => Err(CellProblem::NotANumber(
            if *truth { "TRUE" } else { "FALSE" }.to_owned(),
        )),
        Seen::Error(error) => Err(CellProblem::FormulaError(error.clone())),
    }
}

/// Whether two cell values are the same number to a spreadsheet, or both blank.
pub(super) fn same(one: Option<Decimal>, other: Option<Decimal>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one == other || shortened(one) == shortened(other),
        _ => false,
    }
}

/// A number to the digits in which a spreadsheet shows it.
pub(super) fn shortened(number: Decimal) -> Option<Decimal> {
    number
        .round_sf_with_strategy(DIGITS_COMPARED, RoundingStrategy::MidpointNearestEven)
        .map(|number| number.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn cell(owner: Owner, base: Option<i64>, value: Option<i64>) -> Option<BaseCell> {
        Some(BaseCell {
            owner,
            base: base.map(Decimal::from),
            value: value.map(Decimal::from),
            pending: None,
        })
    }

    fn ours(base: i64) -> Option<BaseCell> {
        cell(Owner::Daemon, Some(base), Some(base))
    }

    fn theirs(base: i64) -> Option<BaseCell> {
        cell(Owner::Person, Some(base), Some(base))
    }

    fn pending(base: Option<i64>, pending: Option<i64>) -> Option<BaseCell> {
        let in_force = cell(Owner::Daemon, base, pending);
        in_force.map(|cell| BaseCell {
            pending: Some(pending.map(Decimal::from)),
            ..cell
        })
    }

    fn restoring(base: i64, wanted: i64) -> Option<BaseCell> {
        let in_force = cell(Owner::Person, Some(base), Some(wanted));
        in_force.map(|cell| BaseCell {
            pending: Some(Some(wanted.into())),
            ..cell
        })
    }

    fn shows(number: i64) -> Option<Seen> {
        Some(Seen::Number(number.into()))
    }

    fn text(text: &str) -> Option<Seen> {
        Some(Seen::Text(text.to_owned()))
    }

    /// `owner value [write] [problem]` in one line.
    fn told(merged: &Merged) -> String {
        let show = |value: Option<Decimal>| value.map_or("blank".to_owned(), |v| v.to_string());
        let owner = match merged.owner {
            Owner::Daemon => "ours",
            Owner::Person => "theirs",
        };
        let mut line = format!("{owner} {}", show(merged.value));
        if let Some(write) = merged.write {
            line += &format!(", write {}", show(write));
        }
        if let Some(problem) = &merged.problem {
            line += &format!(", {problem:?}");
        }
        line
    }

    #[test]
    fn the_case_table() {
        let blank = || Some(Seen::Blank);
        // base, seen, generated, outcome
        type Case = (Option<BaseCell>, Option<Seen>, Option<i64>, &'static str);
        let cases: Vec<Case> = vec![
            // the same: the daemon's
            (ours(5), shows(5), Some(5), "ours 5"),
            (ours(5), shows(5), Some(6), "ours 6, write 6"),
            (ours(5), shows(5), None, "ours blank, write blank"),
            (ours(5), text("5"), Some(5), "ours 5"),
            (
                cell(Owner::Daemon, None, None),
                blank(),
                Some(7),
                "ours 7, write 7",
            ),
            (cell(Owner::Daemon, None, None), blank(), None, "ours blank"),
            // another valid number: the person's, from now on
            (ours(5), shows(9), Some(5), "theirs 9"),
            (ours(5), shows(9), Some(9), "theirs 9"),
            (ours(5), text("1 200,50"), Some(5), "theirs 1200.5"),
            (ours(5), shows(0), Some(5), "theirs 0"),
            (theirs(9), shows(9), Some(5), "theirs 9"),
            (theirs(9), shows(5), Some(5), "theirs 5"),
            (cell(Owner::Daemon, None, None), shows(3), None, "theirs 3"),
            // emptied: handed back
            (ours(5), blank(), Some(5), "ours 5, write 5"),
            (theirs(9), blank(), Some(5), "ours 5, write 5"),
            (theirs(9), text("  "), Some(5), "ours 5, write 5"),
            (theirs(9), blank(), None, "ours blank"),
            // unreadable: left as typed, the last good value in force
            (
                ours(5),
                text("lots"),
                Some(6),
                "ours 5, NotANumber(\"lots\")",
            ),
            (
                theirs(9),
                text("1,200"),
                Some(6),
                "theirs 9, Ambiguous(\"1,200\")",
            ),
            (theirs(9), shows(-1), Some(6), "theirs 9, Negative"),
            (ours(5), text("-1"), Some(6), "ours 5, Negative"),
            (
                ours(5),
                Some(Seen::Bool(true)),
                Some(6),
                "ours 5, NotANumber(\"TRUE\")",
            ),
            (
                theirs(9),
                Some(Seen::Error("#REF!".to_owned())),
                Some(6),
                "theirs 9, FormulaError(\"#REF!\")",
            ),
            (
                ours(5),
                shows(10_000_000_000_001),
                Some(6),
                "ours 5, OutOfRange(\"too_large\")",
            ),
            (None, text("lots"), Some(6), "ours 6, NotANumber(\"lots\")"),
            // put right again: undone to the daemon's number, or to the person's
            (
                cell(Owner::Daemon, Some(5), Some(5)),
                shows(5),
                Some(6),
                "ours 6, write 6",
            ),
            (
                cell(Owner::Person, Some(9), Some(9)),
                shows(9),
                Some(6),
                "theirs 9",
            ),
            // first meeting
            (None, shows(5), Some(5), "ours 5"),
            (None, blank(), Some(5), "ours 5, write 5"),
            (None, blank(), None, "ours blank"),
            (None, shows(9), Some(5), "theirs 9"),
            (None, shows(9), None, "theirs 9"),
            // not in the sheet
            (None, None, Some(5), "ours 5"),
            (ours(5), None, Some(6), "ours 6"),
            (theirs(9), None, Some(6), "theirs 9"),
            // died between publishing and confirming: the write went out …
            (pending(Some(5), Some(6)), shows(6), Some(6), "ours 6"),
            (
                pending(Some(5), Some(6)),
                shows(6),
                Some(7),
                "ours 7, write 7",
            ),
            (pending(Some(5), None), blank(), None, "ours blank"),
            // … or it did not …
            (
                pending(Some(5), Some(6)),
                shows(5),
                Some(6),
                "ours 6, write 6",
            ),
            (pending(None, Some(6)), blank(), Some(6), "ours 6, write 6"),
            // a restore died before its batch …
            (restoring(5, 9), shows(5), Some(5), "theirs 9, write 9"),
            (restoring(5, 9), shows(9), Some(5), "theirs 9"),
            // … and a person was faster
            (restoring(5, 9), shows(7), Some(5), "theirs 7"),
            (restoring(5, 9), blank(), Some(5), "ours 5, write 5"),
            (
                restoring(5, 9),
                text("x"),
                Some(5),
                "theirs 9, NotANumber(\"x\")",
            ),
            // … or a person was faster
            (pending(Some(5), Some(6)), shows(8), Some(6), "theirs 8"),
            (pending(None, Some(6)), shows(8), Some(6), "theirs 8"),
        ];
        for (index, (base, seen, generated, expected)) in cases.into_iter().enumerate() {
            let generated = generated.map(Decimal::from);
            let merged = merge(base.as_ref(), seen.as_ref(), generated, Range::NotNegative);
            assert_eq!(told(&merged), expected, "case {index}: {base:?} {seen:?}");
        }
    }

    #[test]
    fn ranges_name_the_rule_they_guard() {
        let share = Range::Share("margin_range");
        let cases = [
            (share, "0.5", true),
            (share, "1", true),
            (share, "0", false),
            (share, "1.01", false),
            (share, "50", false),
            (Range::Positive("avg_check_range"), "0", false),
            (Range::Positive("avg_check_range"), "0.01", true),
            (Range::Growth("growth_range"), "-0.05", true),
            (Range::Growth("growth_range"), "-1", false),
            (Range::Growth("growth_range"), "2", false),
            (Range::Coefficient("seasonality_range"), "0", true),
            (Range::Coefficient("seasonality_range"), "12.5", false),
            (Range::NotNegative, "10000000000000", true),
            (Range::NotNegative, "10000000000000.01", false),
            (Range::NotNegative, "-0.01", false),
        ];
        for (range, text, holds) in cases {
            assert_eq!(
                range.check(number(text)).is_ok(),
                holds,
                "{text} in {range:?}"
            );
        }
        assert_eq!(
            share.check(number("50")),
            Err(CellProblem::OutOfRange("margin_range".to_owned()))
        );
        assert_eq!(LARGEST, number("10000000000000"));
    }

    #[test]
    fn doubles_are_read_as_a_spreadsheet_shows_them() {
        let cases = [
            (0.1 + 0.2, "0.3"),
            (40.00000000000001, "40"),
            (1.0 / 3.0, "0.333333333333333"),
            (4_382_245.384_6, "4382245.3846"),
            (9_999_999_999_999.99, "9999999999999.99"),
            (-0.5, "-0.5"),
            (0.0, "0"),
            (1e15, "1000000000000000"),
        ];
        for (double, expected) in cases {
            assert_eq!(
                Seen::of_f64(double),
                Seen::Number(number(expected)),
                "{double}"
            );
        }
        for double in [f64::NAN, f64::INFINITY, 1e300] {
            assert!(matches!(Seen::of_f64(double), Seen::Error(_)), "{double}");
        }
    }

    #[test]
    fn a_doubles_last_digits_are_no_edit() {
        let third = number("0.3333333333333333333333333333");
        let read_back = number("0.3333333333333333");
        assert!(same(Some(third), Some(read_back)));
        assert!(same(Some(number("1000000.10")), Some(number("1000000.1"))));
        assert!(!same(Some(number("1000000.1")), Some(number("1000000.11"))));
        assert!(!same(Some(Decimal::ZERO), None));
    }
}
