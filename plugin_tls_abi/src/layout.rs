//! Sizes and offsets of what crosses, pinned: a change here is a change of the binary contract.

#![forbid(unsafe_code)]

#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    use crate::allocator::Allocator;
    use crate::header::Header;
    use crate::row::Row;
    use crate::table::{Access, Api, BinaryDescriptor, Entry, ItemDescriptor, LayoutScheme, Takeover};
    use crate::text::{Sink, Str};

    assert!(size_of::<Header>() == 16 && offset_of!(Header, magic) == 0 && offset_of!(Header, major) == 8);
    assert!(offset_of!(Header, minor) == 10 && offset_of!(Header, size) == 12);

    assert!(size_of::<Str>() == 16 && offset_of!(Str, pointer) == 0 && offset_of!(Str, length) == 8);
    assert!(size_of::<Sink>() == 16 && offset_of!(Sink, write) == 0 && offset_of!(Sink, to) == 8);

    assert!(size_of::<LayoutScheme>() == 48 && offset_of!(LayoutScheme, header) == 0);
    assert!(offset_of!(LayoutScheme, name) == 16 && offset_of!(LayoutScheme, compare) == 32);
    assert!(offset_of!(LayoutScheme, same_compiler) == 40);

    assert!(size_of::<ItemDescriptor>() == 144 && align_of::<ItemDescriptor>() == 8);
    assert!(offset_of!(ItemDescriptor, text) == 0 && offset_of!(ItemDescriptor, path) == 16);
    assert!(offset_of!(ItemDescriptor, type_name) == 32 && offset_of!(ItemDescriptor, type_id) == 48);
    assert!(offset_of!(ItemDescriptor, layout) == 64 && offset_of!(ItemDescriptor, scheme) == 72);
    assert!(offset_of!(ItemDescriptor, shape) == 80 && offset_of!(ItemDescriptor, size) == 88);
    assert!(offset_of!(ItemDescriptor, align) == 96 && offset_of!(ItemDescriptor, option_size) == 104);
    assert!(offset_of!(ItemDescriptor, drop) == 112 && offset_of!(ItemDescriptor, word) == 120);
    assert!(offset_of!(ItemDescriptor, item) == 128 && offset_of!(ItemDescriptor, kind) == 136);

    assert!(size_of::<BinaryDescriptor>() == 96 && offset_of!(BinaryDescriptor, header) == 0);
    assert!(offset_of!(BinaryDescriptor, compiler) == 16 && offset_of!(BinaryDescriptor, items) == 32);
    assert!(offset_of!(BinaryDescriptor, item_count) == 40 && offset_of!(BinaryDescriptor, address) == 48);
    assert!(offset_of!(BinaryDescriptor, load) == 56 && offset_of!(BinaryDescriptor, initialize) == 64);
    assert!(offset_of!(BinaryDescriptor, describe_build) == 72 && offset_of!(BinaryDescriptor, register_rest) == 80);
    assert!(offset_of!(BinaryDescriptor, allocator) == 88);

    assert!(size_of::<Allocator>() == 56 && offset_of!(Allocator, header) == 0);
    assert!(offset_of!(Allocator, alloc) == 16 && offset_of!(Allocator, dealloc) == 24);
    assert!(offset_of!(Allocator, realloc) == 32 && offset_of!(Allocator, alloc_zeroed) == 40);
    assert!(offset_of!(Allocator, loading) == 48);

    assert!(size_of::<Access>() == 64);
    assert!(offset_of!(Access, binary) == 0 && offset_of!(Access, item) == 8 && offset_of!(Access, build) == 16);
    assert!(offset_of!(Access, attempt) == 24 && offset_of!(Access, sink) == 32);
    assert!(offset_of!(Access, value) == 48 && offset_of!(Access, given) == 56);

    assert!(size_of::<Api>() == 112 && offset_of!(Api, header) == 0 && offset_of!(Api, store) == 16);
    assert!(offset_of!(Api, row) == 24 && offset_of!(Api, row_key) == 32);
    assert!(offset_of!(Api, connect) == 40 && offset_of!(Api, register) == 48);
    assert!(offset_of!(Api, local) == 56 && offset_of!(Api, process) == 64 && offset_of!(Api, takeover) == 72);

    assert!(size_of::<Takeover>() == 40);
    assert!(offset_of!(Takeover, at_thread_exit) == 0 && offset_of!(Takeover, key_create) == 8);
    assert!(offset_of!(Takeover, key_delete) == 16 && offset_of!(Takeover, key_set) == 24);
    assert!(offset_of!(Takeover, thread_create) == 32);

    assert!(size_of::<Entry>() == 40 && offset_of!(Entry, header) == 0);
    assert!(offset_of!(Entry, connect) == 16 && offset_of!(Entry, disconnect) == 24);
    assert!(offset_of!(Entry, takes_over) == 32);

    assert!(offset_of!(Row, size) == 0 && offset_of!(Row, slots) == 8);
};
