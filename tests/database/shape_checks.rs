//! The checks that apply to each shape of `UserMapping`.

use crate::{
    Check, Needs,
    common::shapes::{hooks, link_table, own_roles},
    shapes::{checks, default_rows, identities, synchronisation},
};

/// The checks of a shape: its own, and those that apply to every shape.
macro_rules! checks {
    ($module:ident::$shape:ident; $($at:ident::$own:ident,)*) => {
        checks!($module::$shape;
            [$($at::$own,)*]
            [
                a_known_user_costs_one_statement,
                concurrent_first_logins_create_one_user,
                concurrent_linking_attaches_one_identity,
                cancelled_calls_leave_no_partial_user,
                a_password_user_is_linked_and_keeps_the_password,
                a_taken_address_is_a_conflict,
                an_unverified_address_neither_links_nor_blocks,
                an_inactive_user_is_refused,
            ]
        )
    };
    ($module:ident::$shape:ident; [$($at:ident::$own:ident,)*] [$($common:ident,)*]) => {
        &[
            $(Check {
                name: concat!(stringify!($module), "::", stringify!($own)),
                needs: Needs::EmptyDatabase,
                run: |store| Box::pin($at::$own(store)),
            },)*
            $(Check {
                name: concat!(stringify!($module), "::", stringify!($common)),
                needs: Needs::EmptyDatabase,
                run: |store| Box::pin(checks::$common::<$module::$shape>(store)),
            },)*
        ]
    };
}

pub(crate) const CHECKS: [&[Check]; 3] = [
    checks![link_table::LinkTable;
        identities::a_user_has_an_identity_of_each_issuer,
    ],
    checks![hooks::Hooks;
        default_rows::hooks_of_the_entity_run,
        default_rows::a_default_row_is_written_once_per_user,
        default_rows::a_failed_default_row_rolls_the_user_back,
        default_rows::an_observer_is_notified_once_after_the_commit,
    ],
    checks![own_roles::OwnRoles;
        synchronisation::newer_tokens_replace_stored_roles_and_keep_those_of_an_operator,
        synchronisation::newer_tokens_rename_a_user_without_a_password,
        synchronisation::a_profile_with_a_taken_address_is_stored_without_it,
        synchronisation::a_linked_user_keeps_the_profile_and_gets_the_roles,
    ],
];
