//! Office documents (OOXML and OpenDocument) without who wrote them, when, and on which machine.
//!
//! Such a file is a zip of parts. Which parts may stay is listed; those that only tell something go, with everything that points at them; and
//! a file with any other part, such as a program, an embedded file or a picture that can't be cleaned, is left as it is, and said to
//! be. In what stays, names, times and paths are taken out of marks of changes and comments. A word that somebody typed is not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::picture;
use super::xml::{self, Rules};

/// Most parts, and most bytes of all of them unpacked: what says that it is more is not unpacked.
const PARTS_MAX: usize = 2000;
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What becomes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Text with marks; names and times go.
    Xml,
    /// Which part points at which.
    Relations,
    /// Lists the parts.
    List,
    Picture,
    /// As it is: a font, or the kind of the document.
    AsItIs,
    /// Something of the same form that says nothing takes its place.
    Empty(&'static str),
    Gone,
}

const ODF_META: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-meta xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
                        office:version=\"1.3\"><office:meta/></office:document-meta>";
const ODF_SETTINGS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-settings \
                            xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" office:version=\"1.3\"><office:settings/></office:document-settings>";

/// What becomes of a part of an OOXML file; none where it is not known.
fn of_ooxml(name: &str) -> Option<Fate> {
    let name = name.to_ascii_lowercase();
    let ends = |ending: &[&str]| ending.iter().any(|one| name.ends_with(one));
    if name == "[content_types].xml" {
        return Some(Fate::List);
    }
    if ["docprops/", "customxml/"].iter().any(|folder| name.starts_with(folder))
        || name.contains("/printersettings/")
    {
        return Some(Fate::Gone);
    }
    if ends(&[".rels"]) {
        return Some(Fate::Relations);
    }
    let ours = ["word/", "xl/", "ppt/"].iter().any(|folder| name.starts_with(folder));
    let more = [
        "/embeddings/",
        "/activex/",
        "/ctrlprops/",
        "/externallinks/",
        "/querytables/",
        "/revisions/",
        "/webextensions/",
        "/model/",
        "/ink/",
        "/tags/",
        "connections.xml",
        "vba",
    ];
    if !ours || more.iter().any(|one| name.contains(one)) {
        return None;
    }
    if ends(&[".xml", ".vml"]) {
        return Some(Fate::Xml);
    }
    if ends(&[".jpg", ".jpeg", ".png", ".webp"]) {
        return Some(Fate::Picture);
    }
    ends(&[".odttf", ".fntdata"]).then_some(Fate::AsItIs)
}

/// The same of an OpenDocument file.
fn of_odf(name: &str) -> Option<Fate> {
    let last = name.rsplit('/').next().unwrap_or_default();
    let gone = ["Thumbnails/", "Configurations2/"].iter().any(|folder| name.starts_with(folder));
    match (name, last) {
        ("mimetype", _) => Some(Fate::AsItIs),
        ("META-INF/manifest.xml", _) => Some(Fate::List),
        ("manifest.rdf" | "layout-cache", _) => Some(Fate::Gone),
        _ if gone => Some(Fate::Gone),
        (_, "content.xml" | "styles.xml") => Some(Fate::Xml),
        (_, "meta.xml") => Some(Fate::Empty(ODF_META)),
        (_, "settings.xml") => Some(Fate::Empty(ODF_SETTINGS)),
        _ => {
            let kind = last.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            let picture = name.starts_with("Pictures/") && ["jpg", "jpeg", "png", "webp"].contains(&&*kind);
            let font = name.starts_with("Fonts/") && ["ttf", "otf"].contains(&&*kind);
            if picture { Some(Fate::Picture) } else { font.then_some(Fate::AsItIs) }
        }
    }
}

type Parts = Vec<(String, Vec<u8>)>;

/// The document without what it tells besides; none where it is no such file, or has a part that is not known.
pub(crate) fn without_metadata(content: &[u8]) -> Option<Vec<u8>> {
    let parts = unpacked(content)?;
    let odf = parts.first().is_some_and(|(name, kind)| {
        name == "mimetype" && kind.starts_with(b"application/vnd.oasis.opendocument.")
    });
    let ooxml = parts.iter().any(|(name, _)| name == "[Content_Types].xml");
    if odf == ooxml {
        return None;
    }
    let fate = |name: &str| if odf { of_odf(name) } else { of_ooxml(name) };
    let fates: BTreeMap<String, Fate> =
        parts.iter().map(|(name, _)| Some((name.clone(), fate(name)?))).collect::<Option<_>>()?;
    let gone = |name: &str| fates.get(name).is_some_and(|fate| *fate == Fate::Gone);
    let lost = lost_relations(&parts, &gone)?;
    let none = BTreeSet::new();
    let mut kept = Parts::new();
    for (name, content) in &parts {
        let text = || std::str::from_utf8(content).ok();
        let clean = match fates.get(name)? {
            Fate::Gone => continue,
            Fate::AsItIs => content.clone(),
            Fate::Empty(instead) => instead.as_bytes().to_vec(),
            Fate::Picture => picture::by_content(content)?,
            Fate::Xml => {
                let lost = lost.get(name).unwrap_or(&none);
                xml::cleaned(text()?, &Rules::Office { lost })?.into_bytes()
            }
            Fate::Relations => {
                let owner = owner_of(name)?;
                if gone(&owner) {
                    continue;
                }
                let lost = lost.get(&owner).unwrap_or(&none);
                xml::cleaned(text()?, &Rules::Relations { lost })?.into_bytes()
            }
            Fate::List => xml::cleaned(text()?, &Rules::List { gone: &gone })?.into_bytes(),
        };
        kept.push((name.clone(), clean));
    }
    packed(&kept)
}

/// The parts of a zip, as far as they may be unpacked.
fn unpacked(content: &[u8]) -> Option<Parts> {
    let mut archive = ZipArchive::new(Cursor::new(content)).ok()?;
    if archive.len() > PARTS_MAX {
        return None;
    }
    let (mut parts, mut left, mut seen) = (Parts::new(), UNPACKED_BYTES_MAX, BTreeSet::new());
    for nth in 0..archive.len() {
        let file = archive.by_index(nth).ok()?;
        let name = std::str::from_utf8(file.name_raw()).ok()?.to_owned();
        if file.is_dir() {
            continue;
        }
        let sound =
            !name.starts_with('/') && !name.contains('\\') && !name.split('/').any(|part| part == "..");
        // Two parts of one name, or of names that differ in case alone, would be read in two ways.
        if !sound || !seen.insert(name.to_ascii_lowercase()) || file.size() > left {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(left + 1).read_to_end(&mut bytes).ok()?;
        left = left.checked_sub(bytes.len() as u64)?;
        parts.push((name, bytes));
    }
    Some(parts)
}

/// A zip of these parts in their order, made on no day that anybody remembers.
fn packed(parts: &Parts) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        // The first part of an OpenDocument file says what it is to whoever reads its first bytes.
        let method = if name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(name.as_str(), options.last_modified_time(DateTime::default())).ok()?;
        writer.write_all(content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

/// The part whose relations these are: `word/_rels/document.xml.rels` are those of `word/document.xml`.
fn owner_of(name: &str) -> Option<String> {
    let (folder, file) = name.rsplit_once('/')?;
    let folder = folder.strip_suffix("_rels")?;
    Some(format!("{folder}{}", file.strip_suffix(".rels")?))
}

/// By part, the ids of relations that lead to a part that goes.
fn lost_relations(parts: &Parts, gone: &dyn Fn(&str) -> bool) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let mut lost = BTreeMap::new();
    for (name, content) in parts.iter().filter(|(name, _)| of_ooxml(name) == Some(Fate::Relations)) {
        let owner = owner_of(name)?;
        let folder = owner.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = std::str::from_utf8(content).ok()?;
        let ids =
            xml::relations(text)?.into_iter().filter(|one| !one.external && gone(&at(folder, &one.target)));
        lost.insert(owner.clone(), ids.map(|one| one.id).collect());
    }
    Some(lost)
}

/// A target as the name of a part.
fn at(folder: &str, target: &str) -> String {
    let base = if target.starts_with('/') { "" } else { folder };
    let mut path: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.join("/")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::reporter::boxes::tests::holds;
    use proptest::prelude::*;

    pub(crate) const NAME: &str = "canary-张三";

    fn zipped(parts: &[(&str, String)]) -> Vec<u8> {
        let parts: Parts =
            parts.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into_bytes())).collect();
        packed(&parts).expect("packed")
    }

    fn relation(id: &str, kind: &str, target: &str, more: &str) -> String {
        format!("<Relationship Id=\"{id}\" Type=\"http://schemas/{kind}\" Target=\"{target}\"{more}/>")
    }

    fn relations(all: &[String]) -> String {
        format!("<?xml version=\"1.0\"?><Relationships xmlns=\"r\">{}</Relationships>", all.concat())
    }

    /// A document as an office program writes it, with its author in every place that there is for one.
    pub(crate) fn document() -> Vec<u8> {
        let types = "<?xml version=\"1.0\"?><Types><Default Extension=\"xml\" ContentType=\"application/xml\"/>\
            <Override PartName=\"/word/document.xml\" ContentType=\"main\"/>\
            <Override PartName=\"/docProps/core.xml\" ContentType=\"core\"/></Types>";
        let text = format!(
            "\u{feff}<?xml version=\"1.0\"?><!-- {NAME} --><w:document xmlns:w=\"w\"><w:body><w:p w:rsidR=\"00AB12CD\">\
             <w:ins w:id=\"1\" w:author=\"{NAME}\" w:date=\"2024-05-10T10:00:00Z\"><w:r><w:t>井下 &lt; 瓦斯 &amp; 水 > 3</w:t></w:r></w:ins>\
             <w:sectPr r:id=\"rId7\"/><pic:cNvPr id=\"0\" name=\"IMG_{NAME}.jpg\" descr='C:\\Users\\{NAME}\\a>b.jpg'/></w:p></w:body></w:document>"
        );
        let comments = format!(
            "<w:comments><w:comment w:id=\"1\" w:author=\"{NAME}\" w:initials=\"{NAME}\"><w:t>批注</w:t></w:comment></w:comments>"
        );
        let core = format!("<cp:coreProperties><dc:creator>{NAME}</dc:creator></cp:coreProperties>");
        let external = relation(
            "rId3",
            "attachedTemplate",
            &format!("file:///C:/Users/{NAME}/n.dotm"),
            " TargetMode=\"External\"",
        );
        zipped(&[
            ("[Content_Types].xml", types.to_owned()),
            (
                "_rels/.rels",
                relations(&[
                    relation("rId1", "officeDocument", "word/document.xml", ""),
                    relation("rId2", "core", "docProps/core.xml", ""),
                ]),
            ),
            ("docProps/core.xml", core.clone()),
            ("docProps/custom.xml", core),
            ("customXml/item1.xml", NAME.to_owned()),
            ("customXml/_rels/item1.xml.rels", relations(&[])),
            ("word/document.xml", text),
            ("word/comments.xml", comments),
            (
                "word/_rels/document.xml.rels",
                relations(&[
                    external,
                    relation("rId5", "link", "https://example.com/", " TargetMode=\"External\""),
                    relation("rId6", "custom", "../customXml/item1.xml", ""),
                    relation("rId7", "printer", "/word/printerSettings/p.bin", ""),
                ]),
            ),
            ("word/printerSettings/p.bin", NAME.to_owned()),
        ])
    }

    /// The same as OpenDocument.
    pub(crate) fn open_document() -> Vec<u8> {
        let text = format!(
            "<?xml version=\"1.0\"?><office:document-content><text:p officeooo:rsid=\"00{NAME}\">井下瓦斯</text:p>\
             <office:annotation><dc:creator>{NAME}</dc:creator><dc:date>2024</dc:date><text:p>批注</text:p></office:annotation></office:document-content>"
        );
        let listed = "<?xml version=\"1.0\"?><manifest:manifest><manifest:file-entry manifest:full-path=\"/\"/>\
            <manifest:file-entry manifest:full-path=\"content.xml\"/><manifest:file-entry manifest:full-path=\"Thumbnails/thumbnail.png\"/></manifest:manifest>";
        zipped(&[
            ("mimetype", "application/vnd.oasis.opendocument.text".to_owned()),
            ("content.xml", text),
            ("meta.xml", NAME.to_owned()),
            ("settings.xml", NAME.to_owned()),
            ("Thumbnails/thumbnail.png", NAME.to_owned()),
            ("META-INF/manifest.xml", listed.to_owned()),
        ])
    }

    pub(crate) fn texts(file: &[u8]) -> BTreeMap<String, String> {
        let parts = unpacked(file).expect("a zip");
        parts
            .into_iter()
            .map(|(name, content)| (name, String::from_utf8_lossy(&content).into_owned()))
            .collect()
    }

    #[test]
    fn a_document_keeps_its_words_and_loses_its_author_and_what_points_at_what_is_gone() {
        let clean = texts(&without_metadata(&document()).expect("a document"));
        let names: Vec<&str> = clean.keys().map(String::as_str).collect();
        let kept = [
            "[Content_Types].xml",
            "_rels/.rels",
            "word/_rels/document.xml.rels",
            "word/comments.xml",
            "word/document.xml",
        ];
        assert_eq!(names, kept);
        for (name, text) in &clean {
            assert!(
                !text.contains(NAME) && !text.contains("2024-05") && !text.contains("00AB12CD"),
                "{name}: {text}"
            );
        }
        let text = &clean["word/document.xml"];
        assert!(
            text.contains("<w:t>井下 &lt; 瓦斯 &amp; 水 > 3</w:t>") && text.contains("<w:sectPr/>"),
            "{text}"
        );
        assert!(text.contains("<w:ins w:id=\"1\" w:author=\"-\">"), "{text}");
        assert!(clean["word/comments.xml"].contains("批注"));
        let targets = &clean["word/_rels/document.xml.rels"];
        assert!(targets.contains("https://example.com/") && targets.contains("about:blank"), "{targets}");
        assert!(!targets.contains("rId6") && !targets.contains("rId7"), "{targets}");
        assert!(!clean["[Content_Types].xml"].contains("docProps") && !clean["_rels/.rels"].contains("rId2"));
    }

    #[test]
    fn an_open_document_keeps_its_words_and_loses_its_author() {
        let file = without_metadata(&open_document()).expect("a document");
        assert_eq!(&file[30..38], b"mimetype", "what it is, is told by its first bytes");
        let clean = texts(&file);
        assert!(clean.values().all(|text| !text.contains(NAME) && !text.contains("2024")), "{clean:?}");
        assert!(clean["content.xml"].contains("井下瓦斯") && clean["content.xml"].contains("批注"));
        assert!(clean["content.xml"].contains("<dc:creator></dc:creator>"));
        assert!(
            !clean.contains_key("Thumbnails/thumbnail.png")
                && !clean["META-INF/manifest.xml"].contains("Thumb")
        );
    }

    #[test]
    fn a_file_with_a_part_that_is_not_known_or_too_much_in_it_is_left_as_it_is() {
        let with = |name: &str, content: &str| {
            let mut parts = unpacked(&document()).expect("parts");
            parts.push((name.to_owned(), content.as_bytes().to_vec()));
            without_metadata(&packed(&parts).expect("packed"))
        };
        assert!(with("word/styles.xml", "<w:styles/>").is_some());
        for name in [
            "word/vbaProject.bin",
            "word/embeddings/a.xlsx",
            "word/media/a.emf",
            "word/media/a.png",
            "evil.exe",
            "xl/externalLinks/a.xml",
        ] {
            assert!(with(name, "<a/>").is_none(), "{name}");
        }
        for text in ["<!DOCTYPE a><a/>", "<a b=c/>", "<a", "<w:mailMerge/>", "<dc:creator>open"] {
            assert!(with("word/other.xml", text).is_none(), "{text}");
        }
        // A mebibyte of zip that would be a gibibyte.
        let bomb: Parts = vec![
            ("[Content_Types].xml".to_owned(), b"<a/>".to_vec()),
            ("word/a.xml".to_owned(), vec![b' '; 70 << 20]),
        ];
        let bomb = packed(&bomb).expect("packed");
        assert!(bomb.len() < 200_000 && without_metadata(&bomb).is_none());
        assert!(without_metadata(&zipped(&[("a.txt", "a".to_owned())])).is_none(), "any other zip");
    }

    #[test]
    fn what_others_read_is_what_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, file) in [("a.docx", document()), ("a.odt", open_document())] {
            let path = folder.path().join(name);
            std::fs::write(&path, without_metadata(&file).expect("a document")).expect("written");
            let read = "import sys, zipfile, xml.dom.minidom as x; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n\
                for n in z.namelist():\n  if n.endswith('.rels') or n.startswith('[') or n.startswith('META'): x.parseString(z.read(n).replace(b'manifest:', b''))\n\
                assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in z.infolist())";
            let output = std::process::Command::new("python3")
                .args(["-c", read])
                .arg(&path)
                .output()
                .expect("python3");
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_changed_nothing_panics_and_no_name_stays_in_what_is_called_clean(
            odf in any::<bool>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut file = if odf { open_document() } else { document() };
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if let Some(clean) = without_metadata(&file) {
                prop_assert!(unpacked(&clean).is_some());
                prop_assert!(!holds(&clean, NAME.as_bytes()));
            }
        }

        #[test]
        fn any_text_is_read_to_its_end_or_not_at_all(text in "[<>/a-c=\"' !?\\[\\]-]{0,60}") {
            let none = BTreeSet::new();
            let rules = Rules::Office { lost: &none };
            if let Some(once) = xml::cleaned(&text, &rules) {
                prop_assert_eq!(xml::cleaned(&once, &rules), Some(once));
            }
        }
    }
}
