//! `GET /api/v1/audit/export`: the whole log as a file, streamed in pages.

use axum::{
    body::{Body, Bytes},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use tower_jit_provisioning::sea_orm::directory::{
    DirectoryError, EventFilter, PageRequest, UserDirectory,
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Directory, audit::EventView};
use crate::{json::Parameters, problem::Problem};

/// Number of events per page.
const PAGE_SIZE: u64 = 200;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// One JSON object per line, or CSV.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    #[default]
    Ndjson,
}

/// Exports every event of the tenant, oldest first. In CSV, an apostrophe is prepended to each
/// detail that a spreadsheet would read as a formula.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    tag = "administration",
    params(Query),
    responses((
        status = 200,
        description = "The events",
        content((String = "application/x-ndjson"), (String = "text/csv"))
    ))
)]
pub async fn export(
    Directory(directory): Directory,
    Parameters(query): Parameters<Query>,
) -> Result<Response, Problem> {
    let (kind, name) = match query.format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "audit.csv"),
        Format::Ndjson => ("application/x-ndjson", "audit.ndjson"),
    };
    // An error before the first page can still set the response status.
    let mut pages = Box::pin(pages(directory, query.format));
    let first = pages.try_next().await?.unwrap_or_default();
    let body = stream::iter([Ok(first)]).chain(pages);
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Streams the pages. The next page is read once the client has consumed the previous one.
fn pages(
    directory: UserDirectory,
    format: Format,
) -> impl futures_util::Stream<Item = Result<Bytes, DirectoryError>> + Send {
    let first = Some(PageRequest::first(PAGE_SIZE));
    stream::try_unfold((directory, first, true), move |state| async move {
        let (directory, Some(page), is_first) = state else {
            return Ok(None);
        };
        let events = directory.events(&EventFilter::new(), page).await?;
        let next = events.next.map(|last: Uuid| page.after(last));
        let views = events.items.into_iter().map(EventView::from);
        let text = match format {
            Format::Csv => table(views, is_first),
            Format::Ndjson => lines(views),
        };
        Ok(Some((Bytes::from(text), (directory, next, false))))
    })
}

fn lines(events: impl Iterator<Item = EventView>) -> Vec<u8> {
    let mut text = Vec::new();
    for event in events {
        // Serialization cannot fail: strings, ids and times have a JSON form, and a `Vec` accepts
        // all writes.
        if serde_json::to_writer(&mut text, &event).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

fn table(events: impl Iterator<Item = EventView>, with_head: bool) -> Vec<u8> {
    let mut table = csv::WriterBuilder::new()
        .has_headers(with_head)
        .from_writer(Vec::new());
    for mut event in events {
        event.detail = event.detail.map(escape_formula);
        if let Err(error) = table.serialize(event) {
            tracing::error!(%error, "an event was left out of an export");
        }
    }
    table.into_inner().unwrap_or_default()
}

/// Prepends an apostrophe to text that starts like a formula. Spreadsheets would execute it, and
/// operators choose the reasons (CSV injection).
fn escape_formula(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text,
    }
}
