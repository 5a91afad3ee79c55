//! Cost of a rejection, including the construction of the request.
//!
//! `cargo bench --all-features --bench reject`

mod fixture;
mod inner;
mod table;

use std::{cell::RefCell, convert::Infallible, hint::black_box, time::Duration};

use cpu_time::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tower::{Layer, Service};
use tower_jit_provisioning::{Algorithm, MemoryProvisioner, ProvisionLayer};

use self::{
    fixture::{finish, issuer, token, verifier},
    inner::Inner,
    table::{Ratio, Table},
};

fn reject(criterion: &mut Criterion) {
    let algorithm = Algorithm::Es256;
    let ours = issuer(algorithm);
    let theirs = issuer(algorithm);
    let layer = ProvisionLayer::new(verifier(&ours, algorithm), MemoryProvisioner::new());
    let good = token(&ours, 0);
    let long_ago = Duration::from_secs(3600);
    // Upper limits, in multiples of `bare`.
    let refusals = [
        ("no token", None, 401, None),
        ("garbage", Some("Bearer garbage".to_owned()), 401, Some(3.0)),
        (
            "garbage of a token's length",
            Some(format!("Bearer {}", "garbage.".repeat(150))),
            401,
            Some(3.0),
        ),
        (
            "two tokens",
            Some(format!("Bearer a.b.c, {}", good.bearer())),
            400,
            None,
        ),
        (
            "parts that are no JSON",
            Some(format!("Bearer {}", good.sign_raw(b"no", b"no"))),
            401,
            None,
        ),
        (
            "unknown issuer",
            Some(good.clone().claim("iss", "https://evil.example").bearer()),
            401,
            None,
        ),
        (
            "unknown kid",
            Some(good.clone().header("kid", "unknown").bearer()),
            401,
            None,
        ),
        (
            "bad signature",
            Some(good.clone().signed_by(theirs.key()).bearer()),
            401,
            None,
        ),
        (
            "expired",
            Some(good.clone().expired_for(long_ago).bearer()),
            401,
            None,
        ),
        (
            "another audience",
            Some(good.clone().audience("other-api").bearer()),
            401,
            None,
        ),
    ];

    let bearer = good.bearer();
    let service = RefCell::new(layer.layer(Inner));
    let mut table = Table::new("refusals");
    table.row("bare", |n| calls(&mut Inner, Some(&bearer), 200, n));
    for (name, authorization, status, goal) in refusals {
        let service = &service;
        table.row(name, move |n| {
            calls(
                &mut *service.borrow_mut(),
                authorization.as_deref(),
                status,
                n,
            )
        });
        table.ratio(Ratio {
            beyond: None,
            of: &["bare"],
            goal,
        });
    }
    table.measure(criterion);
}

fn calls<S, B>(service: &mut S, authorization: Option<&str>, status: u16, n: u64) -> Duration
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let value = authorization.map(|text| HeaderValue::from_str(text).expect("a header value"));
    let start = ThreadTime::now();
    for _ in 0..n {
        let mut request = Request::get("/orders");
        if let Some(value) = &value {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(()).expect("a request");
        let Ok(response) = finish(service.call(request));
        assert_eq!(black_box(response).status(), status);
    }
    start.elapsed()
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(10))
        .without_plots();
    targets = reject
}
criterion_main!(benches);
