//! Rows or columns of one tab in three editions: the template that the file was made from (*base*),
//! the company's file as it stands (*now*), the new template (*new*), and the file once the upgrade's
//! rows and columns are in and out (*after*).
//!
//! Lines are matched by what stands on them, first by the keys of tables. Nothing is ever moved: a
//! line of the new template that the base did not have is put below its predecessor, a line that the
//! new template dropped goes only when nobody touched it.

use std::collections::{BTreeMap, BTreeSet};

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What a row or column is recognised by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Line {
    /// The key of a table's row or column; decides alone where there is one.
    pub(super) key: Option<String>,
    /// Texts and formulas that stand on it, in their order; numbers do not count.
    pub(super) texts: Vec<String>,
}

impl Line {
    fn mark(&self) -> (Option<&str>, &[String]) {
        match &self.key {
            Some(key) => (Some(key), &[]),
            None => (None, &self.texts),
        }
    }

    /// How much two lines have in common, 0 when they cannot be the same.
    fn likeness(&self, other: &Line) -> usize {
        if self.mark() == other.mark() {
            return 2 + self.texts.len() * 2;
        }
        // A key that only one edition has (it came with it) says nothing.
        if self.key.is_some() && other.key.is_some() {
            return 0;
        }
        let mine: BTreeSet<&String> = self.texts.iter().collect();
        let common = other
            .texts
            .iter()
            .filter(|text| mine.contains(text))
            .count();
        let is_same = common * 2 >= self.texts.len().max(other.texts.len()) && common > 0;
        usize::from(is_same) * (1 + common)
    }
}

/// Where each line of `old` stands in `new`; what is matched keeps its order.
pub(super) fn matched(old: &[Line], new: &[Line]) -> Vec<Option<u32>> {
    let mut found = vec![None; old.len()];
    let mut put = |from: usize, to: usize| {
        if let Some(place) = found.get_mut(from) {
            *place = Some(to as u32);
        }
    };
    let marks = |lines: &'_ [Line]| -> Vec<(Option<String>, Vec<String>)> {
        let owned = lines.iter().map(Line::mark);
        owned
            .map(|(key, texts)| (key.map(str::to_owned), texts.to_vec()))
            .collect()
    };
    for op in capture_diff_slices(Algorithm::Patience, &marks(old), &marks(new)) {
        match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => {
                (0..len).for_each(|step| put(old_index + step, new_index + step));
            }
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => {
                let left = old.get(old_index..old_index + old_len).unwrap_or_default();
                let right = new.get(new_index..new_index + new_len).unwrap_or_default();
                for (from, to) in replaced(left, right) {
                    put(old_index + from, new_index + to);
                }
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } => {}
        }
    }
    found
}

/// Pairs in a stretch that differs: one to one when nothing came or went, otherwise by likeness.
fn replaced(old: &[Line], new: &[Line]) -> Vec<(usize, usize)> {
    let one_to_one = old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(old, new)| old.key.is_none() || new.key.is_none());
    if one_to_one {
        return (0..old.len()).map(|index| (index, index)).collect();
    }
    // The best total likeness of old[i..] and new[j..], by the textbook's table.
    let width = new.len() + 1;
    let mut best = vec![0_usize; (old.len() + 1) * width];
    let at = |best: &[usize], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or(0);
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            let likeness = left.likeness(right);
            let both = if likeness > 0 {
                likeness + at(&best, i + 1, j + 1)
            } else {
                0
            };
            let most = both.max(at(&best, i + 1, j)).max(at(&best, i, j + 1));
            if let Some(place) = best.get_mut(i * width + j) {
                *place = most;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (old.get(i), new.get(j)) {
        let likeness = left.likeness(right);
        if likeness > 0 && at(&best, i, j) == likeness + at(&best, i + 1, j + 1) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&best, i, j) == at(&best, i + 1, j) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// All rows, or all columns, of one tab in the four editions.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    /// Base → now.
    pub(super) base_now: Vec<Option<u32>>,
    /// New → base.
    pub(super) new_base: Vec<Option<u32>>,
    /// Base → new.
    pub(super) base_new: Vec<Option<u32>>,
    /// Now → after; `None` for what goes.
    pub(super) now_after: Vec<Option<u32>>,
    /// New → after; `None` for what the company threw out.
    pub(super) new_after: Vec<Option<u32>>,
    /// Lines of the company's below a table's pattern row, and the base line of that pattern.
    pub(super) pattern: BTreeMap<u32, u32>,
    /// Before which line of now the lines of new come in.
    inserts: BTreeMap<u32, Vec<u32>>,
    /// Lines of now that go.
    deletes: BTreeSet<u32>,
}

impl Lines {
    /// Lines of a tab that came just now with the new template.
    pub(super) fn all_new(count: u32) -> Lines {
        let all: Vec<Option<u32>> = (0..count).map(Some).collect();
        Lines {
            new_base: vec![None; all.len()],
            new_after: all,
            ..Lines::default()
        }
    }

    /// Lines found by key alone: the company's file stands in for the base.
    pub(super) fn by_keys(now: u32, new_now: &[Option<u32>]) -> Lines {
        let mut base_new = vec![None; now as usize];
        for (new, at) in (0..).zip(new_now) {
            if let Some(at) = at {
                set(&mut base_new, *at, new);
            }
        }
        Lines {
            base_now: (0..now).map(Some).collect(),
            new_base: new_now.to_vec(),
            base_new,
            now_after: vec![None; now as usize],
            ..Lines::default()
        }
    }

    /// Matches the three editions; [`Lines::settle`] then says what comes and goes.
    pub(super) fn of(base: &[Line], now: &[Line], new: &[Line]) -> Lines {
        let base_new = matched(base, new);
        let mut new_base = vec![None; new.len()];
        for (from, to) in base_new.iter().enumerate() {
            if let Some(place) = to.and_then(|to| new_base.get_mut(to as usize)) {
                *place = Some(from as u32);
            }
        }
        Lines {
            base_now: matched(base, now),
            new_base,
            base_new,
            now_after: vec![None; now.len()],
            ..Lines::default()
        }
    }

    /// The line of the base behind a line of the company's file.
    pub(super) fn now_base(&self) -> BTreeMap<u32, u32> {
        let pairs = self.base_now.iter().enumerate();
        pairs
            .filter_map(|(base, now)| Some(((*now)?, base as u32)))
            .collect()
    }

    /// Decides what comes in and what goes. `bare` says of a base line whether nobody touched it in
    /// the company's file; `foreign` of a new line whether its key stands elsewhere in the file.
    /// Returns the base lines that the new template dropped and that stay because they were touched.
    pub(super) fn settle(
        &mut self,
        bare: impl Fn(u32) -> bool,
        foreign: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let mut kept = Vec::new();
        for (base, now) in (0..).zip(&self.base_now) {
            let dropped = get(&self.base_new, base).is_none();
            match now {
                Some(now) if dropped && bare(base) => {
                    self.deletes.insert(*now);
                }
                Some(_) if dropped => kept.push(base),
                _ => {}
            }
        }
        let mut before = 0;
        for (new, base) in (0..).zip(&self.new_base) {
            match base {
                Some(base) => {
                    if let Some(now) = get(&self.base_now, *base) {
                        before = now + 1;
                        while self.pattern.contains_key(&before) {
                            before += 1;
                        }
                    }
                }
                None if foreign(new) => {}
                None => self.inserts.entry(before).or_default().push(new),
            }
        }
        self.number();
        kept
    }

    fn number(&mut self) {
        self.new_after = vec![None; self.new_base.len()];
        let mut after = 0;
        let count = self.now_after.len() as u32;
        for now in 0..=count {
            for new in self.inserts.get(&now).into_iter().flatten() {
                set(&mut self.new_after, *new, after);
                after += 1;
            }
            if now < count && !self.deletes.contains(&now) {
                set(&mut self.now_after, now, after);
                after += 1;
            }
        }
        for (new, base) in self.new_base.iter().enumerate() {
            let now = base.and_then(|base| get(&self.base_now, base));
            if let Some(after) = now.and_then(|now| get(&self.now_after, now)) {
                set(&mut self.new_after, new as u32, after);
            }
        }
    }

    /// Insertions and deletions in the company's file, from the end to the beginning: line, count,
    /// whether they come in.
    pub(super) fn structure(&self) -> Vec<(u32, u32, bool)> {
        let mut edits: Vec<(u32, u32, bool)> = Vec::new();
        for now in (0..=self.now_after.len() as u32).rev() {
            if self.deletes.contains(&now) {
                match edits.last_mut() {
                    Some((line, count, false)) if *line == now + 1 => {
                        (*line, *count) = (now, *count + 1);
                    }
                    _ => edits.push((now, 1, false)),
                }
            }
            if let Some(fresh) = self.inserts.get(&now) {
                edits.push((now, fresh.len() as u32, true));
            }
        }
        edits
    }
}

/// The entry of a map of lines.
pub(super) fn get(map: &[Option<u32>], line: u32) -> Option<u32> {
    map.get(line as usize).copied().flatten()
}

fn set(map: &mut [Option<u32>], line: u32, to: u32) {
    if let Some(place) = map.get_mut(line as usize) {
        *place = Some(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        let line = |word: &str| Line {
            key: word.strip_prefix('#').map(str::to_owned),
            texts: match word {
                "_" => Vec::new(),
                word if word.starts_with('#') => Vec::new(),
                word => word.split('+').map(str::to_owned).collect(),
            },
        };
        text.split_whitespace().map(line).collect()
    }

    /// What the file is after: lines of now by their word, lines of new as `word!`.
    fn after(base: &str, now: &str, new: &str, touched: &[u32]) -> String {
        let mut all = Lines::of(&lines(base), &lines(now), &lines(new));
        all.settle(|base| !touched.contains(&base), |_| false);
        let words: Vec<&str> = now.split_whitespace().collect();
        let fresh: Vec<&str> = new.split_whitespace().collect();
        let mut out = BTreeMap::new();
        for (index, word) in words.iter().enumerate() {
            if let Some(after) = get(&all.now_after, index as u32) {
                out.insert(after, (*word).to_owned());
            }
        }
        for (index, word) in fresh.iter().enumerate() {
            if let Some(after) = get(&all.new_after, index as u32) {
                out.entry(after).or_insert_with(|| format!("{word}!"));
            }
        }
        // The edits, carried out on the words, give the same.
        let mut done: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for (line, count, comes) in all.structure() {
            let (line, count) = (line as usize, count as usize);
            if comes {
                done.splice(line..line, vec!["!".to_owned(); count]);
            } else {
                done.drain(line..line + count);
            }
        }
        assert_eq!(done.len(), out.len(), "{done:?} {out:?}");
        out.into_values().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_come_in_below_their_predecessor_and_go_only_untouched() {
        for (base, now, new, touched, expected) in [
            ("a b c", "a b c", "a b c", &[][..], "a b c"),
            ("a b c", "a b c", "a x b c", &[], "a x! b c"),
            ("a b c", "a b c", "x a b c y", &[], "x! a b c y!"),
            ("a b c", "a b c", "a c", &[], "a c"),
            ("a b c", "a b c", "a c", &[1], "a b c"),
            ("a b c", "a own b c", "a b x c", &[], "a own b x! c"),
            ("a b c", "a c", "a b x c", &[], "a x! c"),
            ("a b c", "a mine c", "a b x c", &[], "a mine x! c"),
            ("a _ _ z", "a _ own _ z", "a _ _ n z", &[], "a _ own _ n! z"),
            ("a+b+c q", "a+b+c q", "a+b+d n q", &[], "a+b+c n! q"),
            ("#k _ z", "#k #1 #2 _ z", "#k _ n z", &[], "#k #1 #2 _ n! z"),
            ("a x1 x2 b", "a x1 x2 b", "a y b", &[], "a y! b"),
            // Keys that came with the new template.
            ("a p q b", "a p q b", "a #p #q b", &[], "a p q b"),
        ] {
            assert_eq!(
                after(base, now, new, touched),
                expected,
                "{base} | {now} | {new}"
            );
        }
    }

    #[test]
    fn a_line_whose_key_stands_elsewhere_is_not_put_in_again() {
        let (base, new) = (lines("a b"), lines("a #k b"));
        let mut all = Lines::of(&base, &base, &new);
        all.settle(|_| true, |line| line == 1);
        assert_eq!(all.structure(), []);
        assert_eq!(all.new_after, [Some(0), None, Some(1)]);
    }

    #[test]
    fn new_lines_stand_below_the_rows_of_a_pattern() {
        let mut all = Lines::of(&lines("#k _"), &lines("#k _ p q"), &lines("#k _ end"));
        all.pattern = BTreeMap::from([(2, 1), (3, 1)]);
        all.settle(|_| true, |_| false);
        assert_eq!(all.structure(), [(4, 1, true)]);
    }
}
