//! The walk through two shapes.

#![forbid(unsafe_code)]

use std::collections::HashSet;

use plugin_tls_abi::shape::{BUILD, Child, Kind, Node, SIZES, Shape, TYPE_ID};

use super::words::{last_segment, part_text, part_word, type_text, with_article};

/// What two shapes say of two types.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// They are the same type.
    Same,
    /// They are the same type if the types of these parts are.
    Unproven(Vec<UnprovenLeaf>),
    /// They are two types. `path` names the part that differs, and the others say what it is on both sides.
    Different { path: String, known: String, offered: String },
    /// A shape is damaged, or of a version that this one cannot read.
    Unreadable,
}

/// A part of both types whose type has no shape, and is not proven to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnprovenLeaf {
    /// `Session.user.name`.
    pub(crate) path: String,
    pub(crate) type_name: String,
}

/// A type without shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf<'a> {
    pub(crate) type_name: &'a str,
    /// Hexadecimal digits.
    pub(crate) type_id: &'a str,
    /// The build of the crate that defines the type around it. Empty if there is none, or if it is unknown.
    pub(crate) build: &'a str,
}

/// Compares two shapes. Both leaves that are given to `is_leaf_proven` have the same type name.
pub(crate) fn compare(
    known: &str,
    offered: &str,
    is_leaf_proven: &mut dyn FnMut(&Leaf<'_>, &Leaf<'_>) -> bool,
) -> Comparison {
    let Some(known_shape) = &Shape::read(known) else { return Comparison::Unreadable };
    // The usual case.
    if known == offered && known_shape.nodes().iter().all(|node| node.kind != Kind::Leaf) {
        return Comparison::Same;
    }
    let Some(offered_shape) = &Shape::read(offered) else { return Comparison::Unreadable };
    let mut unproven = Vec::new();
    // Equal texts can only differ in what their leaves are.
    let passes = if known == offered { &Pass::ALL[..1] } else { &Pass::ALL[..] };
    for pass in passes {
        let mut walk = Walk { known: known_shape, offered: offered_shape, steps: Vec::new() };
        let different = walk.run(*pass, &mut |walk, pair, leaves| {
            if *pass == Pass::Structure && !is_leaf_proven(&leaves[0], &leaves[1]) {
                let (path, type_name) = (walk.path(pair.step), leaves[0].type_name.to_owned());
                unproven.push(UnprovenLeaf { path, type_name });
            }
        });
        if let Some(different) = different {
            return different;
        }
    }
    if unproven.is_empty() { Comparison::Same } else { Comparison::Unproven(unproven) }
}

/// The names of all types in a shape: paths, and for leaves what the compiler prints. Nothing if it cannot be read.
pub(crate) fn names(shape: &str) -> impl Iterator<Item = &str> {
    let names = Shape::read(shape).map(|shape| {
        let is_type = |node: &&Node<'_>| !matches!(node.kind, Kind::Builtin | Kind::Variant | Kind::Method);
        // The node's own lifetime is that of the text, which outlives the nodes.
        shape.nodes().iter().filter(is_type).map(|node| node.name).collect::<Vec<_>>()
    });
    names.unwrap_or_default().into_iter()
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Kinds, names, and what there is.
    Structure,
    /// The order, and offsets.
    Places,
    /// Sizes, alignments and niches.
    Sizes,
}

impl Pass {
    const ALL: [Self; 3] = [Pass::Structure, Pass::Places, Pass::Sizes];
}

/// How the walk came to a pair of nodes.
#[derive(Clone, Copy)]
struct Step<'a> {
    /// The step to the parent.
    parent: Option<usize>,
    label: &'a str,
    /// The known node.
    node: usize,
    /// Where the known and the offered node are in their parents.
    offsets: [Option<usize>; 2],
}

/// Two nodes that must be the same.
#[derive(Clone, Copy)]
struct Pair<'a> {
    known: usize,
    offered: usize,
    step: usize,
    /// The builds of the types around the known and the offered node.
    builds: [&'a str; 2],
}

struct Walk<'a> {
    known: &'a Shape<'a>,
    offered: &'a Shape<'a>,
    steps: Vec<Step<'a>>,
}

type OnLeaf<'f, 'a> = dyn FnMut(&Walk<'a>, Pair<'a>, [Leaf<'a>; 2]) + 'f;

impl<'a> Walk<'a> {
    fn run(&mut self, pass: Pass, on_leaf: &mut OnLeaf<'_, 'a>) -> Option<Comparison> {
        let mut visited = Visited { first: vec![None; self.known.nodes().len()], more: HashSet::new() };
        self.steps.push(Step { parent: None, label: "", node: 0, offsets: [None; 2] });
        let mut pairs = vec![Pair { known: 0, offered: 0, step: 0, builds: ["", ""] }];
        while let Some(mut pair) = pairs.pop() {
            if !visited.is_new(pair.known, pair.offered) {
                continue;
            }
            let (known, offered) = (self.known_node(pair.known), self.offered_node(pair.offered));
            let different = match pass {
                Pass::Structure => self.heads(pair).or_else(|| self.missing(pair)),
                Pass::Places => self.places(pair),
                Pass::Sizes => self.sizes(pair),
            };
            if different.is_some() {
                return different;
            }
            if known.kind == Kind::Leaf {
                let leaf = |node: &Node<'a>, build| Leaf { type_name: node.name, type_id: node.fact(TYPE_ID), build };
                on_leaf(self, pair, [leaf(known, pair.builds[0]), leaf(offered, pair.builds[1])]);
            }
            if known.kind.is_derived() {
                pair.builds = [known.fact(BUILD), offered.fact(BUILD)];
            }
            let first = pairs.len();
            for (index, child) in known.children.iter().enumerate() {
                let Some((_, other)) = counterpart(child.label, index, offered) else { continue };
                let offsets = [child.offset, other.offset];
                self.steps.push(Step { parent: Some(pair.step), label: child.label, node: child.node, offsets });
                let step = self.steps.len() - 1;
                pairs.push(Pair { known: child.node, offered: other.node, step, builds: pair.builds });
            }
            pairs[first..].reverse();
        }
        None
    }

    fn known_node(&self, number: usize) -> &'a Node<'a> {
        &self.known.nodes()[number]
    }

    fn offered_node(&self, number: usize) -> &'a Node<'a> {
        &self.offered.nodes()[number]
    }

    /// Compares the kinds, the names and the facts of two nodes.
    fn heads(&self, pair: Pair<'_>) -> Option<Comparison> {
        let (known, offered) = (self.known_node(pair.known), self.offered_node(pair.offered));
        if known.kind != offered.kind || known.name != offered.name {
            let mut texts = [type_text(self.known, pair.known), type_text(self.offered, pair.offered)];
            let mut words = [None; 2];
            if texts[0] == texts[1] && known.name != offered.name {
                texts = [known, offered].map(|node| node.name.to_owned());
            } else if texts[0] == texts[1] {
                words = [known, offered].map(|node| Some(node.kind.word()));
            }
            let offsets = self.steps[pair.step].offsets;
            let [known, offered] = [0, 1].map(|side| {
                let word = words[side].map_or_else(String::new, |word| format!("{word} "));
                let offset = offsets[side].map_or_else(String::new, |offset| format!(" at offset {offset}"));
                format!("{word}`{}`{offset}", texts[side])
            });
            return Some(Comparison::Different { path: self.path(pair.step), known, offered });
        }
        let labels = known.facts.iter().chain(&offered.facts).map(|(label, _)| *label);
        let mut compared = labels.filter(|label| !SIZES.contains(label) && ![BUILD, TYPE_ID].contains(label));
        let label = compared.find(|label| known.fact(label) != offered.fact(label))?;
        let [known, offered] = [known, offered].map(|node| match node.fact(label) {
            "" => format!("{} without {label}", with_article(node.kind.word())),
            value => format!("{} with {label} `{value}`", with_article(node.kind.word())),
        });
        Some(Comparison::Different { path: self.path(pair.step), known, offered })
    }

    /// Looks for parts that one of two nodes lacks.
    fn missing(&self, pair: Pair<'_>) -> Option<Comparison> {
        let (known, offered) = (self.known_node(pair.known), self.offered_node(pair.offered));
        let path = |child: &Child<'_>| self.path(pair.step) + child.label;
        for (index, child) in known.children.iter().enumerate() {
            if counterpart(child.label, index, offered).is_none() {
                let word = part_word(known, self.known_node(child.node));
                let known = part_text(self.known, child, index);
                return Some(Comparison::Different { path: path(child), known, offered: format!("no such {word}") });
            }
        }
        for (index, child) in offered.children.iter().enumerate() {
            if counterpart(child.label, index, known).is_none() {
                let word = part_word(offered, self.offered_node(child.node));
                let offered = part_text(self.offered, child, index);
                return Some(Comparison::Different { path: path(child), known: format!("no such {word}"), offered });
            }
        }
        None
    }

    /// Compares the places of the parts of two nodes.
    fn places(&self, pair: Pair<'_>) -> Option<Comparison> {
        let (known, offered) = (self.known_node(pair.known), self.offered_node(pair.offered));
        known.children.iter().enumerate().find_map(|(index, child)| {
            let (place, other) = counterpart(child.label, index, offered)?;
            let [known, offered] = if child.offset != other.offset {
                [part_text(self.known, child, index), part_text(self.offered, other, place)]
            } else if index != place {
                let word = part_word(known, self.known_node(child.node));
                [index, place].map(|place| format!("{word} {place}"))
            } else {
                return None;
            };
            Some(Comparison::Different { path: self.path(pair.step) + child.label, known, offered })
        })
    }

    /// Compares the sizes of two nodes.
    fn sizes(&self, pair: Pair<'_>) -> Option<Comparison> {
        let (known, offered) = (self.known_node(pair.known), self.offered_node(pair.offered));
        let label = SIZES.into_iter().find(|label| known.fact(label) != offered.fact(label))?;
        let in_words =
            |node: &Node<'_>| format!("{} with {label} {}", with_article(node.kind.word()), node.fact(label));
        let [known, offered] = [known, offered].map(in_words);
        Some(Comparison::Different { path: self.path(pair.step), known, offered })
    }

    /// The way to a step, from the outermost type that users define: `Session.user.name`.
    fn path(&self, step: usize) -> String {
        let steps: Vec<_> = std::iter::successors(Some(step), |step| self.steps[*step].parent).collect();
        let mut path = type_text(self.known, 0);
        let mut in_derived = false;
        for step in steps.into_iter().rev().map(|step| self.steps[step]) {
            let node = self.known_node(step.node);
            if in_derived {
                path.push_str(step.label);
            } else if node.kind.is_derived() {
                path = last_segment(node.name).to_owned();
                in_derived = true;
            } else {
                path.push_str(step.label);
            }
        }
        path
    }
}

/// The child of `node` with this label, and its place. It usually is in the same place.
fn counterpart<'a, 'n>(label: &str, index: usize, node: &'n Node<'a>) -> Option<(usize, &'n Child<'a>)> {
    let same_place = node.children.get(index).filter(|child| child.label == label);
    same_place
        .map(|child| (index, child))
        .or_else(|| node.children.iter().enumerate().find(|(_, child)| child.label == label))
}

/// Pairs that the walk has come to.
struct Visited {
    /// For each known node, the first offered one.
    first: Vec<Option<usize>>,
    /// The other pairs.
    more: HashSet<(usize, usize)>,
}

impl Visited {
    fn is_new(&mut self, known: usize, offered: usize) -> bool {
        match &mut self.first[known] {
            Some(first) if *first == offered => false,
            Some(_) => self.more.insert((known, offered)),
            first @ None => {
                *first = Some(offered);
                true
            }
        }
    }
}
