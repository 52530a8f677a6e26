//! Builds what runs in the browser, `api/web`, into one file for each page.
//!
//! The packages of `package-lock.json` are installed once, into a folder beside the profiles that is named by that file's
//! content; two builds at once both install, and one of them wins the name.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What npm reads.
const PACKAGES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

fn main() -> ExitCode {
    for source in
        ["web", "words/kinds.tsv", "words/reporter/kinds.tsv", "../core/rules/entries.toml", "../core/words"]
    {
        println!("cargo::rerun-if-changed={source}");
    }
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: what follows a line break would not reach the person who builds.
            println!("cargo::error={}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let api = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let target = out.ancestors().nth(4).ok_or("the folder for built files is not where cargo puts it")?;
    let web = api.join("web");
    let installed = install(&web, &target.join("web"))?;
    let arguments = [&web.join("build.mjs"), &api.join("../core"), &api, &installed, &out];
    run("node", &arguments.map(|path| path.as_os_str()), &web)
}

/// The folder that holds the packages of the lock file.
fn install(web: &Path, shared: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    for name in PACKAGES {
        fs::read(web.join(name))?.hash(&mut hasher);
    }
    let installed = shared.join(format!("{:016x}", hasher.finish()));
    if installed.is_dir() {
        return Ok(installed);
    }
    let fresh = shared.join(format!("installing-{}", std::process::id()));
    fs::create_dir_all(&fresh)?;
    for name in PACKAGES {
        fs::copy(web.join(name), fresh.join(name))?;
    }
    // No script of a package runs here: esbuild's program is a package of its own for each system.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"].map(OsStr::new);
    let done = run(NPM, &arguments, &fresh);
    if done.is_err() || fs::rename(&fresh, &installed).is_err() {
        fs::remove_dir_all(&fresh)?;
    }
    done.map(|()| installed)
}

fn run(program: &str, arguments: &[&OsStr], folder: &Path) -> Result<(), Box<dyn Error>> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| {
        format!(
            "couldn't run {program} ({error}): the pages that run in the browser are built with it. Install Node.js 18 or newer, and npm \
             (Debian: apt-get install nodejs npm). 请安装 Node.js 18 以上版本和 npm"
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{program} failed; it needs Node.js 18 or newer, and at the first build the npm registry: {said}"
    )
    .into())
}
