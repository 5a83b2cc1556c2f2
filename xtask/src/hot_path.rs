//! Checks that accesses do not get longer. Counts the instructions of the functions in
//! `test-plugins/api/src/hot_path.rs`, in the release builds of the host and of a plugin. Times would vary from run to
//! run, but instructions do not.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use object::{File, Object, ObjectSymbol, RelocationTarget};

use crate::build::{Builder, Products};
use crate::process;
use crate::report::Report;
use crate::settings::Setting;

/// Limits the instructions of a function, and the functions that it may call or jump to.
struct Limit {
    function: &'static str,
    binary: Binary,
    /// Instructions from the start to the first return. An access that finds its value in a slot executes these, and
    /// takes no jump.
    hot: usize,
    /// All instructions, with the cold ones, that an access adds to a binary.
    all: usize,
    /// Parts of the mangled names of the functions that are called if there is no value in the slot.
    cold: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binary {
    Host,
    Plugin,
}

/// The functions that ask the store for the value.
const BUILD_LOCAL: &str = "local_key13find_or_build";
const BUILD_STATIC: &str = "StaticItem$LT$T$GT$$GT$13find_or_build";
/// The function that finds the row of the thread, for items without a slot at a known distance from the thread pointer.
const FIND: &str = "row6finder4find";

/// The limits for x86_64. A change that raises one has to justify it here.
const LIMITS: &[Limit] = &[
    Limit { function: "hot_path_thread_local", binary: Binary::Host, hot: 11, all: 27, cold: &[BUILD_LOCAL, FIND] },
    Limit { function: "hot_path_thread_local", binary: Binary::Plugin, hot: 11, all: 27, cold: &[BUILD_LOCAL, FIND] },
    Limit { function: "hot_path_static", binary: Binary::Host, hot: 5, all: 8, cold: &[BUILD_STATIC] },
    Limit { function: "hot_path_static", binary: Binary::Plugin, hot: 5, all: 8, cold: &[BUILD_STATIC] },
];

/// The plugin whose functions are counted.
const PLUGIN: &str = "test-plugin-first";

/// Checks each limit. One check per limit.
pub(crate) fn check(builder: &mut Builder<'_>, report: &Report) -> Result<()> {
    let name = |limit: &Limit| format!("instructions of {} in the {:?}", limit.function, limit.binary).to_lowercase();
    let why_not = why_not(&builder.workspace().root);
    if let Some(reason) = why_not {
        report.heading("instructions of the hot path");
        report.skipped("instructions of the hot path", LIMITS.len(), &reason);
        return Ok(());
    }
    let products = builder.products(Setting::ReleaseApart);
    report.heading("instructions of the hot path");
    for limit in LIMITS {
        let start = Instant::now();
        let products = products.as_ref().context("release-apart did not build");
        match products.and_then(|products| within(limit, products)) {
            Ok(()) => report.passed(&name(limit), start.elapsed()),
            Err(error) => report.failed(&name(limit), &format!("{error:#}")),
        }
    }
    Ok(())
}

/// The reason if instructions cannot be counted on this machine.
fn why_not(root: &Path) -> Option<String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("the limits are for x86_64 Linux".to_owned());
    }
    let mut command = Command::new("objdump");
    command.current_dir(root).arg("--version");
    let works = process::capture(&mut command, None).is_ok_and(|finished| finished.success());
    (!works).then(|| "`objdump --version` fails; install the package binutils".to_owned())
}

fn within(limit: &Limit, products: &Products) -> Result<()> {
    let path = match limit.binary {
        Binary::Host => &products.host,
        Binary::Plugin => {
            let plugin = products.plugins.iter().find(|plugin| plugin.package == PLUGIN);
            &plugin.with_context(|| format!("there is no plugin {PLUGIN}"))?.path
        }
    };
    let data = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = File::parse(&*data).with_context(|| format!("cannot read {}", path.display()))?;
    let symbols = Symbols::of(&file)?;
    let (symbol, range) = symbols.function(limit.function)?;
    let code = Code::read(&disassemble(path, range)?)?;
    let calls = code.calls.iter().map(|call| symbols.target(*call)).collect::<Result<Vec<_>>>()?;
    limit.judge(&code, &calls).with_context(|| format!("{symbol}:\n{}", code.listing))
}

impl Limit {
    fn judge(&self, code: &Code, calls: &[&str]) -> Result<()> {
        for (what, found, limit) in [("hot", code.hot, self.hot), ("in all", code.all, self.all)] {
            ensure!(found <= limit, "{found} instructions {what}, but the limit in xtask/src/hot_path.rs is {limit}");
        }
        for cold in self.cold {
            ensure!(
                calls.iter().any(|call| call.contains(cold)),
                "the function does not call {cold}, so the check may be reading another function"
            );
        }
        for call in calls {
            let known = self.cold.iter().any(|cold| call.contains(cold));
            ensure!(known, "the function calls {call}, which is not one of the cold functions {:?}", self.cold);
        }
        Ok(())
    }
}

fn disassemble(path: &Path, range: std::ops::Range<u64>) -> Result<String> {
    let mut command = Command::new("objdump");
    command.args(["--disassemble", "--no-show-raw-insn", "--wide"]);
    command.arg(format!("--start-address={:#x}", range.start)).arg(format!("--stop-address={:#x}", range.end));
    command.arg(path);
    let finished = process::capture(&mut command, None)?;
    ensure!(finished.success(), "{}: {}", process::describe(&command), finished.stderr);
    Ok(finished.stdout)
}

/// A disassembled function.
#[derive(Debug, Default)]
struct Code {
    listing: String,
    /// As in [`Limit`], like `all`.
    hot: usize,
    all: usize,
    calls: Vec<Call>,
}

/// The target of a call, or of a jump out of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// An address.
    Direct(u64),
    /// The address that is stored at this address.
    Through(u64),
    /// A computed address.
    Computed,
}

impl Code {
    /// Parses the output of objdump, which has lines of `ADDRESS:<tab>INSTRUCTION`.
    fn read(text: &str) -> Result<Code> {
        let lines: Vec<(u64, &str)> = text
            .lines()
            .filter_map(|line| {
                let (address, instruction) = line.split_once(":\t")?;
                Some((u64::from_str_radix(address.trim(), 16).ok()?, instruction.trim()))
            })
            .collect();
        let (Some((first, _)), Some((last, _))) = (lines.first(), lines.last()) else {
            bail!("objdump shows no instruction:\n{text}");
        };
        let mut code = Code::default();
        for (address, instruction) in &lines {
            code.listing.push_str(&format!("  {address:x}: {instruction}\n"));
            code.all += 1;
            let (mnemonic, operands) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
            if mnemonic == "ret" && code.hot == 0 {
                code.hot = code.all;
            }
            if !mnemonic.starts_with('j') && mnemonic != "call" {
                continue;
            }
            let call = Call::read(operands.trim());
            // Jumps within the function are not calls.
            if mnemonic != "call" && matches!(call, Call::Direct(target) if (*first..=*last).contains(&target)) {
                continue;
            }
            code.calls.push(call);
        }
        ensure!(code.hot > 0, "the function does not return:\n{text}");
        Ok(code)
    }
}

impl Call {
    /// Parses `1a0f83 <name+0x33>`, `*0xec73f(%rip)        # 28d6d8 <name>` or `*%rax`.
    fn read(operands: &str) -> Call {
        let address = |text: &str| u64::from_str_radix(text.split_whitespace().next()?, 16).ok();
        match operands.strip_prefix('*') {
            None => address(operands).map_or(Call::Computed, Call::Direct),
            Some(memory) if memory.contains("(%rip)") => {
                let slot = memory.split_once('#').and_then(|(_, comment)| address(comment));
                slot.map_or(Call::Computed, Call::Through)
            }
            Some(_) => Call::Computed,
        }
    }
}

/// The functions of a binary and the addresses that it stores.
#[derive(Debug)]
struct Symbols {
    /// Name, start, size.
    functions: Vec<(String, u64, u64)>,
    /// The addresses that the loader stores, by the address where it stores them. Both are relative to the binary's
    /// start.
    stored: HashMap<u64, u64>,
}

impl Symbols {
    fn of(file: &File<'_>) -> Result<Self> {
        let functions = file
            .symbols()
            .filter(|symbol| symbol.is_definition())
            .map(|symbol| Ok((symbol.name()?.to_owned(), symbol.address(), symbol.size())))
            .collect::<Result<Vec<_>>>()?;
        let relative = file.dynamic_relocations().into_iter().flatten();
        let stored = relative
            .filter(|(_, relocation)| relocation.target() == RelocationTarget::Absolute)
            .map(|(slot, relocation)| (slot, relocation.addend().cast_unsigned()));
        Ok(Self { functions, stored: stored.collect() })
    }

    /// The name and the addresses of the only function whose name contains `part`.
    fn function(&self, part: &str) -> Result<(&str, std::ops::Range<u64>)> {
        let found: Vec<_> = self.functions.iter().filter(|(name, _, size)| name.contains(part) && *size > 0).collect();
        match found.as_slice() {
            [(name, start, size)] => Ok((name, *start..start + size)),
            found => bail!("{} functions have {part} in their names instead of one", found.len()),
        }
    }

    fn target(&self, call: Call) -> Result<&str> {
        let address = match call {
            Call::Direct(address) => address,
            Call::Through(slot) => {
                *self.stored.get(&slot).with_context(|| format!("nothing is stored at {slot:#x}"))?
            }
            Call::Computed => bail!("the function calls a computed address"),
        };
        let found = self.functions.iter().find(|(_, start, size)| *start == address && *size > 0);
        Ok(&found.with_context(|| format!("no function starts at {address:#x}"))?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
target/release/host:     file format elf64-x86-64

Disassembly of section .text:

0000000000001000 <read>:
    1000:\tpush   %rax
    1001:\tje     1010 <read+0x10>
    1003:\tmov    (%rax),%rax
    1006:\tret
    1010:\tcall   *0x10(%rip)        # 2000 <_DYNAMIC+0x10>
    1016:\tcall   3000 <build>
    101b:\tjmp    *%rax
";

    #[test]
    fn instructions_and_calls_are_read() {
        let code = Code::read(TEXT).expect("the text has instructions");
        assert_eq!((code.hot, code.all), (4, 7));
        assert_eq!(code.calls, [Call::Through(0x2000), Call::Direct(0x3000), Call::Computed]);
        assert!(Code::read("no instructions").is_err());
    }

    #[test]
    fn one_more_instruction_and_other_calls_are_refused() {
        let limit = |hot, all| Limit { function: "read", binary: Binary::Host, hot, all, cold: &["build", "find"] };
        let code = Code { hot: 4, all: 7, ..Code::default() };
        assert!(limit(4, 7).judge(&code, &["1find", "5build"]).is_ok());
        assert!(limit(3, 7).judge(&code, &["1find", "5build"]).is_err());
        assert!(limit(4, 6).judge(&code, &["1find", "5build"]).is_err());
        assert!(limit(4, 7).judge(&code, &["1find", "5build", "other"]).is_err());
        assert!(limit(4, 7).judge(&code, &["1find"]).is_err(), "a cold function is not called");
    }

    #[test]
    fn calls_lead_to_names() {
        let symbols = Symbols {
            functions: vec![("build".to_owned(), 0x3000, 8), ("find".to_owned(), 0x4000, 8)],
            stored: HashMap::from([(0x2000, 0x4000)]),
        };
        assert_eq!(symbols.target(Call::Direct(0x3000)).ok(), Some("build"));
        assert_eq!(symbols.target(Call::Through(0x2000)).ok(), Some("find"));
        assert!(symbols.target(Call::Through(0x2008)).is_err());
        assert!(symbols.target(Call::Computed).is_err());
        assert!(symbols.function("build").is_ok());
        assert!(symbols.function("d").is_err(), "two functions match");
    }
}
