//! A host library with the allocator mimalloc.

test_api::export_operations!();
test_api::export_load!(plugin_tls::host::Plugin);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
