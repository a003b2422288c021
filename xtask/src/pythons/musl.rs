//! CPython with musl as its C library, as Alpine has it.

use super::builds::PACKAGE;
use super::cache::{Cache, Staging};
use super::commands::tool;
use super::cpython;
use super::requirements::require;
use super::source::{self, Parts};
use anyhow::{Context, Result};
use std::env::consts::ARCH;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler, and what makes libffi's `configure`, which its source package lacks.
const TOOLS: &[&str] = &[
    "musl-tools",
    "linux-libc-dev",
    "autoconf",
    "automake",
    "libtool",
    "libltdl-dev",
];

/// Builds it with the two libraries that matter most: `ctypes` and `zlib` need them, and
/// Debian has none that are built with musl. The other modules that need a library are
/// missing in this build.
pub(super) fn make(cache: &Cache, staging: &Staging) -> Result<()> {
    require(TOOLS, &staging.log)?;
    let compiler = compiler(&staging.work)?;
    let libraries = staging.work.join("libraries");
    let python = source::unpack(cache, staging, PACKAGE, Parts::Patched)?;
    let libffi = source::unpack(cache, staging, "libffi", Parts::Released)?;
    let zlib = source::unpack(cache, staging, "zlib", Parts::Released)?;

    staging
        .log
        .run(tool("autoreconf").args(["-fi"]).current_dir(&libffi))?;
    let mut configure = configure_in(&libffi, &compiler, &libraries);
    configure.args(["--disable-shared", "--with-pic", "--disable-docs"]);
    configure.args([
        "--disable-multi-os-directory",
        &format!("--host={ARCH}-linux-musl"),
    ]);
    staging.log.run(&mut configure)?;
    install(&libffi, staging)?;

    let mut configure = configure_in(&zlib, &compiler, &libraries);
    staging
        .log
        .run(configure.arg("--static").env("CFLAGS", "-O2 -fPIC"))?;
    install(&zlib, staging)?;

    let include = format!("-I{}", libraries.join("include").display());
    let link = |name| format!("-L{} -l{name}", libraries.join("lib").display());
    let variables = [
        format!("CC={}", compiler.display()),
        // The libraries that it knows are those of the other C library.
        "PKG_CONFIG=false".to_owned(),
        format!("LIBFFI_CFLAGS={include}"),
        format!("LIBFFI_LIBS={}", link("ffi")),
        format!("ZLIB_CFLAGS={include}"),
        format!("ZLIB_LIBS={}", link("z")),
    ];
    cpython::build(&python, staging, &[], &variables)
}

/// A compiler for musl that finds the kernel's headers, but no others of the machine, and
/// that names no multiarch folder: CPython's `configure` would take the machine's.
fn compiler(folder: &Path) -> Result<PathBuf> {
    let headers = folder.join("kernel-headers");
    fs::create_dir(&headers)?;
    let include = Path::new("/usr/include");
    symlink(include.join("linux"), headers.join("linux"))?;
    symlink(include.join("asm-generic"), headers.join("asm-generic"))?;
    let own = include.join(format!("{ARCH}-linux-gnu/asm"));
    symlink(own, headers.join("asm"))?;

    let script = format!(
        "#!/bin/sh\n\
         for word in \"$@\"; do [ \"$word\" = --print-multiarch ] && exit 0; done\n\
         exec musl-gcc -isystem '{}' \"$@\"\n",
        headers.display()
    );
    let path = folder.join("musl-cc");
    fs::write(&path, script).with_context(|| path.display().to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn configure_in(source: &Path, compiler: &Path, prefix: &Path) -> Command {
    let mut configure = tool("./configure");
    configure.current_dir(source).env("CC", compiler);
    configure.arg(format!("--prefix={}", prefix.display()));
    configure
}

fn install(source: &Path, staging: &Staging) -> Result<()> {
    let mut make = tool("make");
    make.current_dir(source).args(["--silent", "install"]);
    staging.log.run(&mut make)
}
