//! A sequence of calls, each of which must get the right response.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tower_jit_provisioning::ErrorKind;

use super::{
    Soak,
    crowd::Standing,
    expected::Expected,
    keys::{IssuerState, WAIT},
    tally::Right,
    token::Token,
};
use crate::{
    app::{AUDIENCE, Answer, App},
    random,
};

/// Maximum number of people: growth after that is a leak.
const PEOPLE: usize = 5_000;

/// Number of tokens that are used again and again.
const REMEMBERED: usize = 4_000;

/// Average pause of a caller, so that a soak does not occupy the whole machine.
const REST: Duration = Duration::from_millis(40);

impl Soak {
    pub(super) async fn call(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            self.step().await;
            sleep(REST / 50 * random(100) as u32).await;
        }
    }

    /// Sends one request of a random kind.
    async fn step(&self) {
        let known = self.crowd.len();
        match random(20) {
            0 if known < PEOPLE => self.visit(&self.mint(self.crowd.join())).await,
            1..4 => self.send_invalid(random(6)).await,
            4 if random(20) == 0 && known > 50 => self.deactivate(random(known)).await,
            5..11 => {
                if let Some(token) = self.remembered() {
                    self.visit(&token).await;
                }
            }
            _ if known > 0 => self.visit(&self.mint(random(known))).await,
            _ => {}
        }
    }

    fn mint(&self, person: usize) -> Arc<Token> {
        let token = Token::mint(&self.keys.issuer, &self.keys.pick(), person);
        let mut minted = self.minted.lock().expect("tokens");
        if minted.len() == REMEMBERED {
            minted.pop_front();
        }
        minted.push_back(Arc::clone(&token));
        token
    }

    fn remembered(&self) -> Option<Arc<Token>> {
        let minted = self.minted.lock().expect("tokens");
        minted.get(random(minted.len())).cloned()
    }

    async fn visit(&self, token: &Token) {
        let (reading, by_key) = (self.clock.read(), self.keys.expects(&token.kid));
        let standing = self.crowd.standing(token.person);
        let began = Instant::now();
        let answer = self.app.call(&token.text).await;
        let by_key = Expected::by_all([by_key, self.keys.expects(&token.kid)]);
        let by_dates = self.clock.since(reading, |now| token.dates.pass_at(now));
        let expected = by_dates.and(by_key);
        let right = match expected {
            Expected::Refused => is_refused(&answer).then_some(Right::Token),
            Expected::Passes => self.admits(token.person, standing, began, &answer),
            Expected::Either => {
                let admits = self.admits(token.person, standing, began, &answer);
                admits
                    .or_else(|| is_refused(&answer).then_some(Right::Token))
                    .map(|_| Right::Either)
            }
        };
        if answer.status == 200 {
            self.keys.hold(&token.kid);
        }
        let what = format!("{standing:?}, {expected:?}, {token:?}");
        self.tally.note(right, &what, &answer);
    }

    /// Returns why the response to a person with a valid token is right. `None` means it is wrong.
    fn admits(
        &self,
        person: usize,
        before: Standing,
        began: Instant,
        answer: &Answer,
    ) -> Option<Right> {
        let is_settled = self.crowd.is_settled(person, before);
        let (is_right, why) = match answer.status.as_u16() {
            200 => {
                let may_pass = !is_settled || before == Standing::Active;
                let is_right = self.crowd.is_same_user(person, answer) && may_pass;
                (is_right, Right::LetIn)
            }
            // The tokens are revoked, or the person is refused.
            401 | 403 => (
                !is_settled || before == Standing::Deactivated,
                Right::Deactivated,
            ),
            _ => {
                let is_right = answer.is_unavailable() && self.fault_window.covers(began);
                (is_right, Right::Unavailable)
            }
        };
        is_right.then_some(if is_settled { why } else { Right::Either })
    }

    /// Sends a token that is invalid under all circumstances.
    async fn send_invalid(&self, kind: usize) {
        let token = self.keys.issuer.token("eve").audience(AUDIENCE);
        let token = match kind {
            0 => token.expired_for(Duration::from_secs(3600)).sign(),
            1 => token.audience("another-api").sign(),
            2 => self.stranger.token("eve").audience(AUDIENCE).sign(),
            3 => {
                let token = token.sign();
                let (message, _) = token.rsplit_once('.').expect("a token");
                // `A` at the end makes it valid base64, so that only the signature is wrong.
                format!("{message}.{:0>85}A", random(1_000_000))
            }
            4 => {
                let kid = format!("no-such-key-{}", random(1_000_000));
                token.header("kid", kid).sign()
            }
            _ => format!("{:x}.{:x}.x", random(1_000_000), random(1_000_000)),
        };
        let answer = self.app.call(&token).await;
        self.tally.note_wait(answer.took);
        let right = is_refused(&answer).then_some(Right::Invalid);
        self.tally.note(right, &format!("invalid {kind}"), &answer);
    }

    /// Sends a valid token to a verifier without keys.
    pub(super) async fn call_without_keys(&self) {
        let before = self.keys.issuer_state();
        let token = self.keys.issuer.token("ana").audience(AUDIENCE).sign();
        let answer = App::new(self.keys.verifier()).call(&token).await;
        self.tally.note_wait(answer.took);
        let is_right = match (before, answer.status.as_u16()) {
            (IssuerState::Faulty(_), 200) => {
                before != self.keys.issuer_state() && answer.is_for("ana")
            }
            (_, 200) => answer.is_for("ana"),
            (IssuerState::Healthy, 503) if self.keys.issuer_state() == before => {
                answer.is_unavailable() && answer.took >= WAIT
            }
            (_, 503) => answer.is_unavailable(),
            _ => false,
        };
        let right = is_right.then_some(Right::WithoutKeys);
        self.tally
            .note(right, "at a verifier without keys", &answer);
        sleep(Duration::from_secs(2)).await;
    }

    async fn deactivate(&self, person: usize) {
        let id = self.crowd.id(person).and_then(|id| id.parse().ok());
        let Some(id) = id.filter(|_| self.crowd.start_deactivation(person)) else {
            return;
        };
        let report = self.users.directory().deactivate(&[id], "left").await;
        if report.is_ok_and(|report| report.changed() == 1) {
            self.crowd.finish_deactivation(person);
        }
    }
}

/// Returns whether the response rejects the token.
fn is_refused(answer: &Answer) -> bool {
    answer.status == 401 && answer.kind == Some(ErrorKind::InvalidToken)
}
