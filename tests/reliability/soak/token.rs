//! Tokens of every age, and the validity of their dates.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tower_jit_provisioning::testing::{SigningKey, TestIssuer};

use crate::{app::AUDIENCE, people::subject, random};

/// The verifier's default, in milliseconds.
const LEEWAY: i64 = 60_000;

/// A token, and the checker's knowledge of it.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) person: usize,
    pub(super) kid: String,
    pub(super) dates: Dates,
    pub(super) text: String,
}

impl Token {
    /// Mints a token of a random age, signed by this key.
    pub(super) fn mint(issuer: &TestIssuer, key: &Arc<SigningKey>, person: usize) -> Arc<Self> {
        let dates = Dates::random();
        let mut token = issuer
            .token(&subject(person))
            .audience(AUDIENCE)
            .header("kid", key.kid())
            .signed_by(key)
            .claim("name", subject(person))
            .claim("exp", dates.expires);
        token = match dates.issued {
            Some(issued) => token.claim("iat", issued),
            None => token.without_claim("iat"),
        };
        if let Some(not_before) = dates.not_before {
            token = token.claim("nbf", not_before);
        }
        Arc::new(Self {
            person,
            kid: key.kid().to_owned(),
            dates,
            text: token.sign(),
        })
    }
}

/// Seconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Dates {
    issued: Option<i64>,
    not_before: Option<i64>,
    expires: i64,
}

impl Dates {
    /// Five minutes from now in most cases; otherwise near an edge of the lifetime.
    fn random() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since_epoch.expect("a clock after 1970").as_secs() as i64;
        let from = |first: i64, span: usize| now + first + random(span) as i64;
        let dates = Self {
            issued: Some(now),
            not_before: None,
            expires: now + 300,
        };
        match random(10) {
            0 => Self {
                expires: from(-90, 120),
                ..dates
            },
            1 => Self {
                not_before: Some(from(-30, 150)),
                ..dates
            },
            2 => Self {
                issued: Some(from(0, 120)),
                ..dates
            },
            3 => Self {
                issued: Some(from(-600, 600)),
                ..dates
            },
            4 => Self {
                issued: None,
                ..dates
            },
            _ => dates,
        }
    }

    /// Applies RFC 7519 section 4.1 with leeway, and rejects tokens from the future.
    pub(super) fn pass_at(&self, now: i64) -> bool {
        let has_come = |date: Option<i64>| date.is_none_or(|date| date * 1000 - LEEWAY <= now);
        has_come(self.issued) && has_come(self.not_before) && now < self.expires * 1000 + LEEWAY
    }
}
