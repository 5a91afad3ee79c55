//! Imports of users from another system.

use tower_jit_provisioning::{
    Email, IssuerPolicy, Linking, Outcome,
    sea_orm::{
        directory::{Effect, ImportedUser, NewIdentity, Refusal},
        issuer_key,
    },
};

use super::{directory, effects};
use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, person},
};

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

fn subject(subject: &str) -> ImportedUser {
    ImportedUser::new().with_identity(NewIdentity::new(ISSUER, subject))
}

pub(crate) async fn an_imported_user_is_found_by_its_first_token(store: &Store) {
    let records = [
        subject("ana")
            .with_email(email("Ana@Example.com"))
            .with_full_name("Ana Lind")
            .with_username("ana")
            .with_role("editor")
            .with_role("editor")
            .with_role("auditor"),
        ImportedUser::new()
            .with_email(email("bo@example.com"))
            .with_password_hash("$argon2id$"),
    ];
    let report = directory(store).import(&records).await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed; 2]);
    let [ana, bo] = [0, 1].map(|index| report.entries()[index].user.unwrap());
    let row = store.user(ana).await;
    assert_eq!(row.email.as_deref(), Some("Ana@Example.com"));
    assert_eq!(row.email_key, Some(email("ana@example.com").key("")));
    assert_eq!(row.email_verified_by.as_deref(), Some("import"));
    assert_eq!(row.full_name.as_deref(), Some("Ana Lind"));
    assert_eq!((row.status.as_str(), row.last_seen_at), ("active", None));
    let identity = person("ana").with_vouched_email("ana@example.com").build();
    assert_eq!(row.profile_key, Some(identity.key().to_string()));
    let found = store.provision(&identity).await.unwrap();
    assert_eq!((found.outcome(), found.user().id), (Outcome::Found, ana));
    assert_eq!(found.user().roles, ["auditor", "editor"]);
    let recorded = &store.rows().await.identities[0];
    assert_eq!(recorded.issuer_key, issuer_key(ISSUER));

    let row = store.user(bo).await;
    assert_eq!(row.hashed_password.as_deref(), Some("$argon2id$"));
    assert_eq!(row.profile_key, None);
    // An imported address is verified: if the policy allows linking, a token of its issuer links.
    let linking = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let identity = person("bo").with_vouched_email("bo@example.com");
    let linked = store
        .provision(&identity.with_policy(linking).build())
        .await
        .unwrap();
    assert_eq!((linked.outcome(), linked.user().id), (Outcome::Linked, bo));
    let rows = store.rows().await;
    let imported: Vec<_> = rows
        .events
        .iter()
        .filter(|event| event.event == "imported")
        .collect();
    assert_eq!(imported.len(), 2);
    assert!(
        imported
            .iter()
            .all(|event| event.actor.as_deref() == Some("root"))
    );
}

pub(crate) async fn a_list_can_be_imported_again(store: &Store) {
    let records: Vec<ImportedUser> = (0..250)
        .map(|number| {
            let address = email(&format!("user{number}@example.com"));
            match number % 3 {
                0 => ImportedUser::new().with_email(address),
                1 => subject(&format!("user{number}")),
                _ => subject(&format!("user{number}")).with_email(address),
            }
        })
        .collect();
    let first = directory(store).import(&records).await.unwrap();
    assert_eq!(first.changed(), 250);
    let before = store.rows().await;
    let again = directory(store).import(&records).await.unwrap();
    assert_eq!(again.unchanged(), 250);
    let users = |report: &tower_jit_provisioning::sea_orm::directory::Report| {
        let entries = report.entries().iter();
        entries.map(|entry| entry.user).collect::<Vec<_>>()
    };
    assert_eq!(users(&again), users(&first));
    assert_eq!(store.rows().await, before);
}

pub(crate) async fn an_import_changes_no_existing_user(store: &Store) {
    let ana = store.insert(password_user("ana@example.com")).await;
    let records = [
        ImportedUser::new()
            .with_email(email("ANA@example.com"))
            .with_full_name("Eve"),
        subject("eve").with_email(email("ana@example.com")),
        ImportedUser::new().with_full_name("Nobody"),
        subject(""),
        subject(&"s".repeat(256)),
        subject("bo").with_role("admin "),
        subject("bo").with_full_name("B\0"),
    ];
    let report = directory(store).import(&records).await.unwrap();
    let invalid = Effect::Refused(Refusal::Invalid);
    let taken = Effect::Refused(Refusal::Taken);
    assert_eq!(
        effects(&report),
        [
            Effect::Unchanged,
            taken,
            invalid,
            invalid,
            invalid,
            invalid,
            invalid
        ]
    );
    assert_eq!(report.entries()[0].user, Some(ana.id));
    let rows = store.rows().await;
    assert_eq!(rows.users, [ana]);
    assert!(rows.identities.is_empty() && rows.events.is_empty());
    // Addresses of another tenant are separate.
    let elsewhere = directory(store).in_tenant("acme");
    let report = elsewhere.import(&records[..1]).await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
}

pub(crate) async fn a_duplicate_in_a_list_is_one_user(store: &Store) {
    let mut records = vec![
        subject("ana").with_email(email("ana@example.com")),
        subject("ana"),
        ImportedUser::new().with_email(email("ANA@example.com")),
        subject("eve").with_email(email("ana@example.com")),
    ];
    records.extend((0..120).map(|number| subject(&format!("user{number}"))));
    records.push(subject("ana"));
    for directory in [directory(store).dry_run(), directory(store)] {
        let report = directory.import(&records).await.unwrap();
        assert_eq!(report.changed(), 121);
        let taken = Effect::Refused(Refusal::Taken);
        let first = [Effect::Changed, Effect::Unchanged, Effect::Unchanged, taken];
        assert_eq!(effects(&report)[..4], first);
        let ana = report.entries()[0].user;
        assert_eq!(report.entries().last().unwrap().user, ana);
    }
    assert_eq!(store.rows().await.users.len(), 121);
}

pub(crate) async fn concurrent_imports_and_first_logins_create_each_user_once(store: &Store) {
    let records: Vec<ImportedUser> = (0..60)
        .map(|number| subject(&format!("user{number}")))
        .collect();
    let imports: Vec<_> = (0..4)
        .map(|_| {
            let (directory, records) = (directory(store), records.clone());
            tokio::spawn(async move { directory.import(&records).await })
        })
        .collect();
    let provisioner = store.provisioner();
    let identities = (0..60).map(|number| person(&format!("user{number}")).build());
    let logins = crate::fixture::at_once(&provisioner, identities).await;
    for login in logins {
        login.unwrap();
    }
    for import in imports {
        let report = import.await.unwrap().unwrap();
        assert_eq!(report.changed() + report.unchanged(), 60);
    }
    let rows = store.rows().await;
    assert_eq!((rows.users.len(), rows.identities.len()), (60, 60));
    assert_eq!(
        rows.events.len(),
        60,
        "an event for each creation or import"
    );
}
