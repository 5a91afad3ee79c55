//! The extensions of a request that the layer lets through.

use std::sync::Arc;

use http::{Extensions, Request};

use crate::{
    identity::Identity,
    provisioner::Provisioned,
    rejection::Answers,
    user::{Anonymous, CurrentUser},
};

/// Lets the request in as this user.
pub(super) fn insert_user<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    answers: &Arc<Answers>,
    identity: Identity,
    user: Provisioned<U>,
) {
    let extensions = request.extensions_mut();
    insert_answers(extensions, answers);
    extensions.remove::<Anonymous>();
    extensions.insert(identity);
    extensions.insert(CurrentUser::new(user));
}

/// Lets the request in as nobody, whoever an outer layer took it for.
pub(super) fn insert_anonymous<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    answers: &Arc<Answers>,
) {
    let extensions = request.extensions_mut();
    insert_answers(extensions, answers);
    extensions.remove::<Identity>();
    extensions.remove::<CurrentUser<U>>();
    extensions.insert(Anonymous);
}

/// For what stands behind and refuses on its own. The default is not worth an allocation.
fn insert_answers(extensions: &mut Extensions, answers: &Arc<Answers>) {
    match answers.is_default() {
        true => extensions.remove::<Arc<Answers>>(),
        false => extensions.insert(Arc::clone(answers)),
    };
}
