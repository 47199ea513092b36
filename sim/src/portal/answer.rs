//! What a method gives back, before it is wrapped.

/// A good answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// JSON of `result`.
    pub(crate) result: Vec<u8>,
    pub(crate) total: Option<usize>,
    pub(crate) next: Option<usize>,
    /// List pages that the answer cost the server.
    pub(crate) pages: u32,
}

impl Answer {
    /// An answer without total and next.
    pub(crate) fn of(result: &serde_json::Value) -> Self {
        Self {
            result: result.to_string().into_bytes(),
            ..Self::default()
        }
    }

    /// An answer of a directory that is not paged.
    pub(crate) fn list(result: &serde_json::Value, total: usize) -> Self {
        Self {
            total: Some(total),
            pages: 1,
            ..Self::of(result)
        }
    }
}

/// An error of the portal.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// HTTP status of a single call.
    pub(crate) status: u16,
    /// Mostly a text; some methods answer the number 0.
    pub(crate) code: serde_json::Value,
    pub(crate) description: String,
}

impl Refusal {
    /// An error of this status.
    pub(crate) fn new(status: u16, code: &str, description: &str) -> Self {
        Self {
            status,
            code: code.into(),
            description: description.to_owned(),
        }
    }

    /// A refused argument.
    pub(crate) fn bad(code: &str, description: &str) -> Self {
        Self::new(400, code, description)
    }

    /// An error of the old CRM methods, whose code is empty.
    pub(crate) fn plain(description: &str) -> Self {
        Self::bad("", description)
    }

    /// Too much operating time.
    pub(crate) fn operating() -> Self {
        Self::new(
            429,
            "OPERATION_TIME_LIMIT",
            "Method is blocked due to operation time limit.",
        )
    }

    /// An error whose code is the number 0.
    pub(crate) fn zero(description: &str) -> Self {
        Self {
            status: 400,
            code: 0.into(),
            description: description.to_owned(),
        }
    }

    /// The body.
    pub(crate) fn json(&self) -> Vec<u8> {
        let body = serde_json::json!({
            "error": self.code,
            "error_description": self.description,
        });
        body.to_string().into_bytes()
    }
}
