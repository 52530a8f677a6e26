//! Small pictures of photographs, drawn anew: what a page shows of evidence, without place, time or device, and without whatever
//! else hides in a file. What it was drawn from stays as it is.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

/// Longest side of a small picture, in pixels: twice what a telephone's page shows of it.
const SIDE_PIXELS_MAX: u32 = 480;
/// How much is kept of it, of a hundred.
const QUALITY: u8 = 72;
/// Bytes that a decoder may take for each pixel: four colours of two bytes, and as much for itself.
const BYTES_PER_PIXEL: u64 = 16;

/// A small JPEG of a JPEG, PNG or WebP, the right way up; none where it can't be read, or has more pixels than `most`. The size is
/// read before anything is unpacked, so a small file can't claim the memory.
pub(crate) fn draw(content: &[u8], most: u64) -> Option<Vec<u8>> {
    let reader = || ImageReader::new(Cursor::new(content)).with_guessed_format().ok();
    let format = reader()?.format()?;
    if ![ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP].contains(&format) {
        return None;
    }
    let (width, height) = reader()?.into_dimensions().ok()?;
    if u64::from(width) * u64::from(height) > most {
        return None;
    }
    let mut reader = reader()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(most.saturating_mul(BYTES_PER_PIXEL));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let up = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).ok()?.thumbnail(SIDE_PIXELS_MAX, SIDE_PIXELS_MAX);
    if let Some(up) = up {
        picture.apply_orientation(up);
    }
    let mut small = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut small, QUALITY);
    DynamicImage::from(picture.to_rgb8()).write_with_encoder(encoder).ok()?;
    Some(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A photograph as a telephone writes it: lying on its side, with a place in its metadata.
    fn photograph(width: u32, height: u32, up: u8) -> Vec<u8> {
        let mut drawn = Vec::new();
        let picture = image::RgbImage::from_fn(width, height, |x, _| {
            if x < width / 2 { image::Rgb([200, 30, 30]) } else { image::Rgb([30, 30, 200]) }
        });
        let encoder = JpegEncoder::new_with_quality(&mut drawn, 90);
        DynamicImage::from(picture).write_with_encoder(encoder).expect("drawn");
        let exif = [
            &b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
            &[up, 0, 0, 0, 0, 0, 0],
            b"GPS 40.29N 123.28E",
        ]
        .concat();
        let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
        [&drawn[..2], &[0xff, 0xe1], &length, &exif, &drawn[2..]].concat()
    }

    #[test]
    fn a_photograph_becomes_small_upright_and_silent() {
        let taken = photograph(1600, 900, 6);
        let small = draw(&taken, 2_000_000).expect("drawn");
        let picture = image::load_from_memory(&small).expect("a picture").to_rgb8();
        assert_eq!(picture.dimensions(), (270, 480), "turned, and no longer than a side may be");
        assert!(picture.get_pixel(135, 20).0[0] > 150, "red was on the left, and is on top");
        let tells = |bytes: &[u8]| bytes.windows(3).any(|three| three == b"GPS");
        assert!(tells(&taken) && !tells(&small));
        assert!(small.len() < 30_000, "{} bytes", small.len());
    }

    #[test]
    fn what_has_too_many_pixels_or_is_no_picture_is_not_drawn() {
        let taken = photograph(1600, 900, 1);
        assert!(draw(&taken, 1600 * 900 - 1).is_none());
        assert!(draw(&taken[..taken.len() / 200], 2_000_000).is_none());
        assert!(draw(b"%PDF-1.7", 2_000_000).is_none());
        // A head that claims more than there is.
        let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\0\0\0\x01\0\0\x08\x06\0\0\0".to_vec();
        bomb.extend([0x5c, 0x72, 0xa8, 0x66]);
        assert!(draw(&bomb, 64_000_000).is_none());
    }
}
