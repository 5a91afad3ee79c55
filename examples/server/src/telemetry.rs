//! Telemetry: the log, `/metrics`, and optional traces.

use std::{
    error::Error,
    io::{IsTerminal, stderr},
    time::Duration,
};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource, runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tower_jit_provisioning::telemetry::describe_metrics;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{config::Config, operator::statistics::Statistics};

/// The service name in traces.
const SERVICE: &str = "tower-jit-provisioning";

/// Timeout of an export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval at which recorded histogram values are moved into buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// Bucket bounds up to one second, the longest expected wait of a request.
const BUCKETS: [f64; 11] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0,
];

pub struct Telemetry {
    pub metrics: Option<PrometheusHandle>,
    pub statistics: Statistics,
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    pub fn start(config: &Config) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let traces = config.otlp_endpoint.as_deref().map(exporting).transpose()?;
        let tracer = traces.as_ref().map(|traces| traces.tracer("server"));
        let statistics = Statistics::new();
        let log = fmt::layer()
            .with_ansi(stderr().is_terminal())
            .with_writer(stderr);
        let export = tracer.map(|tracer| {
            let export = tracing_opentelemetry::layer().with_tracer(tracer);
            export.with_filter(filter())
        });
        tracing_subscriber::registry()
            .with(log.with_filter(filter()))
            .with(statistics.layer())
            .with(export)
            .init();
        let metrics = config.metrics.then(recording).transpose()?;
        Ok(Self {
            metrics,
            statistics,
            traces,
        })
    }

    /// Exports the remaining traces.
    pub async fn finish(self) {
        let Some(traces) = self.traces else {
            return;
        };
        let sending = tokio::task::spawn_blocking(move || traces.shutdown());
        if let Ok(Err(error)) = sending.await {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sea_orm_migration=warn,sqlx=warn".into())
}

fn recording() -> Result<PrometheusHandle, Box<dyn Error + Send + Sync>> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()?;
    describe_metrics();
    let kept = handle.clone();
    tokio::spawn(async move {
        let mut upkeep = tokio::time::interval(UPKEEP);
        loop {
            upkeep.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

fn exporting(endpoint: &str) -> Result<SdkTracerProvider, Box<dyn Error + Send + Sync>> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let service = Resource::builder().with_service_name(SERVICE);
    Ok(SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build())
        .with_resource(service.build())
        .build())
}
