//! The grammar of the two macros.
//!
//! ```text
//! thread_local:  ATTRIBUTE* VISIBILITY static     NAME : TYPE = INITIALIZER (; | end)
//! lazy_static:   ATTRIBUTE* VISIBILITY static ref NAME : TYPE = INITIALIZER  ;
//! ```
//!
//! Types and initializers are not parsed. The compiler checks them in the expansion and reports errors at the user's
//! own tokens. Syntax that is newer than this crate therefore works.

#![forbid(unsafe_code)]

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, Ident, Result, Token, Visibility};

/// Which macro is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    ThreadLocal,
    LazyStatic,
}

/// One declaration, as the user wrote it.
pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) ty: TokenStream,
    pub(crate) initializer: TokenStream,
}

/// The whole input: the path of the crate whose macro was called, the items that could be read, and the errors of those
/// that could not.
pub(crate) struct Input {
    pub(crate) home: TokenTree,
    pub(crate) items: Vec<Item>,
    pub(crate) errors: Vec<Error>,
}

/// Reads the whole input. Skips an item with an error up to its `;`, so that the other items exist and a mistake is
/// reported once.
pub(crate) fn parse(input: TokenStream, grammar: Grammar) -> Result<Input> {
    (|stream: ParseStream<'_>| {
        let home = stream.parse()?;
        let (mut items, mut errors) = (Vec::new(), Vec::new());
        while !stream.is_empty() {
            match item(stream, grammar) {
                Ok(item) => items.push(item),
                Err(error) => {
                    errors.push(error);
                    skip_item(stream)?;
                }
            }
        }
        Ok(Input { home, items, errors })
    })
    .parse2(input)
}

fn item(stream: ParseStream<'_>, grammar: Grammar) -> Result<Item> {
    let attributes = stream.call(Attribute::parse_outer)?;
    let visibility = stream.parse()?;
    stream.parse::<Token![static]>()?;
    if grammar == Grammar::LazyStatic {
        stream.parse::<Token![ref]>()?;
    }
    let name = stream.parse()?;
    let colon = stream.parse::<Token![:]>()?;
    let ty = ty(stream, colon.span)?;
    let equals = stream.parse::<Token![=]>()?;
    let initializer = until_semicolon(stream)?;
    if initializer.is_empty() {
        return Err(unexpected(stream, equals.span, "an initializer"));
    }
    let last_semicolon_missing = grammar == Grammar::ThreadLocal && stream.is_empty();
    if !last_semicolon_missing {
        stream.parse::<Token![;]>()?;
    }
    Ok(Item { attributes, visibility, name, ty, initializer })
}

/// The tokens of a type, up to the first `=` outside of angle brackets (the one of `Iterator<Item = u8>` is inside).
fn ty(stream: ParseStream<'_>, colon: Span) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    let mut depth = 0_usize;
    let mut after_dash = false;
    let at_end = |depth| stream.is_empty() || stream.peek(Token![;]) || depth == 0 && stream.peek(Token![=]);
    while !at_end(depth) {
        let token: TokenTree = stream.parse()?;
        match &token {
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' if !after_dash => depth = depth.saturating_sub(1),
                    _ => {}
                }
                after_dash = punct.as_char() == '-';
            }
            _ => after_dash = false,
        }
        tokens.extend([token]);
    }
    if tokens.is_empty() {
        return Err(unexpected(stream, colon, "a type"));
    }
    Ok(tokens)
}

fn until_semicolon(stream: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !stream.is_empty() && !stream.peek(Token![;]) {
        tokens.extend([stream.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

fn skip_item(stream: ParseStream<'_>) -> Result<()> {
    until_semicolon(stream)?;
    stream.parse::<Option<Token![;]>>()?;
    Ok(())
}

/// An error at the next token, or at the token `before` if the input has ended.
fn unexpected(stream: ParseStream<'_>, before: Span, wanted: &str) -> Error {
    if stream.is_empty() {
        Error::new(before, format!("expected {wanted} after this, found the end of the macro's input"))
    } else {
        stream.error(format!("expected {wanted}"))
    }
}

/// The `cfg` attributes among `attributes`. `lazy_static!` repeats them on each of the pieces that it emits.
pub(crate) fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

/// `tokens` without the invisible groups that the compiler puts around the values of macro variables such as `$t:ty`.
pub(crate) fn flatten(tokens: TokenStream) -> Vec<TokenTree> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => flatten(group.stream()),
            token => vec![token],
        })
        .collect()
}
