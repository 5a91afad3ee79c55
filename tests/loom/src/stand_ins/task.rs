//! Handles of tasks. A model ends its tasks itself: nothing is aborted.

pub struct JoinHandle;

impl JoinHandle {
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle
    }
}

pub struct AbortHandle;

impl AbortHandle {
    pub fn abort(&self) {}
}
