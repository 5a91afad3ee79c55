//! Rejected users, and that a rejection writes nothing.

use sea_orm::{ActiveModelTrait, IntoActiveModel, SqlErr};
use time::{Duration, PrimitiveDateTime};
use tower_jit_provisioning::{
    IssuerPolicy, Outcome, PrincipalKind, SignUp,
    sea_orm::entity::{now, role_grants, user_identities, users},
};
use uuid::Uuid;

use crate::{
    common::setup::password_user,
    fixture::{Store, person},
};

pub(crate) async fn inactive_users_are_refused(store: &Store) {
    let identity = person("ana").build();
    let created = store.provision(&identity).await.unwrap();
    let row = store.user(created.user().id).await;
    for (status, reason) in [
        ("deactivated", "deactivated"),
        ("deleted", "deleted"),
        ("pending", "pending_approval"),
    ] {
        let mut row = row.clone();
        row.status = status.to_owned();
        // A rejected user's last-seen time is not updated either.
        row.last_seen_at = None;
        store.update(row).await;
        store.assert_refused(&identity, reason).await;
    }
    store.update(row).await;
    let found = store.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
}

pub(crate) async fn an_unknown_status_is_refused(store: &Store) {
    let identity = person("ana").build();
    let created = store.provision(&identity).await.unwrap();
    for status in ["on_holiday", "ACTIVE", "active ", ""] {
        let mut row = store.user(created.user().id).await;
        row.status = status.to_owned();
        store.update(row).await;
        store.assert_refused(&identity, "deactivated").await;
    }
}

pub(crate) async fn a_changed_principal_kind_is_refused(store: &Store) {
    let policy = IssuerPolicy::new().allow_services();
    for (was, is) in [
        (PrincipalKind::Human, PrincipalKind::Service),
        (PrincipalKind::Human, PrincipalKind::Anonymous),
        (PrincipalKind::Service, PrincipalKind::Human),
    ] {
        let subject = person(&format!("{} to {}", was.as_str(), is.as_str()));
        let subject = subject.with_policy(policy.clone());
        let created = store
            .provision(&subject.clone().with_kind(was).build())
            .await;
        assert_eq!(created.unwrap().outcome(), Outcome::Created);
        let changed = subject.with_kind(is).build();
        store.assert_refused(&changed, "kind_mismatch").await;
    }

    let ana = person("ana").build();
    store.provision(&ana).await.unwrap();
    let rows = store.rows().await;
    let mut recorded = rows.identities.into_iter();
    let recorded = recorded.find(|row| row.subject == "ana").unwrap();
    let mut unknown = recorded.into_active_model();
    unknown.kind = sea_orm::Set("android".to_owned());
    unknown.update(&store.db).await.unwrap();
    store.assert_refused(&ana, "kind_mismatch").await;
}

pub(crate) async fn tokens_issued_before_the_revocation_are_refused(store: &Store) {
    let created = store.provision(&person("ana").build()).await.unwrap();
    let revoked_at = now() - Duration::hours(2);
    let millis = |at: PrimitiveDateTime| {
        let nanos = at.assume_utc().unix_timestamp_nanos();
        i64::try_from(nanos.div_euclid(1_000_000)).unwrap()
    };
    let mut row = store.user(created.user().id).await;
    row.tokens_valid_after = Some(revoked_at);
    store.update(row).await;

    let issued = |at: i64| person("ana").with_issued_at(at).build();
    for old in [
        person("ana").build(),
        issued(0),
        issued(millis(revoked_at) - 1),
        issued(millis(revoked_at)),
    ] {
        store.assert_refused(&old, "revoked").await;
    }
    for fresh in [issued(millis(revoked_at) + 1), issued(millis(now()))] {
        let found = store.provision(&fresh).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
    }
}

pub(crate) async fn closed_sign_up_writes_nothing(store: &Store) {
    let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let identity = person("ana").with_vouched_email("ana@example.com");
    let identity = identity.with_policy(closed).build();
    store.assert_refused(&identity, "sign_up_closed").await;
    store.rows().await.assert_created(0);
}

pub(crate) async fn services_sign_up_only_where_allowed(store: &Store) {
    let service = person("robot").with_kind(PrincipalKind::Service);
    let refused = service.clone().build();
    store.assert_refused(&refused, "sign_up_closed").await;
    let anonymous = person("visitor").with_kind(PrincipalKind::Anonymous);
    let anonymous = anonymous.with_policy(IssuerPolicy::new().allow_services());
    store
        .assert_refused(&anonymous.build(), "sign_up_closed")
        .await;

    let allowed = service.with_policy(IssuerPolicy::new().allow_services());
    let created = store.provision(&allowed.build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_eq!(store.rows().await.identities[0].kind, "service");
    // The user is known by now, and the sign-up policy covers new users only.
    let found = store.provision(&refused).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
}

pub(crate) async fn the_tables_reject_invalid_rows(store: &Store) {
    let ana = store.insert(password_user("ana@example.com")).await;
    let bo = store.insert(password_user("bo@example.com")).await;
    let identity = |user: &users::Model, key: &str, issuer_key: &str| user_identities::Model {
        id: Uuid::now_v7(),
        tenant: user.tenant.clone(),
        user_id: user.id,
        identity_key: key.repeat(64),
        issuer_key: issuer_key.repeat(64),
        issuer: "https://id.example.com".to_owned(),
        subject: "ana".to_owned(),
        subject_strategy: "/sub".to_owned(),
        kind: "human".to_owned(),
        roles_issued_at: None,
        profile_issued_at: None,
        profile_digest: None,
        created_at: now(),
    };
    let insert = async |row: user_identities::Model| {
        let row = row.into_active_model().reset_all();
        row.insert(&store.db).await.map_err(|error| error.sql_err())
    };
    insert(identity(&ana, "a", "1")).await.unwrap();
    insert(identity(&ana, "b", "2")).await.unwrap();
    let is_unique = |error| matches!(error, Err(Some(SqlErr::UniqueConstraintViolation(_))));
    assert!(is_unique(insert(identity(&bo, "a", "1")).await), "the key");
    assert!(
        is_unique(insert(identity(&ana, "c", "1")).await),
        "the issuer"
    );

    let mut elsewhere = identity(&bo, "d", "1");
    elsewhere.tenant = "acme".to_owned();
    let refused = insert(elsewhere).await;
    let is_foreign = matches!(refused, Err(Some(SqlErr::ForeignKeyConstraintViolation(_))));
    assert!(is_foreign, "an identity in another tenant: {refused:?}");
    let grant = role_grants::Model {
        id: Uuid::now_v7(),
        tenant: "acme".to_owned(),
        user_id: bo.id,
        role: "admin".to_owned(),
        source: "manual".to_owned(),
        created_at: now(),
    };
    let refused = grant
        .into_active_model()
        .reset_all()
        .insert(&store.db)
        .await;
    assert!(refused.is_err(), "a grant in another tenant");

    let twin = password_user("ANA@example.com").into_active_model();
    let refused = twin.reset_all().insert(&store.db).await;
    let refused = refused.map_err(|error| error.sql_err());
    assert!(matches!(
        refused,
        Err(Some(SqlErr::UniqueConstraintViolation(_)))
    ));
    let mut unproved = password_user("ANA@example.com");
    unproved.email_key = None;
    store.insert(unproved).await;
}
