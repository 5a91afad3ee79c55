//! An external directory: members by key, over HTTP.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Member {
    pub number: usize,
    pub name: Option<String>,
    /// `active`, `deactivated`, `deleted` or `pending`.
    pub status: String,
    /// `human` or `service`.
    pub kind: String,
}

/// What a client sends to create a member.
#[derive(Deserialize, Serialize)]
pub(crate) struct NewMember {
    pub name: Option<String>,
    pub status: String,
    pub kind: String,
}

#[derive(Clone, Default)]
struct Members(Arc<Mutex<HashMap<String, Member>>>);

impl Members {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the directory on a free port of 127.0.0.1 and returns its URL.
pub(crate) async fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/members/{key}", get(find).put(put))
        .with_state(Members::default());
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(url)
}

async fn find(
    State(members): State<Members>,
    Path(key): Path<String>,
) -> Result<Json<Member>, StatusCode> {
    let member = members.lock().get(&key).cloned();
    member.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Creates a member unless they exist. Exactly one request gets 201.
async fn put(
    State(members): State<Members>,
    Path(key): Path<String>,
    Json(new): Json<NewMember>,
) -> Result<(StatusCode, Json<Member>), StatusCode> {
    let NewMember { name, status, kind } = new;
    // A member who has left the organisation is refused, even with a valid token.
    if name.as_deref() == Some("Cy Roe") {
        return Err(StatusCode::GONE);
    }
    let mut members = members.lock();
    if let Some(known) = members.get(&key) {
        return Ok((StatusCode::OK, Json(known.clone())));
    }
    let number = members.len() + 1;
    let member = members.entry(key).or_insert(Member {
        number,
        name,
        status,
        kind,
    });
    Ok((StatusCode::CREATED, Json(member.clone())))
}
