//! The page without a mouse.

use fantoccini::key::Key;

use super::browser::Browser;
use crate::Scene;

/// Asserts that the focus is visible and on an element with the given text or id.
async fn focus_is_on(browser: &Browser, text: &str) {
    let text = serde_json::json!(text);
    browser
        .until(&format!(
            "[document.activeElement.innerText, document.activeElement.id].includes({text})"
        ))
        .await;
    browser
        .until("getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        .await;
}

async fn tab_to(browser: &Browser, text: &str) {
    browser.press(Key::Tab).await;
    focus_is_on(browser, text).await;
}

pub(crate) async fn an_operator_needs_no_mouse(scene: Scene) {
    let browser = &scene.browser;
    let ana = scene.token_named("ana", "Ana Diaz").await;
    assert_eq!(scene.me(&ana).await, 200);
    let administrator = scene.administrator().await;
    browser.goto(&format!("{}/admin", scene.server.base)).await;
    tab_to(browser, "Skip to content").await;
    tab_to(browser, "token").await;
    browser.types(&administrator).await;
    tab_to(browser, "Sign in").await;
    browser.press(Key::Enter).await;
    browser.shows("#who", "Ruth Okafor").await;
    browser
        .until("document.activeElement.id === 'users-title'")
        .await;

    tab_to(browser, "search").await;
    browser.types("ana").await;
    browser.shows("#users-count", "1 user").await;
    tab_to(browser, "status").await;
    tab_to(browser, "role").await;
    tab_to(browser, "Ana Diaz").await;
    browser.press(Key::Enter).await;
    browser
        .until("document.activeElement.id === 'user-title'")
        .await;
    browser.shows("#user-actions", "Deactivate").await;
    tab_to(browser, "Revoke tokens").await;
    tab_to(browser, "Deactivate").await;

    browser.press(Key::Enter).await;
    focus_is_on(browser, "dialog-reason").await;
    browser.press(Key::Escape).await;
    focus_is_on(browser, "Deactivate").await;
    assert_eq!(scene.me(&ana).await, 200);

    browser.press(Key::Enter).await;
    focus_is_on(browser, "dialog-reason").await;
    browser.types("left").await;
    browser.press(Key::Enter).await;
    browser.shows("#user-status", "deactivated").await;
    // The button was replaced, and the focus moved to its replacement.
    focus_is_on(browser, "Reactivate").await;
    assert_eq!(scene.me(&ana).await, 403);

    // The arrow keys read single points of the plot.
    browser.run("location.hash = '#activity'").await;
    browser.shows("#counts", "Logins").await;
    tab_to(browser, "range").await;
    browser.press(Key::Tab).await;
    browser
        .until("document.activeElement.matches('#counts svg')")
        .await;
    browser.shows("#counts output", "Latest").await;
    browser.press(Key::Left).await;
    browser.shows("#counts output", "From").await;
}
