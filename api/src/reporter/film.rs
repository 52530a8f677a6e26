//! Films and sound without the place, the time and the device that they carry, cleaned while they arrive. Tracks that are neither picture nor
//! sound go with their samples: cameras write the course of a place into them.

use std::collections::BTreeSet;
use std::mem;
use std::ops::Range;

use super::boxes::{Boxed, Kind, boxes, has, index, kept, nameless, number, timeless, without_places, zero};

/// Largest table of contents of a film; it lies in memory meanwhile.
const MOVIE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most chunks of a track that has to go.
const CHUNKS_MAX: usize = 200_000;

/// What a film shows or sounds like: pictures, sound, the mask of a picture.
const HANDLERS: [&Kind; 3] = [b"vide", b"soun", b"auxv"];
/// Boxes at the top of a film that are passed on as they are.
const FILM: [&Kind; 6] = [b"ftyp", b"styp", b"mdat", b"wide", b"sidx", b"ssix"];
const TRACK: [&Kind; 5] = [b"tkhd", b"edts", b"mdia", b"tapt", b"trgr"];
const MEDIA: [&Kind; 4] = [b"mdhd", b"hdlr", b"minf", b"elng"];
const MEDIA_INFORMATION: [&Kind; 7] = [b"vmhd", b"smhd", b"gmhd", b"nmhd", b"hdlr", b"dinf", b"stbl"];
const SAMPLES: [&Kind; 18] = [
    b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"stsh",
    b"sdtp", b"padb", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio",
];
const EXTENDS: [&Kind; 3] = [b"mehd", b"trex", b"leva"];
const FRAGMENT_TRACK: [&Kind; 9] =
    [b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio"];

/// The contents of a film, in memory; gives back where samples lie that have to go.
fn movie(bytes: &mut [u8], from: usize, to: usize) -> Option<Vec<Range<u64>>> {
    // Where nothing would be left to see or to hear it is something else, such as a series of pictures.
    let tracks = boxes(bytes, from, to)?.into_iter().filter(|one| one.kind == *b"trak");
    let handlers: Vec<Kind> = tracks.map(|one| handler_of(bytes, one)).collect::<Option<_>>()?;
    if !handlers.is_empty() && !handlers.iter().any(|handler| has(&HANDLERS, *handler)) {
        return None;
    }
    let mut lost = Vec::new();
    for one in kept(bytes, from, to, &[b"mvhd", b"trak", b"mvex", b"iods"])? {
        match &one.kind {
            b"mvhd" => timeless(bytes, one)?,
            b"trak" => lost.extend(track(bytes, one)?),
            b"mvex" => drop(kept(bytes, one.body, one.end, &EXTENDS)?),
            _ => {}
        }
    }
    Some(lost)
}

fn find(bytes: &[u8], inside: Boxed, kind: Kind) -> Option<Boxed> {
    boxes(bytes, inside.body, inside.end)?.into_iter().find(|one| one.kind == kind)
}

/// What a track is.
fn handler_of(bytes: &[u8], track: Boxed) -> Option<Kind> {
    let handler = find(bytes, find(bytes, track, *b"mdia")?, *b"hdlr")?;
    bytes.get(handler.body + 8..handler.body + 12)?.try_into().ok()
}

fn track(bytes: &mut [u8], one: Boxed) -> Option<Vec<Range<u64>>> {
    let handler = handler_of(bytes, one)?;
    if !has(&HANDLERS, handler) {
        let media = find(bytes, one, *b"mdia")?;
        let table =
            find(bytes, media, *b"minf").and_then(|information| find(bytes, information, *b"stbl"))?;
        let lost = chunks(bytes, table)?;
        one.blank(bytes);
        return Some(lost);
    }
    for one in kept(bytes, one.body, one.end, &TRACK)? {
        match &one.kind {
            b"tkhd" => timeless(bytes, one)?,
            b"mdia" => media_of(bytes, one, handler)?,
            _ => {}
        }
    }
    Some(Vec::new())
}

fn media_of(bytes: &mut [u8], media: Boxed, handler: Kind) -> Option<()> {
    for one in kept(bytes, media.body, media.end, &MEDIA)? {
        match &one.kind {
            b"mdhd" => timeless(bytes, one)?,
            b"hdlr" => drop(nameless(bytes, one)?),
            b"minf" => {
                for one in kept(bytes, one.body, one.end, &MEDIA_INFORMATION)? {
                    match &one.kind {
                        b"hdlr" => drop(nameless(bytes, one)?),
                        b"dinf" => without_places(bytes, one)?,
                        b"stbl" => samples(bytes, one, handler)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Some(())
}

/// How samples are coded stays; what coded them does not.
fn samples(bytes: &mut [u8], table: Boxed, handler: Kind) -> Option<()> {
    for one in kept(bytes, table.body, table.end, &SAMPLES)? {
        if one.kind != *b"stsd" || handler == *b"soun" {
            continue;
        }
        for entry in boxes(bytes, one.body + 8, one.end)? {
            // The vendor of QuickTime, and 32 bytes with the name of what compressed it.
            for name in [12..16, 42..74] {
                zero(bytes, (entry.body + name.start).min(entry.end)..(entry.body + name.end).min(entry.end));
            }
        }
    }
    Some(())
}

/// Where the samples of a track lie in the file.
fn chunks(bytes: &[u8], table: Boxed) -> Option<Vec<Range<u64>>> {
    let tables = boxes(bytes, table.body, table.end)?;
    let find = |kind: &Kind| tables.iter().find(|one| one.kind == *kind).map(|one| one.body);
    let (places, wide) = find(b"stco").map(|at| (at, 4)).or_else(|| Some((find(b"co64")?, 8)))?;
    let (runs, sizes) = (find(b"stsc")?, find(b"stsz")?);
    let (many_runs, many_chunks) = (index(bytes, runs + 4, 4)?, index(bytes, places + 4, 4)?);
    let (each, many) = (number(bytes, sizes + 4, 4)?, index(bytes, sizes + 8, 4)?);
    if many_chunks > CHUNKS_MAX {
        return None;
    }
    let (mut found, mut run, mut sample) = (Vec::new(), 0, 0_usize);
    for chunk in 0..many_chunks {
        // A run holds from the chunk that it names until the next run does.
        while run + 1 < many_runs && index(bytes, runs + 8 + 12 * (run + 1), 4)? <= chunk + 1 {
            run += 1;
        }
        let in_chunk = index(bytes, runs + 8 + 12 * run + 4, 4)?;
        let start = number(bytes, places + 8 + wide * chunk, wide)?;
        let last = sample.checked_add(in_chunk)?.min(many);
        let length = if each > 0 {
            each.checked_mul(u64::try_from(last - sample).ok()?)?
        } else {
            let size = |nth: usize| number(bytes, sizes + 12 + 4 * nth, 4);
            (sample..last).try_fold(0_u64, |sum, nth| sum.checked_add(size(nth)?))?
        };
        sample = last;
        found.push(start..start.checked_add(length)?);
    }
    Some(found)
}

fn fragment(bytes: &mut [u8], from: usize, to: usize) -> Option<()> {
    for one in kept(bytes, from, to, &[b"mfhd", b"traf"])? {
        if one.kind == *b"traf" {
            kept(bytes, one.body, one.end, &FRAGMENT_TRACK)?;
        }
    }
    Some(())
}

/// A film that is cleaned while it arrives.
pub(crate) struct Film {
    state: State,
    /// Bytes that went out.
    at: u64,
    held: Vec<u8>,
    /// Where samples lie that have to go.
    lost: Vec<Range<u64>>,
    /// Kinds of boxes that have come.
    seen: BTreeSet<Kind>,
    clean: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The head of a box comes next.
    Head,
    /// So many bytes are passed on.
    Pass(u64),
    /// In place of so many bytes come zeros.
    Blank(u64),
    /// A box of so many bytes is held until it is whole.
    Hold(u64),
}

impl Film {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Head,
            at: 0,
            held: Vec::new(),
            lost: Vec::new(),
            seen: BTreeSet::new(),
            clean: true,
        }
    }

    /// Takes what arrived; what may go on is added to `out`.
    pub(crate) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let many = match self.state {
                State::Head => self.head(bytes, out),
                State::Pass(left) | State::Blank(left) => {
                    let many = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let from = out.len();
                    out.extend_from_slice(&bytes[..many]);
                    self.moved(out, from);
                    many
                }
                State::Hold(whole) => {
                    let missing = usize::try_from(whole).unwrap_or(usize::MAX) - self.held.len();
                    let many = missing.min(bytes.len());
                    self.held.extend_from_slice(&bytes[..many]);
                    if many == missing {
                        self.held_whole(out);
                    }
                    many
                }
            };
            bytes = &bytes[many..];
        }
    }

    /// Counts what was added to `out`, and blanks of it what has to go.
    fn moved(&mut self, out: &mut [u8], from: usize) {
        let many = out.len() - from;
        match &mut self.state {
            State::Pass(left) => {
                let here = self.at..self.at + many as u64;
                let first = self.lost.partition_point(|lost| lost.end <= here.start);
                for lost in self.lost[first..].iter().take_while(|lost| lost.start < here.end) {
                    let (start, end) = (lost.start.max(here.start), lost.end.min(here.end));
                    let place = |at: u64| from + usize::try_from(at - here.start).unwrap_or(many);
                    if start < end {
                        zero(out, place(start)..place(end));
                    }
                }
                *left -= many as u64;
            }
            State::Blank(left) => {
                out[from..].fill(0);
                *left -= many as u64;
            }
            State::Head | State::Hold(_) => {}
        }
        self.at += many as u64;
        if matches!(self.state, State::Pass(0) | State::Blank(0)) {
            self.state = State::Head;
        }
    }

    /// Reads the head of a box; how many bytes of it were taken.
    fn head(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let wide = self.held.get(..4) == Some(&[0, 0, 0, 1]);
        let many = (if wide { 16 } else { 8 } - self.held.len()).min(bytes.len());
        self.held.extend_from_slice(&bytes[..many]);
        let read = self.held.len();
        if read < 8 || (read < 16 && self.held[..4] == [0, 0, 0, 1]) {
            return many;
        }
        let head = read as u64;
        let size = match number(&self.held, 0, 4) {
            // Nothing but zeros is no box.
            Some(0) if self.held[4..8] == [0; 4] => 0,
            Some(0) => u64::MAX,
            Some(1) => number(&self.held, 8, 8).unwrap_or(0),
            Some(size) => size,
            None => 0,
        };
        let Some(left) = size.checked_sub(head) else {
            self.strange(out);
            return many;
        };
        let kind: Kind = [self.held[4], self.held[5], self.held[6], self.held[7]];
        if [b"moov", b"moof", b"mdat"].contains(&&kind) {
            self.seen.insert(kind);
        }
        if (kind == *b"moov" || kind == *b"moof") && size <= MOVIE_BYTES_MAX {
            self.state = State::Hold(size);
            if left == 0 {
                self.held_whole(out);
            }
            return many;
        }
        // A table of contents that is too large to be looked at stays as it is, and is said not to be clean.
        let too_large = kind == *b"moov" || kind == *b"moof";
        self.clean &= !too_large;
        let stays = too_large || has(&FILM, kind);
        if !stays {
            self.held[4..8].copy_from_slice(b"free");
        }
        self.put(out);
        self.state = match (left, stays) {
            (0, _) => State::Head,
            (left, true) => State::Pass(left),
            (left, false) => State::Blank(left),
        };
        many
    }

    fn put(&mut self, out: &mut Vec<u8>) {
        self.at += self.held.len() as u64;
        out.append(&mut self.held);
    }

    /// What is no box: behind a whole film it is no part of it; elsewhere nothing is understood, and nothing touched.
    fn strange(&mut self, out: &mut Vec<u8>) {
        let behind = self.seen.contains(b"moov") && self.seen.contains(b"mdat");
        self.clean &= behind;
        if behind {
            self.held.fill(0);
        }
        self.put(out);
        self.state = if behind { State::Blank(u64::MAX) } else { State::Pass(u64::MAX) };
    }

    fn held_whole(&mut self, out: &mut Vec<u8>) {
        let mut held = mem::take(&mut self.held);
        let from = if held.get(..4) == Some(&[0, 0, 0, 1]) { 16 } else { 8 };
        let to = held.len();
        let lost = if held[4..8] == *b"moov" {
            movie(&mut held, from, to)
        } else {
            fragment(&mut held, from, to).map(|()| Vec::new())
        };
        self.clean &= lost.is_some();
        self.lose(lost.unwrap_or_default());
        self.held = held;
        self.put(out);
        self.state = State::Head;
    }

    /// Where samples lie that have to go. Those that went out already can't be taken back.
    fn lose(&mut self, lost: Vec<Range<u64>>) {
        self.lost.extend(lost.into_iter().filter(|lost| !lost.is_empty()));
        self.clean &= self.lost.iter().all(|lost| lost.start >= self.at);
        self.lost.sort_by_key(|lost| lost.start);
        self.lost.dedup_by(|next, last| {
            let joins = next.start <= last.end;
            last.end = if joins { last.end.max(next.end) } else { last.end };
            joins
        });
    }

    /// What is left at the end; and whether all of it was a film that tells nothing any more.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.held.is_empty() {
            // A box that is cut off.
            self.clean &= self.state == State::Head;
            if self.state == State::Head {
                self.held.fill(0);
            }
            self.put(out);
        }
        // Where the samples of a fragment lie is not known here.
        self.clean && self.seen.contains(b"moov") && (self.lost.is_empty() || !self.seen.contains(b"moof"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::reporter::boxes::tests::{SECRET, holds, one, word};
    use proptest::prelude::*;

    /// A track of one chunk with two samples.
    fn track_of(handler: &[u8], at: usize, sizes: [usize; 2]) -> Vec<u8> {
        let coded: [&[u8]; 6] = [&[0; 6], &[0, 1], &[0; 16], &[1; 18], SECRET, &[0; 10]];
        let sound = handler == b"soun";
        let entry = if sound {
            one(b"mp4a", &[&[0; 28], b"code"])
        } else {
            one(b"avc1", &[&coded.concat(), b"code"])
        };
        let table = [
            one(b"stsd", &[&[0; 4], &word(1), &entry]),
            one(b"stsz", &[&[0; 8], &word(2), &word(sizes[0]), &word(sizes[1])]),
            one(b"stsc", &[&[0; 4], &word(1), &word(1), &word(2), &word(1)]),
            one(b"stco", &[&[0; 4], &word(1), &word(at)]),
        ];
        let place = one(b"url ", &[&[0, 0, 0, 1], SECRET]);
        let data = one(b"dinf", &[&one(b"dref", &[&[0; 4], &word(1), &place])]);
        let information =
            one(b"minf", &[&one(b"vmhd", &[&[0; 12]]), &data, &one(b"stbl", &[&table.concat()])]);
        let named = one(b"hdlr", &[&[0; 8], handler, &[0; 12], SECRET, &[0]]);
        let media = one(b"mdia", &[&one(b"mdhd", &[&[0; 4], &[7; 8], &[1; 12]]), &named, &information]);
        let told = one(b"udta", &[&one(b"\xa9xyz", &[SECRET])]);
        one(b"trak", &[&one(b"tkhd", &[&[0; 4], &[7; 8], &[1; 72]]), &media, &told])
    }

    /// A film with everything that telephones and cameras write into one; the table of contents first or last, the course of the place as a
    /// track of its own or not.
    pub(crate) fn film(movie_first: bool, with_course: bool) -> Vec<u8> {
        let head = one(b"ftyp", &[b"isom\0\0\0\0isommp42"]);
        let course = [SECRET, SECRET].concat();
        let media = one(b"mdat", &[b"picture1", b"picture2", &course, b"sound1sound2"]);
        let movie = |from: usize| {
            let from = from + 8;
            let mut tracks = track_of(b"vide", from, [8, 8]);
            if with_course {
                tracks.extend(track_of(b"meta", from + 16, [SECRET.len(); 2]));
            }
            tracks.extend(track_of(b"soun", from + 16 + course.len(), [6, 6]));
            let told = [one(b"\xa9xyz", &[SECRET]), one(b"meta", &[SECRET])].concat();
            let heads = one(b"mvhd", &[&[0; 4], &[7; 8], &[1; 88]]);
            one(b"moov", &[&heads, &tracks, &one(b"udta", &[&told]), &one(b"meta", &[SECRET])])
        };
        let more = [one(b"uuid", &[&[7; 16], SECRET]), one(b"free", &[SECRET]), one(b"wide", &[])].concat();
        let length = movie(0).len();
        if movie_first {
            [
                head.clone(),
                movie(head.len() + length + more.len()),
                more,
                media,
                b"\0\0\0\x02".to_vec(),
                SECRET.to_vec(),
            ]
            .concat()
        } else {
            let wide = [&word(1)[..], b"mdat", &(media.len() as u64 + 8).to_be_bytes(), &media[8..]].concat();
            [head.clone(), more.clone(), wide, movie(head.len() + more.len() + 8), b"tail".to_vec()].concat()
        }
    }

    /// The film that comes out when it arrives in pieces of so many bytes.
    fn cleaned(film: &[u8], pieces: usize) -> (Vec<u8>, bool) {
        let (mut clean, mut out) = (Film::new(), Vec::new());
        for piece in film.chunks(pieces) {
            clean.take(piece, &mut out);
        }
        let whole = clean.end(&mut out);
        (out, whole)
    }

    #[test]
    fn a_film_keeps_picture_and_sound_at_their_places_and_nothing_that_tells_however_it_arrives() {
        for (movie_first, with_course) in [(true, true), (true, false), (false, false)] {
            let taken = film(movie_first, with_course);
            let taken = if with_course { taken } else { without_course(taken) };
            assert!(holds(&taken, SECRET));
            let (whole, clean) = cleaned(&taken, taken.len());
            assert!(clean && !holds(&whole, &SECRET[..8]), "{}", String::from_utf8_lossy(&whole));
            assert_eq!(whole.len(), taken.len());
            assert!(!holds(&whole, &[7; 8]), "when it was made");
            for kept in [&b"picture1picture2"[..], b"sound1sound2", b"code"] {
                let place = |bytes: &[u8]| bytes.windows(kept.len()).position(|window| window == kept);
                assert!(place(&whole).is_some());
                assert_eq!(place(&whole), place(&taken));
            }
            for pieces in [1, 2, 3, 7, 64, 1000] {
                assert_eq!(cleaned(&taken, pieces), (whole.clone(), true), "{pieces}");
            }
            let (again, clean) = cleaned(&whole, 100);
            assert!(clean && again == whole, "what is clean stays as it is");
        }
    }

    /// The same film whose camera wrote no course.
    fn without_course(mut film: Vec<u8>) -> Vec<u8> {
        let place = film.windows(16).position(|window| window == b"picture1picture2").expect("samples") + 16;
        film[place..place + 2 * SECRET.len()].fill(b'x');
        film
    }

    #[test]
    fn a_series_of_pictures_is_no_film_and_not_touched() {
        let track = track_of(b"pict", 0, [1, 1]);
        let file =
            [one(b"ftyp", &[b"msf1\0\0\0\0msf1"]), one(b"moov", &[&track]), one(b"mdat", &[b"pictures"])]
                .concat();
        assert_eq!(cleaned(&file, 50), (file.clone(), false));
    }

    #[test]
    fn a_course_that_went_out_before_it_was_known_is_said_and_so_is_what_is_cut_off_or_something_else() {
        let (out, clean) = cleaned(&film(false, true), 64);
        assert!(!clean && holds(&out, SECRET), "its samples were gone already");
        let whole = film(true, true);
        let movie = whole.windows(4).position(|window| window == b"moov").expect("a table");
        for end in 0..movie + 200 {
            let (out, clean) = cleaned(&whole[..end], 50);
            assert!(!clean && out.len() == end, "{end}");
        }
        let junk = [&whole[..40], b"\0\0\0\x02oddx and so on"].concat();
        assert_eq!(cleaned(&junk, 10), (junk.clone(), false), "nothing that is not understood is touched");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever arrives, nothing panics, no byte is added or lost, and what is clean stays so.
        #[test]
        fn a_film_that_is_changed_anywhere_is_clean_or_said_not_to_be(
            first in any::<bool>(), course in any::<bool>(), pieces in 1_usize..300,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let mut bytes = film(first, course);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let (out, clean) = cleaned(&bytes, pieces);
            prop_assert_eq!(out.len(), bytes.len());
            prop_assert_eq!(cleaned(&bytes, bytes.len()), (out.clone(), clean));
            if clean {
                prop_assert_eq!(cleaned(&out, 100), (out, true));
            }
        }

        #[test]
        fn any_bytes_are_no_film(bytes in prop::collection::vec(any::<u8>(), 0..400), pieces in 1_usize..50) {
            for bytes in [one(b"moov", &[&bytes]), bytes] {
                let (out, _) = cleaned(&bytes, pieces);
                prop_assert_eq!(out.len(), bytes.len());
            }
        }
    }
}
