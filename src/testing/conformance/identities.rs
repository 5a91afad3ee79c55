//! Distinct identities: any difference in tenant, issuer or subject is another user.

use std::collections::HashMap;

use super::{
    caller::{Caller, ISSUER, OTHER_ISSUER, person},
    harness::Harness,
    verdict::{Failure, Rule, Violation},
};
use crate::{provisioner::outcome::Outcome, testing::identity::TestIdentity};

/// Asserts that each identity has its own user, created once and found again.
async fn assert_distinct<H: Harness>(
    harness: &H,
    rule: Rule,
    identities: &[TestIdentity],
) -> Result<(), Failure> {
    let caller = Caller::new(harness).await;
    let mut users = HashMap::new();
    let mut ids = Vec::new();
    for (number, identity) in identities.iter().enumerate() {
        let result = caller.provision(&identity.clone().build()).await;
        let id = result.user(rule)?.to_owned();
        if let Some(other) = users.insert(id.clone(), number) {
            return Err(same_user(rule, &identities[other], identity).into());
        }
        result.expect(rule, Outcome::Created)?;
        ids.push(id);
    }
    for (identity, id) in identities.iter().zip(ids) {
        let again = caller.provision(&identity.clone().build()).await;
        again.expect_known(rule, &id)?;
    }
    Ok(())
}

fn same_user(rule: Rule, one: &TestIdentity, other: &TestIdentity) -> Violation {
    let [one, other] = [one, other].map(|identity| {
        let identity = identity.clone().build();
        format!(
            "{:?}, {:?}, {:?}",
            identity.tenant(),
            identity.issuer(),
            identity.subject()
        )
    });
    rule.violation(format!("one user for ({one}) and ({other})"))
}

/// Different subjects of one issuer are different users.
pub async fn another_subject_is_another_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("two subjects of an issuer are two users");
    let subjects = ["ana", "bo", "an", "anna", "a", "0", "00", "0.0", "1", "1e0"];
    assert_distinct(harness, rule, &subjects.map(person)).await
}

/// The same subject at different issuers is different users, even if the issuers differ only in a
/// slash.
pub async fn another_issuer_is_another_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a subject is unique only within its issuer");
    let issuers = [
        ISSUER,
        OTHER_ISSUER,
        "https://id.example.com/",
        "http://id.example.com",
        "https://id.example.com:443",
        "https://id.example.com/realms/acme",
    ];
    assert_distinct(
        harness,
        rule,
        &issuers.map(|issuer| TestIdentity::new(issuer, "ana")),
    )
    .await
}

/// The same subject and issuer in different tenants is different users.
pub async fn another_tenant_is_another_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("a user belongs to one tenant");
    let tenants = ["", "acme", "umbrella", "acm"];
    assert_distinct(
        harness,
        rule,
        &tenants.map(|tenant| person("ana").with_tenant(tenant)),
    )
    .await
}

/// Subject, issuer and tenant are case-sensitive (OpenID Connect Core 1.0 section 2), regardless of
/// the collation of a column.
pub async fn case_makes_another_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("identities are case-sensitive");
    let identities = [
        person("ana"),
        person("Ana"),
        person("ANA"),
        TestIdentity::new("https://ID.example.com", "ana"),
        person("ana").with_tenant("acme"),
        person("ana").with_tenant("Acme"),
    ];
    assert_distinct(harness, rule, &identities).await
}

/// A trailing space is significant, although `CHAR` columns and `PAD SPACE` collations ignore it.
pub async fn spaces_make_another_user<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("spaces are significant");
    let identities = [
        person("ana"),
        person("ana "),
        person("ana  "),
        person(" ana"),
        person("ana\u{a0}"),
        person("a na"),
        TestIdentity::new("https://id.example.com ", "ana"),
        person("ana").with_tenant("acme"),
        person("ana").with_tenant("acme "),
    ];
    assert_distinct(harness, rule, &identities).await
}

/// Subjects are compared byte for byte, without Unicode normalization, case folding or collation.
pub async fn look_alikes_are_other_users<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("subjects are compared byte for byte");
    let subjects = [
        "jose",
        "jos\u{e9}",
        "jose\u{301}",
        "jos\u{435}",
        "\u{ff4a}\u{ff4f}\u{ff53}\u{ff45}",
        "jo\u{200b}se",
        "strasse",
        "stra\u{df}e",
        "\u{131}d",
        "id",
    ];
    assert_distinct(harness, rule, &subjects.map(person)).await
}

/// `("a", "bc")` and `("ab", "c")` are different users, also if a key is joined with a separator.
pub async fn the_boundary_between_issuer_and_subject_counts<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("the boundary between issuer and subject is part of the identity");
    let mut identities = vec![
        TestIdentity::new("a", "bc"),
        TestIdentity::new("ab", "c"),
        TestIdentity::new("b", "c").with_tenant("a"),
    ];
    for separator in [":", "|", "/", "#", ",", ";", " ", "_", "-"] {
        identities.push(TestIdentity::new(format!("x{separator}y"), "z"));
        identities.push(TestIdentity::new("x", format!("y{separator}z")));
        identities.push(TestIdentity::new("y", "z").with_tenant(format!("x{separator}")));
    }
    assert_distinct(harness, rule, &identities).await
}

/// An issuer of 512 bytes and a subject of 255 bytes are compared up to the last byte.
pub async fn the_last_byte_of_the_longest_counts<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("512 bytes of issuer and 255 of subject are compared");
    let issuer = |end| format!("{ISSUER}/{}{end}", "i".repeat(488));
    let subject = |end| format!("{}{end}", "s".repeat(254));
    let identities = [
        TestIdentity::new(issuer("1"), subject("1")),
        TestIdentity::new(issuer("1"), subject("2")),
        TestIdentity::new(issuer("2"), subject("1")),
        TestIdentity::new(issuer("1"), &subject("")[..]),
    ];
    assert_distinct(harness, rule, &identities).await
}

fn strange_subjects() -> [TestIdentity; 12] {
    let longest = format!("{ISSUER}/{}", "i".repeat(489));
    [
        TestIdentity::new(longest, "s".repeat(255)),
        person(&"\u{1f984}".repeat(63)),
        person(&"\u{1f984}".repeat(62)),
        person("\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}"),
        person("\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f466}"),
        person("'; DROP TABLE users; --"),
        person("%"),
        person("_"),
        person("a\\b"),
        person("\"a\"`$1?:a"),
        person("null"),
        person("auth0|5f7c8ec7c33c6c004bbafe82"),
    ]
}

/// Subjects with emoji, quotes, wildcards and placeholders are different users.
pub async fn strange_subjects_are_kept_apart<H: Harness>(harness: &H) -> Result<(), Failure> {
    let rule = Rule("every subject is its own user");
    assert_distinct(harness, rule, &strange_subjects()).await
}

/// Issuer and subject are recorded unchanged: not truncated, replaced or normalized. Needs
/// [`Harness::recorded`].
pub async fn what_is_recorded_is_kept_byte_for_byte<H: Harness>(
    harness: &H,
) -> Result<(), Failure> {
    let rule = Rule("issuer and subject are recorded byte for byte");
    let caller = Caller::new(harness).await;
    let look_alikes = ["Jos\u{e9} ", "jose\u{301}"].map(person);
    for identity in strange_subjects().into_iter().chain(look_alikes) {
        let identity = identity.build();
        caller
            .provision(&identity)
            .await
            .expect(rule, Outcome::Created)?;
        let recorded = harness.recorded(identity.key()).await?;
        let kept = recorded.issuer == identity.issuer() && recorded.subject == identity.subject();
        rule.holds(kept, format!("{recorded:?}"))?;
    }
    Ok(())
}
