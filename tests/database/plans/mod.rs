//! How the databases find the rows of each statement: by an index, in tables of any size.
//!
//! Plans are requested for the *prepared* statement, with the types that are bound. The same text
//! with literal values proves nothing: PostgreSQL gives a literal the type of the column it is
//! compared with, but a bound string is `text`, and then a column of another type (`char(n)`) is
//! cast row by row.

mod crowd;
mod explain;
mod sent;

use std::time::Duration;

use tower_jit_provisioning::{
    Email, IssuerPolicy, Linking, Outcome, Provisioner, UserStatus,
    sea_orm::{
        SeaOrmProvisioner,
        directory::{
            EventFilter, ImportedUser, NewIdentity, PageRequest, Relink, UserDirectory, UserFilter,
        },
    },
    testing::TestIdentity,
};

use self::{
    crowd::{ACTOR, AUDITOR, Crowd, DEACTIVATED, MEMBER, issuer, subject},
    explain::Planner,
    sent::{Plans, Sent},
};
use crate::{common::database::PATIENCE, fixture::Store};

/// Returns a user of the crowd, as identified by the first provider.
fn member(number: usize) -> TestIdentity {
    TestIdentity::new(issuer(number), subject(number))
}

pub(crate) async fn every_statement_is_served_by_an_index(store: &Store) {
    let crowd = Crowd::fill(store).await;
    let mut db = store.db.clone();
    let sent = Sent::default();
    let sink = sent.clone();
    db.set_metric_callback(move |info| sink.0.lock().unwrap().push(info.statement.clone()));
    let users = SeaOrmProvisioner::new(db)
        .with_deadline(PATIENCE)
        .with_denial_events(60);
    let mut plans = Plans {
        planner: Planner::connect(store).await,
        sent,
        faults: Vec::new(),
    };
    hot_read(&users, &mut plans).await;
    newcomers(&users, &mut plans).await;
    links(&users, &mut plans).await;
    updates(&users, &mut plans).await;
    notes(&users, &mut plans).await;
    let directory = users.directory().acting_as("test").with_deadline(PATIENCE);
    reads(&directory, &crowd, &mut plans).await;
    lists(&directory, &mut plans).await;
    audit(&directory, &crowd, &mut plans).await;
    changes(&directory, &crowd, &mut plans).await;
    users
        .forget_events(Duration::from_secs(60 * 60))
        .await
        .unwrap();
    plans.of("events that are forgotten", &[]).await;
    assert!(plans.faults.is_empty(), "{}", plans.faults.join("\n"));
}

async fn hot_read(users: &SeaOrmProvisioner, plans: &mut Plans) {
    let found = users.provision(&member(MEMBER).build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    let statements = plans.sent.0.lock().unwrap().clone();
    let [hot] = &statements[..] else {
        panic!("{statements:?}");
    };
    assert!(!hot.sql.contains("LIMIT"), "SQLite prepares it each time");
    plans.of("the hot read", &["uq_user_identities_key"]).await;
}

async fn newcomers(users: &SeaOrmProvisioner, plans: &mut Plans) {
    let policy = IssuerPolicy::new()
        .with_max_users(5_000)
        .with_max_sign_ups_per_minute(1_000);
    let newcomer = TestIdentity::new(issuer(0), "newcomer")
        .with_vouched_email("newcomer@example.com")
        .with_roles(["editor"])
        .with_policy(policy);
    let created = users.provision(&newcomer.build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    let indexes = [
        "uq_users_email_key",
        "ix_link_tickets_email",
        "ix_user_identities_issuer",
    ];
    plans.of("a newcomer", &indexes).await;
}

async fn links(users: &SeaOrmProvisioner, plans: &mut Plans) {
    // One link by address, one by ticket; both need an operator's grant.
    for (number, what) in [(1, "a link by address"), (2, "a link by ticket")] {
        let policy = IssuerPolicy::new()
            .with_linking(Linking::VerifiedEmail)
            .require_role();
        let linking = TestIdentity::new("https://new.example", subject(number))
            .with_vouched_email(&crowd::address(number))
            .with_policy(policy);
        let linked = users.provision(&linking.build()).await.unwrap();
        assert_eq!(linked.outcome(), Outcome::Linked);
        let indexes = ["ix_link_tickets_email", "uq_user_identities_key"];
        plans.of(what, &indexes).await;
    }
}

async fn updates(users: &SeaOrmProvisioner, plans: &mut Plans) {
    let newer = member(MEMBER)
        .with_issued_at(9_000)
        .with_roles(["admin"])
        .with_full_name("Ana Lind");
    let updated = users.provision(&newer.build()).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    plans.of("a newer token", &["uq_user_identities_key"]).await;
}

async fn notes(users: &SeaOrmProvisioner, plans: &mut Plans) {
    // This user was never seen before.
    let found = users.provision(&member(MEMBER + 1).build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    plans.sent.wait_for("UPDATE").await;
    plans
        .of("a note that a user was seen", &["uq_user_identities_key"])
        .await;
    let denied = users.provision(&member(DEACTIVATED).build()).await;
    assert!(denied.is_err());
    plans.sent.wait_for("INSERT").await;
    plans.of("a denial", &["uq_user_identities_key"]).await;
}

async fn reads(directory: &UserDirectory, crowd: &Crowd, plans: &mut Plans) {
    assert!(directory.get(crowd.ids[7]).await.unwrap().is_some());
    plans.of("a user by its id", &[]).await;
    let found = directory.find(&issuer(7), &subject(7)).await.unwrap();
    assert!(found.is_some());
    plans
        .of("a user by its subject", &["uq_user_identities_key"])
        .await;
}

async fn lists(directory: &UserDirectory, plans: &mut Plans) {
    let all = UserFilter::new;
    let email = Email::parse(&crowd::address(9)).unwrap();
    for (what, filter, index, count) in [
        ("all users", all(), "uq_users_tenant_id", 50),
        (
            "users of a status",
            all().with_status(UserStatus::Pending),
            "ix_users_status",
            50,
        ),
        (
            "holders of a role",
            all().with_role(AUDITOR),
            "ix_role_grants_role",
            20,
        ),
        (
            "users of an issuer",
            all().with_issuer(&issuer(3)),
            "ix_user_identities_issuer_user",
            50,
        ),
        (
            "the holder of an address",
            all().with_email(email),
            "uq_users_email_key",
            1,
        ),
    ] {
        let first = directory.list(&filter, PageRequest::first(50)).await;
        let first = first.unwrap();
        assert_eq!(first.items.len(), count, "{what}");
        plans.of(what, &[index]).await;
        if let Some(next) = first.next {
            for page in [
                PageRequest::first(50),
                PageRequest::first(50).newest_first(),
            ] {
                directory.list(&filter, page.after(next)).await.unwrap();
                plans.next_page(what, index).await;
            }
        }
    }
}

async fn audit(directory: &UserDirectory, crowd: &Crowd, plans: &mut Plans) {
    let all = EventFilter::new;
    for (what, filter, index) in [
        ("all events", all(), "ix_user_events_tenant"),
        (
            "events of a user",
            all().with_user(crowd.ids[3]),
            "ix_user_events_user",
        ),
        (
            "events of an actor",
            all().with_actor(ACTOR),
            "ix_user_events_actor",
        ),
        (
            "events of a kind",
            all().with_kind("approved"),
            "ix_user_events_kind",
        ),
    ] {
        for page in [
            PageRequest::first(50),
            PageRequest::first(50).newest_first(),
        ] {
            let found = directory.events(&filter, page).await.unwrap();
            assert!(!found.items.is_empty(), "{what}");
            plans.of(what, &[index]).await;
            let next = page.after(found.items[0].id);
            directory.events(&filter, next).await.unwrap();
            plans.next_page(what, index).await;
        }
    }
}

async fn changes(directory: &UserDirectory, crowd: &Crowd, plans: &mut Plans) {
    let administrators = directory.clone().with_admin_role(AUDITOR);
    let auditor = crowd.auditors[0];
    let report = administrators.deactivate(&[auditor], "gone").await.unwrap();
    assert_eq!(report.entries().len(), 1);
    plans
        .of("removing an administrator", &["ix_role_grants_role"])
        .await;
    let import = ImportedUser::new()
        .with_email(Email::parse("imported@example.com").unwrap())
        .with_identity(NewIdentity::new(issuer(0), "imported"));
    directory.import(&[import]).await.unwrap();
    let indexes = ["uq_user_identities_key", "uq_users_email_key"];
    plans.of("an import", &indexes).await;
    let address = Email::parse(&crowd::address(4)).unwrap();
    let ticket = directory.link_by_email(
        crowd.ids[4],
        "https://other.example",
        &address,
        Duration::from_secs(60),
    );
    ticket.await.unwrap();
    plans.of("a ticket", &[]).await;
    let link = NewIdentity::new("https://other.example", "linked");
    directory.link(crowd.ids[5], link).await.unwrap();
    plans
        .of("a link by an operator", &["uq_user_identities_key"])
        .await;
    let relink = Relink::new("https://other.example", "https://third.example");
    directory.relink(&relink).await.unwrap();
    plans
        .of("an issuer that moves", &["ix_user_identities_issuer_user"])
        .await;
    directory.erase(&[crowd.ids[6]], "asked to").await.unwrap();
    plans.of("an erasure", &["ix_link_tickets_user"]).await;
}
