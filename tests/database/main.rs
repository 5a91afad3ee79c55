//! `SeaOrmProvisioner` keeps its contract on every database.
//!
//! SQLite always runs, PostgreSQL and MySQL (or MariaDB) where `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` lead to a server on which databases may be created. Every trial has a fresh
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

/// A check names itself after its function and runs once on every backend.
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
    /// Tables, behind a network.
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
    denials::the_holder_of_many_tokens_does_not_fill_the_events,
    denials::events_older_than_an_age_are_forgotten_and_younger_ones_kept,
    first_login::first_request_creates_a_user_and_the_second_finds_it,
    first_login::a_subject_alone_is_enough,
    first_login::first_login_costs_one_read_and_three_inserts,
    first_login::a_vouched_address_costs_two_reads_more,
    first_login::identities_that_differ_in_anything_are_different_users,
    first_login::the_longest_and_strangest_subjects_are_kept_byte_for_byte,
    first_login::an_event_that_cannot_be_written_takes_the_user_back,
    first_login::concurrent_first_logins_make_one_user,
    first_login::concurrent_first_logins_with_a_vouched_address_make_one_user,
    first_login::clients_that_hang_up_leave_no_half_user_and_no_error,
    first_login::a_write_under_way_outlives_its_client,
    first_login::an_unverified_address_neither_links_nor_blocks,
    first_login::a_squatter_keeps_the_row_and_the_newcomer_gets_the_address,
    first_login::two_issuers_vouching_for_one_address_at_once_make_one_user,
    known_users::known_user_costs_one_statement,
    known_users::known_user_with_grants_costs_one_statement,
    known_users::only_manual_grants_and_the_tokens_roles_count,
    known_users::a_user_not_seen_for_an_hour_is_noted_once,
    known_users::notes_of_being_seen_are_coalesced,
    known_users::a_user_seen_recently_is_not_written,
    known_users::a_known_user_is_found_whatever_sign_up_says,
    linking::a_verified_password_user_is_linked,
    linking::linking_costs_nine_reads_and_two_inserts,
    linking::concurrent_linking_attaches_one_identity,
    linking::two_issuers_link_to_one_user,
    linking::a_candidate_deactivated_meanwhile_is_not_linked,
    linking::linking_is_off_by_default,
    linking::only_an_active_candidate_is_linked,
    linking::an_address_verified_by_an_untrusted_source_is_a_conflict,
    linking::the_trusted_sources_are_the_policys,
    linking::a_second_subject_of_the_same_issuer_is_a_conflict,
    linking::a_services_user_is_not_linked,
    linking::a_service_never_links,
    linking::an_unproved_local_address_is_not_linked,
    linking::a_user_of_another_tenant_is_not_linked,
    linking::a_revoked_token_links_no_user,
    refusals::users_who_may_not_act_are_refused,
    refusals::an_unknown_status_is_refused,
    refusals::a_kind_that_changed_is_refused,
    refusals::tokens_issued_before_the_revocation_are_refused,
    refusals::closed_sign_up_writes_nothing,
    refusals::services_sign_up_only_where_allowed,
    refusals::the_tables_refuse_what_the_rules_forbid,
    outages::a_closed_pool_is_unavailable,
    outages::an_exhausted_pool_is_unavailable_within_the_deadline,
    outages::a_locked_store_is_unavailable_within_the_deadline_and_recovers,
    outages::a_store_that_cannot_write_still_finds_users,
    outages::newcomers_who_wait_do_not_starve_known_users,
    costs::the_dearest_first_login_costs_five_reads_and_its_transaction,
    costs::a_newer_token_that_says_the_same_writes_nothing,
    costs::a_newer_token_costs_what_it_changes,
    plans::every_statement_is_served_by_an_index,
    drift::a_configuration_fits_the_users_it_made,
    drift::another_tenant_mode_is_refused,
    drift::another_subject_strategy_is_refused,
    drift::users_under_an_alias_are_found,
    drift::unknown_strategies_and_erased_identities_do_not_count,
    drift::a_store_that_is_down_is_no_drift,
    hooks::the_hooks_rows_stand_or_fall_with_the_user,
    hooks::a_lost_race_is_run_again_and_a_dangling_row_is_not,
    hooks::the_hook_hears_of_newcomers_only,
    hooks::the_observer_hears_of_every_change_once,
    hooks::what_an_enricher_finds_is_for_display,
    hooks::refused_and_linked_users_are_not_looked_up,
    hooks::a_crowd_behind_a_cache_asks_once,
    hooks::an_enricher_that_fails_or_is_silent_stops_no_login,
    profiles::what_a_newer_token_states_is_taken,
    profiles::every_attribute_follows_its_own_rule,
    profiles::what_the_user_edited_here_stays,
    profiles::an_address_of_another_user_is_not_taken_and_not_tried_again,
    profiles::older_equal_and_undated_tokens_store_no_profile,
    profiles::tokens_used_at_once_leave_the_newest_ones_profile,
    profiles::an_unverified_address_replaces_no_verified_one,
    profiles::a_proved_mailbox_is_replaced_by_no_token,
    profiles::a_password_users_profile_is_no_issuers,
    profiles::a_profile_that_cannot_be_stored_fails_no_request,
    roles::stated_roles_replace_those_of_older_tokens,
    roles::an_empty_list_takes_the_roles_away,
    roles::absent_and_truncated_roles_change_no_grant,
    roles::manual_grants_and_other_issuers_grants_survive,
    roles::older_equal_and_undated_tokens_store_no_roles,
    roles::tokens_used_at_once_leave_the_newest_ones_roles,
    roles::roles_of_many_users_change_at_once,
    roles::a_demotion_is_stored_though_the_profile_cannot_be,
    roles::roles_that_cannot_be_stored_fail_the_request,
    sign_up::a_user_who_needs_approval_is_made_once_and_waits,
    sign_up::the_sign_up_rule_is_for_newcomers_and_access_rules_for_all,
    sign_up::a_required_role_is_required_of_everybody,
    sign_up::a_link_without_the_required_role_writes_nothing,
    sign_up::a_full_issuer_takes_no_new_user,
    sign_up::sign_ups_a_minute_are_counted,
    sign_up::a_crowd_does_not_pass_the_limits,
    sign_up::the_user_who_takes_the_last_place_is_not_refused,
    tickets::a_ticket_links_whatever_the_policy_says_and_once,
    tickets::an_unused_twin_of_a_ticket_is_used_up_with_it,
    tickets::of_two_subjects_at_once_one_gets_the_ticket,
    tickets::one_subject_many_times_is_linked_once_and_never_refused,
    tickets::so_it_is_under_snapshot_isolation,
    tickets::a_ticket_is_for_its_issuer_address_tenant_and_time,
    tickets::a_ticket_opens_no_account_that_is_closed,
    tickets::a_ticket_gives_no_user_a_second_subject_of_its_issuer,
];

const DIRECTORY_CHECKS: [Check; 63] = checks![Needs::Tables;
    status::a_deactivated_user_is_refused_and_its_old_tokens_never_count_again,
    status::every_change_starts_from_its_own_statuses,
    status::the_void_of_tokens_never_moves_backwards,
    status::a_refusal_is_an_error_where_one_is_wanted,
    status::words_of_an_operator_are_cut_to_what_the_tables_keep,
    lists::a_long_list_is_worked_in_batches_and_a_duplicate_once,
    lists::operators_at_once_make_one_change_and_one_event,
    lists::operators_who_disagree_leave_a_history_that_adds_up,
    lists::a_dropped_call_finishes_its_batch_and_starts_no_other,
    lists::a_locked_store_is_unavailable_within_the_deadline,
    lists::a_change_whose_event_cannot_be_written_is_taken_back,
    lists::what_was_done_before_a_failure_is_told,
    lists::a_dry_run_tells_and_changes_nothing,
    administrators::the_last_administrator_can_neither_be_removed_nor_lose_the_role,
    administrators::an_administrator_may_go_while_another_stays,
    administrators::the_last_holder_by_an_issuers_word_stays_too,
    administrators::a_dry_run_counts_administrators_across_batches,
    administrators::operators_who_remove_each_others_administrators_leave_one,
    administrators::a_new_administrator_frees_the_last_one,
    grants::a_granted_role_counts_at_the_next_request_and_a_revoked_one_does_not,
    grants::an_issuers_grant_is_not_an_operators_to_take,
    grants::roles_that_databases_could_confuse_are_invalid,
    reading::a_record_holds_everything_but_the_password,
    reading::pages_neither_repeat_nor_miss_a_user,
    reading::a_stale_cursor_still_finds_its_place,
    reading::every_filter_narrows_the_list,
    reading::a_searched_text_is_meant_literally,
    reading::address_and_user_name_are_searched_too,
    reading::events_are_paged_per_user_and_over_all,
    edits::an_edited_attribute_is_the_users_own,
    edits::another_address_is_unverified_and_the_same_mailbox_is_not,
    edits::names_that_no_row_can_hold_are_invalid,
    removal::a_deleted_user_leaves_a_tombstone_and_a_free_address,
    removal::an_erased_user_is_a_hash_and_still_refused,
    removal::erasing_an_active_user_deletes_it_too,
    removal::a_profile_under_way_is_not_written_onto_a_tombstone,
    links::a_linked_user_is_found_by_its_first_token,
    links::a_service_is_registered_by_a_link,
    links::a_link_takes_no_identity_of_another_user,
    links::operators_at_once_link_an_identity_to_one_user,
    links::a_ticket_promises_an_address_to_one_user_at_a_time,
    links::operators_at_once_promise_an_address_to_one_user,
    links::a_ticket_is_for_active_users_without_that_issuer,
    imports::an_imported_user_is_found_by_its_first_token,
    imports::a_list_can_be_imported_again,
    imports::an_import_changes_no_existing_user,
    imports::a_duplicate_in_a_list_is_one_user,
    imports::imports_and_first_logins_at_once_make_each_user_once,
    relinking::everything_the_old_issuer_said_follows_to_the_new_one,
    relinking::a_profile_of_another_issuers_stays_with_that_one,
    relinking::a_tombstone_moves_and_an_erased_user_stays,
    relinking::an_identity_that_is_there_already_is_not_overwritten,
    relinking::subjects_are_mapped_and_the_others_left_alone,
    relinking::hundreds_move_within_their_tenant,
    idle::only_idle_people_are_deactivated,
    idle::a_user_seen_after_the_listing_stays,
    idle::idleness_is_not_judged_where_nobody_is_seen,
    idle::an_idle_last_administrator_stays,
    idle::hundreds_of_idle_users_go_in_batches,
    caches::a_deactivation_takes_effect_at_the_next_request,
    caches::every_change_is_followed_by_an_invalidation,
    caches::a_dropped_call_still_invalidates,
    caches::a_stranger_who_is_linked_comes_in_at_once,
];

const SERVER_CHECKS: [Check; 2] = checks![Needs::Server;
    outages::an_unreachable_server_is_unavailable_within_the_deadline,
    roles::a_sync_given_up_in_a_deadlock_is_run_again,
];

const MIGRATION_CHECKS: [Check; 8] = checks![Needs::EmptyDatabase;
    migrations::running_twice_changes_nothing,
    migrations::replicas_may_start_at_once_on_an_empty_database,
    migrations::every_migration_can_be_taken_back,
    migrations::an_applications_migrator_takes_them_in,
    own_tables::the_guides_statement_makes_a_password_optional_and_keeps_every_hash,
    own_tables::identities_can_be_given_and_taken_back,
    own_tables::a_key_of_text_gets_identities_whatever_its_collation_is,
    replicas::processes_may_start_at_once_on_an_empty_database,
];

const POSTGRES_CHECKS: [Check; 7] = checks![Needs::Notifications;
    postgres_bus::the_url_is_not_shown,
    postgres_bus::a_committed_change_reaches_every_replica,
    postgres_bus::a_change_that_is_rolled_back_reaches_no_replica,
    postgres_bus::hundreds_of_keys_arrive_one_by_one,
    postgres_bus::a_killed_listener_says_so_and_comes_back,
    postgres_bus::a_lost_bus_makes_the_cache_read_again,
    postgres_bus::an_unreachable_database_is_an_error_at_start,
];

fn main() -> ExitCode {
    if let Some(exit_code) = replicas::run() {
        return exit_code;
    }
    let mut arguments = Arguments::from_args();
    // Every trial has a pool: more at once than this, and a server runs out of connections.
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

/// Runs a check on a task of its own, so that the database is dropped also when it panics.
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
