//! Checks that files without unsafe code forbid it, so that none comes in unnoticed.

use std::time::Instant;

use anyhow::{Result, anyhow};
use proc_macro2::{TokenStream, TokenTree};

use crate::build::Workspace;
use crate::layers::{self, Source};
use crate::report::Report;

const NAME: &str = "files without unsafe code forbid it";
const FORBID: &str = "#![forbid(unsafe_code)]";

/// Reads the sources of the published crates. One check.
pub(crate) fn run(workspace: &Workspace, report: &Report) -> Result<()> {
    report.heading(NAME);
    let start = Instant::now();
    match layers::sources(&workspace.root).and_then(|sources| check(&sources)) {
        Ok(problems) if problems.is_empty() => report.passed(NAME, start.elapsed()),
        Ok(problems) => report.failed(NAME, &problems.join("\n")),
        Err(error) => report.failed(NAME, &format!("{error:#}")),
    }
    Ok(())
}

/// Returns the files that lack the attribute, a line for each.
fn check(sources: &[Source]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for Source { path, text } in sources {
        let tokens: TokenStream = text.parse().map_err(|error| anyhow!("{path}: {error}"))?;
        if !text.contains(FORBID) && !may_be_unsafe(tokens) {
            problems.push(format!("{path}: it has no unsafe code, so it must say {FORBID}"));
        }
    }
    Ok(problems)
}

/// Whether a file has unsafe code or assembly, or declares modules, to which the attribute would apply as well.
fn may_be_unsafe(tokens: TokenStream) -> bool {
    let mut words = Vec::new();
    collect(tokens, &mut words);
    let declares_module = words.windows(3).any(|words| words[0] == "mod" && words[2] == ";");
    declares_module || words.iter().any(|word| word == "unsafe" || word == "global_asm")
}

fn collect(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), words),
            TokenTree::Ident(_) | TokenTree::Punct(_) => words.push(token.to_string()),
            TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        check(&[Source { path: "src/a.rs".to_owned(), text: text.to_owned() }]).expect("the text can be read").len()
    }

    #[test]
    fn a_file_without_unsafe_code_must_forbid_it() {
        assert_eq!(problems("//! Words about unsafe code.\nfn f() {}\n"), 1);
        assert_eq!(problems("#![forbid(unsafe_code)]\nfn f() {}\n"), 0);
        assert_eq!(problems("fn f() { g(unsafe { h() }) }\n"), 0);
        assert_eq!(problems("std::arch::global_asm!(\"\");\n"), 0);
        assert_eq!(problems("mod child;\n"), 0, "the attribute would apply to the child");
        assert_eq!(problems("mod tests { fn f() {} }\n"), 1);
    }
}
