//! Chromium, controlled through its WebDriver server.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::{sleep, timeout},
};

use crate::PATIENCE;

/// Returns the reason why the scenarios cannot run here, if any.
pub(crate) fn missing() -> Option<&'static str> {
    let is_there = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null());
        command.output().is_ok_and(|output| output.status.success())
    };
    if !is_there("chromium") {
        Some("chromium is not installed")
    } else if !is_there("chromedriver") {
        Some("chromedriver is not installed")
    } else {
        None
    }
}

#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    /// Dropping the last handle stops the driver and deletes the profile.
    _process: Arc<(Child, TempDir)>,
}

impl Browser {
    pub(crate) async fn open(width: u32) -> Self {
        let profile = TempDir::new().expect("a temp folder");
        let mut driver = tokio::process::Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the driver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = loop {
            let line = timeout(PATIENCE, lines.next_line()).await;
            let line = line.expect("in time").expect("text").expect("a port");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Drains the output, so that a full pipe does not block the driver.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let capabilities = json!({"goog:chromeOptions": {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            // Desktop windows are at least 500 pixels wide; emulated phones are not limited.
            "mobileEmulation": {"deviceMetrics": {
                "width": width, "height": 812, "pixelRatio": 1, "touch": width < 500,
            }},
        }});
        let Value::Object(capabilities) = capabilities else {
            unreachable!("an object was written");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.into_iter().collect())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a session");
        Self {
            client,
            _process: Arc::new((driver, profile)),
        }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.expect("the browser ends");
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// Runs a function's body in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let result = self.client.execute(script, Vec::new()).await;
        result.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let held = timeout(PATIENCE, async {
            while self.run(&script).await != json!(true) {
                sleep(Duration::from_millis(50)).await;
            }
        });
        if held.await.is_err() {
            let page = self.run("return document.body.innerText").await;
            panic!("{expression} never held in {page}");
        }
    }

    /// Waits until the visible text of an element contains something.
    pub(crate) async fn shows(&self, element: &str, text: &str) {
        let (element, text) = (json!(element), json!(text));
        let expression = format!("document.querySelector({element})?.innerText.includes({text})");
        self.until(&expression).await;
    }

    pub(crate) async fn text(&self, element: &str) -> String {
        let element = json!(element);
        let script = format!("return document.querySelector({element}).innerText");
        let text = self.run(&script).await;
        text.as_str().expect("text").to_owned()
    }

    pub(crate) async fn click(&self, element: &str) {
        let wait = self.client.wait().at_most(PATIENCE);
        let found = wait
            .for_element(Locator::Css(element))
            .await
            .expect(element);
        found.click().await.expect(element);
    }

    /// Clicks the button or link with the given text.
    pub(crate) async fn click_on(&self, text: &str) {
        let path = format!("//*[self::a or self::button][normalize-space()='{text}']");
        let wait = self.client.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::XPath(&path)).await.expect(text);
        found.click().await.expect(text);
    }

    pub(crate) async fn enter(&self, field: &str, text: &str) {
        let found = self.client.find(Locator::Css(field)).await.expect(field);
        found.clear().await.expect(field);
        found.send_keys(text).await.expect(field);
    }

    /// Types into the focused element.
    pub(crate) async fn types(&self, text: &str) {
        let focused = self.client.active_element().await.expect("a focus");
        focused.send_keys(text).await.expect("keys");
    }

    pub(crate) async fn press(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }
}
