//! The floors of `src`: a file imports only from its own floor and from those below, and no two
//! files import each other, directly or indirectly.
//!
//! Imports are resolved to the file that defines the item, through re-exports. Code compiled only
//! for unit tests is ignored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    slice,
};

use syn::{
    Attribute, File, Item, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

/// The modules of each floor, the lowest first.
const FLOORS: [&[&str]; 9] = [
    &["clock", "digest", "error", "hashed", "resource_metadata"],
    &["email", "rejection", "telemetry"],
    &["credential", "principal"],
    &["claims", "identity", "policy"],
    &["fetch"],
    &["provisioner", "verifier"],
    &["sea_orm", "testing", "user"],
    &["access", "provision"],
    &["bus", "explain", "fuzzing", "guide", "lib"],
];

/// The relations of sea-orm's entities name each other: `has_many` on one side, `belongs_to` on the
/// other.
const MAY_BE_A_CIRCLE: &str = "sea_orm/entity/";

/// The sources by their path below `src`.
type Sources = BTreeMap<String, String>;

fn sources() -> Sources {
    fn read(root: &Path, folder: &Path, sources: &mut Sources) {
        for entry in fs::read_dir(folder).expect("a folder below src is readable") {
            let path = entry.expect("an entry below src is readable").path();
            if path.is_dir() {
                read(root, &path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).expect("it is below src");
                let name = name.to_str().expect("a source's name is UTF-8").to_owned();
                sources.insert(name, fs::read_to_string(&path).expect("a source is UTF-8"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    read(&root, &root, &mut sources);
    sources
}

/// A module's path below the crate.
type ModulePath = Vec<String>;

/// The definitions and references of one file.
#[derive(Default)]
struct Module {
    items: BTreeSet<String>,
    /// Imported names, and the paths they stand for.
    imports: BTreeMap<String, ModulePath>,
    /// Glob imports.
    globs: Vec<ModulePath>,
    /// Every path that the file names, as absolute segments below the crate.
    paths: BTreeSet<ModulePath>,
}

/// Reads one file; inline modules belong to it.
struct Reader {
    here: ModulePath,
    module: Module,
}

impl Reader {
    /// Returns the segments below the crate. `None` means a path of another crate.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let mut base = match segments.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => self.here.clone(),
            "super" => self.here[..self.here.len() - 1].to_vec(),
            _ => return None,
        };
        for segment in &segments[1..] {
            match segment.as_str() {
                "super" => drop(base.pop()),
                "self" => {}
                segment => base.push(segment.to_owned()),
            }
        }
        Some(base)
    }

    fn import(&mut self, tree: &UseTree, before: &[String]) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.import(tree, before));
            }
            UseTree::Glob(_) => {
                if let Some(path) = self.absolute(before) {
                    self.module.paths.insert(path.clone());
                    self.module.globs.push(path);
                }
                return;
            }
            UseTree::Name(name) => (with(&name.ident), name.ident.to_string()),
            UseTree::Rename(rename) => (with(&rename.ident), rename.rename.to_string()),
        };
        // `use super::attempt;` and `use self::x::{self}` name the module.
        let Some(path) = self.absolute(&path) else {
            return;
        };
        let name = match name.as_str() {
            "self" => path.last().cloned().unwrap_or_default(),
            _ => name,
        };
        self.module.paths.insert(path.clone());
        self.module.imports.insert(name, path);
    }
}

/// Returns whether attributes limit an item to unit tests: `cfg(test)`, `cfg(all(test, …))`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute
            .meta
            .require_list()
            .map(|list| list.tokens.to_string());
        attribute.path().is_ident("cfg")
            && text.is_ok_and(|text| {
                let text = text.replace(' ', "");
                text == "test" || text.starts_with("all(test,")
            })
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Mod(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if is_for_tests(attributes) {
            return;
        }
        self.module.items.extend(name.map(ToString::to_string));
        // Items defined by a macro such as pin-project's: every identifier after a keyword.
        if let Item::Macro(item) = item {
            let text = item.mac.tokens.to_string();
            let words: Vec<_> = text.split_whitespace().collect();
            let defined = words
                .windows(2)
                .filter(|pair| ["enum", "struct"].contains(&pair[0]));
            self.module
                .items
                .extend(defined.map(|pair| pair[1].to_owned()));
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() {
            self.here.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.here.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&item.tree, &[]);
    }

    // `pub(in crate::sea_orm)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let segments: Vec<_> = segments.collect();
        self.module.paths.extend(self.absolute(&segments));
        visit::visit_path(self, path);
    }
}

/// Returns the module of a file. A file whose `mod` has another name through `#[path]` has that
/// name.
fn module_of(name: &str) -> ModulePath {
    let name = match name {
        "telemetry/metrics.rs" | "telemetry/no_metrics.rs" => "telemetry/meter.rs",
        "verifier/signature/aws_lc.rs"
        | "verifier/signature/no_backend.rs"
        | "verifier/signature/rust_crypto.rs" => "verifier/signature/backend.rs",
        name => name,
    };
    let stem = name.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    match stem {
        "lib" => Vec::new(),
        stem => stem.split('/').map(str::to_owned).collect(),
    }
}

/// Returns every file with the files that define the items it names.
fn arrows(sources: &Sources) -> BTreeMap<String, BTreeSet<String>> {
    let mut modules: BTreeMap<ModulePath, Vec<(String, Module)>> = BTreeMap::new();
    for (name, source) in sources {
        let file: File = syn::parse_file(source).unwrap_or_else(|error| panic!("{name}: {error}"));
        let here = module_of(name);
        let mut reader = Reader {
            here: here.clone(),
            module: Module::default(),
        };
        reader.visit_file(&file);
        modules
            .entry(here)
            .or_default()
            .push((name.clone(), reader.module));
    }
    let mut arrows = BTreeMap::new();
    for (name, module) in modules.values().flatten() {
        let mut to = BTreeSet::new();
        for path in &module.paths {
            to.extend(definers(&modules, path, 0));
        }
        // Only one of the files that may define a module is compiled.
        to.retain(|to| module_of(to) != module_of(name));
        arrows.insert(name.clone(), to);
    }
    arrows
}

/// Returns the files that define the item of a path; the path of a module names the module's file.
fn definers(
    modules: &BTreeMap<ModulePath, Vec<(String, Module)>>,
    path: &[String],
    depth: usize,
) -> Vec<String> {
    assert!(depth < 16, "re-exports that never end: {path:?}");
    let known = (0..=path.len())
        .rev()
        .find(|length| modules.contains_key(&path[..*length]));
    let known = known.expect("the crate's root is a module");
    let files = &modules[&path[..known]];
    let Some(name) = path.get(known) else {
        return files.iter().map(|(file, _)| file.clone()).collect();
    };
    let mut found = Vec::new();
    for (file, module) in files {
        if module.items.contains(name) {
            found.push(file.clone());
        } else if let Some(import) = module.imports.get(name) {
            let rest = [import.as_slice(), &path[known + 1..]].concat();
            found.extend(definers(modules, &rest, depth + 1));
        } else {
            for glob in &module.globs {
                if modules.get(glob).into_iter().flatten().any(|(_, module)| {
                    module.items.contains(name) || module.imports.contains_key(name)
                }) {
                    let rest = [glob.as_slice(), &path[known..]].concat();
                    found.extend(definers(modules, &rest, depth + 1));
                }
            }
        }
    }
    found
}

fn floor_of(name: &str) -> usize {
    let module = name
        .split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs");
    let floor = FLOORS.iter().position(|modules| modules.contains(&module));
    floor.unwrap_or_else(|| panic!("{module} has no floor"))
}

/// Returns every import of a higher floor, and every circle.
fn faults(sources: &Sources) -> Vec<String> {
    let arrows = arrows(sources);
    let mut faults = Vec::new();
    for (from, to) in &arrows {
        // The crate's root and its facades may name everything.
        for to in to.iter().filter(|to| floor_of(to) > floor_of(from)) {
            faults.push(format!("{from} imports {to}, which is on a higher floor"));
        }
    }
    faults.extend(circles(&arrows).map(|circle| format!("a circle: {circle}")));
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let folder = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    for (from, to) in &arrows {
        let targets = to
            .iter()
            .map(|to| folder(to))
            .filter(|to| *to != folder(from));
        folders.entry(folder(from)).or_default().extend(targets);
    }
    faults.extend(circles(&folders).map(|circle| format!("a circle of modules: {circle}")));
    faults
}

/// Returns each circle once, from one of its members back to itself.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> impl Iterator<Item = String> {
    let way_back = |start: &String| {
        let mut ways = vec![vec![start.clone()]];
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop() {
            for next in arrows.get(way.last()?).into_iter().flatten() {
                if next == start {
                    return Some([way.as_slice(), slice::from_ref(next)].concat());
                }
                if seen.insert(next.clone()) {
                    ways.push([way.as_slice(), slice::from_ref(next)].concat());
                }
            }
        }
        None
    };
    let found = arrows.keys().filter_map(way_back);
    let mut known = BTreeSet::new();
    let circles: Vec<_> = found
        .filter(|way| !way.iter().all(|file| file.starts_with(MAY_BE_A_CIRCLE)))
        .filter(|way| known.insert(way.iter().cloned().collect::<BTreeSet<_>>()))
        .map(|way| way.join(" -> "))
        .collect();
    circles.into_iter()
}

#[test]
fn no_import_is_of_a_higher_floor_or_circular() {
    let sources = sources();
    assert!(sources.len() > 100, "{}", sources.len());
    let faults = faults(&sources);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The check detects violations: with a bad import added to a copy of the sources, it fails.
#[test]
fn an_import_of_a_higher_floor_is_found() {
    for (file, import) in [
        (
            "principal/kind.rs",
            "use crate::verifier::jwt_verifier::JwtVerifier;",
        ),
        ("principal/kind.rs", "use crate::JwtVerifier;"),
        (
            "digest.rs",
            "fn f() { crate::identity::Identity::footprint; }",
        ),
        (
            "error/token_fault.rs",
            "use super::super::user::CurrentUser;",
        ),
        ("policy/rule.rs", "use crate::provisioner::*;"),
    ] {
        let mut sources = sources();
        let source = sources.get_mut(file).expect("the file is there");
        source.insert_str(0, "");
        source.push_str(import);
        let faults = faults(&sources);
        assert!(
            faults.iter().any(|fault| fault.starts_with(file)),
            "{import}: {faults:?}"
        );
    }
}

#[test]
fn a_circle_is_found_through_re_exports() {
    let mut sources = sources();
    let source = sources
        .get_mut("principal/kind.rs")
        .expect("the file is there");
    source.push_str("use super::Principal;");
    let faults = faults(&sources);
    assert!(
        faults.iter().any(|fault| fault.contains("a circle")),
        "{faults:?}"
    );
}

#[test]
fn imports_of_unit_tests_are_ignored() {
    let mut changed = sources();
    let source = changed.get_mut("digest.rs").expect("the file is there");
    source.push_str("#[cfg(test)] mod more_tests { use crate::testing::TestIssuer; }");
    assert_eq!(faults(&changed), faults(&sources()));
}
