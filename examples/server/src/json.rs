//! Extractors for JSON bodies, query strings and paths that reject with problem documents.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::JsonRejection},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let refused = |rejection: JsonRejection| {
            let status = rejection.status();
            Problem::new(status, "invalid_input", rejection.body_text())
        };
        let Json(raw) = Json::<Box<RawValue>>::from_request(request, state)
            .await
            .map_err(refused)?;
        // Serde would accept an array as a struct, field by field.
        if !raw.get().starts_with('{') {
            let detail = "the body must be a JSON object";
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_input",
                detail,
            ));
        }
        let Json(body) = Json::from_bytes(raw.get().as_bytes()).map_err(refused)?;
        Ok(Self(body))
    }
}

/// A query string.
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Problem::invalid(rejection.body_text())),
        }
    }
}

/// An optional JSON body.
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.headers().contains_key(CONTENT_TYPE) {
            let Body(body) = Body::from_request(request, state).await?;
            return Ok(Self(body));
        }
        // A body without a content type is not JSON and must not count as absent.
        match Bytes::from_request(request, state).await {
            Ok(bytes) if bytes.is_empty() => Ok(Self(T::default())),
            Ok(_) => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_input",
                "a body needs the content type `application/json`",
            )),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "invalid_input",
                rejection.body_text(),
            )),
        }
    }
}

/// Path parameters. An invalid one is rejected with 404, like an unknown path.
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "")),
        }
    }
}
