//! The arithmetic of windows and walks, against pages made up on the spot.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::bitrix24::wire::Face;

fn plan(entity: Entity, ranges: &[(u64, u64)]) -> Plan {
    let ranges = ranges
        .iter()
        .map(|&(next, last)| Range { entity, next, last });
    Plan {
        listing: entity.listing(Face::Classic),
        ranges: ranges.collect(),
    }
}

/// The next windows at a pace; none when nothing is left.
fn batch(plan: &mut Plan, pace: &Pace) -> Option<Vec<Window>> {
    let windows = plan.take(pace.commands(), pace.width());
    (!windows.is_empty()).then_some(windows)
}

#[test]
fn requests_under_way_use_up_no_more_operating_time_than_is_left_beyond_the_rest() {
    let pace = Pace::new();
    assert_eq!(pace.at_once(16), 16);
    for (seconds, at_once) in [(1, 16), (5, 12), (15, 4), (50, 1), (600, 1)] {
        pace.took(1, Duration::from_secs(seconds));
        assert_eq!(pace.at_once(16), at_once, "{seconds}");
    }
}

#[test]
fn a_batch_settles_2500_dense_ids() {
    let pace = Pace::new();
    let mut plan = plan(Entity::Lead, &[(1, 200_000)]);
    let mut batches = 0;
    let mut after = 0;
    while let Some(batch) = batch(&mut plan, &pace) {
        for window in batch {
            assert_eq!((window.after, window.ids()), (after, 50));
            after = window.upto;
        }
        batches += 1;
    }
    assert_eq!((batches, after), (80, 200_000));
}

#[test]
fn ranges_share_batches_and_a_chunk_says_what_it_covers() {
    let pace = Pace::new();
    let mut plan = plan(Entity::Deal, &[(101, 230), (300, 300)]);
    let windows = batch(&mut plan, &pace).expect("a batch");
    let spans: Vec<_> = windows.iter().map(|w| (w.after, w.upto)).collect();
    assert_eq!(spans, [(100, 150), (150, 200), (200, 230), (299, 300)]);
    let covered: Vec<_> = covered(&windows).iter().map(|r| (r.next, r.last)).collect();
    assert_eq!(covered, [(101, 230), (300, 300)]);
    assert_eq!(batch(&mut plan, &pace), None);
    assert!(plan.is_done());
}

#[test]
fn windows_grow_where_ids_are_sparse() {
    for (density, width) in [
        (1.0, 50),
        (0.4, 50),
        (0.25, 100),
        (0.1, 250),
        (0.01, 2_000),
        (0.0, 2_000),
    ] {
        assert_eq!(width_for(density), width, "{density}");
    }
}

#[test]
fn long_requests_are_followed_by_smaller_ones() {
    let pace = Pace::new();
    pace.took(50, Duration::from_secs(41));
    assert_eq!(pace.commands(), 25);
    pace.took(25, Duration::from_secs(30));
    assert_eq!(pace.commands(), 25);
    pace.took(25, Duration::from_secs(3));
    assert_eq!(pace.commands(), 38);
    pace.took(38, Duration::from_secs(3));
    assert_eq!(pace.commands(), 50);
    pace.too_long(1);
    assert_eq!(pace.commands(), 1);
}

fn page(ids: impl IntoIterator<Item = u64>) -> Value {
    ids.into_iter()
        .map(|id| json!({"ID": id.to_string()}))
        .collect()
}

fn got(step: &Step) -> Vec<u64> {
    step.records.iter().filter_map(Record::id).collect()
}

#[test]
fn a_full_page_below_the_end_leaves_a_remainder() {
    let window = Window {
        listing: Entity::Lead.listing(Face::Classic),
        after: 100,
        upto: 350,
    };
    let mut step = Step::default();
    read_window(window, page(101..=150), &mut step).expect("read");
    let rest: Vec<_> = step.remaining.iter().map(|w| (w.after, w.upto)).collect();
    assert_eq!(rest, [(150, 200), (200, 250), (250, 300), (300, 350)]);
    for complete in [page([]), page([101, 350]), page(301..=350)] {
        let mut step = Step::default();
        read_window(window, complete, &mut step).expect("read");
        assert_eq!(step.remaining, []);
    }
}

#[test]
fn rows_beyond_the_window_are_left_out_and_rows_before_it_are_an_error() {
    let window = Window {
        listing: Entity::Deal.listing(Face::Classic),
        after: 100,
        upto: 150,
    };
    let mut step = Step::default();
    read_window(window, page([101, 150, 151]), &mut step).expect("read");
    assert_eq!(
        (got(&step), step.outside),
        (vec![101, 150], vec![Entity::Deal])
    );
    let error = read_window(window, page([1, 2]), &mut Step::default()).expect_err("ignored");
    assert_eq!(error.code, FILTER_IGNORED);
}

/// A portal's table, asked with the arithmetic of windows.
fn answer(table: &[u64], window: Window) -> Value {
    let inside = table
        .iter()
        .copied()
        .filter(|id| *id > window.after && *id <= window.upto);
    page(inside.take(PAGE_ROWS))
}

proptest! {
    #[test]
    fn no_row_is_lost_or_doubled_whatever_the_gaps(
        gaps in proptest::collection::vec(prop_oneof![4 => 1u64..3, 1 => 1u64..2_000], 0..600),
        commands in 1usize..=50,
    ) {
        let table: Vec<u64> = gaps
            .iter()
            .scan(0u64, |id, gap| {
                *id += gap;
                Some(*id)
            })
            .collect();
        let pace = Pace::new();
        pace.commands.store(commands, Ordering::Relaxed);
        let last = table.last().copied().unwrap_or_default();
        let mut plan = plan(Entity::Lead, &[(1, last)]);
        let mut seen = Vec::new();
        while let Some(batch) = batch(&mut plan, &pace) {
            let ids = batch.iter().map(|w| w.ids()).sum();
            let mut todo: VecDeque<Window> = batch.into();
            let mut rows = 0;
            while let Some(window) = todo.pop_front() {
                let mut step = Step::default();
                read_window(window, answer(&table, window), &mut step).expect("read");
                rows += step.records.len() as u64;
                seen.extend(got(&step));
                todo.extend(step.remaining);
            }
            pace.seen(ids, rows);
        }
        seen.sort_unstable();
        prop_assert_eq!(seen, table);
    }
}

fn walk() -> Walk {
    let since = DateTime::parse_from_rfc3339("2026-03-01T10:00:00+03:00").expect("a time");
    Walk::new(Entity::Lead.listing(Face::Classic), Some(since), 0)
}

fn changed(ids: impl IntoIterator<Item = u64>, at: &str) -> Value {
    ids.into_iter()
        .map(|id| json!({"ID": id.to_string(), "DATE_MODIFY": at}))
        .collect()
}

const LATER: &str = "2026-03-01T10:00:00+03:00";
const EARLIER: &str = "2026-03-01T09:59:59+03:00";

#[test]
fn pages_of_changes_are_chained() {
    let texts: Vec<String> = walk().commands(7, 2).iter().map(Command::text).collect();
    let since = "filter%5B%3E%3DDATE_MODIFY%5D=2026-03-01T10%3A00%3A00%2B03%3A00";
    assert!(texts.iter().all(|text| text.contains(since)), "{texts:?}");
    assert!(texts[0].ends_with("&filter%5B%3EID%5D=0"), "{}", texts[0]);
    assert!(
        texts[1].ends_with("&filter%5B%3EID%5D=%24result%5Bc07%5D%5B49%5D%5BID%5D"),
        "{}",
        texts[1]
    );
}

#[test]
fn reading_stops_at_the_first_short_page_and_drops_the_rest() {
    let (mut walk, mut chunk) = (walk(), Chunk::default());
    let pages = [
        changed(1..=50, LATER),
        changed(51..=60, LATER),
        changed(1..=50, LATER),
    ];
    walk.read(pages.into_iter().map(Ok), &mut chunk)
        .expect("read");
    assert!(walk.ended());
    assert_eq!(chunk.records.len(), 60);
}

#[test]
fn a_chain_that_begins_anew_is_continued_by_number() {
    let (mut walk, mut chunk) = (walk(), Chunk::default());
    let pages = [changed(1..=50, LATER), changed(1..=50, LATER)];
    walk.read(pages.into_iter().map(Ok), &mut chunk)
        .expect("read");
    assert_eq!(
        (walk.ended(), walk.after(), chunk.records.len()),
        (false, 50, 50)
    );
    let pages = [changed(51..=52, LATER)];
    walk.read(pages.into_iter().map(Ok), &mut chunk)
        .expect("read");
    assert_eq!((walk.ended(), chunk.records.len()), (true, 52));
}

#[test]
fn an_error_behind_the_first_page_ends_the_reading_only() {
    let (mut walk, mut chunk) = (walk(), Chunk::default());
    let failed = || Err(BitrixError::own(Kind::Transient, FORM, String::new(), "x"));
    let pages = [Ok(changed(1..=50, LATER)), failed()];
    walk.read(pages.into_iter(), &mut chunk).expect("read");
    assert_eq!((walk.ended(), walk.after()), (false, 50));
    assert!(walk.read([failed()].into_iter(), &mut chunk).is_err());
}

#[test]
fn rows_that_the_filter_should_have_left_out_are_counted_and_dropped() {
    let (mut walk, mut chunk) = (walk(), Chunk::default());
    let Value::Array(mut rows) = changed(1..=3, EARLIER) else {
        panic!("a list")
    };
    rows.push(json!({"ID": "4", "DATE_MODIFY": LATER}));
    rows.push(json!({"ID": "5"}));
    walk.read([Ok(Value::Array(rows))].into_iter(), &mut chunk)
        .expect("read");
    let ids: Vec<_> = chunk.records.iter().filter_map(Record::id).collect();
    assert_eq!((ids, chunk.outside), (vec![4, 5], 3));
}

#[test]
fn a_portal_that_ignores_the_id_is_refused() {
    let mut chunk = Chunk::default();
    let since = DateTime::parse_from_rfc3339(LATER).expect("a time");
    let mut walk = Walk::new(Entity::Lead.listing(Face::Classic), Some(since), 50);
    let error = walk
        .read([Ok(changed(1..=50, LATER))].into_iter(), &mut chunk)
        .expect_err("ignored");
    assert_eq!(error.code, FILTER_IGNORED);
}

#[test]
fn each_kind_is_asked_for_in_its_own_spelling() {
    let since = DateTime::parse_from_rfc3339(LATER).expect("a time");
    for (entity, face, first, chained) in [
        (
            Entity::Lead,
            Face::Item,
            "crm.item.list?entityTypeId=1&select[0]=id&",
            "filter[>=updatedTime]=2026-03-01T10:00:00+03:00&filter[>id]=$result[c00][items][49][id]",
        ),
        (
            Entity::Call,
            Face::Classic,
            "voximplant.statistic.get?SORT=ID&ORDER=ASC&start=-1&FILTER[>ID]=7",
            "FILTER[>ID]=$result[c00][49][ID]",
        ),
        (
            Entity::Task,
            Face::Classic,
            "tasks.task.list?select[0]=ID&",
            "filter[>=CHANGED_DATE]=2026-03-01T10:00:00+03:00&filter[>ID]=$result[c00][tasks][49][id]",
        ),
        (
            Entity::DealMove,
            Face::Classic,
            "crm.stagehistory.list?entityTypeId=2&order[ID]=ASC&start=-1&filter[>ID]=7",
            "filter[>ID]=$result[c00][items][49][ID]",
        ),
        (
            Entity::Activity,
            Face::Classic,
            "crm.activity.list?select[0]=ID&",
            "filter[>=LAST_UPDATED]=2026-03-01T10:00:00+03:00&filter[>ID]=$result[c00][49][ID]",
        ),
    ] {
        let listing = entity.listing(face);
        let since = listing.modified.map(|_| since);
        let texts: Vec<String> = Walk::new(listing, since, 7)
            .commands(0, 2)
            .iter()
            .map(|command| {
                let text = command.text();
                let decoded = percent_encoding::percent_decode_str(&text);
                decoded.decode_utf8().expect("UTF-8").into_owned()
            })
            .collect();
        assert!(texts[0].starts_with(first), "{}", texts[0]);
        assert!(texts[1].ends_with(chained), "{}", texts[1]);
    }
}
