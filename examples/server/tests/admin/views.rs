//! The views of the page.

use serde_json::json;

use crate::{PHONE, Scene};

pub(crate) async fn a_phone_scrolls_in_one_direction(scene: Scene) {
    let browser = &scene.browser;
    // Names, roles and addresses of maximum length, without a place to break.
    let name = "W".repeat(200);
    let ana = scene.token_named(&"a".repeat(48), &name).await;
    let id = scene.id(&ana).await;
    let administrator = scene.administrator().await;
    let role = format!("/api/v1/users/{id}/roles/{}", "r".repeat(100));
    let granted = scene
        .server
        .send(http::Method::PUT, &role, Some(&administrator), None);
    assert_eq!(granted.await.status, 200);
    scene.sign_in().await;
    assert_eq!(browser.run("return innerWidth").await, json!(PHONE));

    let user = format!("users/{id}");
    let views = [
        ("users", "users-title"),
        (&user, "user-title"),
        ("activity", "activity-title"),
        ("issuers", "issuers-title"),
        ("explain", "explain-title"),
    ];
    for (view, title) in views {
        browser.run(&format!("location.hash = '#{view}'")).await;
        browser
            .until(&format!("document.activeElement.id === '{title}'"))
            .await;
        match view {
            "activity" => browser.shows("#counts", "Logins").await,
            "issuers" => browser.shows("#issuers", "urn:").await,
            "explain" => {
                browser.enter("#explain-token", &ana).await;
                browser.click("#explain button").await;
                browser.shows("#steps", "audience").await;
            }
            "users" => browser.shows("#users", &name).await,
            _ => browser.shows("#user-grants", "rrr").await,
        }
        let width = browser
            .run("return document.documentElement.scrollWidth")
            .await;
        assert_eq!(width, json!(PHONE), "{view} is too wide");
    }
    // The dialog fits as well.
    browser.run(&format!("location.hash = '#{user}'")).await;
    browser.click_on("Deactivate").await;
    browser.shows("#dialog", "WWW").await;
    let right = "return document.querySelector('#dialog').getBoundingClientRect().right";
    let right = browser.run(right).await.as_f64().expect("a number");
    assert!(right <= f64::from(PHONE), "the dialog ends at {right}");
}

pub(crate) async fn activity_issuers_and_explanations_are_shown(scene: Scene) {
    let (browser, server) = (&scene.browser, &scene.server);
    let ana = scene.token_named("ana", "Ana Diaz").await;
    let id = scene.id(&ana).await;
    let administrator = scene.sign_in().await;
    let deactivate = format!("/api/v1/users/{id}/deactivate");
    let deactivated = server.send(http::Method::POST, &deactivate, Some(&administrator), None);
    assert_eq!(deactivated.await.status, 200);
    for _ in 0..3 {
        assert_eq!(scene.me(&ana).await, 403);
    }

    browser.click_on("Activity").await;
    browser
        .until("document.querySelector('#total-created')?.innerText === '2'")
        .await;
    browser
        .until("document.querySelector('#total-refused')?.innerText === '3'")
        .await;
    browser
        .until("document.querySelector('#total-logins')?.innerText === '2'")
        .await;
    let reason = browser.text("#reasons li").await;
    assert_eq!(
        reason.split_whitespace().collect::<Vec<_>>(),
        ["deactivated", "3"]
    );
    // The lines rise from zero once the interval of the requests is over.
    let heights = "document.querySelectorAll('#counts path').length === 3 && \
        [...document.querySelectorAll('#counts path')].every((path) => path.getBBox().height > 0)";
    browser.until(heights).await;
    // New requests appear without a reload of the page.
    assert_eq!(
        scene
            .me(&scene.token_named("bo", "Bo Lindqvist").await)
            .await,
        200
    );
    browser
        .until("document.querySelector('#total-created')?.innerText === '3'")
        .await;

    browser.click_on("Issuers").await;
    browser
        .shows("#issuers", &format!("{}/dev-issuer", server.base))
        .await;
    browser
        .shows("#issuers", "urn:tower-jit-provisioning:server")
        .await;
    assert!(!browser.text("#issuers").await.contains("no keys"));

    browser.click("#nav a[href='#explain']").await;
    browser.enter("#explain-token", &ana).await;
    browser.click("#explain button").await;
    browser.shows("#verdict", "would be refused").await;
    browser.shows("#verdict", "deactivated").await;
    browser.shows("#steps .step-failed", "status").await;
    let newcomer = scene.token_named("chen", "Chen Wei").await;
    browser.enter("#explain-token", &newcomer).await;
    browser.click("#explain button").await;
    browser
        .shows("#verdict", "A new user would be created")
        .await;
    // Explaining the token created no user.
    let found = server
        .get("/api/v1/users/?search=chen", Some(&administrator))
        .await;
    assert_eq!(found.body["items"], json!([]));
}
