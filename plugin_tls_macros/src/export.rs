//! What `export_plugin!` adds to a plugin's crate.
//!
//! | crate | mark | entry | takeover, own store left out | global allocator |
//! |---|---|---|---|---|
//! | cdylib and nothing else | yes | `plugin_tls_entry` | yes | the host's, unless it is `own` |
//! | cdylib and a library | yes | `plugin_tls_entry_` and a hash of the crate | no | no |
//! | anything else | no | no | no | no |
//!
//! A crate that other crates can link as well gets no symbol that could collide with another such crate or with the
//! program that links it. If it defined `pthread_create`, the whole program would use that function. A program with two
//! global allocators is not built.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::Token;
use syn::parse::{ParseStream, Parser};

use crate::compilation::{Compilation, Product};

/// The functions of the C library that the plugin defines for itself, each with the function that it jumps to.
const TAKEN_OVER: &[(&str, &str)] = &[
    ("__cxa_thread_atexit_impl", "at_thread_exit"),
    ("pthread_key_create", "key_create"),
    ("pthread_key_delete", "key_delete"),
    ("pthread_setspecific", "key_set"),
    ("pthread_create", "thread_create"),
];

/// The instruction that jumps to a symbol, by architecture.
const JUMPS: &[(&str, &str)] = &[("x86_64", "jmp"), ("aarch64", "b")];

/// What the macro says of other options.
const EXPECTED: &str = "expected nothing, `by_hand`, `allocator = own`, or both with a comma between them";

/// The options of the macro.
#[derive(Default)]
struct Options {
    /// No loader connects the plugin. It gets a context by a call of its own and passes it to `Context::initialize`.
    by_hand: bool,
    /// The plugin has a global allocator of its own.
    own_allocator: bool,
}

pub(crate) fn expand(input: TokenStream, compilation: &Compilation) -> TokenStream {
    let (home, options) = match read.parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let product = compilation.product();
    if product == Product::Other {
        return TokenStream::new();
    }
    let use_allocator = (!options.own_allocator).then(|| quote! { #home::__private::use_allocator(); });
    let mut items = vec![quote! {
        const _: () = {
            static HERE: u8 = 0;
            extern "C" fn mark() {
                #home::__private::mark_plugin(&HERE);
                #use_allocator
            }
            #home::__private::constructor! { mark }
        };
    }];
    let alone = product == Product::Plugin;
    if alone {
        items.push(no_own_store(&home));
        if !options.own_allocator {
            items.push(host_allocator(&home));
        }
    }
    if !options.by_hand {
        items.push(entry(&home, alone));
        if alone {
            items.extend(JUMPS.iter().map(|(architecture, jump)| take_over(&home, architecture, jump)));
        }
    }
    items.into_iter().collect()
}

/// The path of the crate whose macro was called, and the macro's own input: options in any order, with commas between them.
fn read(input: ParseStream<'_>) -> syn::Result<(TokenTree, Options)> {
    let home = input.parse()?;
    let mut options = Options::default();
    while !input.is_empty() {
        let option: Ident = input.parse().map_err(|error| syn::Error::new(error.span(), EXPECTED))?;
        let set = if option == "by_hand" {
            &mut options.by_hand
        } else if option == "allocator" {
            let own: Option<Ident> = input.parse::<Token![=]>().and_then(|_| input.parse()).ok();
            if own.is_none_or(|own| own != "own") {
                return Err(syn::Error::new(option.span(), "expected `allocator = own`"));
            }
            &mut options.own_allocator
        } else {
            return Err(syn::Error::new(option.span(), EXPECTED));
        };
        if mem::replace(set, true) {
            return Err(syn::Error::new(option.span(), format!("`{option}` is given twice")));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok((home, options))
}

/// Makes the host's allocator that of the plugin.
fn host_allocator(home: &TokenTree) -> TokenStream {
    quote! {
        const _: () = {
            #[#home::__private::global_allocator]
            static ALLOCATOR: #home::HostAllocator = #home::HostAllocator;
        };
    }
}

/// The structure that the loader looks for.
fn entry(home: &TokenTree, alone: bool) -> TokenStream {
    let symbol = if alone { "plugin_tls_entry".to_owned() } else { format!("plugin_tls_entry_{:016x}", crate_hash()) };
    let architectures = JUMPS.iter().map(|(architecture, _)| architecture);
    quote! {
        const _: () = {
            #[unsafe(export_name = #symbol)]
            pub static ENTRY: #home::__private::Entry = #home::__private::entry(
                #alone && #home::__private::cfg!(all(target_os = "linux", target_env = "gnu", any(#(target_arch = #architectures),*)))
            );
        };
    }
}

/// A hash that differs between crates that are linked together.
fn crate_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    for variable in ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_CRATE_NAME"] {
        std::env::var(variable).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}

/// Defines the symbol through which a binary finds its own store, and plugins its allocator, as null: a plugin has no store.
///
/// With fat LTO this definition and the store's come into one module, in which a symbol may be defined once. There the one
/// that comes first counts.
fn no_own_store(home: &TokenTree) -> TokenStream {
    let define = |cfg: TokenStream, section: &str, prefix: &str, hidden: &str, end: &str| {
        let (global, hidden) = (format!(".globl {prefix}"), format!("{hidden} {prefix}"));
        let symbol = quote! { #home::__private::own_store_symbol!() };
        quote! {
            #[cfg(#cfg)]
            const _: () = {
                mod own_store {
                    #home::__private::global_asm! {
                        #home::__private::concat!(".ifndef ", #prefix, #symbol),
                        #section,
                        ".balign 8",
                        #home::__private::concat!(#global, #symbol),
                        #home::__private::concat!(#hidden, #symbol),
                        #home::__private::concat!(#prefix, #symbol, ":"),
                        ".zero 16",
                        #end,
                        ".endif"
                    }
                }
            };
        }
    };
    let elf = ".pushsection .data.rel.ro.plugin_tls_own_store, \"aw\", %progbits";
    [
        define(quote! { not(any(windows, target_vendor = "apple")) }, elf, "", ".hidden", ".popsection"),
        define(
            quote! { target_vendor = "apple" },
            ".pushsection __DATA,__const",
            "_",
            ".private_extern",
            ".popsection",
        ),
        define(quote! { windows }, ".section .rdata$plugin_tls, \"dr\"", "", ".globl", ".text"),
    ]
    .into_iter()
    .collect()
}

/// Defines the hidden functions that lead to the takeover. The linker binds the plugin's own std to them.
///
/// They are weak, which is as good as strong against the C library's. std refers to one of them weakly: with fat LTO both
/// come into one module, and the assembler would warn if the symbol were strong.
fn take_over(home: &TokenTree, architecture: &str, jump: &str) -> TokenStream {
    let functions = TAKEN_OVER.iter().map(|(name, target)| {
        format!(
            ".weak {name}\n.hidden {name}\n.type {name}, %function\n{name}:\n{jump} {{{target}}}\n.size {name}, . - {name}"
        )
    });
    let targets = TAKEN_OVER.iter().map(|(_, target)| {
        let target = Ident::new(target, proc_macro2::Span::call_site());
        quote! { #target = sym #home::__private::takeover::#target }
    });
    quote! {
        #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = #architecture))]
        const _: () = {
            mod takeover {
                #home::__private::global_asm! {
                    ".pushsection .text.plugin_tls_takeover, \"ax\", %progbits",
                    ".p2align 4",
                    #(#functions,)*
                    ".popsection",
                    #(#targets),*
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &[&str], input: &str) -> String {
        let compilation = Compilation::of(arguments);
        expand(input.parse().expect("a test's own tokens"), &compilation).to_string()
    }

    #[test]
    fn only_a_cdylib_alone_defines_functions_of_the_c_library() {
        let alone = expanded(&["--crate-type", "cdylib"], "home");
        for part in ["pthread_create", "\"plugin_tls_entry\"", "own_store_symbol", "mark_plugin", "HostAllocator"] {
            assert!(alone.contains(part), "{part}: {alone}");
        }
        let mixed = expanded(&["--crate-type", "cdylib", "--crate-type", "rlib"], "home");
        assert!(mixed.contains("mark_plugin") && mixed.contains("\"plugin_tls_entry_"), "{mixed}");
        for part in ["pthread", "\"plugin_tls_entry\"", "own_store_symbol", "HostAllocator"] {
            assert!(!mixed.contains(part), "{part}: {mixed}");
        }
        for others in [&["--crate-type", "rlib"][..], &["--crate-type", "cdylib", "--test"], &[]] {
            assert_eq!(expanded(others, "home"), "");
        }
    }

    #[test]
    fn a_plugin_that_is_connected_by_hand_has_no_entry() {
        let by_hand = expanded(&["--crate-type", "cdylib"], "home by_hand");
        assert!(by_hand.contains("mark_plugin") && by_hand.contains("own_store_symbol"), "{by_hand}");
        assert!(!by_hand.contains("plugin_tls_entry") && !by_hand.contains("pthread"), "{by_hand}");
    }

    #[test]
    fn a_plugin_can_have_its_own_allocator() {
        let cdylib = &["--crate-type", "cdylib"];
        let own = expanded(cdylib, "home allocator = own");
        assert!(own.contains("\"plugin_tls_entry\"") && !own.contains("HostAllocator"), "{own}");
        for both in ["home by_hand, allocator = own", "home allocator = own, by_hand,"] {
            let both = expanded(cdylib, both);
            assert!(both.contains("mark_plugin"), "{both}");
            assert!(!both.contains("plugin_tls_entry") && !both.contains("HostAllocator"), "{both}");
        }
        assert!(expanded(cdylib, "home by_hand").contains("HostAllocator"));
    }

    #[test]
    fn other_options_are_refused() {
        for input in [
            "home by_foot",
            "home by_hand by_hand",
            "home by_hand, by_hand",
            "home 1",
            "home , by_hand",
            "home allocator",
            "home allocator = host",
            "home allocator own",
        ] {
            let refused = expanded(&["--crate-type", "cdylib"], input);
            assert!(refused.contains("compile_error"), "{input}: {refused}");
        }
    }
}
