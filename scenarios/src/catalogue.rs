//! The catalogue: the scenarios that come with the tool, and where else a scenario may be.

use std::{io, path::Path};

use crate::{Error, Scenario, error::nearest};

/// Name and text of every scenario of the catalogue, by name.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Every scenario of the catalogue.
pub fn all() -> Result<Vec<Scenario>, Error> {
    FILES.iter().map(|(name, text)| Scenario::parse(name, &format!("{name}.toml"), text)).collect()
}

/// The scenario of a name, or of a file: whatever has a slash or ends in `.toml` is a path.
pub fn find(what: &str) -> Result<Scenario, Error> {
    let path = Path::new(what);
    if what.contains(std::path::MAIN_SEPARATOR) || path.extension().is_some_and(|ending| ending == "toml") {
        let text = std::fs::read_to_string(path).map_err(|error| Error::new(what, reading(&error)))?;
        let name = path.file_stem().map_or(what.into(), |stem| stem.to_string_lossy());
        return Scenario::parse(&name, what, &text);
    }
    let names = FILES.iter().map(|(name, _)| *name);
    match FILES.iter().find(|(name, _)| *name == what) {
        Some((name, text)) => Scenario::parse(name, &format!("{name}.toml"), text),
        None => {
            let right = match nearest(what, names) {
                Some(hint) => format!("did you mean `{hint}`?"),
                None => format!(
                    "`cdcsim list` tells all {}; a file is given by a path that ends in .toml",
                    FILES.len()
                ),
            };
            Err(Error::new(format!("scenario `{what}`"), format!("it is not in the catalogue; {right}")))
        }
    }
}

/// What went wrong when a file was read.
pub(crate) fn reading(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        io::ErrorKind::InvalidData => "it is not text in UTF-8".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}
