//! A swappable pointer: one lock.

use real_std::{ops::Deref, sync::Arc};

use loom::sync::Mutex;

pub struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

pub struct Guard<T>(Option<Arc<T>>);

impl<T> ArcSwapOption<T> {
    pub fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub fn load(&self) -> Guard<T> {
        Guard(self.load_full())
    }

    pub fn load_full(&self) -> Option<Arc<T>> {
        self.0.lock().unwrap().clone()
    }

    pub fn store(&self, value: Option<Arc<T>>) {
        *self.0.lock().unwrap() = value;
    }

    pub fn swap(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        real_std::mem::replace(&mut self.0.lock().unwrap(), value)
    }
}

impl<T> Deref for Guard<T> {
    type Target = Option<Arc<T>>;

    fn deref(&self) -> &Option<Arc<T>> {
        &self.0
    }
}
