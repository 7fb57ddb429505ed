//! Puts every scenario of `data/` into the binary, under the name of its file.

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let data = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("data");
    println!("cargo::rerun-if-changed={}", data.display());
    let entries = fs::read_dir(&data).expect("the catalogue is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut text = String::from("&[\n");
    for path in files {
        let name = path.file_stem().expect("a file has a name").to_string_lossy();
        writeln!(text, "    (\"{name}\", include_str!(r\"{}\")),", path.display())
            .expect("a string takes it");
    }
    text.push(']');
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("catalogue.rs");
    fs::write(out, text).expect("the build folder takes it");
}
