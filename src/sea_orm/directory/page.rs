//! Pages by key: items that are added or removed between two pages neither repeat nor hide others.

use std::fmt;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::error::DirectoryError;

/// The maximum number of items per page.
const MAX_PAGE: u64 = 200;

/// Request for a page: its size, start and order.
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
    /// Requests the first page, of 1 to 200 items, oldest first: ids are in the order of creation,
    /// to the millisecond.
    pub fn first(limit: u64) -> Self {
        Self {
            limit,
            after: None,
            is_newest_first: false,
        }
    }

    /// Continues after the end of another page, its [`next`](Page::next). Any id is valid, even of
    /// a removed item.
    pub fn after(mut self, id: Uuid) -> Self {
        self.after = Some(id);
        self
    }

    /// Reverses the order.
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

    /// Selects one item more than the page has, to detect another page.
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

    /// Removes the extra item, and takes the cursor from the last remaining one.
    pub(super) fn cut<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_next).map(id);
        Page { items, next }
    }
}

/// A page of a list.
#[derive(Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` means that this is the last one.
    pub next: Option<Uuid>,
}

/// Shows the number of items only.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("items", &self.items.len())
            .field("next", &self.next)
            .finish()
    }
}
