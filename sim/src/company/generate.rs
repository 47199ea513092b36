//! A seeded, believable, fictional company that has lived three years: seasons, growth, a weekly
//! rhythm, sources and managers that differ, pipelines, an import of a dead base. The same seed
//! gives the same company.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, LogNormal};

use super::cast::{self, Manager, Source};
use super::ledger::Ledgers;
use super::{
    Card, Company, NO_MONEY, NO_TIME, Pool, Products, Sym, Table, chronicle, directory, flag,
    goods, time,
};

/// Leads of a small company over its three years.
const SMALL_LEADS: u64 = 30_000;

/// Leads and deals of a large company when nobody says how many.
const LARGE_LEADS: u64 = 1_000_000;
const LARGE_DEALS: u64 = 300_000;

/// Years that the company has lived.
const YEARS: i32 = 3;

/// Growth a year.
const GROWTH: f64 = 1.17;

/// Share of leads that become deals in a small company; about 70 % of the deals are won.
const CONVERSION: f64 = 0.06;

/// Mean of what sources and managers multiply the conversion by.
const MEAN_SKILL: f64 = 1.07;

/// Deals without a lead (customers who come back), as a share of those with one.
const DIRECT_DEALS: f64 = 0.09;

/// The mean won sum in roubles.
const MEAN_CHECK: f64 = 25_000.0;

/// Leads of the imported base, and its hour.
const IMPORTED_LEADS: u64 = 520;
const IMPORT_DAY: (u32, u32) = (9, 3);
const IMPORT_HOUR: u32 = 15;

/// How much worse deals go while the managers call through the imported base.
const IMPORT_DISTRACTION: f64 = 0.78;

/// Orders by month of the year, against an average month.
const SEASONS: [f64; 12] = [
    1.02, 0.93, 1.02, 1.00, 0.99, 1.06, 0.97, 0.92, 1.04, 1.08, 1.11, 1.04,
];

/// Orders by weekday from Monday, against an average day.
const WEEK: [f64; 7] = [1.26, 1.22, 1.18, 1.16, 1.04, 0.62, 0.52];

/// Orders by hour of a client's day.
const HOURS: [f64; 24] = [
    0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.4, 0.9, 2.0, 4.6, 6.4, 7.0, 6.6, 6.0, 6.4, 6.6, 6.2, 5.4, 4.2,
    3.2, 2.8, 2.2, 1.4, 0.7,
];

/// Language of the company's names and titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// A Russian company in roubles, Moscow time.
    Ru,
    /// The same company with English names.
    En,
}

/// How large the company is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// About 30,000 leads and 2,200 deals over three years.
    Small,
    /// A million leads and 300,000 deals, unless the spec says how many.
    Large,
}

/// What company to make up.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Two companies of one seed are the same.
    pub seed: u64,
    /// How large it is.
    pub size: Size,
    /// How many leads, the imported base included.
    pub leads: Option<u64>,
    /// How many deals.
    pub deals: Option<u64>,
    /// The first day that the company has not lived: its last instant is the end of the day before.
    pub today: NaiveDate,
    /// Its language.
    pub locale: Locale,
}

impl Company {
    /// Makes up a company.
    #[must_use]
    pub fn generate(spec: &Spec) -> Self {
        Maker::new(spec).make()
    }
}

/// A lead that became a deal.
struct Won {
    lead: u32,
    at: i64,
    manager: usize,
    source: Sym,
    marks: u32,
    name: Sym,
    last_name: Sym,
    contact: u32,
}

/// State of making one company.
struct Maker<'a> {
    spec: &'a Spec,
    random: StdRng,
    zone: Tz,
    pool: Pool,
    russian: bool,
    managers: Vec<Manager>,
    sources: Vec<Source>,
    stages: cast::Stages,
    names: cast::Names,
    rubles: Sym,
    /// First instant that is not lived any more.
    end: i64,
    first_day: NaiveDate,
    import_day: Option<NaiveDate>,
    /// How much likelier than usual a lead converts, so that the wanted deals come out.
    conversion: f64,
    deals_left: u64,
    last_contact: u32,
}

impl<'a> Maker<'a> {
    fn new(spec: &'a Spec) -> Self {
        let zone = chrono_tz::Europe::Moscow;
        let mut pool = Pool::new();
        let russian = spec.locale == Locale::Ru;
        let leads = wanted_leads(spec);
        let deals = wanted_deals(spec);
        let conversion = if leads == 0 {
            0.0
        } else {
            (deals as f64 / (1.0 + DIRECT_DEALS) / leads as f64).min(0.6) / CONVERSION / MEAN_SKILL
        };
        let first_day = spec
            .today
            .with_day(1)
            .and_then(|day| day.with_year(day.year() - YEARS))
            .unwrap_or(spec.today);
        let end = time::midnight(zone, spec.today);
        let import_day = (0..2).find_map(|back| {
            let (month, day) = IMPORT_DAY;
            let date = NaiveDate::from_ymd_opt(spec.today.year() - back, month, day)?;
            // A base is imported on a workday.
            let date = match date.weekday() {
                Weekday::Sat => date + Days::new(2),
                Weekday::Sun => date + Days::new(1),
                _ => date,
            };
            (date < spec.today && date >= first_day).then_some(date)
        });
        Self {
            random: StdRng::seed_from_u64(spec.seed),
            zone,
            russian,
            managers: cast::managers(spec.today),
            sources: cast::sources(&mut pool),
            stages: cast::Stages::new(&mut pool),
            names: cast::Names::new(&mut pool, russian),
            rubles: pool.intern("RUB"),
            pool,
            end,
            first_day,
            import_day: import_day.filter(|_| leads >= IMPORTED_LEADS * 4),
            conversion,
            deals_left: deals,
            last_contact: 0,
            spec,
        }
    }

    fn make(mut self) -> Company {
        let (leads, won) = self.leads();
        let deals = self.deals(won);
        let mut statuses = directory::lead_defaults(self.russian);
        statuses.retain(|status| status.entity != "SOURCE" || status.code != "RC_GENERATOR");
        statuses.extend(cast::own_statuses(self.russian));
        statuses.extend(directory::stage_defaults(0, self.russian));
        statuses.extend(directory::stage_defaults(1, self.russian));
        statuses.extend(directory::invoice_stages(self.russian));
        directory::number(&mut statuses);
        for code in chronicle::CODES {
            self.pool.intern(code);
        }
        for (russian, english) in chronicle::SUBJECTS {
            self.pool
                .intern(if self.russian { russian } else { english });
        }
        for place in 0..chronicle::PHONES {
            self.pool.intern(&chronicle::phone(place));
        }
        let russian = self.russian;
        let mut company = Company {
            name: cast::company_name(self.russian),
            zone: self.zone,
            base_currency: "RUB".to_owned(),
            users: cast::users(&self.managers, self.zone, self.first_day, self.russian),
            departments: cast::departments(self.russian),
            categories: cast::categories(self.russian),
            currencies: directory::currency_defaults("RUB", self.russian),
            pool: self.pool,
            leads: Table::new(leads, Vec::new()),
            deals: Table::new(deals, Vec::new()),
            statuses,
            products: Products::default(),
            catalogue: goods::catalogue(russian),
            user_fields: Vec::new(),
            made: true,
            ledgers: Ledgers::default(),
        };
        company.adopt_unknown_codes();
        company.adorn(russian);
        company
    }

    /// All leads in the order of their ids, and those that became deals.
    fn leads(&mut self) -> (Vec<Card>, Vec<Won>) {
        let total = wanted_leads(self.spec);
        let imported = if self.import_day.is_some() {
            IMPORTED_LEADS
        } else {
            0
        };
        let days = self.days(total - imported);
        let mut leads = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
        let mut won = Vec::new();
        let mut id = 40;
        let mut instants = Vec::new();
        for (day, count) in days {
            instants.clear();
            let source_weights = self.source_weights(day);
            for _ in 0..count {
                let source = pick(&mut self.random, &source_weights);
                let at = self.instant(day, self.sources[source].office_hours);
                instants.push((at, Some(source)));
            }
            if self.import_day == Some(day) {
                let hour = day.and_hms_opt(IMPORT_HOUR, 4, 0).unwrap_or_default();
                let from = time::instant(self.zone, hour);
                for number in 0..IMPORTED_LEADS {
                    // An import writes a row every few seconds.
                    let step = i64::try_from(number * 3_000 / IMPORTED_LEADS).unwrap_or(0);
                    instants.push((from + step, None));
                }
            }
            instants.sort_unstable();
            for (at, source) in &instants {
                id = next_id(&mut self.random, id);
                let lead = match source {
                    Some(source) => self.lead(id, *at, *source, &mut won),
                    None => self.imported_lead(id, *at, &mut won),
                };
                leads.push(lead);
            }
        }
        (leads, won)
    }

    /// How many leads come on each day; the sum is exact.
    fn days(&mut self, total: u64) -> Vec<(NaiveDate, u64)> {
        let mut weights = Vec::new();
        let mut day = self.first_day;
        while day < self.spec.today {
            let years = (day - self.first_day).num_days() as f64 / 365.25;
            let noise: f64 =
                LogNormal::new(0.0, 0.13).map_or(1.0, |law| law.sample(&mut self.random));
            let season = SEASONS[day.month0() as usize];
            let weekday = WEEK[day.weekday().num_days_from_monday() as usize];
            let rest = if cast::is_holiday(day) { 0.3 } else { 1.0 };
            weights.push((day, GROWTH.powf(years) * season * weekday * rest * noise));
            day = day + Days::new(1);
        }
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut passed = 0.0;
        let mut given = 0;
        let last = weights.len().saturating_sub(1);
        let days = weights.iter().enumerate().map(|(at, (day, weight))| {
            passed += weight;
            let due = if at == last {
                total
            } else {
                (total as f64 * passed / sum) as u64
            };
            let count = due.saturating_sub(given);
            given += count;
            (*day, count)
        });
        days.collect()
    }

    /// How likely each source is on a day: social networks grow, exhibitions have their weeks.
    fn source_weights(&self, day: NaiveDate) -> Vec<f64> {
        let years = (day - self.first_day).num_days() as f64 / 365.25;
        let weights = self.sources.iter().map(|source| {
            let fair = matches!((day.month(), day.day()), (3, 10..=24) | (10, 5..=19));
            let season = if source.exhibition && !fair {
                0.06
            } else {
                1.0
            };
            source.share * source.growth.powf(years) * season
        });
        weights.collect()
    }

    /// An instant of a client's day.
    fn instant(&mut self, day: NaiveDate, office_hours: bool) -> i64 {
        let hour = loop {
            let hour = pick(&mut self.random, &HOURS);
            if !office_hours || (9..19).contains(&hour) {
                break hour;
            }
        };
        let second = self.random.random_range(0..3_600_u32);
        let hour = u32::try_from(hour).unwrap_or(12);
        let local = day
            .and_hms_opt(hour, second / 60, second % 60)
            .unwrap_or_default();
        time::instant(self.zone, local)
    }

    /// An instant at which people work, not before `at`.
    fn worktime(&mut self, at: i64) -> i64 {
        let local = chrono::DateTime::from_timestamp(at, 0).unwrap_or_default();
        let mut local: NaiveDateTime = local.with_timezone(&self.zone).naive_local();
        if local.time() >= cast::EVENING {
            local = (local.date() + Days::new(1)).and_time(cast::MORNING);
        }
        if local.time() < cast::MORNING {
            local = local.date().and_time(cast::MORNING);
        }
        while !cast::is_workday(local.date()) {
            local = (local.date() + Days::new(1)).and_time(cast::MORNING);
        }
        if local.time() == cast::MORNING {
            local += TimeDelta::seconds(self.random.random_range(0..9 * 3_600));
        }
        time::instant(self.zone, local)
    }

    /// The manager who gets a lead at an instant.
    fn manager(&mut self, day: NaiveDate) -> usize {
        let weights: Vec<f64> = self
            .managers
            .iter()
            .map(|manager| {
                let there = manager.hired <= day && manager.left.is_none_or(|left| day < left);
                if there { manager.load } else { 0.0 }
            })
            .collect();
        pick(&mut self.random, &weights)
    }

    fn day_of(&self, at: i64) -> NaiveDate {
        let instant = chrono::DateTime::from_timestamp(at, 0).unwrap_or_default();
        instant.with_timezone(&self.zone).date_naive()
    }

    /// One lead that a client brought.
    fn lead(&mut self, id: u32, at: i64, source: usize, won: &mut Vec<Won>) -> Card {
        let day = self.day_of(at);
        let manager = self.manager(day);
        let mut card = Card::new(id, at);
        let (name, last_name) = self.names.person(&mut self.random);
        let known = &self.sources[source];
        let (sym, chance, created_by) = (known.code, known.conversion, known.created_by);
        card.title = self.sources[source].title(&mut self.random, &mut self.pool, self.russian);
        card.set(flag::TITLE_ID, true);
        card.marks = self.sources[source].marks(&mut self.random, &mut self.pool, day);
        card.source = if self.random.random_bool(0.015) {
            0
        } else {
            sym
        };
        card.name = name;
        card.last_name = if self.random.random_bool(0.35) {
            0
        } else {
            last_name
        };
        card.currency = self.rubles;
        card.set(flag::PHONE, self.random.random_bool(0.93));
        card.set(flag::EMAIL, self.random.random_bool(0.46));
        card.set(flag::IMOL, self.sources[source].channel);
        let person = self.managers[manager].id;
        card.assigned = person;
        card.created_by = if created_by == 0 { person } else { created_by };
        if self.random.random_bool(0.12) {
            card.contact = self.random.random_range(1..=self.last_contact.max(1));
        }
        let busy = self.distraction(day);
        let skill = self.managers[manager].conversion;
        let chance = CONVERSION * self.conversion * chance * skill * busy;
        self.fate(&mut card, manager, chance.min(0.95), won);
        self.potential(&mut card, manager);
        card
    }

    /// How well sales go on a day, because of the base that is called through.
    fn distraction(&self, day: NaiveDate) -> f64 {
        let within = |from: NaiveDate| (from..from + Days::new(52)).contains(&day);
        if self.import_day.is_some_and(within) {
            IMPORT_DISTRACTION
        } else {
            1.0
        }
    }

    /// What became of a lead: converted, failed, or still open.
    fn fate(&mut self, card: &mut Card, manager: usize, chance: f64, won: &mut Vec<Won>) {
        let converts = self.random.random_bool(chance) && self.deals_left > 0;
        // Half of the leads are decided within three days, a few take two months.
        let median = if converts { 4.0 } else { 3.2 };
        let lag = self.lag_days(median, 1.05, 75.0);
        let answered = card.created + self.random.random_range(120..14_000);
        let begun = self.worktime(answered);
        let decided = self
            .worktime(card.created + (lag * 86_400.0) as i64)
            .max(begun + 60);
        let forgotten = !converts && self.random.random_bool(0.028);
        let person = self.managers[manager].id;
        if decided >= self.end - 60 || forgotten {
            self.stay_open(card, manager, begun, decided);
            return;
        }
        card.closed = decided;
        card.moved = decided;
        card.modified = decided;
        card.active = decided;
        card.modified_by = person;
        card.moved_by = person;
        // Some cards are touched long after they were closed.
        if self.random.random_bool(0.04) {
            let later = decided + self.random.random_range(86_400..90 * 86_400);
            card.modified = later.min(self.end - 60).max(decided);
        }
        if converts {
            self.deals_left -= 1;
            card.stage = self.stages.converted;
            card.semantic = b'S';
            self.last_contact += 1;
            card.contact = self.last_contact;
            won.push(Won {
                lead: card.id,
                at: decided,
                manager,
                source: card.source,
                marks: card.marks,
                name: card.name,
                last_name: card.last_name,
                contact: card.contact,
            });
        } else {
            card.stage = self.stages.failure(&mut self.random);
            card.semantic = b'F';
        }
    }

    /// A lead in work: fresh, or left lying.
    fn stay_open(&mut self, card: &mut Card, manager: usize, begun: i64, decided: i64) {
        card.stage = self.stages.new;
        card.semantic = b'P';
        card.closed = NO_TIME;
        if begun < self.end {
            card.stage = self.stages.open(&mut self.random);
            card.moved = begun;
            card.modified = if decided < self.end { decided } else { begun };
            card.active = card.modified;
        }
        // The leads of who has left were handed over.
        let manager = match self.managers[manager].left {
            Some(left) => {
                let at = time::midnight(self.zone, left) + 11 * 3_600;
                card.modified = card.modified.max(at).min(self.end - 60);
                self.manager(self.day_of(self.end - 1))
            }
            None => manager,
        };
        card.assigned = self.managers[manager].id;
        card.modified_by = card.assigned;
        card.moved_by = card.assigned;
    }

    /// The sum that a lead promises, or none.
    fn potential(&mut self, card: &mut Card, manager: usize) {
        let missing = match card.semantic {
            b'P' => self.managers[manager].forgets_sum,
            b'S' => 0.02,
            _ => 0.16,
        };
        if self.random.random_bool(missing) {
            // Both words of a portal for "no sum".
            card.opportunity = if self.random.random_bool(0.2) {
                NO_MONEY
            } else {
                0
            };
            return;
        }
        let check = self.managers[manager].check;
        card.opportunity = self.sum(MEAN_CHECK * 0.84 * check, 0.62);
    }

    /// A row of the imported base: nobody waits for the call.
    fn imported_lead(&mut self, id: u32, at: i64, won: &mut Vec<Won>) -> Card {
        let day = self.day_of(at);
        let manager = self.manager(day);
        let mut card = Card::new(id, at);
        let (name, last_name) = self.names.person(&mut self.random);
        card.title = self.pool.intern(if self.russian {
            "Старая база №"
        } else {
            "Old base #"
        });
        card.set(flag::TITLE_ID, true);
        card.source = self.stages.import_source;
        card.name = name;
        card.last_name = last_name;
        card.currency = self.rubles;
        card.created_by = cast::IMPORTER;
        card.assigned = self.managers[manager].id;
        card.set(flag::PHONE, true);
        card.opportunity = if self.random.random_bool(0.9) {
            0
        } else {
            NO_MONEY
        };
        self.fate(&mut card, manager, (0.006 * self.conversion).min(0.5), won);
        card
    }

    /// Days from an exponential-like law with this median, cut at a highest value.
    fn lag_days(&mut self, median: f64, spread: f64, most: f64) -> f64 {
        let law = LogNormal::new(median.ln(), spread);
        law.map_or(median, |law| law.sample(&mut self.random))
            .min(most)
    }

    /// A sum in hundredths with this mean; people round.
    fn sum(&mut self, mean: f64, spread: f64) -> i64 {
        let law = LogNormal::new(mean.ln() - spread * spread / 2.0, spread);
        let sum = law
            .map_or(mean, |law| law.sample(&mut self.random))
            .max(500.0);
        match self.random.random_range(0..10) {
            0..=5 => (sum / 100.0).round() as i64 * 10_000,
            6..=8 => (sum / 10.0).round() as i64 * 1_000,
            _ => (sum * 100.0).round() as i64,
        }
    }

    /// All deals in the order of their ids.
    fn deals(&mut self, won: Vec<Won>) -> Vec<Card> {
        let mut deals: Vec<Card> = Vec::with_capacity(won.len());
        for lead in won {
            let deal = self.deal_of(&lead);
            deals.push(deal);
        }
        self.direct_deals(&mut deals);
        deals.sort_by_key(|deal| deal.created);
        let mut id = 6;
        for deal in &mut deals {
            id = next_id(&mut self.random, id);
            deal.id = id;
        }
        deals
    }

    fn deal_of(&mut self, lead: &Won) -> Card {
        let mut card = Card::new(0, lead.at + self.random.random_range(1..40));
        card.lead = lead.lead;
        card.source = lead.source;
        card.marks = lead.marks;
        card.name = lead.name;
        card.last_name = lead.last_name;
        card.contact = lead.contact;
        self.deal(&mut card, lead.manager);
        card
    }

    /// Deals of customers who come back without a lead, as many as are still wanted.
    fn direct_deals(&mut self, deals: &mut Vec<Card>) {
        let days = self.days(self.deals_left);
        for (day, count) in days {
            for _ in 0..count {
                let day = next_workday(day);
                let at = self.instant(day, true);
                if at >= self.end {
                    // The last days may be a holiday: the order was written the day before.
                    let mut card = Card::new(0, self.end - self.random.random_range(3_600..90_000));
                    self.direct(&mut card);
                    deals.push(card);
                    continue;
                }
                let mut card = Card::new(0, at);
                self.direct(&mut card);
                deals.push(card);
            }
        }
        self.deals_left = 0;
    }

    fn direct(&mut self, card: &mut Card) {
        let day = self.day_of(card.created);
        let manager = self.manager(day);
        card.source = self.stages.partner_source;
        let (name, last_name) = self.names.person(&mut self.random);
        card.name = name;
        card.last_name = last_name;
        card.contact = self.random.random_range(1..=self.last_contact.max(1));
        card.set(flag::RETURN, true);
        self.deal(card, manager);
    }

    /// Pipeline, sum, outcome and dates of a deal.
    fn deal(&mut self, card: &mut Card, manager: usize) {
        let (person, category, check, skill) = {
            let manager = &self.managers[manager];
            (manager.id, manager.category, manager.check, manager.closing)
        };
        card.category = category;
        card.assigned = person;
        card.created_by = person;
        card.modified_by = person;
        card.moved_by = person;
        card.title = self.pool.intern(if self.russian {
            "Сделка №"
        } else {
            "Deal #"
        });
        card.set(flag::TITLE_ID, true);
        card.company = if category == 1 { card.contact } else { 0 };
        card.currency = self.rubles;
        let years =
            (card.created - time::midnight(self.zone, self.first_day)) as f64 / 31_557_600.0;
        let inflation = 1.0 + 0.03 * years;
        card.opportunity = self.sum(MEAN_CHECK * check * inflation, 0.58);
        if category == 1 && self.random.random_bool(0.06) {
            let (currency, rate) = self.stages.foreign(&mut self.random);
            card.currency = currency;
            card.opportunity = (card.opportunity as f64 / rate / 1_000.0).round() as i64 * 1_000;
        }
        card.begun = self.date_of(card.created);
        let busy = self.distraction(self.day_of(card.created));
        let wins = self.random.random_bool((0.70 * skill * busy).min(0.95));
        let median = if wins { 17.0 } else { 22.0 };
        let lag = self
            .lag_days(median, 0.55, 60.0)
            .max(if wins { 1.0 } else { 5.0 });
        let decided = self.worktime(card.created + (lag * 86_400.0) as i64);
        if decided >= self.end {
            self.deal_in_work(card, lag);
            return;
        }
        card.set(flag::CLOSED, true);
        card.closed = self.date_of(decided);
        card.moved = decided;
        card.modified = decided;
        card.active = decided;
        card.semantic = if wins { b'S' } else { b'F' };
        card.stage = self.stages.deal_end(&mut self.random, category, wins);
    }

    /// An open deal: its stage by how far it should be, its closing date a hope.
    fn deal_in_work(&mut self, card: &mut Card, lag: f64) {
        let age = (self.end - card.created) as f64 / 86_400.0;
        let progress = (age / lag).clamp(0.0, 0.99);
        card.stage = self.stages.deal_open(card.category, progress);
        card.set(flag::NEW, progress < 0.2);
        card.set(flag::CLOSED, false);
        let touched = card.created + ((self.end - card.created) as f64 * 0.7) as i64;
        card.modified = touched.max(card.created);
        card.moved = card.modified;
        card.active = card.modified;
        card.closed = self.date_of(card.created + 14 * 86_400);
        if self.random.random_bool(0.05) {
            card.opportunity = 0;
        }
    }

    /// A date as the portal keeps it: midnight UTC of the local day.
    fn date_of(&self, at: i64) -> i64 {
        self.day_of(at)
            .and_hms_opt(0, 0, 0)
            .unwrap_or_default()
            .and_utc()
            .timestamp()
    }
}

fn wanted_leads(spec: &Spec) -> u64 {
    let usual = if spec.size == Size::Small {
        SMALL_LEADS
    } else {
        LARGE_LEADS
    };
    spec.leads.unwrap_or(usual)
}

/// Deals said, else in the proportion of the size.
fn wanted_deals(spec: &Spec) -> u64 {
    let leads = wanted_leads(spec);
    spec.deals.unwrap_or(match spec.size {
        Size::Large if spec.leads.is_none() => LARGE_DEALS,
        _ => (leads as f64 * CONVERSION * (1.0 + DIRECT_DEALS)) as u64,
    })
}

/// An index in proportion to its weight; the first when all are zero.
pub(super) fn pick(random: &mut StdRng, weights: &[f64]) -> usize {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return 0;
    }
    let mut left = random.random_range(0.0..sum);
    for (at, weight) in weights.iter().enumerate() {
        if left < *weight {
            return at;
        }
        left -= weight;
    }
    weights
        .iter()
        .rposition(|weight| *weight > 0.0)
        .unwrap_or(0)
}

/// The id after this one; deleted rows leave gaps.
fn next_id(random: &mut StdRng, id: u32) -> u32 {
    match random.random_range(0..1_000_u32) {
        0..=929 => id + 1,
        930..=998 => id + random.random_range(2..5),
        _ => id + random.random_range(8..40),
    }
}

fn next_workday(mut day: NaiveDate) -> NaiveDate {
    while !cast::is_workday(day) {
        day = day + Days::new(1);
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn spec(seed: u64) -> Spec {
        Spec {
            seed,
            size: Size::Small,
            leads: None,
            deals: None,
            today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            locale: Locale::Ru,
        }
    }

    fn print(company: &Company) -> Vec<(u32, i64, i64, i64, i64, String)> {
        let cards = company.leads.cards().iter().chain(company.deals.cards());
        let line = |card: &Card| {
            let stage = company.pool.text(card.stage).to_owned();
            (
                card.id,
                card.created,
                card.modified,
                card.closed,
                card.opportunity,
                stage,
            )
        };
        cards.map(line).collect()
    }

    #[test]
    fn a_seed_is_a_company() {
        let make = |seed| {
            Company::generate(&Spec {
                leads: Some(2_500),
                ..spec(seed)
            })
        };
        let first = make(1);
        assert_eq!(first.size().0, 2_500);
        assert!(print(&first) == print(&make(1)), "the same seed differs");
        assert!(print(&first) != print(&make(2)), "another seed is the same");
    }

    #[test]
    fn its_months_look_like_a_company_of_that_size() {
        for seed in [1, 2] {
            let company = Company::generate(&spec(seed));
            let month = |at: i64| {
                let local = chrono::DateTime::from_timestamp(at, 0).unwrap();
                local
                    .with_timezone(&company.zone)
                    .format("%Y-%m")
                    .to_string()
            };
            let mut created: BTreeMap<String, u32> = BTreeMap::new();
            for lead in company.leads.cards() {
                *created.entry(month(lead.created)).or_default() += 1;
            }
            let mut revenue: BTreeMap<String, i64> = BTreeMap::new();
            for deal in company
                .deals
                .cards()
                .iter()
                .filter(|deal| deal.semantic == b'S')
            {
                *revenue.entry(month(deal.closed)).or_default() += deal.opportunity / 100;
            }
            assert_eq!(created.len(), 37, "seed {seed}");
            let year: Vec<u32> = created
                .range("2026-01".to_owned()..)
                .map(|(_, n)| *n)
                .collect();
            assert!(
                year[..8].iter().all(|leads| (600..1_400).contains(leads)),
                "{seed} {year:?}"
            );
            assert!(
                year[8] > year[7] + 450,
                "seed {seed}: the import of September: {year:?}"
            );
            let money: i64 = revenue
                .range("2025-11".to_owned().."2026-11".to_owned())
                .map(|(_, m)| *m)
                .sum();
            assert!(
                (9_000_000..17_000_000).contains(&money),
                "seed {seed}: {money} in a year"
            );
        }
    }

    #[test]
    fn its_rows_hang_together() {
        let company = Company::generate(&spec(7));
        let end = time::midnight(company.zone, spec(7).today);
        let leads = company.leads.cards();
        let deals = company.deals.cards();
        for card in leads.iter().chain(deals) {
            assert!(
                card.created <= card.modified && card.modified < end,
                "row {}",
                card.id
            );
            assert_ne!(card.stage, 0);
            assert!(company.users.iter().any(|user| user.id == card.assigned));
        }
        let mut linked = 0;
        for deal in deals.iter().filter(|deal| deal.lead != 0) {
            let lead = company.leads.get(deal.lead).unwrap();
            assert_eq!(lead.semantic, b'S');
            assert!(lead.closed < deal.created);
            linked += 1;
        }
        assert_eq!(
            linked,
            leads.iter().filter(|lead| lead.semantic == b'S').count()
        );
        assert!(linked < deals.len(), "some deals have no lead");
        assert!(
            company.leads.last_id() as usize > leads.len() + 500,
            "ids have gaps"
        );
        let open: Vec<_> = leads.iter().filter(|lead| lead.semantic == b'P').collect();
        let missing = open.iter().filter(|lead| lead.opportunity <= 0).count();
        let share = missing * 100 / open.len();
        assert!(
            (15..32).contains(&share),
            "{share} % of open leads have no sum"
        );
        let gone = company.users.iter().filter(|user| !user.active).count();
        assert_eq!(gone, 1);
    }

    #[test]
    fn counts_that_are_said_come_out_exactly() {
        for (leads, deals) in [(5_000, 1_500), (3_000, 0), (0, 40), (100, 90)] {
            let spec = Spec {
                size: Size::Large,
                leads: Some(leads),
                deals: Some(deals),
                ..spec(1)
            };
            let company = Company::generate(&spec);
            let size = (company.size().0 as u64, company.size().1 as u64);
            assert_eq!(size, (leads, deals));
        }
    }
}
