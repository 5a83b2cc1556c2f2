//! The symbol through which a binary finds its store: a pointer to [`own_store`](crate::own_store).
//!
//! `plugin_tls_core` refers to the symbol, and so the linker pulls this crate in. In a plugin, `export_plugin!` defines the
//! symbol as null: the linker takes that definition, and leaves this crate out.
//!
//! On ELF the definition is weak, so that the plugin's wins where the linker sees both, as it does with thin LTO. It is
//! hidden, so that no other binary can get in its way at run time. It is written in assembly because stable Rust has
//! neither.

#[cfg(target_pointer_width = "64")]
macro_rules! word {
    () => {
        ".balign 8\n.quad"
    };
}
#[cfg(target_pointer_width = "32")]
macro_rules! word {
    () => {
        ".balign 4\n.long"
    };
}

#[cfg(not(any(windows, target_vendor = "apple")))]
std::arch::global_asm!(
    ".pushsection .data.rel.ro.plugin_tls_own_store, \"aw\", %progbits",
    concat!(".weak ", plugin_tls_abi::own_store_symbol!()),
    concat!(".hidden ", plugin_tls_abi::own_store_symbol!()),
    concat!(".type ", plugin_tls_abi::own_store_symbol!(), ", %object"),
    concat!(plugin_tls_abi::own_store_symbol!(), ":"),
    concat!(word!(), " {own_store}"),
    concat!(".size ", plugin_tls_abi::own_store_symbol!(), ", . - ", plugin_tls_abi::own_store_symbol!()),
    ".popsection",
    own_store = sym crate::api::own_store,
);

#[cfg(target_vendor = "apple")]
std::arch::global_asm!(
    ".pushsection __DATA,__const",
    concat!(".globl _", plugin_tls_abi::own_store_symbol!()),
    concat!(".private_extern _", plugin_tls_abi::own_store_symbol!()),
    concat!("_", plugin_tls_abi::own_store_symbol!(), ":"),
    concat!(word!(), " {own_store}"),
    ".popsection",
    own_store = sym crate::api::own_store,
);

#[cfg(windows)]
std::arch::global_asm!(
    ".section .rdata$plugin_tls, \"dr\"",
    concat!(".globl ", plugin_tls_abi::own_store_symbol!()),
    concat!(plugin_tls_abi::own_store_symbol!(), ":"),
    concat!(word!(), " {own_store}"),
    ".text",
    own_store = sym crate::api::own_store,
);
