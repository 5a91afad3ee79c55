//! Pages by key: what is added or removed in between neither repeats nor hides an item.

use std::fmt;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::error::DirectoryError;

/// The most items on a page.
const MAX_PAGE: u64 = 200;

/// Which page: how many items, from where, and in which direction.
///
/// ```
/// use tower_jit_provisioning::sea_orm::directory::PageRequest;
/// # use uuid::Uuid;
///
/// let first = PageRequest::first(50);
/// # let next = Uuid::nil();
/// let second = first.after(next); // `Page::next` of the first one
/// # let _ = second;
/// ```
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    limit: u64,
    after: Option<Uuid>,
    is_newest_first: bool,
}

impl PageRequest {
    /// The first page, of 1 to 200 items, oldest first: ids are in the order of creation, to the
    /// millisecond.
    pub fn first(limit: u64) -> Self {
        Self {
            limit,
            after: None,
            is_newest_first: false,
        }
    }

    /// Continues where another page ended, with its [`next`](Page::next). Any id will do, also one
    /// that is gone.
    pub fn after(mut self, id: Uuid) -> Self {
        self.after = Some(id);
        self
    }

    /// Turns the order round.
    pub fn newest_first(mut self) -> Self {
        self.is_newest_first = true;
        self
    }

    pub(super) fn check(self) -> Result<(), DirectoryError> {
        match (1..=MAX_PAGE).contains(&self.limit) {
            true => Ok(()),
            false => Err(DirectoryError::invalid("a page has 1 to 200 items")),
        }
    }

    /// Asks for one item more than the page has: whether there is another page.
    pub(super) fn of<E: EntityTrait>(self, select: Select<E>, id: E::Column) -> Select<E> {
        let select = match (self.after, self.is_newest_first) {
            (None, _) => select,
            (Some(after), false) => select.filter(id.gt(after)),
            (Some(after), true) => select.filter(id.lt(after)),
        };
        let select = match self.is_newest_first {
            false => select.order_by_asc(id),
            true => select.order_by_desc(id),
        };
        select.limit(self.limit + 1)
    }

    /// Takes the item too many off again, and the cursor from the last one that stays.
    pub(super) fn cut<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_next).map(id);
        Page { items, next }
    }
}

/// A page.
#[derive(Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Uuid>,
}

/// Shows how many items there are, and none of them.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("items", &self.items.len())
            .field("next", &self.next)
            .finish()
    }
}
