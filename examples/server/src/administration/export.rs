//! `GET /api/v1/audit/export`: the whole log as a file, in pieces as it is read.

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

/// How many events are read at once.
const PIECE: u64 = 200;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// One JSON object a line, or a table.
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

/// Exports every event of the tenant, the oldest first. In a table, a detail that a spreadsheet would
/// take for a formula has an apostrophe in front.
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
    // What fails before the first piece can still be told.
    let mut pieces = Box::pin(pieces(directory, query.format));
    let first = pieces.try_next().await?.unwrap_or_default();
    let body = stream::iter([Ok(first)]).chain(pieces);
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Reads on as the client does.
fn pieces(
    directory: UserDirectory,
    format: Format,
) -> impl futures_util::Stream<Item = Result<Bytes, DirectoryError>> + Send {
    let first = Some(PageRequest::first(PIECE));
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
        // Text, ids and times always have a JSON form, and a vector takes whatever is written.
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
        event.detail = event.detail.map(defused);
        if let Err(error) = table.serialize(event) {
            tracing::error!(%error, "an event was left out of an export");
        }
    }
    table.into_inner().unwrap_or_default()
}

/// A spreadsheet runs a cell that begins like a formula, whoever gave the reason (CSV injection).
/// With an apostrophe in front it is text.
fn defused(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text,
    }
}
