//! The OpenAPI document, generated from the handlers, and the Swagger UI.

use axum::{Json, Router, routing::get};
use utoipa::{
    OpenApi,
    openapi::{
        self, Content, Ref, RefOr, Response, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_swagger_ui::SwaggerUi;

use crate::{app::Shared, problem::Document};

const DOCUMENT: &str = "/api/openapi.json";

/// The parts of the document that are common to all operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "The bundled server of tower-jit-provisioning",
        description = "Users behind just-in-time provisioning. What needs a token takes one of a \
                       trusted issuer; what is tagged `administration` asks for the role `admin`."
    ),
    components(schemas(Document))
)]
pub struct Api;

/// Serves the document and the UI. The operations in `public` need no token.
pub fn router(mut document: openapi::OpenApi, public: &openapi::OpenApi) -> Router<Shared> {
    for (path, item) in &mut document.paths.paths {
        let is_public = public.paths.paths.get(path);
        let operations = [
            (&mut item.get, is_public.and_then(|item| item.get.as_ref())),
            (&mut item.put, is_public.and_then(|item| item.put.as_ref())),
            (
                &mut item.post,
                is_public.and_then(|item| item.post.as_ref()),
            ),
            (
                &mut item.delete,
                is_public.and_then(|item| item.delete.as_ref()),
            ),
            (
                &mut item.patch,
                is_public.and_then(|item| item.patch.as_ref()),
            ),
        ];
        for (operation, public) in operations {
            if let Some(operation) = operation {
                complete(operation, public.is_some());
            }
        }
    }
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    let page = SwaggerUi::new("/api/docs").config(utoipa_swagger_ui::Config::from(DOCUMENT));
    Router::new()
        .route(DOCUMENT, get(|| async move { Json(document) }))
        .merge(page)
}

/// Adds the problem responses to an operation and, unless it is public, the bearer requirement.
fn complete(operation: &mut Operation, is_public: bool) {
    let refusals = [
        ("4XX", "Refused; `code` says why"),
        ("503", "The database or the issuer's keys are unavailable"),
    ];
    for (status, description) in refusals {
        let refusal = RefOr::T(refusal(description));
        operation
            .responses
            .responses
            .insert(status.to_owned(), refusal);
    }
    if !is_public {
        let bearer = SecurityRequirement::new("bearer", [] as [&str; 0]);
        operation.security = Some(vec![bearer]);
    }
}

fn refusal(description: &str) -> Response {
    let document = RefOr::Ref(Ref::from_schema_name("Document"));
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", Content::new(Some(document)))
        .build()
}
