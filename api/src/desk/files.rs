//! Files that prove something, as pages show them: photographs small, anything else by its name, each with what proves it.

use adit_core::attachment::Attachment;

use super::words::Words;
use crate::attached::PICTURES;

/// One file.
#[derive(Clone)]
pub(crate) struct FileShown {
    pub(crate) name: String,
    pub(crate) href: String,
    /// Where its small picture is; empty where it is no photograph.
    pub(crate) small: String,
    pub(crate) size: String,
    pub(crate) sha256: String,
    /// As it travels with a form.
    pub(crate) value: String,
}

/// Files below an address, `/api/v1/streams/<stream>` or `/api/v1/pending/<id>`.
pub(crate) fn shown(place: &str, files: &[Attachment]) -> Vec<FileShown> {
    let one = |file: &Attachment| {
        let href = format!("{place}/files/{}", file.blob);
        let picture = PICTURES.contains(&file.kind.as_str());
        FileShown {
            name: file.name.to_string(),
            small: if picture { format!("{href}?view=small") } else { String::new() },
            href,
            size: size(file.bytes),
            sha256: file.sha256.to_string(),
            value: serde_json::to_string(file).unwrap_or_default(),
        }
    };
    files.iter().map(one).collect()
}

/// How large a file is, in the unit in which people say it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// How many files, and how large, may be added.
pub(crate) fn limits(w: Words, limits: &crate::limits::Limits) -> String {
    let [files, each, total] =
        [limits.evidence_files, limits.evidence_file_mib, limits.evidence_total_mib].map(|n| n.to_string());
    w.fill("files.limits", &[("files", &files), ("each", &each), ("total", &total)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        let said: Vec<String> = [999, 1_000, 999_999, 3_250_000].into_iter().map(size).collect();
        assert_eq!(said, ["999 B", "1 kB", "999 kB", "3.2 MB"]);
    }
}
