//! `POST /api/v1/explain`: why a token is accepted or refused. Writes and logs nothing.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tower_jit_provisioning::{
    Outcome,
    explain::{self, Explanation, StepResult},
};
use utoipa::ToSchema;

use crate::{app::Shared, json::Body};

/// A token, with or without the `Bearer` prefix.
#[derive(Deserialize, ToSchema)]
#[schema(as = TokenToExplain)]
#[serde(deny_unknown_fields)]
pub struct Request {
    token: String,
}

#[derive(Serialize, ToSchema)]
pub struct ExplanationView {
    /// The outcome of a request with this token: `found`, `created`, `linked`, `updated`.
    outcome: Option<&'static str>,
    /// The reason for which a request with this token would be refused.
    refused: Option<&'static str>,
    steps: Vec<StepView>,
}

#[derive(Serialize, ToSchema)]
pub struct StepView {
    name: &'static str,
    /// `passed`, `failed`, `noted` or `skipped`.
    result: &'static str,
    detail: String,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        let verdict = explanation.verdict();
        let steps = explanation.steps().iter().map(|step| StepView {
            name: step.name(),
            result: match step.result() {
                StepResult::Failed => "failed",
                StepResult::Passed => "passed",
                StepResult::Skipped => "skipped",
                _ => "noted",
            },
            detail: step.detail().to_owned(),
        });
        Self {
            outcome: verdict.ok().map(Outcome::as_str),
            refused: verdict.err(),
            steps: steps.collect(),
        }
    }
}

/// Explains a token. For administrators only, because the steps show claims.
#[utoipa::path(
    post,
    path = "/api/v1/explain",
    tag = "administration",
    request_body = Request,
    responses((status = 200, body = ExplanationView, description = "What it would do, and why"))
)]
pub async fn explain(
    State(app): State<Shared>,
    Body(request): Body<Request>,
) -> Json<ExplanationView> {
    let token = request.token.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    Json(
        explain::explain_token(&app.verifier, &app.users, token)
            .await
            .into(),
    )
}
