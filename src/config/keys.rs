//! The keys that each table of the configuration has.

/// Tables and their keys; the root is `""`.
pub(super) const ALL: &[(&str, &[&str])] = &[
    ("", &["google", "store", "http", "company"]),
    ("google", &["credentials", "subject", "endpoint"]),
    ("store", &["url"]),
    ("http", &["listen"]),
    (
        "company",
        &[
            "id",
            "name",
            "time_zone",
            "locale",
            "currency",
            "refresh",
            "holidays",
            "share_with",
            "folder",
            "report_template",
            "plan_template",
            "bitrix24",
            "mapping",
            "targets",
        ],
    ),
    ("company.share_with", &["email", "role"]),
    (
        "company.bitrix24",
        &[
            "webhook_url",
            "portal",
            "client_id",
            "client_secret",
            "token_file",
            "oauth_server",
            "ca_file",
            "enterprise",
        ],
    ),
    ("company.mapping", &["junk_statuses", "pipelines"]),
    (
        "company.targets",
        &[
            "break_even",
            "profit",
            "margin",
            "avg_check",
            "conversion",
            "growth",
            "seasonality",
        ],
    ),
];

/// Keys that must be given: what stands in `default.toml` for them is an example, not a default.
pub(super) const REQUIRED: &[&str] = &[
    "google.credentials",
    "company.id",
    "company.name",
    "company.time_zone",
    "company.currency",
    "company.bitrix24.webhook_url",
];

/// The keys of a table.
pub(super) fn of(section: &str) -> &'static [&'static str] {
    ALL.iter()
        .find(|(name, _)| *name == section)
        .map_or(&[], |(_, keys)| keys)
}
