//! Who and what the made-up company consists of: people, departments, sources, stages, names,
//! and the days on which it works.

use chrono::{Datelike, Months, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use rand::Rng;
use rand::rngs::StdRng;

use super::generate::pick;
use super::{Category, Department, Pool, Status, Sym, User, time};

/// When the office opens.
pub(super) const MORNING: NaiveTime = hour(9);

/// When the office closes.
pub(super) const EVENING: NaiveTime = hour(19);

const fn hour(hour: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, 0, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// The user who imported the old base.
pub(super) const IMPORTER: u32 = 5;

/// Public holidays of every year: month and days.
const HOLIDAYS: [(u32, u32, u32); 7] = [
    (1, 1, 8),
    (2, 23, 23),
    (3, 8, 8),
    (5, 1, 1),
    (5, 9, 9),
    (6, 12, 12),
    (11, 4, 4),
];

/// True on a public holiday.
pub(super) fn is_holiday(day: NaiveDate) -> bool {
    let within = |(month, first, last): &(u32, u32, u32)| {
        day.month() == *month && (*first..=*last).contains(&day.day())
    };
    HOLIDAYS.iter().any(within)
}

/// True when the office is open.
pub(super) fn is_workday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(day)
}

/// The company's name.
pub(super) fn company_name(russian: bool) -> String {
    if russian {
        "ООО «Ромашка»"
    } else {
        "Daisy Ltd"
    }
    .to_owned()
}

/// Someone who sells.
pub(super) struct Manager {
    pub(super) id: u32,
    pub(super) department: u32,
    /// Pipeline of his deals.
    pub(super) category: u16,
    /// Share of leads that he gets, against the others.
    pub(super) load: f64,
    /// How much better than average his leads become deals.
    pub(super) conversion: f64,
    /// How much better than average his deals are won.
    pub(super) closing: f64,
    /// His check, against the average.
    pub(super) check: f64,
    /// How often he leaves the sum of an open lead empty.
    pub(super) forgets_sum: f64,
    pub(super) hired: NaiveDate,
    /// First day on which he does not work here any more.
    pub(super) left: Option<NaiveDate>,
}

/// Twelve managers: id, department, load, conversion, closing, check, forgetfulness.
const MANAGERS: [(u32, u32, f64, f64, f64, f64, f64); 12] = [
    (7, 3, 1.15, 1.34, 1.10, 1.05, 0.08),
    (9, 3, 1.10, 1.12, 1.04, 0.94, 0.12),
    (11, 3, 1.00, 0.88, 0.95, 0.90, 0.44),
    (12, 3, 0.95, 0.97, 1.00, 0.86, 0.18),
    (14, 5, 0.70, 1.08, 1.08, 1.62, 0.10),
    (15, 5, 0.65, 0.92, 1.02, 1.40, 0.22),
    (17, 5, 0.60, 0.78, 0.90, 1.28, 0.36),
    (18, 7, 1.20, 1.06, 1.00, 0.80, 0.20),
    (20, 7, 1.15, 0.95, 0.98, 0.76, 0.26),
    (21, 7, 1.05, 0.84, 0.96, 0.82, 0.30),
    (23, 7, 1.00, 1.18, 1.06, 0.78, 0.14),
    (26, 7, 0.90, 0.62, 0.86, 0.74, 0.33),
];

/// Numbers of the managers who were hired lately and who left.
const NEWCOMER: u32 = 26;
const LEAVER: u32 = 12;

/// The managers of a company that is described on a day.
pub(super) fn managers(today: NaiveDate) -> Vec<Manager> {
    let back = |months: u32| {
        today
            .checked_sub_months(Months::new(months))
            .unwrap_or(today)
    };
    let all = MANAGERS.map(
        |(id, department, load, conversion, closing, check, forgets_sum)| Manager {
            id,
            department,
            category: u16::from(department == 5),
            load,
            conversion,
            closing,
            check,
            forgets_sum,
            hired: if id == NEWCOMER {
                back(3)
            } else {
                NaiveDate::MIN
            },
            left: (id == LEAVER).then(|| back(8)),
        },
    );
    all.into()
}

/// First and last names of all users, Russian and English: director, marketing, the managers.
const PEOPLE: [(u32, &str, &str, &str, &str, &str); 14] = [
    (1, "Ольга", "Воронцова", "Olga", "Hale", "F"),
    (5, "Денис", "Мартынов", "Dennis", "Martin", "M"),
    (7, "Игорь", "Петров", "Ian", "Peters", "M"),
    (9, "Марина", "Соколова", "Marina", "Falconer", "F"),
    (11, "Алексей", "Жуков", "Alex", "Beadle", "M"),
    (12, "Светлана", "Ким", "Lana", "Kim", "F"),
    (14, "Рустам", "Галиев", "Russell", "Gale", "M"),
    (15, "Екатерина", "Лебедева", "Kate", "Swann", "F"),
    (17, "Павел", "Орлов", "Paul", "Eagles", "M"),
    (18, "Наталья", "Фролова", "Natalie", "Frost", "F"),
    (20, "Артём", "Никитин", "Arthur", "Nixon", "M"),
    (21, "Юлия", "Захарова", "Julia", "Zachary", "F"),
    (23, "Тимур", "Ахметов", "Tim", "Archer", "M"),
    (26, "Дарья", "Белова", "Daria", "White", "F"),
];

/// All users of the portal.
pub(super) fn users(managers: &[Manager], zone: Tz, first: NaiveDate, russian: bool) -> Vec<User> {
    let users = PEOPLE.map(|(id, name, last, english, english_last, gender)| {
        let manager = managers.iter().find(|manager| manager.id == id);
        let position = match (id, russian) {
            (1, true) => "Директор",
            (1, false) => "Director",
            (5, true) => "Маркетолог",
            (5, false) => "Marketing",
            (7 | 14 | 18, true) => "Руководитель отдела",
            (7 | 14 | 18, false) => "Head of department",
            (_, true) => "Менеджер по продажам",
            (_, false) => "Sales manager",
        };
        let hired = manager.map_or(first, |manager| manager.hired.max(first));
        User {
            id,
            name: if russian { name } else { english }.to_owned(),
            last_name: if russian { last } else { english_last }.to_owned(),
            second_name: String::new(),
            email: format!("{english}.{english_last}@example.com").to_lowercase(),
            position: position.to_owned(),
            gender: gender.to_owned(),
            active: manager.is_none_or(|manager| manager.left.is_none()),
            departments: vec![manager.map_or(1, |manager| manager.department)],
            registered: time::text(zone, time::midnight(zone, hired)),
        }
    });
    users.into()
}

/// The company's structure: three departments with their heads.
pub(super) fn departments(russian: bool) -> Vec<Department> {
    let all = [
        (1, company_name(russian), None, 1),
        (
            3,
            if russian { "Розница" } else { "Retail" }.to_owned(),
            Some(1),
            7,
        ),
        (
            5,
            if russian { "Опт" } else { "Wholesale" }.to_owned(),
            Some(1),
            14,
        ),
        (
            7,
            if russian {
                "Дистанционные продажи"
            } else {
                "Remote sales"
            }
            .to_owned(),
            Some(1),
            18,
        ),
    ];
    let all = all.map(|(id, name, parent, head)| Department {
        id,
        name,
        sort: 500,
        parent,
        head: Some(head),
    });
    all.into()
}

/// The two pipelines.
pub(super) fn categories(russian: bool) -> Vec<Category> {
    let name = |ru: &str, en: &str| if russian { ru } else { en }.to_owned();
    vec![
        Category {
            id: 0,
            name: name("Продажи", "Sales"),
            sort: 300,
        },
        Category {
            id: 1,
            name: name("Опт", "Wholesale"),
            sort: 400,
        },
    ]
}

/// Lead statuses and sources that the company made for itself.
pub(super) fn own_statuses(russian: bool) -> Vec<Status> {
    let failed = [
        ("UC_DUP", "Дубль", "Duplicate"),
        ("UC_NOCALL", "Не дозвонились", "No answer"),
        ("UC_NONEED", "Неактуально", "No need"),
        ("UC_PRICE", "Дорого", "Too expensive"),
        ("UC_RIVAL", "Выбрали другого", "Chose another"),
    ];
    let mut all = Vec::new();
    for (sort, (code, ru, en)) in (6_i64..).zip(failed) {
        all.push(Status {
            entity: "STATUS".to_owned(),
            code: code.to_owned(),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            semantics: Some('F'),
            group: "apology".to_owned(),
            ..Status::default()
        });
    }
    let sources = [
        ("UC_SOCIAL", "Соцсети", "Social networks"),
        ("UC_BASE", "Старая база", "Old base"),
    ];
    for (sort, (code, ru, en)) in (13_i64..).zip(sources) {
        all.push(Status {
            entity: "SOURCE".to_owned(),
            code: code.to_owned(),
            name: if russian { ru } else { en }.to_owned(),
            sort: sort * 10,
            ..Status::default()
        });
    }
    all
}

/// Where leads come from.
pub(super) struct Source {
    pub(super) code: Sym,
    /// Share of the leads in the first year.
    pub(super) share: f64,
    /// How its share grows a year.
    pub(super) growth: f64,
    /// How much likelier than average its leads become deals.
    pub(super) conversion: f64,
    /// It is alive only in the weeks of exhibitions.
    pub(super) exhibition: bool,
    /// Leads come only while someone answers.
    pub(super) office_hours: bool,
    /// An open channel: the source is not in the directory.
    pub(super) channel: bool,
    /// Who creates the card; 0 is the manager himself.
    pub(super) created_by: u32,
    titles: (&'static str, &'static str),
    /// Advertising systems: source, medium, campaigns.
    ads: Ads,
}

const CONTEXT: Ads = &[
    (
        "yandex",
        "cpc",
        &[
            "search_brand",
            "search_kuhni",
            "rsya_retarget",
            "search_opt",
        ],
    ),
    ("google", "cpc", &["search_generic", "gdn_lookalike"]),
];
const SOCIAL: Ads = &[
    ("vk", "social", &["leadform", "stories"]),
    ("telegram", "social", &["channel_ads"]),
];
const SITE: Ads = &[
    ("yandex", "organic", &[""]),
    ("google", "organic", &[""]),
    ("", "", &[""]),
];
const TERMS: [&str; 6] = [
    "купить оптом",
    "цена",
    "доставка",
    "каталог",
    "отзывы",
    "заказать с установкой",
];

/// Advertising systems of a source: source, medium, campaigns.
type Ads = &'static [(&'static str, &'static str, &'static [&'static str])];

/// One line of the table of sources.
type SourceLine = (
    &'static str,
    f64,
    f64,
    f64,
    (&'static str, &'static str),
    Ads,
);

/// The nine sources: code, share of the leads, its growth a year, conversion, titles, advertising.
#[rustfmt::skip]
const SOURCES: [SourceLine; 9] = [
    ("WEB", 0.27, 1.0, 0.95, ("Заявка с сайта №", "Website request #"), SITE),
    ("CALL", 0.19, 0.97, 1.25, ("Входящий звонок №", "Incoming call #"), &[]),
    ("ADVERTISING", 0.23, 1.06, 0.72, ("Реклама: заявка №", "Ad request #"), CONTEXT),
    ("UC_SOCIAL", 0.10, 1.35, 0.40, ("Соцсети: заявка №", "Social request #"), SOCIAL),
    ("RECOMMENDATION", 0.06, 1.02, 2.60, ("По рекомендации №", "Referral #"), &[]),
    ("TRADE_SHOW", 0.14, 1.0, 0.85, ("Выставка, визитка №", "Trade show card #"), &[]),
    ("PARTNER", 0.045, 1.05, 2.90, ("Повторное обращение №", "Existing client #"), &[]),
    ("EMAIL", 0.04, 0.9, 0.80, ("Письмо №", "E-mail #"), &[]),
    ("7|WZ_WHATSAPP_C3A1", 0.05, 1.15, 0.90, ("WhatsApp: чат №", "WhatsApp chat #"), &[]),
];

/// The sources of the company.
pub(super) fn sources(pool: &mut Pool) -> Vec<Source> {
    let all = SOURCES.map(|(code, share, growth, conversion, titles, ads)| Source {
        code: pool.intern(code),
        share,
        growth,
        conversion,
        exhibition: code == "TRADE_SHOW",
        office_hours: matches!(code, "CALL" | "TRADE_SHOW" | "RECOMMENDATION" | "PARTNER"),
        channel: code.contains('|'),
        // Forms and advertising write cards by themselves, under the owner's name.
        created_by: u32::from(matches!(code, "WEB" | "ADVERTISING" | "UC_SOCIAL")),
        titles,
        ads,
    });
    all.into()
}

impl Source {
    /// A title; the row's id follows it.
    pub(super) fn title(&self, random: &mut StdRng, pool: &mut Pool, russian: bool) -> Sym {
        // One title in forty could be taken for a formula by a careless spreadsheet.
        let text = if russian {
            self.titles.0
        } else {
            self.titles.1
        };
        if random.random_bool(0.025) {
            return pool.intern(if russian {
                "=Срочно! Заявка №"
            } else {
                "=Urgent request #"
            });
        }
        pool.intern(text)
    }

    /// UTM marks of an advertising source.
    pub(super) fn marks(&self, random: &mut StdRng, pool: &mut Pool, day: NaiveDate) -> u32 {
        if self.ads.is_empty() {
            return 0;
        }
        let (source, medium, campaigns) = self.ads[random.random_range(0..self.ads.len())];
        let campaign = campaigns[random.random_range(0..campaigns.len())];
        let campaign = if campaign.is_empty() {
            0
        } else {
            pool.intern(&format!("{campaign}_{}", day.year()))
        };
        let term = if medium == "cpc" && random.random_bool(0.8) {
            pool.intern(TERMS[random.random_range(0..TERMS.len())])
        } else {
            0
        };
        let content = if medium == "social" {
            pool.intern("banner1")
        } else {
            0
        };
        let marks = [
            pool.intern(source),
            pool.intern(medium),
            campaign,
            content,
            term,
        ];
        pool.marks(marks)
    }
}

/// Codes of stages and of what else the rows need.
pub(super) struct Stages {
    pub(super) new: Sym,
    in_process: Sym,
    processed: Sym,
    pub(super) converted: Sym,
    failures: [(Sym, f64); 6],
    deal_open: [[Sym; 5]; 2],
    deal_won: [Sym; 2],
    deal_lost: [Sym; 2],
    deal_apology: [Sym; 2],
    pub(super) import_source: Sym,
    pub(super) partner_source: Sym,
    dollars: Sym,
    euros: Sym,
}

impl Stages {
    pub(super) fn new(pool: &mut Pool) -> Self {
        let mut stage = |code: &str| [pool.intern(code), pool.intern(&format!("C1:{code}"))];
        let open = [
            "NEW",
            "PREPARATION",
            "PREPAYMENT_INVOICE",
            "EXECUTING",
            "FINAL_INVOICE",
        ]
        .map(&mut stage);
        let (deal_won, deal_lost, deal_apology) = (stage("WON"), stage("LOSE"), stage("APOLOGY"));
        Self {
            deal_open: [open.map(|pair| pair[0]), open.map(|pair| pair[1])],
            deal_won,
            deal_lost,
            deal_apology,
            new: pool.intern("NEW"),
            in_process: pool.intern("IN_PROCESS"),
            processed: pool.intern("PROCESSED"),
            converted: pool.intern("CONVERTED"),
            failures: [
                (pool.intern("JUNK"), 0.13),
                (pool.intern("UC_DUP"), 0.06),
                (pool.intern("UC_NOCALL"), 0.22),
                (pool.intern("UC_NONEED"), 0.31),
                (pool.intern("UC_PRICE"), 0.16),
                (pool.intern("UC_RIVAL"), 0.12),
            ],
            import_source: pool.intern("UC_BASE"),
            partner_source: pool.intern("PARTNER"),
            dollars: pool.intern("USD"),
            euros: pool.intern("EUR"),
        }
    }

    /// Why a lead failed.
    pub(super) fn failure(&self, random: &mut StdRng) -> Sym {
        let weights = self.failures.map(|(_, weight)| weight);
        self.failures[pick(random, &weights)].0
    }

    /// How far an open lead is.
    pub(super) fn open(&self, random: &mut StdRng) -> Sym {
        let stages = [self.new, self.in_process, self.processed];
        stages[pick(random, &[0.12, 0.58, 0.30])]
    }

    /// Last stage of a deal.
    pub(super) fn deal_end(&self, random: &mut StdRng, category: u16, wins: bool) -> Sym {
        let pipeline = usize::from(category.min(1));
        match (wins, random.random_bool(0.3)) {
            (true, _) => self.deal_won[pipeline],
            (false, true) => self.deal_apology[pipeline],
            (false, false) => self.deal_lost[pipeline],
        }
    }

    /// Stage of an open deal by its progress from 0 to 1.
    pub(super) fn deal_open(&self, category: u16, progress: f64) -> Sym {
        let stages = &self.deal_open[usize::from(category.min(1))];
        let at = (progress * stages.len() as f64) as usize;
        stages[at.min(stages.len() - 1)]
    }

    /// A foreign currency and what it costs.
    pub(super) fn foreign(&self, random: &mut StdRng) -> (Sym, f64) {
        if random.random_bool(0.6) {
            (self.dollars, 81.42)
        } else {
            (self.euros, 94.15)
        }
    }
}

/// Names of clients.
pub(super) struct Names {
    first: Vec<Sym>,
    last: Vec<Sym>,
}

const FIRST_RU: [&str; 20] = [
    "Александр",
    "Сергей",
    "Дмитрий",
    "Андрей",
    "Максим",
    "Евгений",
    "Владимир",
    "Николай",
    "Роман",
    "Виктор",
    "Анна",
    "Елена",
    "Татьяна",
    "Ирина",
    "Мария",
    "Людмила",
    "Ксения",
    "Виктория",
    "Алина",
    "Полина",
];
const LAST_RU: [&str; 24] = [
    "Иваненко",
    "Кузьменко",
    "Савченко",
    "Шевчук",
    "Марчук",
    "Мельник",
    "Коваль",
    "Бондарь",
    "Ткач",
    "Седых",
    "Черных",
    "Долгих",
    "Гончар",
    "Пономарь",
    "Рыбак",
    "Кравец",
    "Швец",
    "Гайдук",
    "Зинченко",
    "Демченко",
    "Лысенко",
    "Руденко",
    "Панченко",
    "Яценко",
];
const FIRST_EN: [&str; 20] = [
    "James", "Mary", "Robert", "Linda", "John", "Susan", "Peter", "Karen", "David", "Nancy",
    "Mark", "Laura", "Brian", "Emma", "Kevin", "Sarah", "Jason", "Helen", "Frank", "Alice",
];
const LAST_EN: [&str; 24] = [
    "Adams",
    "Baker",
    "Clark",
    "Davis",
    "Evans",
    "Foster",
    "Green",
    "Harris",
    "Irwin",
    "Jones",
    "Kelly",
    "Lewis",
    "Moore",
    "Nelson",
    "Owens",
    "Parker",
    "Quinn",
    "Reed",
    "Scott",
    "Turner",
    "Underwood",
    "Vance",
    "Walker",
    "Young",
];

impl Names {
    pub(super) fn new(pool: &mut Pool, russian: bool) -> Self {
        let (first, last) = if russian {
            (FIRST_RU, LAST_RU)
        } else {
            (FIRST_EN, LAST_EN)
        };
        Self {
            first: first.map(|name| pool.intern(name)).into(),
            last: last.map(|name| pool.intern(name)).into(),
        }
    }

    /// First and last name of somebody.
    pub(super) fn person(&self, random: &mut StdRng) -> (Sym, Sym) {
        let first = self.first[random.random_range(0..self.first.len())];
        (first, self.last[random.random_range(0..self.last.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Days;

    #[test]
    fn the_office_rests_on_weekends_and_holidays() {
        let cases = [
            ("2026-01-05", false),
            ("2026-01-09", true),
            ("2026-11-21", false),
        ];
        for (day, works) in cases {
            assert_eq!(is_workday(day.parse().unwrap()), works, "{day}");
        }
        let day: NaiveDate = "2026-11-04".parse().unwrap();
        assert!(is_holiday(day) && !is_holiday(day + Days::new(1)));
    }

    #[test]
    fn every_manager_is_a_user_of_his_department() {
        let today = "2026-11-22".parse().unwrap();
        let managers = managers(today);
        let zone = chrono_tz::Europe::Moscow;
        let users = users(&managers, zone, today - Days::new(1_000), true);
        let departments = departments(true);
        assert_eq!(
            (managers.len(), users.len(), departments.len()),
            (12, 14, 4)
        );
        for manager in &managers {
            let user = users.iter().find(|user| user.id == manager.id).unwrap();
            assert_eq!(user.departments, [manager.department]);
        }
        for department in &departments {
            assert!(users.iter().any(|user| Some(user.id) == department.head));
        }
    }
}
