//! The symbol through which a binary finds its store: a pointer to [`own_store`](crate::own_store), and one to the functions
//! of the binary's allocator. The second is for plugins, which find it through a note: see [`plugin_tls_abi::sys::note`].
//!
//! `plugin_tls_core` refers to the symbol, and so the linker pulls this crate in. `export_plugin!` defines the symbol as null:
//! the linker takes that definition, because it comes first, and leaves this crate out.
//!
//! On ELF the definition here is weak, so that the plugin's wins where the linker sees both, as it does with thin LTO. It is
//! hidden, so that no other binary gets in its way at run time. It is written in assembly because stable Rust has neither.
//!
//! With fat LTO both definitions come into one module, in which a symbol may be defined once. There the one that comes first
//! counts.

#[cfg(target_pointer_width = "64")]
macro_rules! pointer {
    () => {
        ".balign 8\n.quad {own_store}\n.quad {allocator}"
    };
}
#[cfg(target_pointer_width = "32")]
macro_rules! pointer {
    () => {
        ".balign 4\n.long {own_store}\n.long {allocator}"
    };
}

/// The note: its sizes, its type, its name and its descriptor, which is the distance to the second pointer. A linker that
/// optimizes can take the note into a plugin. There it leads to the plugin's definition of the symbol, which is null.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! note {
    () => {
        concat!(
            ".pushsection .note.plugin_tls, \"a\", %note\n.balign 4\n.long 11\n.long 4\n.long 1\n.asciz \"plugin_tls\"\n",
            ".balign 4\n.long ",
            plugin_tls_abi::own_store_symbol!(),
            " + 8 - .\n.popsection"
        )
    };
}
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
macro_rules! note {
    () => {
        ""
    };
}

#[cfg(not(any(windows, target_vendor = "apple")))]
std::arch::global_asm!(
    concat!(".ifndef ", plugin_tls_abi::own_store_symbol!()),
    ".pushsection .data.rel.ro.plugin_tls_own_store, \"aw\", %progbits",
    concat!(".weak ", plugin_tls_abi::own_store_symbol!()),
    concat!(".hidden ", plugin_tls_abi::own_store_symbol!()),
    concat!(".type ", plugin_tls_abi::own_store_symbol!(), ", %object"),
    concat!(plugin_tls_abi::own_store_symbol!(), ":"),
    pointer!(),
    concat!(".size ", plugin_tls_abi::own_store_symbol!(), ", . - ", plugin_tls_abi::own_store_symbol!()),
    ".popsection",
    note!(),
    ".endif",
    own_store = sym crate::api::own_store,
    allocator = sym crate::allocator::ALLOCATOR,
);

#[cfg(target_vendor = "apple")]
std::arch::global_asm!(
    ".pushsection __DATA,__const",
    concat!(".weak_definition _", plugin_tls_abi::own_store_symbol!()),
    concat!(".globl _", plugin_tls_abi::own_store_symbol!()),
    concat!(".private_extern _", plugin_tls_abi::own_store_symbol!()),
    concat!("_", plugin_tls_abi::own_store_symbol!(), ":"),
    pointer!(),
    ".popsection",
    own_store = sym crate::api::own_store,
    allocator = sym crate::allocator::ALLOCATOR,
);

#[cfg(windows)]
std::arch::global_asm!(
    ".section .rdata$plugin_tls, \"dr\"",
    concat!(".weak ", plugin_tls_abi::own_store_symbol!()),
    concat!(plugin_tls_abi::own_store_symbol!(), ":"),
    pointer!(),
    ".text",
    own_store = sym crate::api::own_store,
    allocator = sym crate::allocator::ALLOCATOR,
);
