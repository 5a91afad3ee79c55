//! Every flaw is caught by its checks, and every check catches a flaw.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use tokio::task::JoinSet;
use tower_jit_provisioning::testing::conformance::{Report, checks};

use crate::{
    flawed::{Flaw, Ledger},
    results::runtime,
};

/// Flaws that break one rule, with exactly the checks that report them.
const NARROW: &[(Flaw, &[&str])] = &[
    (Flaw::None, &[]),
    (Flaw::AdmitsAnybodysKind, &["a_changed_kind_is_refused"]),
    (Flaw::AdmitsPending, &["newcomers_wait_for_approval"]),
    (
        Flaw::AdmitsTheClosedOut,
        &[
            "closed_sign_up_writes_nothing",
            "closed_sign_up_leaves_no_row",
        ],
    ),
    (
        Flaw::CachesBySubject,
        &["cached_knows_nobody_before_the_first_request"],
    ),
    (
        Flaw::CachesCreations,
        &["cached_tells_the_same_user_and_no_creation"],
    ),
    (
        Flaw::CachesForever,
        &[
            "cached_refuses_inactive_users",
            "cached_refuses_revoked_tokens",
            "a_load_under_way_brings_no_refused_user_back",
        ],
    ),
    (
        Flaw::CachesLateLoads,
        &["a_load_under_way_brings_no_refused_user_back"],
    ),
    (Flaw::CachesRevoked, &["cached_refuses_revoked_tokens"]),
    (Flaw::CutsSubjects, &["the_last_byte_of_the_longest_counts"]),
    (
        Flaw::DeniesOnErrors,
        &[
            "a_failing_store_is_unavailable",
            "a_mended_store_is_asked_again",
            "a_creation_that_fails_half_way_is_taken_back",
            "a_stalled_store_is_unavailable_in_time",
            "a_stalled_store_leaves_no_half_user",
        ],
    ),
    (Flaw::FoldsAccents, &["look_alikes_are_other_users"]),
    (
        Flaw::FoldsCase,
        &[
            "case_makes_another_user",
            "cached_knows_nobody_before_the_first_request",
        ],
    ),
    (Flaw::FoldsNumbers, &["another_subject_is_another_user"]),
    (
        Flaw::FoldsRecords,
        &["what_is_recorded_is_kept_byte_for_byte"],
    ),
    (
        Flaw::HasNoDeadline,
        &[
            "a_stalled_store_is_unavailable_in_time",
            "a_stalled_store_leaves_no_half_user",
        ],
    ),
    (Flaw::IgnoresLimits, &["sign_up_stops_at_the_limit"]),
    (
        Flaw::IgnoresRules,
        &[
            "a_sign_up_rule_is_for_newcomers",
            "an_access_rule_is_for_everybody",
            "a_required_role_is_required_of_everybody",
        ],
    ),
    (
        Flaw::ImportsUnverified,
        &[
            "an_imported_address_is_a_conflict",
            "an_imported_user_is_linked",
        ],
    ),
    (
        Flaw::InsertsTwoEvents,
        &[
            "concurrent_first_logins_leave_one_event",
            "hang_ups_leave_one_event",
            "a_call_dropped_anywhere_leaves_its_event",
        ],
    ),
    (
        Flaw::KeepsKnownOut,
        &["a_known_user_is_found_though_sign_up_is_closed"],
    ),
    (
        Flaw::KeysByUsername,
        &["a_changed_profile_is_the_same_user"],
    ),
    (
        Flaw::LeavesFailedHalves,
        &["a_creation_that_fails_half_way_is_taken_back"],
    ),
    (
        Flaw::LeavesStalledHalves,
        &["a_stalled_store_leaves_no_half_user"],
    ),
    (
        Flaw::LetsAnonymousIn,
        &[
            "anonymous_visitors_do_not_sign_up",
            "a_changed_kind_is_refused",
        ],
    ),
    (
        Flaw::LetsServicesIn,
        &["services_sign_up_where_allowed_by_name"],
    ),
    (
        Flaw::LinksAcrossTenants,
        &["another_tenants_user_is_not_linked"],
    ),
    (
        Flaw::LinksAnyConflict,
        &[
            "an_untrusted_address_is_a_conflict",
            "a_second_subject_of_one_issuer_is_not_linked",
            "an_inactive_user_is_not_linked",
        ],
    ),
    (
        Flaw::LinksAnySource,
        &["an_untrusted_address_is_a_conflict"],
    ),
    (Flaw::LinksServices, &["a_service_is_not_linked"]),
    (
        Flaw::LinksUnverified,
        &["an_unverified_address_links_nobody"],
    ),
    (Flaw::RefusesForever, &["a_reactivated_user_is_found"]),
    (
        Flaw::RemakesDeleted,
        &[
            "a_deleted_user_is_refused",
            "a_deleted_user_is_not_made_again",
        ],
    ),
    (
        Flaw::ReplacesEmoji,
        &[
            "strange_subjects_are_kept_apart",
            "what_is_recorded_is_kept_byte_for_byte",
        ],
    ),
    (
        Flaw::RevokesNothing,
        &[
            "revoked_tokens_are_refused",
            "cached_refuses_revoked_tokens",
        ],
    ),
    (Flaw::TellsAllLinked, &["concurrent_links_are_one_user"]),
    (Flaw::TrimsSpaces, &["spaces_make_another_user"]),
    (Flaw::UpdatesAlways, &["a_known_user_is_found"]),
    (
        Flaw::WritesAlways,
        &["a_store_that_cannot_write_still_finds_users"],
    ),
];

/// Flaws that break many rules, or only sometimes, with the checks that always report them.
const WIDE: &[(Flaw, &[&str])] = &[
    (
        Flaw::BlocksByAnyAddress,
        &[
            "an_unverified_address_links_nobody",
            "an_unverified_address_blocks_nobody",
        ],
    ),
    (
        Flaw::BlocksByOwnAddress,
        &["concurrent_first_logins_with_an_address_are_one_user"],
    ),
    (Flaw::CachesRoles, &["roles_are_those_of_the_token"]),
    (
        Flaw::ForgetsAddresses,
        &[
            "a_collision_on_a_vouched_address_is_a_conflict",
            "two_issuers_vouching_at_once_make_one_user",
            "an_imported_address_is_a_conflict",
        ],
    ),
    (
        Flaw::InsertsInSteps,
        &[
            "a_call_dropped_anywhere_leaves_no_half_user",
            "hang_ups_leave_one_row",
        ],
    ),
    (
        Flaw::JoinsKeys,
        &["the_boundary_between_issuer_and_subject_counts"],
    ),
    (
        Flaw::KeysByEmail,
        &[
            "a_changed_profile_is_the_same_user",
            "an_unverified_address_links_nobody",
            "a_vouched_address_links_nobody_while_linking_is_off",
        ],
    ),
    (Flaw::KeysBySubject, &["another_issuer_is_another_user"]),
    (Flaw::KeysWithoutTenant, &["another_tenant_is_another_user"]),
    (
        Flaw::LinksNobody,
        &[
            "a_trusted_address_links",
            "an_imported_user_is_linked",
            "concurrent_links_are_one_user",
        ],
    ),
    (
        Flaw::LinksVouched,
        &["a_vouched_address_links_nobody_while_linking_is_off"],
    ),
    (
        Flaw::LocksInTheProcess,
        &["concurrent_first_logins_of_replicas_are_one_user"],
    ),
    (
        Flaw::MakesRowsAlways,
        &[
            "a_known_user_is_not_made_again",
            "concurrent_first_logins_leave_one_row",
        ],
    ),
    (
        Flaw::MarksBusy,
        &[
            "hang_ups_are_no_error_for_others",
            "a_call_dropped_anywhere_leaves_no_half_user",
        ],
    ),
    (
        Flaw::Reactivates,
        &[
            "a_deactivated_user_is_refused",
            "a_deleted_user_is_refused",
            "a_pending_user_is_refused",
            "a_refused_user_stays_refused",
            "cached_refuses_inactive_users",
        ],
    ),
    (
        Flaw::ReadsThenInserts,
        &[
            "concurrent_first_logins_are_one_user",
            "concurrent_first_logins_of_replicas_are_one_user",
            "concurrent_first_logins_leave_one_row",
        ],
    ),
    (Flaw::RemembersFailures, &["a_mended_store_is_asked_again"]),
    (
        Flaw::StoresInTheProcess,
        &["the_same_identity_is_the_same_user_everywhere"],
    ),
    (Flaw::TellsAllCreated, &["a_creation_is_told_to_one_caller"]),
    (
        Flaw::WritesBeforeRefusing,
        &["closed_sign_up_leaves_no_row"],
    ),
    (
        Flaw::WritesEventsLater,
        &["a_call_dropped_anywhere_leaves_its_event"],
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |flaw: Flaw, run| Trial::test(format!("flaw::{flaw:?}"), run);
    let narrow = NARROW.iter().map(|(flaw, caught_by)| {
        trial(*flaw, Box::new(|| is_caught(*flaw, caught_by, true)) as Run)
    });
    let wide = WIDE.iter().map(|(flaw, caught_by)| {
        trial(
            *flaw,
            Box::new(|| is_caught(*flaw, caught_by, false)) as Run,
        )
    });
    let all = Trial::test("every_check_catches_a_flaw", every_check_catches_a_flaw);
    narrow.chain(wide).chain([all]).collect()
}

type Run = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

fn is_caught(flaw: Flaw, caught_by: &[&str], only: bool) -> Result<(), Failed> {
    let report = runtime().block_on(checked(flaw));
    let violated: BTreeSet<&str> = report.violated().collect();
    let expected: BTreeSet<&str> = caught_by.iter().copied().collect();
    let is_as_expected = match only {
        true => violated == expected,
        false => violated.is_superset(&expected),
    };
    if !is_as_expected {
        return Err(format!("expected {expected:#?}, violated {violated:#?}\n{report}").into());
    }
    let checked = report.passed() + violated.len();
    match checked == checks::<Ledger>().len() {
        true => Ok(()),
        false => Err(format!("not everything was checked\n{report}").into()),
    }
}

/// Runs all checks concurrently, since most of them wait for a timeout.
async fn checked(flaw: Flaw) -> Report {
    let mut running = JoinSet::new();
    for check in checks() {
        running.spawn(async move {
            let verdict = check.run(async { Ledger::new(flaw) }).await;
            (check.name(), verdict)
        });
    }
    let mut report = Report::new(format!("{flaw:?}"));
    for (check, verdict) in running.join_all().await {
        report.add(check, verdict);
    }
    report
}

fn every_check_catches_a_flaw() -> Result<(), Failed> {
    let flaws = NARROW.iter().chain(WIDE);
    let caught_by: BTreeSet<&str> = flaws
        .flat_map(|(_, caught_by)| *caught_by)
        .copied()
        .collect();
    let checks: BTreeSet<&str> = checks::<Ledger>()
        .iter()
        .map(|check| check.name())
        .collect();
    match checks.difference(&caught_by).collect::<Vec<_>>() {
        idle if idle.is_empty() => Ok(()),
        idle => Err(format!("these catch nothing: {idle:#?}").into()),
    }
}
