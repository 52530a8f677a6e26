//! Pictures as telephones take them (HEIF, HEIC, AVIF) without the place, the time and the device that they carry. What is seen stays; in place of
//! everything else come zeros.

use std::ops::Range;

use super::boxes::{Boxed, Kind, has, index, kept, nameless, number, without_places, zero};

/// What stands in the catalogue of a picture.
const CATALOGUE: [&Kind; 9] =
    [b"hdlr", b"pitm", b"iinf", b"iref", b"iprp", b"idat", b"iloc", b"grpl", b"dinf"];
/// Items that are seen.
const ITEMS: [&Kind; 7] = [b"hvc1", b"av01", b"vvc1", b"grid", b"iovl", b"iden", b"tmap"];
const PROPERTIES: [&Kind; 24] = [
    b"ispe", b"pasp", b"colr", b"pixi", b"rloc", b"auxC", b"clap", b"irot", b"imir", b"lsel", b"hvcC",
    b"lhvC", b"av1C", b"vvcC", b"a1op", b"a1lx", b"oinf", b"tols", b"clli", b"mdcv", b"cclv", b"amve",
    b"ndwt", b"reve",
];

/// Where EXIF was stands one that says nothing (offset of its TIFF header, which has no fields): some readers show no picture where it can't
/// be read.
const NO_EXIF: [u8; 18] = *b"\0\0\0\0MM\0\x2a\0\0\0\x08\0\0\0\0\0\0";

/// A picture without what it tells besides; none where it can't be read.
pub(crate) fn picture(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let end = bytes.len();
    let top = kept(&mut bytes, 0, end, &[b"ftyp", b"meta", b"mdat"])?;
    let catalogue = top.iter().filter(|one| one.kind == *b"meta");
    let [meta] = catalogue.copied().collect::<Vec<_>>()[..] else { return None };
    let inside = kept(&mut bytes, meta.body + 4, meta.end, &CATALOGUE)?;
    let find = |kind: &Kind| inside.iter().copied().find(|one| one.kind == *kind);
    if nameless(&mut bytes, find(b"hdlr")?)? != *b"pict" {
        return None;
    }
    if let Some(places) = find(b"dinf") {
        without_places(&mut bytes, places)?;
    }
    let (seen, exif) = items(&mut bytes, find(b"iinf")?)?;
    let primary = find(b"pitm")?;
    let wide = if *bytes.get(primary.body)? == 0 { 2 } else { 4 };
    let primary = number(&bytes, primary.body + 4, wide)?;
    if !seen.contains(&primary) {
        return None;
    }
    for one in kept(&mut bytes, find(b"iprp")?.body, find(b"iprp")?.end, &[b"ipco", b"ipma"])? {
        if one.kind == *b"ipco" {
            kept(&mut bytes, one.body, one.end, &PROPERTIES)?;
        }
    }
    let data = find(b"idat");
    let (places, from) = (find(b"iloc")?, data.map_or(0, |data| data.body));
    let stay = extents(&bytes, places, from, &seen)?;
    let told = extents(&bytes, places, from, &exif)?;
    // Where no item that is seen lies, nothing is left.
    for one in top.iter().copied().filter(|one| one.kind == *b"mdat").chain(data) {
        let mut from = one.body;
        for range in &stay {
            let start = range.start.clamp(from, one.end);
            zero(&mut bytes, from..start);
            from = range.end.clamp(start, one.end);
        }
        zero(&mut bytes, from..one.end);
        for range in told.iter().filter(|range| range.start >= one.body && range.end <= one.end) {
            let place = bytes.get_mut(range.clone()).and_then(|range| range.get_mut(..NO_EXIF.len()));
            if let Some(place) = place.filter(|place| place.iter().all(|byte| *byte == 0)) {
                place.copy_from_slice(&NO_EXIF);
            }
        }
    }
    Some(bytes)
}

/// The numbers of the items that are seen, and of those with EXIF; names go.
fn items(bytes: &mut [u8], list: Boxed) -> Option<(Vec<u64>, Vec<u64>)> {
    let from = list.body + if *bytes.get(list.body)? == 0 { 6 } else { 8 };
    let (mut seen, mut exif) = (Vec::new(), Vec::new());
    for one in kept(bytes, from, list.end, &[b"infe"])? {
        let wide = match bytes.get(one.body)? {
            2 => 2,
            3 => 4,
            _ => return None,
        };
        let kind: Kind = bytes.get(one.body + 4 + wide + 2..one.body + 4 + wide + 6)?.try_into().ok()?;
        let id = number(bytes, one.body + 4, wide)?;
        if has(&ITEMS, kind) {
            seen.push(id);
        } else if kind == *b"Exif" {
            exif.push(id);
        }
        zero(bytes, one.body + 4 + wide + 6..one.end);
    }
    Some((seen, exif))
}

/// Where some of the items lie in the file, in order.
fn extents(bytes: &[u8], table: Boxed, data: usize, seen: &[u64]) -> Option<Vec<Range<usize>>> {
    let version = *bytes.get(table.body)?;
    let sizes = index(bytes, table.body + 4, 2)?;
    let [offset, length, base, nth] = [12, 8, 4, 0].map(|shift| (sizes >> shift) & 15);
    let wide = if version < 2 { 2 } else { 4 };
    let mut at = table.body + 6;
    let mut take = |size: usize| {
        let found = number(bytes, at, size).filter(|_| at + size <= table.end);
        at += size;
        found
    };
    let mut stay = Vec::new();
    for _ in 0..take(wide)? {
        let item = take(wide)?;
        let method = if version == 0 { 0 } else { take(2)? & 15 };
        // Data in other files is none of ours.
        if take(2)? != 0 {
            return None;
        }
        let begin = take(base)?;
        for _ in 0..take(2)? {
            if version > 0 {
                take(nth)?;
            }
            let start = usize::try_from(begin.checked_add(take(offset)?)?).ok()?;
            let many = usize::try_from(take(length)?).ok()?;
            let shift = match method {
                0 => 0,
                1 => data,
                // It lies in another item, which stays or goes by itself.
                _ => continue,
            };
            if seen.contains(&item) {
                // No length means all that is there.
                let start = start.checked_add(shift).filter(|_| many > 0)?;
                stay.push(start..start.checked_add(many)?);
            }
        }
    }
    stay.sort_by_key(|range| range.start);
    Some(stay)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::reporter::boxes::is_picture;
    use crate::reporter::boxes::tests::{SECRET, holds, one, word};
    use proptest::prelude::*;

    /// A picture as a telephone takes it: coded pixels, EXIF, XMP, names, a date, and a film behind it.
    pub(crate) fn photograph() -> Vec<u8> {
        let info = |id: u8, kind: &[u8], name: &[u8]| {
            one(b"infe", &[&[2, 0, 0, 0], &[0, id, 0, 0], kind, name, &[0]])
        };
        let items = [
            info(1, b"hvc1", SECRET),
            info(2, b"Exif", b""),
            info(3, b"mime", b"\0application/rdf+xml"),
            info(4, b"grid", b""),
        ];
        let build = |from: usize| {
            let extent = |id: u8, method: u8, at: usize, size: usize| {
                [&[0, id, 0, method, 0, 0, 0, 1][..], &word(at), &word(size)].concat()
            };
            let places = [
                extent(1, 0, from + 8, 10),
                extent(2, 0, from + 18, SECRET.len()),
                extent(3, 0, from + 18 + SECRET.len(), SECRET.len()),
                extent(4, 1, 0, 4),
            ];
            let properties = one(b"ipco", &[&one(b"ispe", &[&[0; 12]]), &one(b"udes", &[SECRET])]);
            let meta = [
                one(b"hdlr", &[&[0; 8], b"pict", &[0; 12], SECRET, &[0]]),
                one(b"pitm", &[&[0; 4], &[0, 4]]),
                one(b"iinf", &[&[0; 4], &[0, 4], &items.concat()]),
                one(b"iloc", &[&[1, 0, 0, 0], &[0x44, 0], &[0, 4], &places.concat()]),
                one(b"iprp", &[&properties, &one(b"ipma", &[&[0; 8]])]),
                one(b"idat", &[b"tile", SECRET]),
                one(b"xml ", &[SECRET]),
            ];
            let media = one(b"mdat", &[b"codedcoded", SECRET, SECRET, b"unseen", SECRET]);
            (one(b"meta", &[&[0; 4], &meta.concat()]), media)
        };
        let head = one(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
        let (meta, media) = build(head.len() + build(0).0.len());
        [head, meta, media, one(b"mpvd", &[SECRET])].concat()
    }

    #[test]
    fn a_picture_keeps_what_is_seen_and_nothing_else() {
        let taken = photograph();
        assert!(is_picture(&taken) && holds(&taken, SECRET));
        let clean = picture(taken.clone()).expect("a picture");
        assert!(!holds(&clean, &SECRET[..8]), "{}", String::from_utf8_lossy(&clean));
        assert_eq!(clean.len(), taken.len());
        for kept in [&b"codedcoded"[..], b"tile", b"ispe", b"hvc1", b"Exif", &NO_EXIF] {
            assert!(holds(&clean, kept), "{}", String::from_utf8_lossy(kept));
        }
        assert!(!holds(&clean, b"unseen"));
        assert_eq!(picture(clean.clone()), Some(clean), "what is clean stays as it is");
        for end in 0..taken.len() - SECRET.len() - 8 {
            // What is left of it is none, or tells nothing.
            assert!(picture(taken[..end].to_vec()).is_none_or(|clean| !holds(&clean, &SECRET[..8])), "{end}");
        }
    }

    #[test]
    fn a_picture_whose_pixels_lie_elsewhere_or_are_not_known_is_left_as_it_is() {
        let changed = |from: &[u8], to: &[u8]| {
            let mut bytes = photograph();
            let place = bytes.windows(from.len()).position(|window| window == from).expect("there");
            bytes[place..place + to.len()].copy_from_slice(to);
            picture(bytes)
        };
        assert!(changed(b"grid", b"jpeg").is_none(), "a JPEG in it may tell by itself");
        assert!(changed(b"pict", b"vide").is_none());
        assert!(changed(&[0, 1, 0, 0, 0, 0, 0, 1], &[0, 1, 0, 0, 0, 1]).is_none(), "another file");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_picture_that_is_changed_anywhere_keeps_its_size_or_is_left_as_it_is(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            any in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut bytes = photograph();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let length = bytes.len();
            prop_assert!(picture(bytes).is_none_or(|clean| clean.len() == length));
            prop_assert!(picture(one(b"meta", &[&[0; 4], &any])).is_none());
        }
    }
}
