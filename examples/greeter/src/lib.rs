//! The service of `greeter.proto`, and what the tonic examples answer.
//!
//! `greeter.v1.rs` is generated and checked in, so neither this crate nor its examples need a
//! protobuf compiler or a build script. `tests/generated.rs` compares it with what the `.proto` file
//! gives, and writes it anew with `UPDATE_GENERATED=1`.

#[rustfmt::skip]
#[allow(clippy::all, clippy::clone_on_ref_ptr, missing_debug_implementations, unused_qualifications, reason = "generated")]
#[path = "greeter.v1.rs"]
mod v1;

use tokio_stream::Iter;
use tonic::{Request, Response, Status, codegen::tokio_stream};
use tower_jit_provisioning::{CurrentUser, MemoryUser};

#[allow(unused_imports, reason = "not every program is a client")]
pub use self::v1::{
    CountReply, CountRequest, GreetReply, GreetRequest, greeter_client, greeter_server,
};

/// What handlers write instead of reading extensions.
pub trait WithUser {
    fn user(&self) -> Result<&CurrentUser<MemoryUser>, Status>;
}

impl<T> WithUser for Request<T> {
    fn user(&self) -> Result<&CurrentUser<MemoryUser>, Status> {
        CurrentUser::from_extensions(self.extensions())
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[derive(Clone, Copy)]
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
