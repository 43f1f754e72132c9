//! The core's modules stand on each other in one order: no circle, and no arrow upward.
//!
//! Read from the sources: a module imports what its paths name (`crate::topk::Row`, `super::tail::Tail`), down to the
//! deepest module of the path, and a parent stands on the children that it declares. So a child that imports from its own
//! parent closes a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The rooms of the crate, lowest first: each may import those before it.
const ROOMS: [&str; 11] =
    ["exp", "json_parts", "sum", "error", "logprob_rows", "resample", "topk", "vocabulary", "rng", "score", "wire"];

/// A path of modules below the crate's root, which itself is the empty one.
type Module = Vec<String>;
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Every module's source, without comments and tests.
fn sources(folder: &Path, module: &Module, found: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name in UTF-8").to_owned();
        let child = if ["mod", "lib"].contains(&&*stem) { module.clone() } else { [&**module, &[stem]].concat() };
        if path.is_dir() {
            sources(&path, &child, found);
        } else {
            found.insert(child, code(&fs::read_to_string(&path).expect("a source")));
        }
    }
}

fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

/// The paths that a tree such as `a::{b, c::d}` stands for.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim_start();
    let end = tree.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end);
    let Some(below) = rest.trim_start().strip_prefix("::") else { return vec![name.to_owned()] };
    let branches = below.trim_start().strip_prefix('{').map_or_else(|| vec![below], branches);
    branches.into_iter().flat_map(leaves).map(|leaf| format!("{name}::{leaf}")).collect()
}

/// The parts of a list in braces, whose opening one has been read.
fn branches(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                parts.push(&list[start..at]);
                break;
            }
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts
}

fn imports(sources: &BTreeMap<Module, String>) -> Imports {
    let mut all = Imports::new();
    for (module, code) in sources {
        let mut paths: Vec<Module> = Vec::new();
        for (word, base) in [("crate::", &[][..]), ("super::", &module[..module.len().saturating_sub(1)])] {
            for (at, _) in code.match_indices(word) {
                for leaf in leaves(&code[at + word.len()..]) {
                    paths.push(base.iter().cloned().chain(leaf.split("::").map(str::to_owned)).collect());
                }
            }
        }
        let deepest = |path: &Module| {
            (0..=path.len()).rev().map(|length| path[..length].to_vec()).find(|path| sources.contains_key(path))
        };
        let named = paths.iter().filter_map(deepest);
        let children =
            sources.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module)).cloned();
        all.insert(module.clone(), named.chain(children).filter(|other| other != module).collect());
    }
    all
}

/// The modules that take part in a circle, or stand on one.
fn circle(imports: &Imports) -> Vec<String> {
    let mut left = imports.clone();
    loop {
        let settled: Vec<_> = left.iter().filter(|(_, on)| on.is_empty()).map(|(module, _)| module.clone()).collect();
        if settled.is_empty() {
            return left.keys().map(|module| module.join("::")).collect();
        }
        for module in &settled {
            left.remove(module);
        }
        for on in left.values_mut() {
            on.retain(|module| !settled.contains(module));
        }
    }
}

#[test]
fn imports_point_down() {
    let mut found = BTreeMap::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &Module::new(), &mut found);
    let imports = imports(&found);

    assert_eq!(circle(&imports), [""; 0], "modules that stand on each other");
    let place = |module: &Module| {
        let room = module.first().map_or("", String::as_str);
        ROOMS.iter().position(|known| *known == room).unwrap_or(ROOMS.len())
    };
    for (module, on) in &imports {
        assert!(module.is_empty() || place(module) < ROOMS.len(), "{module:?} has no place in the order of rooms");
        for other in on {
            assert!(place(other) <= place(module), "{} imports {}", module.join("::"), other.join("::"));
        }
    }
}

/// Modules with their code, and those of them that are in a circle.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

#[test]
fn circles_are_found() {
    let table: [Case; 3] = [
        (&[("a", "use crate::b::{C, d::E};"), ("b", "")], &[]),
        (&[("a", "use crate::b;"), ("b", "fn f() { crate::a::f() }")], &["a", "b"]),
        (&[("a", "mod b; struct S;"), ("a::b", "use super::S;"), ("c", "")], &["a", "a::b"]),
    ];
    for (files, expected) in table {
        let module = |name: &str| name.split("::").map(str::to_owned).collect::<Module>();
        let sources = files.iter().map(|(name, code)| (module(name), (*code).to_owned())).collect();
        assert_eq!(circle(&imports(&sources)), expected, "{files:?}");
    }
}
