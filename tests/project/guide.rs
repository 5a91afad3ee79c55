//! The guide against the code: its configuration files build verifiers, and its tables list every
//! code.

use std::{collections::BTreeSet, fs, path::Path};

use config::{Config, File, FileFormat};
use tower_jit_provisioning::{JwtVerifier, VerifierConfig};

/// Reads the chapters from the folder, so that a chapter missing from the list is found.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let entries = fs::read_dir(folder).expect("the guide is there");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let chapters: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("readable text");
            (path.file_stem().unwrap().to_string_lossy().into(), text)
        })
        .collect();
    assert!(chapters.len() >= 12, "{}", chapters.len());
    chapters
}

/// Returns the code blocks with a language tag.
fn blocks<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```") {
        let (info, body) = after.split_once('\n').expect("a block has lines");
        let (block, after) = body.split_once("\n```").expect("a block ends");
        if info == tag {
            blocks.push(block);
        }
        rest = after;
    }
    blocks
}

/// Returns the row names of a table in a chapter's section: `` | `code` | … ``.
fn rows(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = text.split_once(heading).expect("the section is there");
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines();
    let codes = lines.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    codes.map(|(code, _)| code.to_owned()).collect()
}

/// Returns the labels of an `as_str` of this crate, from its source.
fn labels(source: &str, of: &str) -> BTreeSet<String> {
    let (_, body) = source.split_once(&format!("impl {of} {{")).unwrap();
    let (_, body) = body.split_once("fn as_str").unwrap();
    let body = body.split("\n    }\n").next().unwrap();
    let arms = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::"));
    arms.map(|arm| arm.split('"').nth(1).expect("a label").to_owned())
        .collect()
}

fn troubleshooting() -> String {
    let chapters = chapters();
    let chapter = chapters
        .into_iter()
        .find(|(name, _)| name == "troubleshooting");
    chapter.expect("the chapter is there").1
}

#[tokio::test]
async fn every_configuration_of_the_guide_builds_a_verifier() {
    let mut seen = 0;
    for (chapter, text) in chapters() {
        for block in blocks(&text, "toml") {
            let source = File::from_str(block, FileFormat::Toml);
            let config = Config::builder().add_source(source).build();
            let config = config.and_then(Config::try_deserialize::<VerifierConfig>);
            let config = config.unwrap_or_else(|error| panic!("{chapter}: {error}\n{block}"));
            let built = JwtVerifier::from_config(config);
            built.unwrap_or_else(|error| panic!("{chapter}: {error}\n{block}"));
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen} configurations");
}

#[test]
fn every_chapter_is_listed_in_the_guide_and_in_the_readme() {
    let (list, readme) = (
        include_str!("../../src/guide/mod.rs"),
        include_str!("../../README.md"),
    );
    for (chapter, _) in chapters() {
        assert!(
            list.contains(&format!("//! | [`{chapter}`] |")),
            "{chapter}"
        );
        assert!(list.contains(&format!("include_str!(\"{chapter}.md\")")));
        assert!(
            readme.contains(&format!("](src/guide/{chapter}.md)")),
            "{chapter}"
        );
    }
}

#[test]
fn the_guide_asks_for_features_that_exist() {
    let manifest: Config = read(include_str!("../../Cargo.toml"));
    let features = manifest.get_table("features").unwrap();
    let mut seen = 0;
    let readme = (
        "README".to_owned(),
        include_str!("../../README.md").to_owned(),
    );
    for (chapter, text) in chapters().into_iter().chain([readme]) {
        let tag = match chapter.as_str() {
            "README" => "toml",
            _ => "toml,cargo",
        };
        for block in blocks(&text, tag) {
            let wanted = read(block);
            let kind = block.lines().next().unwrap().trim_matches(['[', ']']);
            let key = format!("{kind}.tower-jit-provisioning.features");
            for feature in wanted.get_array(&key).unwrap() {
                let feature = feature.into_string().unwrap();
                assert!(features.contains_key(&feature), "{chapter}: {feature}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 6, "{seen}");
}

fn read(toml: &str) -> Config {
    let source = File::from_str(toml, FileFormat::Toml);
    Config::builder().add_source(source).build().unwrap()
}

#[test]
fn every_preset_is_among_the_providers() {
    let chapters = chapters();
    let (_, providers) = chapters
        .iter()
        .find(|(name, _)| name == "providers")
        .unwrap();
    for preset in tower_jit_provisioning::ClaimMap::names() {
        // Version 1 is an alias of version 2.
        let is_there = providers.contains(&format!("preset = \"{preset}\""));
        assert!(is_there || preset == "entra_v1", "{preset}");
    }
}

#[test]
fn every_refusal_is_in_the_guide() {
    let chapter = troubleshooting();
    let mut kinds = labels(include_str!("../../src/error/error_kind.rs"), "ErrorKind");
    kinds.extend(["access_denied", "cross_site_request"].map(str::to_owned));
    assert_eq!(rows(&chapter, "## What the client receives"), kinds);
    let reasons = labels(
        include_str!("../../src/error/denial_reason.rs"),
        "DenialReason",
    );
    assert_eq!(reasons.len(), 7);
    assert_eq!(rows(&chapter, "## Why a request is denied"), reasons);
    let faults = labels(include_str!("../../src/error/token_fault.rs"), "TokenFault");
    assert_eq!(rows(&chapter, "## Which check failed"), faults);
}

#[test]
fn every_fault_of_a_configuration_is_in_the_guide() {
    let kinds = labels(
        include_str!("../../src/verifier/build_fault_kind.rs"),
        "BuildFaultKind",
    );
    assert_eq!(rows(&troubleshooting(), "## Why it does not start"), kinds);
}

#[test]
fn every_block_of_the_guide_is_checked_by_something() {
    for (chapter, text) in chapters() {
        let mut is_open = false;
        for line in text.lines() {
            let Some(info) = line.strip_prefix("```") else {
                continue;
            };
            is_open = !is_open;
            let known = [
                "rust",
                "rust,no_run",
                "sh",
                "sh,program",
                "sql",
                "text",
                "toml",
                "toml,cargo",
            ];
            assert!(!is_open || known.contains(&info), "{chapter}: `{info}`");
        }
    }
}
