//! What the layer adds to a request: the bare inner service, a warm request, a refusal.
//!
//! Run with `cargo bench --all-features`. Compare rows of one run with each other, never across runs.

use std::{convert::Infallible, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_jit_provisioning::{JwtVerifier, MemoryProvisioner, ProvisionLayer, testing::TestIssuer};

fn layer(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders")]).expect("a good configuration");
    let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let mut service = ProvisionLayer::new(verifier, MemoryProvisioner::new()).layer(inner);
    let mut bare = inner;
    let good = issuer.token("ana").audience("orders").bearer();
    let request = |authorization: &str| {
        Request::get("/")
            .header("authorization", authorization)
            .body(())
            .expect("a request")
    };
    let first = runtime
        .block_on(service.call(request(&good)))
        .expect("infallible");
    assert_eq!(first.status(), 200);

    let mut group = criterion.benchmark_group("layer");
    group.bench_function("bare", |bencher| {
        bencher.iter(|| runtime.block_on(bare.call(black_box(request(&good)))));
    });
    group.bench_function("warm", |bencher| {
        bencher.iter(|| runtime.block_on(service.call(black_box(request(&good)))));
    });
    group.bench_function("garbage", |bencher| {
        bencher.iter(|| runtime.block_on(service.call(black_box(request("Bearer garbage")))));
    });
    group.finish();
}

criterion_group!(benches, layer);
criterion_main!(benches);
