//! The arithmetic of windows and walks, against pages made up on the spot.

use chrono::DateTime;
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
    let windows = plan.take(pace.commands(), pace.density());
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
fn windows_are_as_wide_as_their_pages_are_likely_to_hold() {
    for (pages, density, width) in [
        (1, 1.0, 50),
        (50, 1.0, 2_500),
        (50, 0.99, 2_510),
        (1, 0.99, 48),
        (50, 0.5, 4_787),
        (50, 0.05, 47_075),
        (50, 0.01, 100_000),
        (2, 0.0, 4_000),
    ] {
        assert_eq!(width_for(pages, density), width, "{pages} {density}");
    }
}

#[test]
fn where_ids_are_gone_a_request_is_one_chain_and_the_end_takes_what_it_needs() {
    let mut plan = plan(Entity::Lead, &[(1, 3_000)]);
    let spans = |windows: Vec<Window>| -> Vec<_> {
        windows.iter().map(|w| (w.after, w.upto, w.pages)).collect()
    };
    assert_eq!(spans(plan.take(50, 0.99)), [(0, 2_510, 50)]);
    assert_eq!(spans(plan.take(50, 0.99)), [(2_510, 3_000, 10)]);
    assert_eq!(plan.take(50, 0.99), []);
}

#[test]
fn a_window_that_does_not_fit_is_parted() {
    let window = |after, upto, pages| Window {
        listing: Entity::Lead.listing(Face::Classic),
        after,
        upto,
        pages,
    };
    let whole = window(100, 1_100, 10);
    assert_eq!(whole.parted(10), (whole, None));
    let rest = window(400, 1_100, 7);
    assert_eq!(whole.parted(3), (window(100, 400, 3), Some(rest)));
    assert_eq!(window(5, 6, 2).parted(1), (window(5, 6, 1), None));
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

fn got(gain: &Gain) -> Vec<u64> {
    gain.records.iter().filter_map(Record::id).collect()
}

fn window(entity: Entity, after: u64, upto: u64, pages: usize) -> Window {
    Window {
        listing: entity.listing(Face::Classic),
        after,
        upto,
        pages,
    }
}

/// Reads pages that all came.
fn read_pages(window: Window, pages: impl IntoIterator<Item = Value>) -> Gain {
    let mut gain = Gain::default();
    let failed = read_window(window, pages.into_iter().map(Ok), &mut gain).expect("read");
    assert_eq!(failed, None);
    gain
}

fn passing() -> BitrixError {
    BitrixError::own(Kind::Transient, FORM, String::new(), "x")
}

#[test]
fn a_full_page_below_the_end_leaves_a_remainder() {
    let narrow = window(Entity::Lead, 100, 350, 1);
    let gain = read_pages(narrow, [page(101..=150)]);
    assert_eq!(gain.remaining, [window(Entity::Lead, 150, 350, 4)]);
    assert_eq!(gain.passed, (50, 50));
    for complete in [page([]), page([101, 350]), page(301..=350)] {
        let gain = read_pages(narrow, [complete]);
        assert_eq!((gain.remaining, gain.passed.0), (vec![], 250));
    }
    // What is left of a very wide one is as much as several requests.
    let gain = read_pages(window(Entity::Lead, 0, 10_050, 1), [page(1..=50)]);
    let left: Vec<_> = gain
        .remaining
        .iter()
        .map(|w| (w.after, w.upto, w.pages))
        .collect();
    assert_eq!(
        left,
        [
            (50, 2_550, 50),
            (2_550, 5_050, 50),
            (5_050, 7_550, 50),
            (7_550, 10_050, 50)
        ]
    );
}

#[test]
fn a_chain_is_read_to_its_short_page_its_break_or_its_end() {
    let wide = window(Entity::Lead, 0, 200, 3);
    let even = |from: u64| page((from..from + 50).map(|n| n * 2));
    // Short page: what begins anew behind it is dropped.
    let gain = read_pages(wide, [even(1), page([150, 199]), even(1)]);
    assert_eq!((got(&gain).len(), gain.remaining.len()), (52, 0));
    assert_eq!(gain.passed, (200, 52));
    // A reference that led nowhere.
    let gain = read_pages(wide, [even(1), even(1), even(51)]);
    assert_eq!((got(&gain).len(), gain.passed), (50, (100, 50)));
    assert_eq!(gain.remaining, [window(Entity::Lead, 100, 200, 1)]);
    // A page that failed for now.
    let mut gain = Gain::default();
    let pages = [Ok(even(1)), Err(passing()), Ok(even(1))];
    assert_eq!(read_window(wide, pages, &mut gain), Ok(None));
    assert_eq!(gain.remaining, [window(Entity::Lead, 100, 200, 1)]);
    let mut gain = Gain::default();
    let pages = [Err(passing()), Ok(even(1)), Ok(even(51))];
    assert_eq!(read_window(wide, pages, &mut gain), Ok(Some(passing())));
    assert_eq!((gain.remaining, gain.passed), (vec![wide], (0, 0)));
    // The end on a full page.
    let gain = read_pages(wide, [even(1), even(51), page([])]);
    assert_eq!((got(&gain).len(), gain.remaining.len()), (100, 0));
}

#[test]
fn rows_beyond_the_window_are_left_out_and_rows_before_it_are_an_error() {
    let window = window(Entity::Deal, 100, 150, 1);
    let gain = read_pages(window, [page([101, 150, 151])]);
    assert_eq!((got(&gain), gain.outside), (vec![101, 150], 1));
    let before = [Ok(page([1, 2]))];
    let error = read_window(window, before, &mut Gain::default()).expect_err("ignored");
    assert_eq!(error.code, FILTER_IGNORED);
}

#[test]
fn pages_of_a_window_are_chained_within_its_end() {
    let commands = window(Entity::Lead, 7, 900, 2).commands(3);
    let texts: Vec<String> = commands.iter().map(Command::text).collect();
    let ends = [
        "&filter%5B%3EID%5D=7",
        "&filter%5B%3EID%5D=%24result%5Bc03%5D%5B49%5D%5BID%5D",
    ];
    for (text, end) in texts.iter().zip(ends) {
        assert!(text.ends_with(end), "{text}");
        assert!(text.contains("filter%5B%3C%3DID%5D=900"), "{text}");
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
