//! The service of `greeter.proto`, shared by the tonic examples.
//!
//! `greeter.v1.rs` is generated and checked in, so the examples need neither a protobuf compiler
//! nor a build script. A test compares it with the output for `greeter.proto`, and rewrites it if
//! `UPDATE_GENERATED=1` is set.

#[cfg(test)]
mod generated;
#[rustfmt::skip]
#[expect(clippy::clone_on_ref_ptr, clippy::exhaustive_structs, missing_docs, unused_qualifications, reason = "generated")]
#[path = "greeter.v1.rs"]
mod v1;

use tokio_stream::Iter;
use tonic::{Request, Response, Status, codegen::tokio_stream};
use tower_jit_provisioning::{CurrentUser, MemoryUser};

pub use self::v1::{
    CountReply, CountRequest, GreetReply, GreetRequest, greeter_client, greeter_server,
};

/// Shorthand for handlers that read the user from the request's extensions.
pub trait WithUser {
    /// Returns the user from the extensions. Without the layer, returns an internal error.
    fn user(&self) -> Result<&CurrentUser<MemoryUser>, Status>;
}

impl<T> WithUser for Request<T> {
    fn user(&self) -> Result<&CurrentUser<MemoryUser>, Status> {
        CurrentUser::from_extensions(self.extensions())
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// Greets users and counts for them.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit struct")]
pub struct Greeter;

#[tonic::async_trait]
impl greeter_server::Greeter for Greeter {
    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetReply>, Status> {
        let (user, greeting) = (request.user()?, &request.get_ref().greeting);
        let message = format!("{greeting}, user {} ({})", user.id, user.outcome().as_str());
        Ok(Response::new(GreetReply { message }))
    }

    type CountStream = Iter<std::vec::IntoIter<Result<CountReply, Status>>>;

    async fn count(
        &self,
        request: Request<CountRequest>,
    ) -> Result<Response<Self::CountStream>, Status> {
        let (user, to) = (request.user()?.id, request.get_ref().to.min(1000));
        let numbers: Vec<_> = (1..=to)
            .map(|number| Ok(CountReply { number, user }))
            .collect();
        Ok(Response::new(tokio_stream::iter(numbers)))
    }
}
