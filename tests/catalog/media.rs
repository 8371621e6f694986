//! Pictures of goods: what is taken, what is refused, and what becomes of them.

use std::{io::Cursor, time::Duration};

use image::{GenericImageView, ImageFormat, Rgba, RgbaImage};
use serde_json::{Value, json};
use souk::{clock, workers};

use super::{make, new_product};
use crate::support::{Answer, World, png, text};

/// A JPEG that says in its EXIF block that it lies on its side, and where it was taken.
fn jpeg_on_its_side(width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, _| image::Rgb([if x < width / 2 { 250 } else { 5 }, 20, 20]));
    let mut plain = Cursor::new(Vec::new());
    picture.write_to(&mut plain, ImageFormat::Jpeg).expect("a picture");
    let plain = plain.into_inner();
    // One directory: orientation 6 (turn right), and a text nobody should ever see again.
    let secret = b"SECRET GARDEN 12.97N\0";
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend(b"\x0e\x01\x02\0");
    tiff.extend((secret.len() as u32).to_le_bytes());
    tiff.extend(38_u32.to_le_bytes());
    tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
    tiff.extend(b"\0\0\0\0");
    tiff.extend(secret);
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(tiff);
    let mut bytes = plain[..2].to_vec();
    bytes.extend(b"\xff\xe1");
    bytes.extend((exif.len() as u16 + 2).to_be_bytes());
    bytes.extend(exif);
    bytes.extend(&plain[2..]);
    bytes
}

/// A small file that unpacks to 19,000 × 19,000 pixels: a header that promises them, and little behind it.
fn bomb() -> Vec<u8> {
    let mut bytes = png(8, 8);
    bytes[16..20].copy_from_slice(&19_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&19_000_u32.to_be_bytes());
    let crc = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// The checksum of a PNG's chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    })
}

async fn fetch(world: &World, url: &str) -> Answer {
    world.client.call("GET", url, None, None, None, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_stands_upright_without_what_the_camera_wrote() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let id = make(client, &admin, &new_product("Camera", "CAM", 100)).await;
        let path = format!("/api/products/{id}/media");
        let upload = jpeg_on_its_side(600, 400);
        assert!(upload.windows(6).any(|part| part == b"SECRET"));
        let product = client.upload(&admin, &path, &[("alt", "From the front")], &[("file", "a.txt", upload)]).await.expect(201);
        let shown = &product["media"][0];
        assert_eq!((&shown["width"], &shown["height"], &shown["alt"]), (&json!(400), &json!(600), &json!("From the front")));
        let url = text(&shown["url"]);
        let renditions = shown["renditions"].as_array().expect("a list").clone();
        assert_eq!(renditions.len(), 1, "only what is narrower than the picture: {shown}");
        let small = text(&renditions[0]["url"]);

        // Before the job has run, the rendition is the original for a moment.
        let early = fetch(&world, &small).await;
        assert_eq!((early.status, early.headers["cache-control"].to_str().expect("text")), (200, "public, max-age=10"));
        world.verify().await;
        for (address, width) in [(&url, 400), (&small, 160)] {
            let answer = fetch(&world, address).await;
            let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            assert_eq!((answer.status, header("content-type")), (200, "image/jpeg".into()));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("cache-control").contains("immutable"), "{}", header("cache-control"));
            assert!(!answer.bytes.windows(6).any(|part| part == b"SECRET"), "what the camera wrote is still there");
            let picture = image::load_from_memory(&answer.bytes).expect("a picture");
            assert_eq!(picture.width(), width);
            let (top, bottom) = (picture.get_pixel(width / 2, 5), picture.get_pixel(width / 2, picture.height() - 5));
            assert!(top[0] > 200 && bottom[0] < 60, "the left side is the upper one now");
        }
        for wrong in ["/media/x", "/media/../souk.sqlite", "/media/%2e%2e/souk.sqlite", &url.replace(".jpg", ".webp")] {
            assert_eq!(fetch(&world, wrong).await.status, 404, "{wrong}");
        }
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_or_too_much_of_one_is_refused() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let path = format!("/api/products/{}/media", world.a.product);
        let file = async |bytes: Vec<u8>| client.upload(&admin, &path, &[], &[("file", "a.png", bytes)]).await;
        file(b"just a text that calls itself a picture".to_vec()).await.wrong("not_a_picture");
        file(png(50, 50)[..200].to_vec()).await.wrong("not_a_picture");
        file(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec()).await.wrong("not_a_picture");
        file(b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()).await.wrong("not_a_picture");
        file(bomb()).await.wrong("picture_too_large");
        file(vec![0; 10 * 1024 * 1024 + 1]).await.refused(413, "body_too_large");
        file(vec![0; 33 * 1024 * 1024]).await.refused(413, "body_too_large");
        client.upload(&admin, &path, &[], &[]).await.wrong("required");
        client.upload(&admin, &path, &[("colour", "red")], &[("file", "a.png", png(9, 9))]).await.wrong("unknown_field");
        let long = "x".repeat(201);
        client.upload(&admin, &path, &[("alt", &long)], &[("file", "a.png", png(9, 9))]).await.wrong("too_long");
        let other = world.b.variants[0].to_string();
        client.upload(&admin, &path, &[("variantId", &other)], &[("file", "a.png", png(9, 9))]).await.wrong("unknown");
        client.post(&admin, &path, &json!({ "file": "x" })).await.refused(415, "unsupported_media_type");
        let torn = [("content-type", "multipart/form-data; boundary=x")];
        client.send("POST", &path, Some(&admin), Some("--x\r\ncontent".into()), &torn).await.refused(400, "malformed_form");

        let upload = async |token: &str| client.upload(token, &path, &[], &[("file", "a.png", png(9, 9))]).await;
        upload(&world.staff(&world.b, "admin").await).await.refused(404, "not_found");
        upload(&world.staff(&world.a, "manager").await).await.refused(404, "not_found");
        upload(&world.staff(&world.a, "rider").await).await.refused(403, "forbidden");
        upload(&world.customer(&world.a, "painter@alpha.test").await).await.refused(403, "forbidden");
        assert_eq!(client.get(&admin, &format!("/api/products/{}", world.a.product)).await.expect(200)["media"], json!([]));
        world.verify().await;
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_put_in_order_and_go_when_nobody_shows_them() {
    for world in World::all().await {
        let client = &world.client;
        let admin = world.staff(&world.a, "admin").await;
        let product = format!("/api/products/{}", world.a.product);
        let glass = RgbaImage::from_fn(20, 20, |x, _| Rgba([9, 9, 200, if x < 10 { 0 } else { 255 }]));
        let mut seen_through = Cursor::new(Vec::new());
        glass.write_to(&mut seen_through, ImageFormat::Png).expect("a picture");
        for bytes in [png(30, 20), png(31, 20), seen_through.into_inner()] {
            client.upload(&admin, &format!("{product}/media"), &[], &[("file", "a", bytes)]).await.expect(201);
        }
        let order =
            |product: &Value| -> Vec<String> { product["media"].as_array().expect("a list").iter().map(|one| text(&one["id"])).collect() };
        let before = client.get(&admin, &product).await.expect(200);
        let ids = order(&before);
        assert!(text(&before["media"][2]["url"]).ends_with(".webp"), "what can be seen through stays so");

        let put = async |id: &str, body: Value| client.put(&admin, &format!("{product}/media/{id}"), &body).await;
        let after = put(&ids[2], json!({ "position": 0, "alt": "Glass", "variantId": world.a.variants[1] })).await.expect(200);
        assert_eq!(order(&after), [ids[2].clone(), ids[0].clone(), ids[1].clone()]);
        assert_eq!((&after["media"][0]["alt"], &after["media"][0]["variantId"]), (&json!("Glass"), &json!(world.a.variants[1])));
        put(&ids[0], json!({ "position": 99 })).await.expect(200);
        let listed = client.get(&admin, "/api/products?q=goods").await.expect(200);
        assert_eq!(order(&listed["data"][0]), [ids[2].clone(), ids[1].clone(), ids[0].clone()], "lists show the same");
        put(&ids[0], json!({ "variantId": world.b.variants[0] })).await.wrong("unknown");
        put(&world.a.shop.to_string(), json!({})).await.refused(404, "not_found");

        // The same file under two products is stored once; it goes with the last of them.
        let twin = make(client, &admin, &new_product("Twin", "TWIN", 1)).await;
        let shared = client.upload(&admin, &format!("/api/products/{twin}/media"), &[], &[("file", "b", png(30, 20))]).await.expect(201);
        let url = text(&shared["media"][0]["url"]);
        assert_eq!(url, text(&before["media"][0]["url"]));
        let delete =
            async |product: &str, id: &str| client.call("DELETE", &format!("{product}/media/{id}"), Some(&admin), None, None, &[]).await;
        delete(&product, &ids[0]).await.expect(204);
        delete(&product, &ids[0]).await.refused(404, "not_found");
        let later = i64::try_from(Duration::from_secs(2 * 3_600).as_micros()).expect("a span");
        clock::shifted(later, workers::turn(&world.souk)).await.expect("a turn");
        assert_eq!(fetch(&world, &url).await.status, 200, "the twin still shows it");
        delete(&format!("/api/products/{twin}"), &text(&shared["media"][0]["id"])).await.expect(204);
        clock::shifted(later * 2, workers::turn(&world.souk)).await.expect("a turn");
        assert_eq!(fetch(&world, &url).await.status, 404, "nobody shows it any more");
        // And may come again.
        client.upload(&admin, &format!("{product}/media"), &[], &[("file", "c", png(30, 20))]).await.expect(201);
        assert_eq!(fetch(&world, &url).await.status, 200);
        world.verify().await;
        world.close().await;
    }
}
