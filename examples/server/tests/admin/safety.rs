//! Protection against injected markup and leaks of data.

use serde_json::json;

use crate::Scene;

pub(crate) async fn markup_in_a_name_is_text(scene: Scene) {
    const NAME: &str = "<img src=x onerror=\"document.title='broken in'\">";
    let browser = &scene.browser;
    let token = scene.token_named("mallory", NAME).await;
    let id = scene.id(&token).await;
    scene.sign_in().await;
    browser.shows("#users", NAME).await;
    browser.run(&format!("location.hash = '#users/{id}'")).await;
    browser.shows("#user-title", NAME).await;
    browser.click_on("Deactivate").await;
    browser.shows("#dialog-title", NAME).await;
    let images = "return document.querySelectorAll('img, script:not([src])').length";
    assert_eq!(browser.run(images).await, json!(0));
    assert_ne!(browser.run("return document.title").await, "broken in");

    // If the page's code assigned a string as HTML, the browser would reject it.
    let unsafe_assignment = "try { document.body.innerHTML = '<b>x</b>'; return 'set'; } \
        catch (error) { return error.name; }";
    assert_eq!(browser.run(unsafe_assignment).await, "TypeError");
    let headers = browser
        .run("return fetch('/admin').then((answer) => Object.fromEntries(answer.headers))")
        .await;
    let policy = headers["content-security-policy"]
        .as_str()
        .expect("a policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|part| part == directive), "{policy}");
    }
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers.get("set-cookie"), None);
}

pub(crate) async fn names_cannot_reverse_text_or_be_invisible(scene: Scene) {
    let browser = &scene.browser;
    let token = scene.token_named("eve", "\u{202e}rofakO htuR").await;
    scene.id(&token).await;
    let token = scene.token_named("mallory", "\u{200b}\u{3164}").await;
    let id = scene.id(&token).await;
    scene.sign_in().await;
    browser.shows("#users", "\u{fffd}rofakO htuR").await;
    browser.click(&format!("[data-user='{id}'] a")).await;
    browser.shows("#user-title", "mallory@example.com").await;
    let name = "return document.querySelector('#user-title').innerText";
    assert_eq!(browser.run(name).await, json!("mallory@example.com"));
}

pub(crate) async fn only_administrators_sign_in(scene: Scene) {
    let browser = &scene.browser;
    let page = format!("{}/admin", scene.server.base);
    browser.goto(&page).await;
    browser.enter("#token", "no token at all").await;
    browser.click("#sign-in button").await;
    browser.shows("#notice", "not accepted").await;

    let ana = scene.token_named("ana", "Ana Diaz").await;
    browser.enter("#token", &ana).await;
    browser.click("#sign-in button").await;
    browser
        .shows("#notice", "Ana Diaz is no administrator")
        .await;
    browser.until("document.querySelector('#nav').hidden").await;
    let kept = "return sessionStorage.length + localStorage.length + document.cookie.length";
    assert_eq!(browser.run(kept).await, json!(0));
}

pub(crate) async fn signing_out_removes_all_users_from_the_page(scene: Scene) {
    let browser = &scene.browser;
    let ana = scene.token_named("ana", "Ana Diaz").await;
    assert_eq!(scene.me(&ana).await, 200);
    scene.sign_in().await;
    browser.click_on("Ana Diaz").await;
    browser.shows("#user-title", "Ana Diaz").await;
    // The tab's session survives a reload, without a cookie.
    browser.run("location.reload()").await;
    browser.shows("#user-title", "Ana Diaz").await;
    assert_eq!(browser.run("return document.cookie").await, "");

    browser.click_on("Sign out").await;
    browser.shows("#view-sign-in", "Access token").await;
    let left = browser
        .run("return document.documentElement.outerHTML")
        .await;
    let left = left.as_str().expect("text");
    for personal in ["Ana Diaz", "ana@example.com", "Ruth Okafor"] {
        assert!(!left.contains(personal), "{personal} in {left}");
    }
    assert_eq!(browser.run("return sessionStorage.length").await, json!(0));
}
