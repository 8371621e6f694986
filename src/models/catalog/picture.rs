//! What becomes of an uploaded picture: it is decoded within limits, stands upright, loses whatever
//! else the camera wrote into it, and is written anew, large and in smaller renditions.

use std::{
    collections::HashMap,
    io::Cursor,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    imageops::FilterType,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::{
    errors::{Error, Result},
    ids::CompanyId,
    tenancy::keys,
};

/// The widths in which a picture is offered besides its own.
pub const WIDTHS: [u32; 3] = [160, 480, 1_200];
/// The longest side that is kept of a picture of goods.
pub const SIDE_MAX: u32 = 2_400;
/// The longest side, and the most pixels, that are decoded at all: a small file can unpack to gigabytes.
const SIDE_DECODED_MAX: u32 = 16_000;
const PIXELS_MAX: u64 = 40_000_000;
const DECODED_BYTES_MAX: u64 = 256 * 1_024 * 1_024;
const JPEG_QUALITY: u8 = 84;

/// One picture is decoded at a time: each may take a quarter of a gigabyte.
static TURN: Semaphore = Semaphore::const_new(1);
/// Each company waits for that turn with one picture, so that many of one go between those of others.
static QUEUES: LazyLock<Mutex<HashMap<CompanyId, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);
/// So many uploads of one company wait in memory.
const WAITING_MAX: usize = 8;

/// A picture as it is stored.
#[derive(Debug)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    /// `jpg`, or `webp` for one that can be seen through.
    pub kind: &'static str,
    /// Of the stored bytes, in hexadecimal.
    pub hash: String,
}

/// The turn to decode a picture of a company.
struct Turn {
    _of_all: SemaphorePermit<'static>,
    _of_company: OwnedSemaphorePermit,
}

/// # Errors
/// 503 while too many of the company's wait, where that is bounded.
async fn turn_of(company: CompanyId, waiting_max: Option<usize>) -> Result<Turn> {
    let queue = {
        let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        queues.entry(company).or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
    };
    // One is the map's own, and each that waits or decodes has another.
    if waiting_max.is_some_and(|most| Arc::strong_count(&queue) > most + 1) {
        return Err(Error::Unavailable("other pictures of this company are being read; try again".into()));
    }
    let of_company = queue.acquire_owned().await.map_err(Error::internal)?;
    Ok(Turn { _of_all: TURN.acquire().await.map_err(Error::internal)?, _of_company: of_company })
}

/// Reads a company's upload, off the threads that answer requests, and makes it no longer than
/// `side_max` on a side.
///
/// # Errors
/// 422 for what is no JPEG, PNG or WebP, is broken, or is larger than can be decoded; 503 while too many wait.
pub async fn read(company: CompanyId, upload: Vec<u8>, side_max: u32) -> Result<Picture> {
    let _turn = turn_of(company, Some(WAITING_MAX)).await?;
    tokio::task::spawn_blocking(move || stored(decoded(&upload)?, side_max)).await.map_err(Error::internal)?
}

/// Makes the renditions of a company's stored picture that are narrower than it is.
///
/// # Errors
/// When the stored picture cannot be read.
pub async fn renditions(company: CompanyId, original: Vec<u8>) -> Result<Vec<Picture>> {
    let _turn = turn_of(company, None).await?;
    let made = tokio::task::spawn_blocking(move || {
        let whole = decoded(&original)?;
        let narrower = WIDTHS.into_iter().filter(|width| *width < whole.width());
        let height = |width: u32| std::cmp::max(1, u64::from(whole.height()) * u64::from(width) / u64::from(whole.width()));
        let made = narrower.map(|width| {
            let height = u32::try_from(height(width)).map_err(Error::internal)?;
            encoded(&whole.resize_exact(width, height, FilterType::CatmullRom))
        });
        made.collect::<Result<Vec<_>>>()
    });
    made.await.map_err(Error::internal)?
}

/// A picture that this program drew itself.
///
/// # Errors
/// When it cannot be written down.
pub fn of_pixels(pixels: RgbImage) -> Result<Picture> {
    encoded(&DynamicImage::ImageRgb8(pixels))
}

fn unreadable() -> Error {
    Error::invalid("file", "not_a_picture", "a JPEG, PNG or WebP picture that can be read")
}

/// The content says what it is, whatever its name; its size is read before any pixel is.
fn decoded(bytes: &[u8]) -> Result<DynamicImage> {
    let reader = || {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| unreadable())?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(SIDE_DECODED_MAX);
        limits.max_image_height = Some(SIDE_DECODED_MAX);
        limits.max_alloc = Some(DECODED_BYTES_MAX);
        reader.limits(limits);
        Ok::<_, Error>(reader)
    };
    let known = reader()?.format().is_some_and(|format| matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP));
    if !known {
        return Err(unreadable());
    }
    let (width, height) = reader()?.into_dimensions().map_err(|error| refused(&error))?;
    if u64::from(width) * u64::from(height) > PIXELS_MAX || width > SIDE_DECODED_MAX || height > SIDE_DECODED_MAX {
        return Err(too_large());
    }
    let mut decoder = reader()?.into_decoder().map_err(|error| refused(&error))?;
    let orientation = decoder.orientation().map_err(|error| refused(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn refused(error: &image::ImageError) -> Error {
    if matches!(error, image::ImageError::Limits(_)) { too_large() } else { unreadable() }
}

fn too_large() -> Error {
    Error::invalid("file", "picture_too_large", "at most 40 megapixels, and 16000 pixels on a side")
}

fn stored(picture: DynamicImage, side_max: u32) -> Result<Picture> {
    if picture.width() > side_max || picture.height() > side_max {
        encoded(&picture.resize(side_max, side_max, FilterType::CatmullRom))
    } else {
        encoded(&picture)
    }
}

/// Written anew from its pixels alone: nothing else of the upload is kept.
fn encoded(picture: &DynamicImage) -> Result<Picture> {
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::new();
    let kind = if picture.color().has_alpha() && is_seen_through(picture) {
        let pixels = picture.to_rgba8();
        WebPEncoder::new_lossless(&mut bytes)
            .write_image(&pixels, width, height, image::ExtendedColorType::Rgba8)
            .map_err(Error::internal)?;
        "webp"
    } else {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&picture.to_rgb8()).map_err(Error::internal)?;
        "jpg"
    };
    let hash = keys::hash(&bytes);
    Ok(Picture { bytes, width, height, kind, hash })
}

fn is_seen_through(picture: &DynamicImage) -> bool {
    picture.to_rgba8().pixels().any(|pixel| pixel.0.last().is_some_and(|alpha| *alpha < u8::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::poll;
    use tokio::{pin, time::timeout};

    use super::{CompanyId, Error, Result, WAITING_MAX, turn_of};

    const LONG: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_company_with_many_pictures_waits_behind_one_with_a_single_one() -> Result<()> {
        let (busy, other) = (CompanyId::new(), CompanyId::new());
        let first = turn_of(busy, Some(WAITING_MAX)).await?;
        let second = turn_of(busy, Some(WAITING_MAX));
        let single = turn_of(other, Some(WAITING_MAX));
        pin!(second, single);
        assert!(poll!(&mut second).is_pending() && poll!(&mut single).is_pending());
        drop(first);
        let single = timeout(LONG, single).await.map_err(Error::internal)??;
        assert!(poll!(&mut second).is_pending(), "two decode at once");
        drop(single);
        timeout(LONG, second).await.map_err(Error::internal)?.map(|_| ())
    }

    #[tokio::test]
    async fn only_so_many_of_one_company_wait() -> Result<()> {
        let company = CompanyId::new();
        let first = turn_of(company, Some(2)).await?;
        let second = turn_of(company, Some(2));
        pin!(second);
        assert!(poll!(&mut second).is_pending());
        assert_eq!(turn_of(company, Some(2)).await.err().map(|error| error.code()), Some("unavailable"));
        drop(first);
        second.await.map(|_| ())
    }
}
