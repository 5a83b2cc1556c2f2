//! Types and paths as reports show them.

#![forbid(unsafe_code)]

use plugin_tls_abi::shape::{Child, Kind, Node, Shape};

/// How many bytes of a type are shown, roughly.
const LENGTH: usize = 160;
/// How deep the arguments of a type are shown.
const DEPTH: usize = 8;

/// A type as its user writes it, without the paths of modules.
pub(super) fn type_text(shape: &Shape<'_>, node: usize) -> String {
    let mut text = String::new();
    write_type(shape, node, DEPTH, &mut text);
    text
}

fn write_type(shape: &Shape<'_>, number: usize, depth: usize, text: &mut String) {
    let node = &shape.nodes()[number];
    if depth == 0 || text.len() > LENGTH {
        text.push('…');
        return;
    }
    match node.kind {
        Kind::Leaf | Kind::Variant | Kind::Method => text.push_str(node.name),
        Kind::Builtin => {
            let template = node.name.replace('_', node.fact("length"));
            let mut children = node.children.iter();
            let mut parts = template.split("{}");
            text.push_str(parts.next().unwrap_or_default());
            for part in parts {
                if let Some(child) = children.next() {
                    write_type(shape, child.node, depth - 1, text);
                }
                text.push_str(part);
            }
        }
        Kind::Std => {
            text.push_str(last_segment(node.name));
            // std's own hasher is what nobody writes.
            let is_default = |child: &Child<'_>| {
                child.label == "[hasher]" && shape.nodes()[child.node].name.ends_with("::RandomState")
            };
            let arguments = node.children.iter().filter(|child| !is_default(child));
            write_arguments(shape, arguments, depth, text);
        }
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Trait => {
            if node.kind == Kind::Trait {
                text.push_str("dyn ");
            }
            text.push_str(last_segment(node.name));
            let arguments = node.children.iter().filter(|child| child.label.starts_with('<'));
            write_arguments(shape, arguments, depth, text);
        }
    }
}

fn write_arguments<'a>(
    shape: &Shape<'_>,
    arguments: impl Iterator<Item = &'a Child<'a>>,
    depth: usize,
    text: &mut String,
) {
    let mut separator = "<";
    for argument in arguments {
        text.push_str(separator);
        write_type(shape, argument.node, depth - 1, text);
        separator = ", ";
    }
    if separator == ", " {
        text.push('>');
    }
}

/// The name without the path of its module.
pub(super) fn last_segment(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// A node as a part of its parent: a variant and a method by their places, a type by its name, in code quotes.
pub(super) fn part_text(shape: &Shape<'_>, child: &Child<'_>, place: usize) -> String {
    let node = &shape.nodes()[child.node];
    match (node.kind, child.offset) {
        (Kind::Variant | Kind::Method, _) => format!("{} {place}", node.kind.word()),
        (_, Some(offset)) => format!("`{}` at offset {offset}", type_text(shape, child.node)),
        (_, None) => format!("`{}`", type_text(shape, child.node)),
    }
}

/// What a part of `parent` is called.
pub(super) fn part_word(parent: &Node<'_>, part: &Node<'_>) -> &'static str {
    match (parent.kind, part.kind) {
        (_, Kind::Variant | Kind::Method) => part.kind.word(),
        (Kind::Struct | Kind::Union | Kind::Variant, _) => "field",
        (Kind::Method, _) => "argument or result",
        (Kind::Trait, _) => "supertrait or type",
        _ => "part",
    }
}

/// `an enum`, `a struct`.
pub(super) fn with_article(word: &str) -> String {
    format!("{} {word}", if word.starts_with('e') { "an" } else { "a" })
}
