//! Extensions that the layer sets on a request before it calls the inner service.

use std::sync::Arc;

use http::{Extensions, Request};

use crate::{
    identity::Identity,
    provisioner::Provisioned,
    rejection::RejectionConfig,
    user::{Anonymous, CurrentUser},
};

/// Inserts the identity and the user, and removes the mark of an anonymous request.
pub(super) fn insert_user<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    rejection: &Arc<RejectionConfig>,
    identity: Identity,
    user: Provisioned<U>,
) {
    let extensions = request.extensions_mut();
    insert_rejection(extensions, rejection);
    extensions.remove::<Anonymous>();
    extensions.insert(identity);
    extensions.insert(CurrentUser::new(user));
}

/// Marks the request as anonymous, and removes the identity and user that an outer layer inserted.
pub(super) fn insert_anonymous<U: Send + Sync + 'static, B>(
    request: &mut Request<B>,
    rejection: &Arc<RejectionConfig>,
) {
    let extensions = request.extensions_mut();
    insert_rejection(extensions, rejection);
    extensions.remove::<Identity>();
    extensions.remove::<CurrentUser<U>>();
    extensions.insert(Anonymous);
}

/// Inserts the rejection settings for the layers behind this one. Default settings are not
/// inserted, because that would allocate. Those of an outer layer are removed instead.
fn insert_rejection(extensions: &mut Extensions, rejection: &Arc<RejectionConfig>) {
    match rejection.is_default() {
        true => extensions.remove::<Arc<RejectionConfig>>(),
        false => extensions.insert(Arc::clone(rejection)),
    };
}
