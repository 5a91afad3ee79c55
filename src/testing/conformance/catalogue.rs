//! The list of all checks, in the order of the report.

use super::{check::Check, harness::Harness};

/// Re-exports each check and lists it under its own name.
macro_rules! checks {
    ($($module:ident: { $($name:ident,)* })*) => {
        pub use super::{$($module::{$($name,)*},)*};

        const NAMES: &[&str] = &[$($(stringify!($name),)*)*];

        /// Lists every check, in the order of the report.
        #[must_use]
        pub fn checks<H: Harness>() -> Vec<Check<H>> {
            vec![$($(Check::new(stringify!($name), |harness| Box::pin($name(harness))),)*)*]
        }
    };
}

checks! {
    known_users: {
        a_known_user_is_found,
        a_known_user_is_not_made_again,
        the_same_identity_is_the_same_user_everywhere,
        a_changed_profile_is_the_same_user,
        roles_are_those_of_the_token,
    }
    identities: {
        another_subject_is_another_user,
        another_issuer_is_another_user,
        another_tenant_is_another_user,
        case_makes_another_user,
        spaces_make_another_user,
        look_alikes_are_other_users,
        the_boundary_between_issuer_and_subject_counts,
        the_last_byte_of_the_longest_counts,
        strange_subjects_are_kept_apart,
        what_is_recorded_is_kept_byte_for_byte,
    }
    first_logins: {
        concurrent_first_logins_are_one_user,
        concurrent_first_logins_of_replicas_are_one_user,
        concurrent_first_logins_with_an_address_are_one_user,
        concurrent_first_logins_leave_one_row,
        concurrent_first_logins_leave_one_event,
        a_creation_is_told_to_one_caller,
    }
    hang_ups: {
        hang_ups_are_no_error_for_others,
        hang_ups_leave_one_row,
        hang_ups_leave_one_event,
        a_call_dropped_anywhere_leaves_no_half_user,
        a_call_dropped_anywhere_leaves_its_event,
    }
    addresses: {
        an_unverified_address_links_nobody,
        an_unverified_address_blocks_nobody,
        a_vouched_address_links_nobody_while_linking_is_off,
        a_collision_on_a_vouched_address_is_a_conflict,
        two_issuers_vouching_at_once_make_one_user,
        an_imported_address_is_a_conflict,
    }
    linking: {
        a_trusted_address_links,
        an_imported_user_is_linked,
        concurrent_links_are_one_user,
        an_untrusted_address_is_a_conflict,
        a_second_subject_of_one_issuer_is_not_linked,
        an_inactive_user_is_not_linked,
        another_tenants_user_is_not_linked,
        a_service_is_not_linked,
    }
    sign_up: {
        closed_sign_up_writes_nothing,
        closed_sign_up_leaves_no_row,
        a_known_user_is_found_though_sign_up_is_closed,
        services_sign_up_where_allowed_by_name,
        anonymous_visitors_do_not_sign_up,
        a_changed_kind_is_refused,
    }
    rules: {
        newcomers_wait_for_approval,
        a_sign_up_rule_is_for_newcomers,
        an_access_rule_is_for_everybody,
        a_required_role_is_required_of_everybody,
        sign_up_stops_at_the_limit,
    }
    inactive: {
        a_deactivated_user_is_refused,
        a_deleted_user_is_refused,
        a_pending_user_is_refused,
        a_refused_user_stays_refused,
        a_deleted_user_is_not_made_again,
        a_reactivated_user_is_found,
        revoked_tokens_are_refused,
    }
    cached: {
        cached_knows_nobody_before_the_first_request,
        cached_tells_the_same_user_and_no_creation,
        cached_refuses_inactive_users,
        cached_refuses_revoked_tokens,
        a_load_under_way_brings_no_refused_user_back,
    }
    outages: {
        a_failing_store_is_unavailable,
        a_mended_store_is_asked_again,
        a_creation_that_fails_half_way_is_taken_back,
        a_stalled_store_is_unavailable_in_time,
        a_stalled_store_leaves_no_half_user,
        a_store_that_cannot_write_still_finds_users,
    }
}

/// Returns the position of a check in the report. Unknown checks come last.
pub(super) fn rank(name: &str) -> usize {
    let mut names = NAMES.iter();
    names.position(|it| *it == name).unwrap_or(NAMES.len())
}
