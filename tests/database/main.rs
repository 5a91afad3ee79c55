//! Contract tests of `SeaOrmProvisioner` on every database.
//!
//! SQLite always runs. PostgreSQL and MySQL (or MariaDB) run if `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server on which databases may be created. Every trial has a fresh
//! database of its own.

#[path = "../common"]
mod common {
    pub(crate) mod database;
    pub(crate) mod rows;
    pub(crate) mod setup;
    pub(crate) mod shapes;
}
mod fixture;

mod costs;
mod denials;
mod directory;
mod drift;
mod first_login;
mod hooks;
mod known_users;
mod linking;
mod migrations;
mod outages;
mod own_tables;
mod plans;
mod postgres_bus;
mod profiles;
mod refusals;
mod replicas;
mod roles;
mod shape_checks;
mod shapes;
mod sign_up;
mod tickets;

use std::{pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use self::{
    common::database::Backend,
    directory::{
        administrators, caches, edits, grants, idle, imports, links, lists, reading, relinking,
        removal, status,
    },
    fixture::Store,
};

/// A check, named after its function; it runs once on every backend.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    needs: Needs,
    run: for<'a> fn(&'a Store) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Needs {
    EmptyDatabase,
    /// No tables, on PostgreSQL only.
    Notifications,
    /// Tables, on a server behind a network.
    Server,
    Tables,
}

macro_rules! checks {
    ($needs:expr; $($module:ident::$name:ident,)*) => {
        [$(Check {
            name: stringify!($name),
            needs: $needs,
            run: |store| Box::pin($module::$name(store)),
        },)*]
    };
}

const CHECKS: [Check; 104] = checks![Needs::Tables;
    denials::a_denial_is_an_event_with_its_reason_and_identity,
    denials::many_tokens_of_one_identity_do_not_flood_the_events,
    denials::events_older_than_an_age_are_deleted_and_younger_ones_kept,
    first_login::first_request_creates_a_user_and_the_second_finds_it,
    first_login::a_subject_alone_is_enough,
    first_login::first_login_costs_one_read_and_three_inserts,
    first_login::a_verified_address_costs_two_more_reads,
    first_login::identities_that_differ_in_any_part_are_different_users,
    first_login::long_and_unusual_subjects_are_stored_byte_for_byte,
    first_login::a_failed_event_insert_rolls_the_user_back,
    first_login::concurrent_first_logins_create_one_user,
    first_login::concurrent_first_logins_with_a_verified_address_create_one_user,
    first_login::cancelled_calls_leave_no_partial_user_and_cause_no_error,
    first_login::a_started_write_completes_although_its_call_is_dropped,
    first_login::an_unverified_address_neither_links_nor_blocks,
    first_login::an_unverified_holder_keeps_its_user_and_the_verified_one_gets_the_address,
    first_login::two_concurrent_issuers_with_one_verified_address_create_one_user,
    known_users::known_user_costs_one_statement,
    known_users::known_user_with_grants_costs_one_statement,
    known_users::only_manual_grants_and_roles_of_the_token_apply,
    known_users::a_user_not_seen_for_an_hour_is_recorded_once,
    known_users::last_seen_updates_are_coalesced,
    known_users::a_user_seen_recently_is_not_written,
    known_users::a_known_user_is_found_with_any_sign_up_policy,
    linking::a_verified_password_user_is_linked,
    linking::linking_costs_nine_reads_and_two_inserts,
    linking::concurrent_linking_attaches_one_identity,
    linking::two_issuers_link_to_one_user,
    linking::a_concurrently_deactivated_candidate_is_not_linked,
    linking::linking_is_off_by_default,
    linking::only_an_active_candidate_is_linked,
    linking::an_address_verified_by_an_untrusted_source_is_a_conflict,
    linking::the_policy_defines_the_trusted_sources,
    linking::a_second_subject_of_the_same_issuer_is_a_conflict,
    linking::the_user_of_a_service_is_not_linked,
    linking::a_service_never_links,
    linking::an_unverified_local_address_is_not_linked,
    linking::a_user_of_another_tenant_is_not_linked,
    linking::a_revoked_token_links_no_user,
    refusals::inactive_users_are_refused,
    refusals::an_unknown_status_is_refused,
    refusals::a_changed_principal_kind_is_refused,
    refusals::tokens_issued_before_the_revocation_are_refused,
    refusals::closed_sign_up_writes_nothing,
    refusals::services_sign_up_only_where_allowed,
    refusals::the_tables_reject_invalid_rows,
    outages::a_closed_pool_is_unavailable,
    outages::an_exhausted_pool_is_unavailable_within_the_deadline,
    outages::a_locked_store_is_unavailable_within_the_deadline_and_recovers,
    outages::a_store_that_cannot_write_still_finds_users,
    outages::waiting_first_logins_do_not_starve_known_users,
    costs::the_most_expensive_first_login_costs_five_reads_and_its_transaction,
    costs::a_newer_token_with_unchanged_claims_writes_nothing,
    costs::a_newer_token_costs_statements_for_its_changes_only,
    plans::every_statement_is_served_by_an_index,
    drift::a_configuration_matches_the_users_it_created,
    drift::another_tenant_mode_is_refused,
    drift::another_subject_strategy_is_refused,
    drift::users_under_an_alias_are_found,
    drift::unknown_strategies_and_erased_identities_are_ignored,
    drift::an_unavailable_store_is_not_reported_as_drift,
    hooks::rows_of_the_hook_are_committed_or_rolled_back_with_the_user,
    hooks::a_lost_race_is_retried_and_a_dangling_reference_is_not,
    hooks::the_hook_runs_for_new_users_only,
    hooks::the_observer_is_notified_of_every_change_once,
    hooks::enriched_attributes_are_for_display_only,
    hooks::refused_and_linked_users_are_not_enriched,
    hooks::concurrent_requests_behind_a_cache_call_the_enricher_once,
    hooks::a_failing_or_silent_enricher_blocks_no_login,
    profiles::claims_of_a_newer_token_are_stored,
    profiles::every_attribute_follows_its_own_rule,
    profiles::attributes_edited_in_the_application_are_kept,
    profiles::an_address_of_another_user_is_not_stored_and_not_retried,
    profiles::older_equal_and_undated_tokens_store_no_profile,
    profiles::concurrent_tokens_leave_the_profile_of_the_newest,
    profiles::an_unverified_address_never_replaces_a_verified_one,
    profiles::a_proved_mailbox_is_never_replaced_by_a_token,
    profiles::no_issuer_updates_the_profile_of_a_password_user,
    profiles::a_profile_that_cannot_be_stored_fails_no_request,
    roles::listed_roles_replace_those_of_older_tokens,
    roles::an_empty_list_removes_the_roles,
    roles::absent_and_truncated_roles_change_no_grant,
    roles::manual_grants_and_grants_of_other_issuers_are_kept,
    roles::older_equal_and_undated_tokens_store_no_roles,
    roles::concurrent_tokens_leave_the_roles_of_the_newest,
    roles::roles_of_many_users_change_concurrently,
    roles::a_demotion_is_stored_although_the_profile_cannot_be,
    roles::roles_that_cannot_be_stored_fail_the_request,
    sign_up::a_user_who_needs_approval_is_created_once_as_pending,
    sign_up::the_sign_up_rule_applies_to_new_users_and_access_rules_to_all,
    sign_up::a_required_role_applies_to_all_users,
    sign_up::a_link_without_the_required_role_writes_nothing,
    sign_up::an_issuer_at_its_limit_creates_no_new_user,
    sign_up::sign_ups_per_minute_are_limited,
    sign_up::concurrent_sign_ups_do_not_exceed_the_limits,
    sign_up::concurrent_requests_of_the_last_allowed_user_are_not_refused,
    tickets::a_ticket_links_once_under_any_policy,
    tickets::an_unused_duplicate_of_a_ticket_is_used_with_it,
    tickets::two_concurrent_subjects_use_a_ticket_once,
    tickets::concurrent_requests_of_one_subject_are_linked_once_and_never_refused,
    tickets::concurrent_linking_works_under_snapshot_isolation,
    tickets::a_ticket_is_limited_to_its_issuer_address_tenant_and_validity,
    tickets::a_ticket_does_not_link_an_inactive_user,
    tickets::a_ticket_adds_no_second_subject_of_its_issuer,
];

const DIRECTORY_CHECKS: [Check; 63] = checks![Needs::Tables;
    status::a_deactivated_user_is_refused_and_earlier_tokens_stay_revoked,
    status::every_change_applies_to_its_documented_statuses_only,
    status::the_revocation_time_never_moves_backwards,
    status::a_refused_change_becomes_an_error_on_request,
    status::reasons_of_an_operator_are_truncated_to_the_column_size,
    lists::a_long_list_is_processed_in_batches_and_a_duplicate_once,
    lists::concurrent_operators_make_one_change_and_one_event,
    lists::concurrent_opposite_operations_leave_a_consistent_history,
    lists::a_dropped_call_completes_its_batch_and_starts_no_other,
    lists::a_locked_store_is_unavailable_within_the_deadline,
    lists::a_change_whose_event_cannot_be_written_is_rolled_back,
    lists::a_failure_reports_the_changes_made_before_it,
    lists::a_dry_run_reports_the_effects_and_changes_nothing,
    administrators::the_last_administrator_can_neither_be_removed_nor_lose_the_role,
    administrators::an_administrator_can_be_removed_while_another_exists,
    administrators::the_last_administrator_granted_by_an_issuer_is_protected_too,
    administrators::a_dry_run_counts_administrators_across_batches,
    administrators::concurrent_removals_leave_one_administrator,
    administrators::the_last_administrator_can_be_removed_after_a_new_one_is_granted,
    grants::grants_and_revocations_apply_at_the_next_request,
    grants::an_operator_cannot_revoke_a_grant_of_an_issuer,
    grants::roles_that_databases_could_change_are_invalid,
    reading::a_record_holds_everything_but_the_password,
    reading::pages_neither_repeat_nor_miss_a_user,
    reading::a_cursor_of_a_deleted_user_keeps_its_place,
    reading::every_filter_narrows_the_list,
    reading::search_text_is_matched_literally,
    reading::address_and_user_name_are_searched_too,
    reading::events_are_paged_per_user_and_over_all,
    edits::an_edited_attribute_is_marked_as_local,
    edits::a_new_address_is_unverified_and_the_same_mailbox_stays_verified,
    edits::names_that_cannot_be_stored_are_invalid,
    removal::a_deleted_user_leaves_a_tombstone_and_a_free_address,
    removal::an_erased_user_is_stored_as_a_hash_and_still_refused,
    removal::erasing_an_active_user_deletes_it_too,
    removal::a_concurrent_profile_update_does_not_change_a_deleted_user,
    links::a_linked_user_is_found_by_its_first_token,
    links::a_service_is_registered_by_a_link,
    links::a_link_never_takes_over_an_existing_identity,
    links::concurrent_operators_link_an_identity_to_one_user,
    links::an_address_has_a_ticket_for_one_user_at_a_time,
    links::concurrent_operators_create_one_ticket_for_an_address,
    links::a_ticket_is_for_active_users_without_that_issuer,
    imports::an_imported_user_is_found_by_its_first_token,
    imports::a_list_can_be_imported_again,
    imports::an_import_changes_no_existing_user,
    imports::a_duplicate_in_a_list_is_one_user,
    imports::concurrent_imports_and_first_logins_create_each_user_once,
    relinking::grants_and_profile_of_the_old_issuer_move_to_the_new_one,
    relinking::a_profile_of_another_issuer_is_not_moved,
    relinking::a_deleted_user_is_moved_and_an_erased_user_is_not,
    relinking::an_existing_identity_is_not_overwritten,
    relinking::listed_subjects_are_mapped_and_others_left_unchanged,
    relinking::hundreds_of_users_move_within_their_tenant,
    idle::only_idle_people_are_deactivated,
    idle::a_user_seen_after_the_listing_stays_active,
    idle::idle_users_are_not_deactivated_if_last_seen_is_not_recorded,
    idle::the_last_administrator_stays_although_idle,
    idle::hundreds_of_idle_users_are_deactivated_in_batches,
    caches::a_deactivation_takes_effect_at_the_next_request,
    caches::every_change_is_followed_by_an_invalidation,
    caches::a_dropped_call_still_invalidates,
    caches::a_newly_linked_user_is_served_at_once,
];

const SERVER_CHECKS: [Check; 2] = checks![Needs::Server;
    outages::an_unreachable_server_is_unavailable_within_the_deadline,
    roles::a_sync_aborted_by_a_deadlock_is_retried,
];

const MIGRATION_CHECKS: [Check; 8] = checks![Needs::EmptyDatabase;
    migrations::running_twice_changes_nothing,
    migrations::replicas_can_start_concurrently_on_an_empty_database,
    migrations::every_migration_can_be_reverted,
    migrations::the_migrations_can_be_part_of_an_applications_migrator,
    own_tables::the_guides_statement_makes_a_password_optional_and_keeps_every_hash,
    own_tables::identity_columns_can_be_added_and_removed,
    own_tables::a_text_key_of_any_collation_can_have_identities,
    replicas::processes_can_start_concurrently_on_an_empty_database,
];

const POSTGRES_CHECKS: [Check; 7] = checks![Needs::Notifications;
    postgres_bus::the_url_is_not_shown,
    postgres_bus::a_committed_change_reaches_every_replica,
    postgres_bus::a_change_that_is_rolled_back_reaches_no_replica,
    postgres_bus::hundreds_of_keys_arrive_one_by_one,
    postgres_bus::a_killed_listener_reports_the_loss_and_reconnects,
    postgres_bus::a_lost_bus_makes_the_cache_reload,
    postgres_bus::an_unreachable_database_is_an_error_at_start,
];

fn main() -> ExitCode {
    if let Some(exit_code) = replicas::run() {
        return exit_code;
    }
    let mut arguments = Arguments::from_args();
    // Every trial has a pool; with more concurrent trials, a server runs out of connections.
    arguments.test_threads.get_or_insert(4);
    let backends = [
        ("sqlite", Ok(Backend::Sqlite)),
        ("postgres", Backend::postgres()),
        ("mysql", Backend::mysql()),
    ];
    let trials = backends
        .into_iter()
        .flat_map(|(name, backend)| {
            let checks = CHECKS
                .into_iter()
                .chain(DIRECTORY_CHECKS)
                .chain(SERVER_CHECKS)
                .chain(MIGRATION_CHECKS)
                .chain(POSTGRES_CHECKS)
                .chain(shape_checks::CHECKS.into_iter().flatten().copied());
            checks
                .filter(move |check| match check.needs {
                    Needs::EmptyDatabase | Needs::Tables => true,
                    Needs::Notifications => name == "postgres",
                    Needs::Server => name != "sqlite",
                })
                .map(move |check| trial(name, backend.clone(), check))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(prefix: &str, backend: Result<Backend, &'static str>, check: Check) -> Trial {
    let name = format!("{prefix}::{}", check.name);
    match backend {
        Ok(backend) => Trial::test(name, move || run(&backend, check)),
        Err(reason) => Trial::test(name, move || Err(reason.into()))
            .with_kind(reason)
            .with_ignored_flag(true),
    }
}

/// Runs a check on its own task, so that the database is dropped even if the check panics.
fn run(backend: &Backend, check: Check) -> Result<(), Failed> {
    Runtime::new()?.block_on(async {
        let with_tables = matches!(check.needs, Needs::Server | Needs::Tables);
        let store = Arc::new(Store::create(backend, with_tables).await?);
        let subject = Arc::clone(&store);
        let verdict = tokio::spawn(async move { (check.run)(&subject).await }).await;
        let dropped = store.destroy().await;
        verdict?;
        Ok(dropped?)
    })
}
